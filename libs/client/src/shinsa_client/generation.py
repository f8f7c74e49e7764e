"""What a model was asked, and what it answered."""

from __future__ import annotations

from pydantic import Field

from shinsa_client.answer import Answer, JsonObject


class ToolCall(Answer):
    name: str
    arguments_json: str = ""


class Message(Answer):
    role: str
    content: str = ""
    tool_calls: tuple[ToolCall, ...] = ()


class Generate(Answer):
    model: str
    messages: tuple[Message, ...] = ()
    raw: str | None = None
    sampling: JsonObject = Field(default_factory=dict)


class Choice(Answer):
    text: str = ""
    reasoning: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    finish_reason: str = ""


class TokenUsage(Answer):
    prompt_tokens: int = 0
    completion_tokens: int = 0
    reasoning_tokens: int = 0
    cached_tokens: int = 0


class EngineFingerprint(Answer):
    engine: str = ""
    engine_version: str = ""
    model: str = ""
    revision: str = ""
    dtype: str = ""
    reported: str = ""
    settings_digest: str = ""


class Cost(Answer):
    amount: float
    currency: str = ""


class Completion(Answer):
    choices: tuple[Choice, ...] = ()
    usage: TokenUsage = TokenUsage()
    effective_request_json: str = ""
    fingerprint: EngineFingerprint = EngineFingerprint()
    latency_seconds: float = 0
    greedy: bool = False
    cost: Cost | None = None
