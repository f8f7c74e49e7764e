"""The JetStream door: one work queue a profile, opened and closed as profiles come and go."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Protocol

from shinsa.judge.v1 import judge_service_pb2
from shinsa.step.v1 import step_pb2
from shinsa_chassis.errors import Reason, ShinsaError
from shinsa_chassis.lifecycle import Drain, TaskKeeper, first_of

from shinsa_judge.application.judge_case import JudgeCase
from shinsa_judge.application.judges import Judges, Seat
from shinsa_judge.inbound.verdict_metrics import noted
from shinsa_judge.inbound.wire import from_verdict, to_request

Handle = Callable[[step_pb2.Task], Awaitable[judge_service_pb2.JudgeResponse]]


class Queue(Protocol):
    """What ``WorkConsumer`` is to us."""

    async def run(self, drain: Drain) -> None: ...


class QueueMaker(Protocol):
    """Makes the queue of one profile with at most ``window`` cases in flight."""

    def __call__(self, *, key: str, handle: Handle, window: int) -> Queue: ...


@dataclass(frozen=True, slots=True)
class _Open:
    seat: Seat
    drain: Drain
    task: asyncio.Task[None]


class WorkQueues:
    """Keeps the open queues equal to the profiles in force."""

    def __init__(self, judges: Judges, judge_case: JudgeCase, make_queue: QueueMaker) -> None:
        self._judges = judges
        self._judge_case = judge_case
        self._make_queue = make_queue
        self._open: dict[str, _Open] = {}
        self._leaving: set[asyncio.Task[None]] = set()

    async def run(self, drain: Drain) -> None:
        """Until ``drain`` is requested; then every queue finishes or hands back what it holds."""
        async with TaskKeeper() as tasks:
            while not drain.requested:
                changed = self._judges.changed
                self._match(tasks)
                await first_of(changed.wait(), drain.wait())
            for name in list(self._open):
                self._leave(name)
            if self._leaving:
                await asyncio.wait(self._leaving)

    def _match(self, tasks: TaskKeeper) -> None:
        seats = self._judges.seats
        for name, queue in list(self._open.items()):
            if seats.get(name) is not queue.seat:
                self._leave(name)
        for name, seat in seats.items():
            if name not in self._open:
                self._open[name] = self._started(seat, tasks)

    def _started(self, seat: Seat, tasks: TaskKeeper) -> _Open:
        drain = Drain()
        queue = self._make_queue(key=seat.name, handle=self._handler(seat.name), window=seat.profile.cases_at_once)
        return _Open(seat, drain, tasks.spawn(f"queue-{seat.name}", queue.run(drain)))

    def _leave(self, name: str) -> None:
        queue = self._open.pop(name)
        queue.drain.request()
        self._leaving.add(queue.task)
        queue.task.add_done_callback(self._leaving.discard)

    def _handler(self, profile: str) -> Handle:
        async def handle(task: step_pb2.Task) -> judge_service_pb2.JudgeResponse:
            if task.judge.profile != profile:
                raise ShinsaError(
                    Reason.INVALID_ARGUMENT,
                    f"The queue of profile {profile!r} got a task for {task.judge.profile!r}; submit it there.",
                    field="profile",
                )
            # The queue holds the case safe meanwhile, so an endpoint that is down stops this queue and loses nothing.
            async with _until(task.deadline.seconds):
                models = {one.model: one.version for one in task.judge_models}
                request = replace(to_request(task.judge), models=models)
                return from_verdict(noted(await self._judge_case(request, patient=True, digest=task.version)))

        return handle


@asynccontextmanager
async def _until(deadline: int) -> AsyncIterator[None]:
    """Raises TIMEOUT when the asker has given up; ``deadline`` in seconds of the epoch, 0 for none."""
    try:
        async with asyncio.timeout(deadline - time.time() if deadline else None):
            yield
    except TimeoutError as error:
        message = "The task's deadline passed before a verdict came; is the judge's endpoint answering?"
        raise ShinsaError(Reason.TIMEOUT, message, retryable=False) from error
