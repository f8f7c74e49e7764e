"""What the application needs from outside: engines."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Protocol

from shinsa_inference.domain.completion import Completion, Piece
from shinsa_inference.domain.model import ModelEntry
from shinsa_inference.domain.request import GenerateRequest


class Engine(Protocol):
    """Something that completes prompts. Its methods raise ``ShinsaError``."""

    @property
    def alive(self) -> bool:
        """False once it has died and must be loaded anew."""
        ...

    async def generate(self, request: GenerateRequest) -> Completion:
        """Answers when all choices are done. Cancelling it gives the request up."""
        ...

    def stream(self, request: GenerateRequest) -> AsyncGenerator[Piece, None]:
        """Deltas of the first choice, then the whole completion. Closing it early gives the request up."""
        ...

    async def close(self) -> None:
        """Frees what it holds; afterwards memory is available to another engine."""
        ...


class EngineMaker(Protocol):
    """Loads the engine of an entry; minutes for weights, next to nothing for an endpoint."""

    async def __call__(self, entry: ModelEntry) -> Engine: ...
