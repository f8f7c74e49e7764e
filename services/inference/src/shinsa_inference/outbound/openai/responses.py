"""The Responses API: our request as its body, its answer in the form of a chat completion."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from shinsa_chassis.errors import Reason, ShinsaError

from shinsa_inference.domain.completion import Delta
from shinsa_inference.domain.model import OpenAiEngine
from shinsa_inference.domain.request import Chat, GenerateRequest, Message, Role, Sampling
from shinsa_inference.outbound.openai.answers import malformed
from shinsa_inference.outbound.openai.body import check_accepted, refused, with_extras

RESPONSES_PATH = "/responses"

_PLAIN = ("temperature", "top_p")
# All that the API has a place for; whatever an entry names besides would be lost on the way.
_TAKEN = (*_PLAIN, "max_tokens", "structured_output", "tools", "tool_choice", "reasoning_effort", "logprobs")


def responses_body(request: GenerateRequest, engine: OpenAiEngine) -> dict[str, Any]:
    """The body. Raises INVALID_ARGUMENT for what this API does not take."""
    if not isinstance(request.prompt, Chat):
        raise ShinsaError(
            Reason.INVALID_ARGUMENT, "prompt.raw: the Responses API takes chats only.", field="prompt.raw"
        )
    check_accepted(request, engine)
    sampling = request.sampling
    for name in sampling.set_fields():
        if name not in _TAKEN:
            raise refused(name, "the Responses API has no such parameter; unset it, or set the entry's api to chat")
    shape = sampling.structured_output
    if shape is not None and not shape.json_schema:
        why = "the Responses API takes a JSON schema alone; give one, or set the entry's api to chat"
        raise refused(f"structured_output.{shape.kind}", why)
    body: dict[str, Any] = {
        "model": engine.model,
        "input": [item for turn in request.prompt.messages for item in _items(turn)],
        "store": False,
    }
    body |= {name: value for name in _PLAIN if (value := getattr(sampling, name)) is not None}
    if sampling.max_tokens is not None:
        body["max_output_tokens"] = sampling.max_tokens
    if sampling.reasoning_effort:
        body["reasoning"] = {"effort": sampling.reasoning_effort}
    if sampling.logprobs is not None:
        body |= {"top_logprobs": sampling.logprobs, "include": ["message.output_text.logprobs"]}
    return with_extras(body | _forms(sampling), engine)


def _items(turn: Message) -> Iterator[dict[str, Any]]:
    if turn.role is Role.TOOL:
        yield {"type": "function_call_output", "call_id": turn.tool_call_id, "output": turn.content}
        return
    if turn.content or not turn.tool_calls:
        yield {"role": turn.role.value, "content": turn.content}
    for call in turn.tool_calls:
        yield {"type": "function_call", "call_id": call.id, "name": call.name, "arguments": call.arguments}


def _forms(sampling: Sampling) -> dict[str, Any]:
    forms: dict[str, Any] = {}
    if sampling.tools:
        forms["tools"] = [
            {
                "type": "function",
                "name": tool.name,
                "description": tool.description,
                "parameters": dict(tool.parameters),
                "strict": tool.strict,
            }
            for tool in sampling.tools
        ]
    if sampling.tool_choice:
        plain = sampling.tool_choice in ("auto", "none", "required")
        forms["tool_choice"] = sampling.tool_choice if plain else {"type": "function", "name": sampling.tool_choice}
    shape = sampling.structured_output
    if shape is not None:
        schema = {"type": "json_schema", "name": "answer", "strict": True, "schema": json.loads(shape.json_schema)}
        forms["text"] = {"format": schema}
    return forms


def as_chat(answer: Mapping[str, Any]) -> dict[str, Any]:
    """The answer as Chat Completions would have given it, so that one reader serves both."""
    if answer.get("status") == "failed":
        raise _failed(answer)
    output = answer.get("output")
    if not isinstance(output, list) or not all(isinstance(item, dict) for item in output):
        malformed("an answer without output")
    message, logprobs = _message(output)
    return {
        "model": answer.get("model"),
        "choices": [
            {
                "index": 0,
                "message": message,
                "finish_reason": _finish(answer, message),
                "logprobs": {"content": logprobs} if logprobs else None,
            }
        ],
        "usage": _usage(answer.get("usage")),
    }


def _message(output: list[dict[str, Any]]) -> tuple[dict[str, Any], list[Any]]:
    texts: list[str] = []
    logprobs: list[Any] = []
    message: dict[str, Any] = {}
    for item in output:
        match item.get("type"):
            case "message":
                for part in item.get("content") or ():
                    texts += [part["text"]] if part.get("type") == "output_text" else []
                    message |= {"refusal": part["refusal"]} if part.get("type") == "refusal" else {}
                    logprobs += part.get("logprobs") or ()
            case "reasoning":
                parts = item.get("content") or item.get("summary") or ()
                message["reasoning_content"] = "\n\n".join(part.get("text") or "" for part in parts)
            case "function_call":
                function = {"name": item.get("name"), "arguments": item.get("arguments")}
                message.setdefault("tool_calls", []).append({"id": item.get("call_id"), "function": function})
    return {**message, "content": "".join(texts) if texts else None}, logprobs


def _finish(answer: Mapping[str, Any], message: Mapping[str, Any]) -> str:
    if answer.get("status") == "incomplete":
        reason = (answer.get("incomplete_details") or {}).get("reason")
        return "content_filter" if reason == "content_filter" else "length"
    return "tool_calls" if message.get("tool_calls") else "stop"


def _usage(usage: object) -> dict[str, Any] | None:
    if not isinstance(usage, dict):
        return None
    return {
        "prompt_tokens": usage.get("input_tokens"),
        "completion_tokens": usage.get("output_tokens"),
        "prompt_tokens_details": usage.get("input_tokens_details"),
        "completion_tokens_details": usage.get("output_tokens_details"),
    }


def _failed(answer: Mapping[str, Any]) -> ShinsaError:
    error = answer.get("error") or {}
    return ShinsaError(
        Reason.UPSTREAM_FAILED, f"The endpoint broke off: {error.get('message') or error.get('code') or 'no reason'}"
    )


class ResponsesReader:
    """Takes the events of a streamed answer; the last one holds the whole."""

    def __init__(self) -> None:
        self._whole: dict[str, Any] | None = None

    def feed(self, event: object) -> Iterator[Delta]:
        """The deltas of one event."""
        if not isinstance(event, dict):
            malformed("a stream event that is no object")
        match event.get("type"):
            case "response.output_text.delta":
                yield Delta(event.get("delta") or "")
            case "response.reasoning_summary_text.delta" | "response.reasoning_text.delta":
                yield Delta(event.get("delta") or "", reasoning=True)
            case "response.completed" | "response.incomplete" | "response.failed":
                self._whole = event.get("response")
            case "error":
                raise _failed({"error": event})

    def finish(self) -> list[Delta]:
        return []

    def answer(self) -> dict[str, Any]:
        """The answer in the form of an unstreamed chat completion."""
        if self._whole is None:
            malformed("a stream that ended before its answer did")
        return as_chat(self._whole)
