"""What is asked of a model. Mirrors ``shinsa.inference.v1``; ``inbound/wire.py`` checks bounds on the way in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum


class Role(StrEnum):
    """Who speaks in a turn; the values are the words that chat templates know."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A function call that the model asked for; ``arguments`` is JSON as the model wrote it, valid or not."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a chat."""

    role: Role
    content: str
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str = ""


@dataclass(frozen=True, slots=True)
class Chat:
    """Turns for the model's chat template."""

    messages: tuple[Message, ...]

    @property
    def last_user_text(self) -> str:
        """Content of the last user turn; empty if there is none."""
        return next((turn.content for turn in reversed(self.messages) if turn.role is Role.USER), "")


@dataclass(frozen=True, slots=True)
class Tool:
    """A function that the model may call; ``parameters`` is the JSON Schema of its arguments.

    ``strict``: they are held to it while they are written, where the engine can.
    """

    name: str
    description: str
    parameters: Mapping[str, object]
    strict: bool = False


@dataclass(frozen=True, slots=True)
class StructuredOutput:
    """A shape that the answer must have; exactly one field is set. ``json_schema`` is JSON text."""

    json_schema: str = ""
    regex: str = ""
    choice: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """Name of the field that is set."""
        return "json_schema" if self.json_schema else "regex" if self.regex else "choice"


@dataclass(frozen=True, slots=True)
class Sampling:
    """How to decode. ``None`` or empty leaves the engine's own default in force."""

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
    chat_template_arguments: Mapping[str, object] = field(default_factory=dict)
    logprobs: int | None = None

    @property
    def greedy(self) -> bool:
        """Whether chance has no part: temperature 0 and one choice. An engine's own default is not known here."""
        return self.temperature == 0 and (self.n or 1) == 1

    def filled_from(self, defaults: Sampling) -> Sampling:
        """This, with what it leaves open taken from ``defaults``."""
        open_names = (name for name in _NAMES if not _is_set(getattr(self, name)))
        return replace(self, **{name: getattr(defaults, name) for name in open_names})

    def set_fields(self) -> tuple[str, ...]:
        """Names of the fields that the request sets, as ``OpenAiEngine.accepts`` spells them."""
        return tuple(_WIRE_NAMES.get(name, name) for name in _NAMES if _is_set(getattr(self, name)))


@dataclass(frozen=True, slots=True)
class GenerateRequest:
    """A prompt for a model: a chat, or raw text that bypasses the chat template."""

    model: str
    prompt: Chat | str
    sampling: Sampling = Sampling()


_NAMES = tuple(field.name for field in fields(Sampling))
_WIRE_NAMES = {"chat_template_arguments": "chat_template_arguments_json"}
SAMPLING_FIELDS = tuple(_WIRE_NAMES.get(name, name) for name in _NAMES)
# Of them, what means nothing to a raw prompt.
CHAT_ONLY_FIELDS = ("tools", "tool_choice", "reasoning_effort", "chat_template_arguments_json")


def _is_set(value: object) -> bool:
    return value is not None and value != () and value != "" and value != {}
