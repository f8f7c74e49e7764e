"""What was asked of a model, and what it answered."""

from __future__ import annotations

import json
from collections.abc import Iterable

from rich.console import RenderableType
from shinsa_client.generation import Choice, Completion, Generate, ToolCall

from shinsa_cli.render.boxes import box, facts, fingerprint_text
from shinsa_cli.render.numbers import duration

_ROLE_STYLES = {"system": "magenta", "user": "cyan", "assistant": "green", "tool": "yellow"}


def prompt_parts(request: Generate, result: Completion | None) -> Iterable[RenderableType]:
    for message in request.messages:
        yield box(message.role, message.content + _calls(message.tool_calls), _ROLE_STYLES.get(message.role, ""))
    if request.raw is not None:
        yield box("raw prompt", request.raw, "cyan")
    set_fields = {name: value for name, value in request.sampling.items() if value not in (None, "", [], {})}
    sent = _beyond_the_messages(result.effective_request_json) if result is not None else ""
    yield facts(
        [
            ("model", request.model),
            ("sampling", ", ".join(f"{name}={_brief(value)}" for name, value in set_fields.items())),
            ("as sent", sent),
        ]
    )


def _beyond_the_messages(effective_request: str) -> str:
    """The request as sent, on one line, without the prompt that was just shown (unless it went out in another form)."""
    try:
        body = json.loads(effective_request)
    except ValueError:
        return effective_request
    if not isinstance(body, dict):
        return effective_request
    return json.dumps({name: value for name, value in body.items() if name != "messages"}, ensure_ascii=False)


def completion_parts(result: Completion) -> Iterable[RenderableType]:
    for number, choice in enumerate(result.choices, start=1):
        which = f" {number} of {len(result.choices)}" if len(result.choices) > 1 else ""
        if choice.reasoning:
            yield box(f"reasoning{which}", choice.reasoning, "yellow")
        yield box(f"reply{which} ({choice.finish_reason})", _reply(choice), "green")
    yield completion_facts(result)


def completion_facts(result: Completion) -> RenderableType:
    """What it took, and what answered."""
    usage = result.usage
    cached = f", {usage.cached_tokens} cached" if usage.cached_tokens else ""
    thought = f", {usage.reasoning_tokens} of them reasoning" if usage.reasoning_tokens else ""
    return facts(
        [
            ("finish", ", ".join(choice.finish_reason for choice in result.choices)),
            ("tokens", f"{usage.prompt_tokens} in{cached}, {usage.completion_tokens} out{thought}"),
            ("latency", duration(result.latency_seconds)),
            ("engine", fingerprint_text(result.fingerprint)),
        ]
    )


def _reply(choice: Choice) -> str:
    return choice.text + _calls(choice.tool_calls)


def _calls(calls: Iterable[ToolCall]) -> str:
    return "".join(f"\n→ {call.name}({call.arguments_json})" for call in calls)


def _brief(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
