"""What is asked of a model, and what it answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

Role = Literal["system", "user", "assistant", "tool"]


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A function call that the model asked for; ``arguments`` is JSON as the model wrote it, valid or not."""

    name: str
    arguments: str
    id: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a chat."""

    role: Role
    content: str
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str = ""


@dataclass(frozen=True, slots=True)
class Tool:
    """A function that the model may call; ``parameters`` is its JSON Schema as text."""

    name: str
    description: str
    parameters: str


@dataclass(frozen=True, slots=True)
class StructuredOutput:
    """A shape that the answer must have. Exactly one field is set."""

    json_schema: str | None = None
    regex: str | None = None
    choice: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if sum(shape is not None for shape in (self.json_schema, self.regex, self.choice)) != 1:
            raise ValueError("structured output: set exactly one of json_schema, regex, choice")


@dataclass(frozen=True, slots=True)
class Sampling:
    """How to decode. ``None`` (or empty) leaves the engine's own default in force."""

    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    max_tokens: int | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()
    n: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    repetition_penalty: float | None = None
    min_p: float | None = None
    structured_output: StructuredOutput | None = None
    tools: tuple[Tool, ...] = ()
    tool_choice: str = ""
    reasoning_effort: str = ""
    reasoning_budget_tokens: int | None = None
    chat_template_arguments: str = ""
    logprobs: int | None = None


class FinishReason(StrEnum):
    """Why a model stopped."""

    STOP = "stop"
    LENGTH = "length"
    TOOL_CALLS = "tool_calls"
    CONTENT_FILTER = "content_filter"


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer; ``reasoning`` is what the model thought before it, where it can be told apart."""

    text: str
    finish_reason: FinishReason = FinishReason.STOP
    reasoning: str = ""
    tool_calls: tuple[ToolCall, ...] = ()


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model answered; as many choices as ``Sampling.n`` asked for."""

    choices: tuple[Choice, ...]

    @property
    def text(self) -> str:
        """Text of the first choice, without reasoning."""
        return self.choices[0].text

    @property
    def truncated(self) -> bool:
        """Whether the first choice ran out of tokens."""
        return self.choices[0].finish_reason is FinishReason.LENGTH

    @property
    def withheld(self) -> bool:
        """Whether the endpoint withheld the first choice."""
        return self.choices[0].finish_reason is FinishReason.CONTENT_FILTER


def messages(*turns: tuple[Role, str]) -> Sequence[Message]:
    """Short form: ``messages(("user", "..."), ("assistant", "..."))``."""
    return [Message(role, content) for role, content in turns]
