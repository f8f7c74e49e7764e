"""What an endpoint allows in a minute, and what a request will likely count for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from shinsa_chassis.pacing import likely_tokens

from shinsa_inference.domain.model import OpenAiEngine
from shinsa_inference.domain.request import Chat, GenerateRequest

_USUAL_ANSWER = 512


@dataclass(frozen=True, slots=True)
class Rates:
    """``shinsa_chassis.pacing.Limits`` of an entry."""

    requests_per_minute: float | None
    tokens_per_minute: float | None

    @classmethod
    def of(cls, engine: OpenAiEngine) -> Self:
        return cls(engine.requests_per_minute or None, engine.tokens_per_minute or None)


def tokens_of(request: GenerateRequest) -> int:
    """A guess, prompt and answer together; providers count the answer by its limit as well."""
    prompt = request.prompt
    turns = [turn.content for turn in prompt.messages] if isinstance(prompt, Chat) else [prompt]
    return likely_tokens(sum(map(len, turns)), request.sampling.max_tokens or _USUAL_ANSWER)
