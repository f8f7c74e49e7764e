"""What models with weights compute on. A replica without it would fail their tasks faster than others do them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from shinsa_inference.domain.model import ModelEntry


class Accelerator:
    """``look`` says what is missing, empty for nothing; it may block. ``tell`` hears of it, and when it is over.

    Until it is there no work is taken for models with weights; endpoints and scripts want none. One that goes later is
    told by the engines that used it.
    """

    def __init__(self, look: Callable[[], str], tell: Callable[[str], object], *, every_seconds: float) -> None:
        self._look = look
        self._tell = tell
        self._every = every_seconds
        self._there = asyncio.Event()

    async def look(self) -> bool:
        """Whether it is there now."""
        problem = await asyncio.to_thread(self._look)
        self._tell(problem)
        if not problem:
            self._there.set()
        return not problem

    async def watch(self) -> None:
        """Looks again and again; returns once it is there."""
        while not self._there.is_set():
            await asyncio.sleep(self._every)
            await self.look()

    async def ready_for(self, entry: ModelEntry) -> None:
        """Returns once tasks of this model may be taken."""
        if entry.holds_weights:
            await self._there.wait()
