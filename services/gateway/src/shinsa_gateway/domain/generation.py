"""What was asked of a model, and what it answered."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import ConfigDict, Field, model_validator

from shinsa_gateway.domain.resource import Resource, Writable, one_of


class ToolCall(Writable):
    """A function call that the model asked for."""

    id: str = ""
    name: str
    arguments_json: str = Field(description="As the model wrote them; may be no valid JSON.")


class Message(Writable):
    """One turn of a chat."""

    role: str = Field(description="`system`, `user`, `assistant` or `tool`.")
    content: str
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str = ""


class Tool(Writable):
    """A function that the model might call."""

    name: str
    description: str = ""
    parameters_json: str = Field(default="", description="JSON Schema of the arguments.")
    strict: bool = Field(default=False, description="The arguments were held to it while they were written.")


class StructuredOutput(Writable):
    """The shape that the answer had to have. Exactly one field is set."""

    json_schema: str | None = None
    regex: str | None = None
    choice: tuple[str, ...] | None = None


class Sampling(Writable):
    """How to decode. Null or empty: not sent, the engine's own default."""

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
    chat_template_arguments_json: str = ""
    logprobs: int | None = None


class Generate(Resource):
    """A prompt: either a chat (`messages`) or raw text (`raw`)."""

    model: str
    messages: tuple[Message, ...] = ()
    raw: str | None = Field(default=None, description="Given to the model as it is, without chat template.")
    sampling: Sampling = Sampling()


class TokenLogprob(Resource):
    """One token's log-probability and its best rivals."""

    token: str
    logprob: float
    top: tuple[TokenLogprob, ...] = ()


class Choice(Resource):
    """One answer."""

    text: str = Field(description="The answer without the reasoning.")
    reasoning: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    finish_reason: str = Field(description="`stop`, `length`, `tool_calls`, `content_filter` or `unknown`.")
    logprobs: tuple[TokenLogprob, ...] = ()


class TokenUsage(Resource):
    """Tokens of one call."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    reasoning_tokens: int = Field(default=0, description="Part of `completion_tokens`.")
    cached_tokens: int = Field(default=0, description="Part of `prompt_tokens`.")


class EngineFingerprint(Resource):
    """What produced an answer."""

    engine: str = ""
    engine_version: str = ""
    model: str = ""
    revision: str = ""
    dtype: str = ""
    reported: str = ""
    settings_digest: str = Field(default="", description="Of everything in the model's entry that bears on answers.")


class Cost(Resource):
    """An amount of money."""

    amount: float
    currency: str = Field(description="ISO 4217.")


class Completion(Resource):
    """What a model answered."""

    choices: tuple[Choice, ...]
    usage: TokenUsage = TokenUsage()
    effective_request_json: str = Field(default="", description="The body as it was sent, JSON, secrets left out.")
    fingerprint: EngineFingerprint = EngineFingerprint()
    latency_seconds: float = 0
    greedy: bool = Field(default=False, description="Chance had no part in it: temperature 0, one choice.")
    cost: Cost | None = Field(default=None, description="By the price in the model's entry; null without one.")


class Turn(Message):
    """One turn of a chat that is asked for; one that was recorded may have a role that is not known here."""

    role: Literal["system", "user", "assistant", "tool"]


class Order(Writable):
    """A prompt for a model: either a chat (`messages`) or raw text (`raw`)."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"messages": [{"role": "user", "content": "日本の首都は？"}], "sampling": {"max_tokens": 64}}]
        }
    )

    messages: tuple[Turn, ...] | None = Field(default=None, min_length=1)
    raw: str | None = Field(default=None, min_length=1, description="Given to the model as it is.")
    sampling: Sampling = Sampling()

    @model_validator(mode="after")
    def _one_prompt(self) -> Self:
        one_of(messages=self.messages, raw=self.raw)
        return self
