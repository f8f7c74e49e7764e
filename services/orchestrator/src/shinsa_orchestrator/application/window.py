"""How many items of a run are open at once in this process."""

from __future__ import annotations

import asyncio

# Items that wait for judging or execution do not hold up generation, but they are held in memory: this many windows.
OPEN_WINDOWS = 8


class RunWindow:
    """Bounds the open items of a run: ``width`` that are being generated, ``OPEN_WINDOWS`` times as many in all.

    ``moved`` is when a result of each kind last came in, on the steady clock: a queue that moves is not stuck.
    """

    def __init__(self, width: int) -> None:
        self.width = width
        self.generating = 0
        self.open = 0
        self.moved: dict[str, float] = {}
        self._freed = asyncio.Event()

    @property
    def has_room(self) -> bool:
        return self.generating < self.width and self.open < self.width * OPEN_WINDOWS

    async def room(self) -> None:
        """Waits until an item may be started. Whoever returns from it starts before anybody else runs."""
        while not self.has_room:
            self._freed.clear()
            await self._freed.wait()

    def shift(self, generating: int, opened: int = 0) -> None:
        """Changes the counts and wakes those who wait where room came free."""
        self.generating += generating
        self.open += opened
        if generating < 0 or opened < 0:
            self._freed.set()


class Slot:
    """One open item's place in the window. It counts as generating unless all it waits for is done elsewhere."""

    __slots__ = ("_closed", "_counted", "_elsewhere", "_generating", "_window")

    def __init__(self, window: RunWindow) -> None:
        self._window = window
        self._generating = 0
        self._elsewhere = 0
        self._counted = True
        self._closed = False
        window.shift(1, 1)

    def begin(self, kind: str) -> None:
        """The item starts to wait for a step of this kind."""
        if kind == "generate":
            self._generating += 1
        else:
            self._elsewhere += 1
        self._count()

    def end(self, kind: str) -> None:
        """It does not wait for it any longer."""
        if kind == "generate":
            self._generating -= 1
        else:
            self._elsewhere -= 1
        self._count()

    def close(self) -> None:
        """The item is done. A step that it has left behind does not count any more."""
        self._window.shift(-1 if self._counted else 0, -1)
        self._closed = True

    def _count(self) -> None:
        counts = self._generating > 0 or self._elsewhere == 0
        if counts != self._counted and not self._closed:
            self._counted = counts
            self._window.shift(1 if counts else -1)
