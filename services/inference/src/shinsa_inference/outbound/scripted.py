"""Answers by rule, for tests and dry runs: the same answer to the same prompt, at next to no cost."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncGenerator

from shinsa_chassis.errors import Reason, ShinsaError

from shinsa_inference.domain.completion import Choice, Completion, EngineFingerprint, FinishReason, Piece, TokenUsage
from shinsa_inference.domain.model import ModelEntry, ScriptedEngine, settings_digest
from shinsa_inference.domain.reasoning import ReasoningSplitter, split_reasoning
from shinsa_inference.domain.request import GenerateRequest, Sampling

VERSION = "1"
# What a token is here: so many bytes of UTF-8, about what real tokenizers come to.
BYTES_PER_TOKEN = 4


class Scripted:
    """Searches the rules in order in the last user turn or raw prompt.

    ``stop`` and ``max_tokens`` cut the reply as an engine would, ``n`` repeats it; the rest of sampling has no bearing
    on a fixed reply. Raises FAILED_PRECONDITION where no rule matches and there is no ``otherwise``.
    """

    def __init__(self, entry: ModelEntry, engine: ScriptedEngine) -> None:
        self._name = entry.name
        self._rules = [(re.compile(rule.pattern), rule.reply) for rule in engine.rules]
        self._otherwise = engine.otherwise
        self._latency = engine.latency_seconds
        self._fingerprint = EngineFingerprint("scripted", VERSION, entry.name, settings_digest=settings_digest(entry))

    @property
    def alive(self) -> bool:
        return True

    async def generate(self, request: GenerateRequest) -> Completion:
        """The reply, after the configured latency."""
        started = time.perf_counter()
        if request.sampling.logprobs is not None:
            raise ShinsaError(
                Reason.INVALID_ARGUMENT,
                "A scripted model has no log-probabilities; leave sampling.logprobs unset.",
                field="sampling.logprobs",
            )
        asked = request.prompt if isinstance(request.prompt, str) else request.prompt.last_user_text
        rule, reply = self._reply(asked)
        if self._latency:
            await asyncio.sleep(self._latency)
        return self._completion(request, asked, rule, reply, time.perf_counter() - started)

    async def stream(self, request: GenerateRequest) -> AsyncGenerator[Piece, None]:
        """The reply word by word."""
        completion = await self.generate(request)
        asked = request.prompt if isinstance(request.prompt, str) else request.prompt.last_user_text
        text, _, _ = _cut(self._reply(asked)[1], request.sampling)
        splitter = ReasoningSplitter()
        for piece in re.findall(r"\s*\S+|\s+$", text):
            for delta in splitter.feed(piece):
                yield delta
        for delta in splitter.finish():
            yield delta
        yield completion

    async def close(self) -> None:
        return

    def _reply(self, asked: str) -> tuple[int | None, str]:
        for number, (pattern, reply) in enumerate(self._rules):
            match = pattern.search(asked)
            if match:
                return number, match.expand(reply)
        if not self._otherwise:
            raise ShinsaError(
                Reason.FAILED_PRECONDITION,
                f"No rule of the scripted model {self._name!r} matches the prompt; add one, or set `otherwise`.",
                field="scripted.rules",
            )
        return None, self._otherwise

    def _completion(
        self, request: GenerateRequest, asked: str, rule: int | None, reply: str, seconds: float
    ) -> Completion:
        text, tokens, finish = _cut(reply, request.sampling)
        reasoning, answer = split_reasoning(text)
        count = request.sampling.n or 1
        return Completion(
            choices=(Choice(answer, finish, reasoning),) * count,
            usage=TokenUsage(_tokens(asked), tokens * count, _tokens(reasoning) * count),
            effective_request=json.dumps({"asked": asked, "rule": rule}, ensure_ascii=False),
            fingerprint=self._fingerprint,
            latency_seconds=seconds,
        )


def _cut(reply: str, sampling: Sampling) -> tuple[str, int, FinishReason]:
    """Text, tokens and reason after stop strings and the token limit."""
    for stop in sampling.stop:
        reply = reply.partition(stop)[0]
    limit, tokens = sampling.max_tokens, _tokens(reply)
    if limit is None or tokens <= limit:
        return reply, tokens, FinishReason.STOP
    cut = reply.encode()[: limit * BYTES_PER_TOKEN].decode(errors="ignore")
    return cut, limit, FinishReason.LENGTH


def _tokens(text: str) -> int:
    return -(-len(text.encode()) // BYTES_PER_TOKEN)
