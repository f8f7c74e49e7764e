"""Puts the small questions of a model's check to its engine."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import aclosing

from shinsa_inference.domain.completion import Completion, Delta
from shinsa_inference.domain.request import Chat, GenerateRequest, Message, Role, Sampling
from shinsa_inference.ports import Engine

# Tokens: enough for a model that thinks first, and too few for a long answer.
ROOM = 1024
SHORT = 8


class Asker:
    """Asks one engine."""

    def __init__(self, engine: Engine, model: str) -> None:
        self._engine = engine
        self._model = model

    async def chat(self, text: str, /, **sampling: object) -> Completion:
        return await self._engine.generate(self._request(text, "", sampling))

    async def led(self, text: str, system: str) -> Completion:
        """With a system turn before it."""
        return await self._engine.generate(self._request(text, system, {}))

    async def raw(self, text: str) -> Completion:
        return await self._engine.generate(GenerateRequest(self._model, text, Sampling(max_tokens=SHORT)))

    async def streamed(self, text: str) -> tuple[list[Delta], Completion]:
        pieces: list[Delta] = []
        async with aclosing(self._engine.stream(self._request(text, "", {}))) as stream:
            async for piece in stream:
                if isinstance(piece, Completion):
                    return pieces, piece
                pieces.append(piece)
        raise AssertionError("a stream ends with its completion")

    async def said(self, text: str, /, **sampling: object) -> str:
        """Thoughts and answer together: what was decoded."""
        choice = (await self.chat(text, **sampling)).choices[0]
        return choice.reasoning + choice.text

    def _request(self, text: str, system: str, sampling: Mapping[str, object]) -> GenerateRequest:
        turns = (Message(Role.SYSTEM, system),) if system else ()
        options = Sampling(**{"max_tokens": ROOM, **sampling})  # type: ignore[arg-type]
        return GenerateRequest(self._model, Chat((*turns, Message(Role.USER, text))), options)
