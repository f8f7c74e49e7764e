"""Runs that are watched: one stream from the orchestrator for each, however many look on."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from contextvars import Context
from dataclasses import dataclass

from shinsa_gateway.domain.run import Run
from shinsa_gateway.ports.orchestrator import Orchestrator

# Updates that may wait for one watcher. Whoever is further behind goes on with the newest.
MOST_WAITING = 16


@dataclass(frozen=True, slots=True)
class Update:
    """A run as it was at a moment; ``text`` is its JSON, written once for all who watch."""

    text: str
    over: bool


class RunWatches:
    """The watches that are open. Each ends with the run, or when nobody looks on any more."""

    def __init__(self, orchestrator: Orchestrator) -> None:
        self.orchestrator = orchestrator
        self._open: dict[str, _Watch] = {}

    async def watch(self, run_id: str) -> AsyncGenerator[Update, None]:
        """The run now, then again whenever it changed, until it is over. Closing the generator gives the seat up.

        Raises ``ShinsaError`` where the run cannot be watched (any more).
        """
        watch = self._open.get(run_id)
        if watch is None:
            watch = self._open[run_id] = _Watch(self.orchestrator.watch_run(run_id), self._forget)
        seat = watch.join()
        try:
            while (update := await seat.next()) is not None:
                yield update
        finally:
            await watch.leave(seat)

    def _forget(self, watch: _Watch) -> None:
        self._open = {run_id: other for run_id, other in self._open.items() if other is not watch}


class _Seat:
    """One watcher: what it has not taken yet."""

    def __init__(self) -> None:
        self._waiting: deque[Update] = deque()
        self._called = asyncio.Event()
        self._ended = False
        self._error: BaseException | None = None

    def put(self, update: Update) -> None:
        if len(self._waiting) >= MOST_WAITING:
            self._waiting.clear()
        self._waiting.append(update)
        self._called.set()

    def end(self, error: BaseException | None) -> None:
        self._ended, self._error = True, error
        self._called.set()

    async def next(self) -> Update | None:
        """None at the end."""
        while not self._waiting:
            if self._error is not None:
                raise self._error
            if self._ended:
                return None
            self._called.clear()
            await self._called.wait()
        return self._waiting.popleft()


class _Watch:
    """One run's stream, told to all seats. ``forget`` is called as soon as nobody may join any more."""

    def __init__(self, runs: AsyncGenerator[Run, None], forget: Callable[[_Watch], None]) -> None:
        self._runs = runs
        self._forget = forget
        self._seats: set[_Seat] = set()
        self._latest: Update | None = None
        # Of no request: it outlives the one that began it.
        self._telling = asyncio.create_task(self._tell(), name="run_watch", context=Context())
        self._telling.add_done_callback(self._ended)

    def join(self) -> _Seat:
        seat = _Seat()
        if self._latest is not None:
            seat.put(self._latest)
        self._seats.add(seat)
        return seat

    async def leave(self, seat: _Seat) -> None:
        """Returns when the stream is closed, if it was the last one."""
        self._seats.discard(seat)
        if not self._seats:
            self._forget(self)
            self._telling.cancel()
            await asyncio.wait({self._telling})

    async def _tell(self) -> None:
        async with aclosing(self._runs) as runs:
            async for run in runs:
                self._latest = Update(run.model_dump_json(), run.state.over)
                for seat in self._seats:
                    seat.put(self._latest)
                if self._latest.over:
                    # Closing takes a moment, and by then the run may have been resumed.
                    self._forget(self)
                    return

    def _ended(self, telling: asyncio.Task[None]) -> None:
        self._forget(self)
        error = None if telling.cancelled() else telling.exception()
        for seat in self._seats:
            seat.end(error)
