"""What was asked of a judge, and what it found."""

from __future__ import annotations

import json
from collections.abc import Iterable

from rich.console import RenderableType
from rich.text import Text
from shinsa_client.generation import Cost
from shinsa_client.judgement import Judge, Member, Spread, Verdict

from shinsa_cli.render.boxes import box, facts, fingerprint_text
from shinsa_cli.render.console import clean


def case_parts(request: Judge, result: Verdict | None) -> Iterable[RenderableType]:
    if result is not None and result.rendered_json:
        yield from _rendered(result.rendered_json)
    else:
        for name, value in request.fields.items():
            yield box(name, value, "cyan")
    yield facts([("rubric", request.rubric), ("profile", request.profile)])


def _rendered(rendered_json: str) -> Iterable[RenderableType]:
    try:
        messages = json.loads(rendered_json)
        boxes = [box(f"to the judge: {message['role']}", str(message["content"]), "cyan") for message in messages]
    except (ValueError, TypeError, KeyError):
        boxes = [box("to the judge", rendered_json, "cyan")]
    yield from boxes


def verdict_parts(result: Verdict) -> Iterable[RenderableType]:
    yield Text("verdict ").append_text(_found(result))
    if len(result.members) > 1:
        yield facts((_member_label(member), _member_text(member)) for member in result.members)
    if result.explanation and result.explanation.strip() != result.raw_reply.strip():
        yield box("explanation", result.explanation, "green")
    yield box("the judge's reply", result.raw_reply, "green")
    usage, judge = result.usage, result.judge
    yield facts(
        [
            ("findings", ", ".join(f"{one.name} {_shown(one.value)}" for one in result.findings)),
            ("spread", _spread_text(result.spread)),
            ("tokens", f"{usage.prompt_tokens} in, {usage.completion_tokens} out, asked {result.asks} times"),
            ("cost", cost_text(result.cost) if result.cost else ""),
            ("judge", f"{judge.profile} {judge.profile_digest[:12]}, rubric {judge.rubric_digest[:12]}"),
            ("engine", fingerprint_text(judge.fingerprint)),
        ]
    )


def cost_text(cost: Cost) -> str:
    """Such as "0.0123 USD" or "12,345.67 USD"."""
    amount = f"{cost.amount:,.2f}" if cost.amount >= 1 else f"{cost.amount:.4g}"
    return f"{amount} {clean(cost.currency)}"


def _found(result: Verdict) -> Text:
    if not result.readable:
        return Text(f"unreadable: {clean(result.unreadable_reason)}", "bold red")
    value = f"{result.value:g}" if result.value is not None else ""
    return Text(" ".join(filter(None, (value, clean(result.label)))), "bold green")


def _member_label(member: Member) -> str:
    return member.verdict.judge.profile + (" swapped" if member.swapped else "")


def _member_text(member: Member) -> str:
    repeat = f"time {member.repeat + 1}: " if member.repeat else ""
    return repeat + " – ".join(filter(None, (_found(member.verdict).plain, member.verdict.explanation)))


def _spread_text(spread: Spread | None) -> str:
    if spread is None:
        return ""
    ends = f"{spread.lowest:g} to {spread.highest:g}, deviation {spread.deviation:.3g}"
    return f"{ends}, {spread.agreement:.0%} agree on the most frequent"


def _shown(value: bool | float | str) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else value
