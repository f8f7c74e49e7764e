"""Answers that a model gave elsewhere: JSON lines of ``id`` and ``response``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shinsa_benchmarks.sources.records import Record, json_lines
from shinsa_benchmarks.vocabulary import Choice, FinishReason, ToolCall


@dataclass(frozen=True, slots=True)
class Answered:
    """What a model answered to one sample, in the order of the requests. ``line`` is the first that tells of it.

    ``benchmark`` and ``shots`` are what that line says it was asked for; empty and ``None`` where it does not say.
    """

    line: int
    choices: tuple[Choice, ...]
    benchmark: str = ""
    shots: int | None = None


def read_responses(path: Path) -> Mapping[str, Answered]:
    """Answers by sample id, in the file's order.

    A line holds ``id`` and ``response``, or ``responses`` where a sample takes several; an answer is a text, or an
    object of ``text``, ``reasoning``, ``finish_reason`` and ``tool_calls``. Answers to the requests of one sample may
    also stand on lines of their own, told apart by ``call`` (1, 2, ...). Other fields are passed over, so that a prompt
    file with answers added to it is one of these. Raises ``DatasetError`` for a broken line and for an id twice.
    """
    found: dict[str, dict[int | None, tuple[Record, tuple[Choice, ...]]]] = {}
    for record in json_lines(path):
        calls = found.setdefault(identifier(record), {})
        call = record.integer("call", 1) if "call" in record.fields else None
        if call in calls or (calls and (call is None or None in calls)):
            first = next(iter(calls.values()))[0]
            raise record.fault(f"id {identifier(record)!r} stands twice; first in line {first.line}")
        calls[call] = (record, _choices(record))
    return {name: _in_order(calls) for name, calls in found.items()}


def _in_order(calls: Mapping[int | None, tuple[Record, tuple[Choice, ...]]]) -> Answered:
    ordered = sorted(calls.items(), key=lambda entry: entry[0] or 0)
    for number, (call, (record, _)) in enumerate(ordered, start=1):
        if call is not None and call != number:
            raise record.fault(f"the answer to call {number} of id {identifier(record)!r} is missing")
    first = min((record for record, _ in calls.values()), key=lambda record: record.line or 0)
    benchmark, shots = first.fields.get("benchmark"), first.fields.get("shots")
    return Answered(
        first.line or 0,
        tuple(choice for _, (_, choices) in ordered for choice in choices),
        benchmark if isinstance(benchmark, str) else "",
        shots if isinstance(shots, int) else None,
    )


def identifier(record: Record) -> str:
    """The sample that a line speaks of; ids may be written as numbers."""
    value = record.get("id")
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        raise record.fault(f"field 'id' must be a sample's id, not {value!r}")
    return str(value)


def _choices(record: Record) -> tuple[Choice, ...]:
    if "responses" not in record.fields:
        return (_choice(record, "response", record.get("response"), record.fields),)
    if "response" in record.fields:
        raise record.fault("'response' and 'responses' are both there; give one of them")
    several = record.get("responses")
    if not isinstance(several, list) or not several:
        raise record.fault("field 'responses' must be a list of at least one answer")
    return tuple(_choice(record, f"responses[{index}]", one, {}) for index, one in enumerate(several))


def _choice(record: Record, name: str, answer: Any, beside: Mapping[str, Any]) -> Choice:
    """``beside`` holds what may stand next to an answer that is a bare text."""
    if isinstance(answer, str):
        return _parts(record, name, {**beside, "text": answer})
    if not isinstance(answer, dict):
        raise record.fault(f"field {name!r} must be a text, or an object with 'text', not {str(answer)[:60]!r}")
    return _parts(record, name, answer)


def _parts(record: Record, name: str, parts: Mapping[str, Any]) -> Choice:
    answer = Record(record.path, record.line, parts, name)
    text, reasoning = parts.get("text") or "", parts.get("reasoning") or ""
    if not isinstance(text, str) or not isinstance(reasoning, str):
        raise answer.fault("'text' and 'reasoning' must be texts")
    if "text" not in parts and not parts.get("tool_calls"):
        raise answer.fault("'text' or 'tool_calls' expected")
    finish = FinishReason.STOP
    if parts.get("finish_reason") is not None:
        finish = FinishReason(answer.one_of("finish_reason", [reason.value for reason in FinishReason]))
    calls = tuple(_tool_call(call) for call in answer.records("tool_calls")) if parts.get("tool_calls") else ()
    return Choice(text, finish, reasoning, calls)


def _tool_call(call: Record) -> ToolCall:
    """Arguments stay as the model wrote them; an object is written out."""
    arguments = call.get("arguments")
    written = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
    return ToolCall(call.text("name"), written, str(call.fields.get("id", "")))
