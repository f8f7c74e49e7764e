"""The JetStream door: one work queue a model, opened as models become known."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from shinsa.inference.v1 import inference_service_pb2, model_pb2
from shinsa.step.v1 import step_pb2
from shinsa_chassis.errors import Reason, ShinsaError
from shinsa_chassis.lifecycle import Drain, TaskKeeper, first_of
from shinsa_chassis.logging import get_logger

from shinsa_inference.application.models import Models
from shinsa_inference.domain.model import ModelEntry, OpenAiEngine
from shinsa_inference.inbound.model_wire import to_entry
from shinsa_inference.inbound.token_metrics import noted
from shinsa_inference.inbound.wire import from_completion, to_request

Handle = Callable[[step_pb2.Task], Awaitable[inference_service_pb2.GenerateResponse]]
# Returns once tasks of a model may be taken.
ReadyFor = Callable[[ModelEntry], Awaitable[None]]

_log = get_logger(__name__)


class Queue(Protocol):
    """What ``WorkConsumer`` is to us."""

    async def run(self, drain: Drain) -> None: ...


class QueueMaker(Protocol):
    """Makes the queue of one model that hands over at most ``window`` tasks at once, with ``ahead`` some more."""

    def __call__(self, *, key: str, handle: Handle, window: int, ahead: bool) -> Queue: ...


@dataclass(frozen=True, slots=True)
class _Terms:
    window: int
    # An endpoint's requests wait in line with us, so that the next is here when one ends.
    ahead: bool
    # Its queue may have to wait for an accelerator.
    holds_weights: bool


@dataclass(frozen=True, slots=True)
class _Open:
    terms: _Terms
    drain: Drain
    task: asyncio.Task[None]


class WorkQueues:
    """Keeps a queue open for every known model that ``ready_for`` lets through. A model whose window or kind changes
    gets a new one; the old one drains."""

    def __init__(self, models: Models, make_queue: QueueMaker, ready_for: ReadyFor) -> None:
        self._models = models
        self._make_queue = make_queue
        self._ready_for = ready_for
        self._open: dict[str, _Open] = {}
        self._told: set[str] = set()
        self._leaving: set[asyncio.Task[None]] = set()

    async def run(self, entries: AsyncIterator[model_pb2.ModelEntry], drain: Drain) -> None:
        """Follows ``entries`` until ``drain`` is requested; then every queue finishes or hands back what it holds."""
        async with TaskKeeper() as tasks:
            for served in self._models.served():
                self._keep_open(served.entry, tasks)
            following = tasks.spawn("model-entries", self._follow(entries, tasks))
            await drain.wait()
            # What is told from now on, others serve: no queue opens while these close.
            following.cancel()
            await asyncio.wait({following})
            for name in list(self._open):
                self._leave(name)
            if self._leaving:
                await asyncio.wait(self._leaving)

    async def _follow(self, entries: AsyncIterator[model_pb2.ModelEntry], tasks: TaskKeeper) -> None:
        async for message in entries:
            if message.WhichOneof("engine") is None and message.name:
                self._remove(message.name)
                continue
            try:
                entry = to_entry(message)
            except ShinsaError as error:
                # One bad entry must not take the good ones with it; whoever asks for it learns that it is unknown.
                _log.warning("model_entry_refused", model=message.name, problem=error.message)
                continue
            self._models.put(entry)
            self._told.add(entry.name)
            self._keep_open(entry, tasks)

    def _remove(self, name: str) -> None:
        # What this replica has from its own file is not the orchestrator's to drop, and an old word is no news.
        if name in self._told:
            self._told.discard(name)
            self._leave(name)
            self._models.remove(name)

    def _keep_open(self, entry: ModelEntry, tasks: TaskKeeper) -> None:
        known, terms = self._open.get(entry.name), _terms_of(entry)
        if known is not None and known.terms == terms:
            return
        if known is not None:
            self._leave(entry.name)
        drain = Drain()
        handle = self._handler(entry.name)
        queue = self._make_queue(key=entry.name, handle=handle, window=terms.window, ahead=terms.ahead)
        task = tasks.spawn(f"queue-{entry.name}", self._serve(entry, queue, drain))
        self._open[entry.name] = _Open(terms, drain, task)

    async def _serve(self, entry: ModelEntry, queue: Queue, drain: Drain) -> None:
        await first_of(self._ready_for(entry), drain.wait())
        if not drain.requested:
            await queue.run(drain)

    def _leave(self, name: str) -> None:
        queue = self._open.pop(name)
        queue.drain.request()
        self._leaving.add(queue.task)
        queue.task.add_done_callback(self._leaving.discard)

    def _handler(self, model: str) -> Handle:
        async def handle(task: step_pb2.Task) -> inference_service_pb2.GenerateResponse:
            if task.generate.model != model:
                raise ShinsaError(
                    Reason.INVALID_ARGUMENT,
                    f"The queue of model {model!r} got a task for {task.generate.model!r}; submit it there.",
                    field="model",
                )
            completion = await self._models.generate(to_request(task.generate), task.version or task.generate.version)
            return from_completion(noted(model, completion))

        return handle


def _terms_of(entry: ModelEntry) -> _Terms:
    return _Terms(entry.window, isinstance(entry.engine, OpenAiEngine), entry.holds_weights)
