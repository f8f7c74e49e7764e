"""One question to a judge and its reply, whatever the judge is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal


class Form(StrEnum):
    """How a judge is held to the agreed form; the values are those of ``structured`` in a profile."""

    # A JSON object of the rubric's schema, enforced while decoding.
    JSON = "json_schema"
    # The same object as the arguments of a tool that the judge is made to call.
    TOOL = "tool"
    # Nothing but the marker, enforced while decoding; no explanation.
    CHOICE = "choice"
    # Explanation, then the marker; only asked for, not enforced.
    TEXT = "text"

    @property
    def structured(self) -> bool:
        """Whether the reply is an object of the rubric's schema."""
        return self in (Form.JSON, Form.TOOL)


class Finish(StrEnum):
    """Why the judge stopped."""

    STOP = "stop"
    LENGTH = "length"
    TOOL_CALLS = "tool_calls"
    CONTENT_FILTER = "content_filter"


@dataclass(frozen=True, slots=True)
class Message:
    role: Literal["system", "user"]
    content: str


@dataclass(frozen=True, slots=True)
class Question:
    """What a judge is sent.

    ``schema`` is JSON Schema as text where the form is structured, ``choices`` the permitted replies where it is a
    choice. ``rubric`` names the schema and the tool. ``ask`` counts from 1: a judge that gave an unreadable reply is
    asked again. ``repeat`` counts from 0: a panel may put the same question several times. ``models`` as in
    ``JudgeRequest``.
    """

    messages: tuple[Message, ...]
    form: Form
    rubric: str = ""
    schema: str = ""
    choices: tuple[str, ...] = ()
    ask: int = 1
    repeat: int = 0
    models: Mapping[str, str] = field(default_factory=dict)

    @property
    def user_text(self) -> str:
        """Content of the last user message."""
        return next(message.content for message in reversed(self.messages) if message.role == "user")


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens; ``reasoning_tokens`` are part of ``completion_tokens``, ``cached_tokens`` of ``prompt_tokens``."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    reasoning_tokens: int = 0
    cached_tokens: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.reasoning_tokens + other.reasoning_tokens,
            self.cached_tokens + other.cached_tokens,
        )


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What produced a reply, as precisely as it says of itself."""

    engine: str = ""
    engine_version: str = ""
    model: str = ""
    revision: str = ""
    dtype: str = ""
    reported: str = ""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call that the judge made; ``arguments`` is JSON as it wrote it, valid or not."""

    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Reply:
    """What a judge said. ``refused``: the endpoint itself declared the reply a refusal."""

    text: str
    finish: Finish = Finish.STOP
    refused: bool = False
    calls: tuple[ToolCall, ...] = ()
    usage: Usage = field(default_factory=Usage)
    fingerprint: Fingerprint = field(default_factory=Fingerprint)

    @property
    def raw(self) -> str:
        """The text, or the arguments of the calls where there is none."""
        return self.text or "\n".join(call.arguments for call in self.calls)


def sound_text(text: str) -> str:
    """The text with lone surrogates, which no UTF-8 can carry, replaced by U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
