"""Puts the events of a streamed answer together again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from shinsa_inference.domain.completion import Delta
from shinsa_inference.domain.reasoning import ReasoningSplitter
from shinsa_inference.outbound.openai.answers import malformed, reasoning_of

_RAW_LOGPROBS = ("tokens", "token_logprobs", "top_logprobs")


@dataclass(slots=True)
class _Growing:
    """One choice so far."""

    text: str = ""
    reasoning: str = ""
    finish_reason: str | None = None
    calls: dict[int, dict[str, Any]] = field(default_factory=dict)
    logprobs: list[Any] = field(default_factory=list)
    # Of a raw prompt: tokens, their probabilities, and the alternatives to each.
    raw_logprobs: dict[str, list[Any]] = field(default_factory=lambda: {name: [] for name in _RAW_LOGPROBS})
    is_chat: bool = True


class StreamReader:
    """Takes events in; gives deltas of the first choice, and in the end the answer as if it had come in one piece."""

    def __init__(self) -> None:
        self._choices: dict[int, _Growing] = {}
        self._top: dict[str, Any] = {}
        self._splitter = ReasoningSplitter()

    def feed(self, event: object) -> Iterator[Delta]:
        """The deltas of one event."""
        if not isinstance(event, dict):
            malformed("a stream event that is no object")
        for name in ("model", "system_fingerprint", "usage"):
            if event.get(name):
                self._top[name] = event[name]
        for choice in event.get("choices") or ():
            yield from self._add(choice)

    def finish(self) -> list[Delta]:
        """Deltas that were held back."""
        return self._splitter.finish()

    def answer(self) -> dict[str, Any]:
        """The answer in the form of the unstreamed resource."""
        if any(choice.finish_reason is None for choice in self._choices.values()):
            malformed("a stream that ended before its choices did")
        choices = [_whole(index, choice) for index, choice in sorted(self._choices.items())]
        return {**self._top, "choices": choices}

    def _add(self, choice: dict[str, Any]) -> Iterator[Delta]:
        index = choice.get("index") or 0
        growing = self._choices.setdefault(index, _Growing())
        delta = choice.get("delta")
        if delta is None:
            growing.is_chat = False
            delta = {"content": choice.get("text")}
        growing.finish_reason = choice.get("finish_reason") or growing.finish_reason
        _collect_logprobs(growing, choice.get("logprobs"))
        _collect_calls(growing, delta.get("tool_calls") or ())
        thought, text = reasoning_of(delta), delta.get("content") or ""
        growing.reasoning += thought
        growing.text += text
        if index == 0 and thought:
            yield Delta(thought, reasoning=True)
        if index == 0 and text:
            yield from self._splitter.feed(text)


def _collect_logprobs(growing: _Growing, logprobs: object) -> None:
    if not isinstance(logprobs, dict):
        return
    growing.logprobs.extend(logprobs.get("content") or ())
    nothing = [None] * len(logprobs.get("tokens") or ())
    for name, known in growing.raw_logprobs.items():
        known.extend(logprobs.get(name) or nothing)


def _collect_calls(growing: _Growing, calls: Any) -> None:
    for call in calls:
        whole = growing.calls.setdefault(call.get("index") or 0, {"id": "", "function": {"name": "", "arguments": ""}})
        function = call.get("function") or {}
        whole["id"] = call.get("id") or whole["id"]
        whole["function"]["name"] += function.get("name") or ""
        whole["function"]["arguments"] += function.get("arguments") or ""


def _whole(index: int, choice: _Growing) -> dict[str, Any]:
    ended = {"index": index, "finish_reason": choice.finish_reason}
    if not choice.is_chat:
        return {**ended, "text": choice.text, "logprobs": choice.raw_logprobs}
    message: dict[str, Any] = {"content": choice.text or None, "reasoning_content": choice.reasoning}
    if choice.calls:
        message["tool_calls"] = [call for _, call in sorted(choice.calls.items())]
    elif not choice.text and not choice.reasoning:
        message["content"] = ""
    return {**ended, "message": message, "logprobs": {"content": choice.logprobs} if choice.logprobs else None}
