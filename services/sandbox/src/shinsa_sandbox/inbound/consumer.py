"""The JetStream door: the work queue of one runtime, open only while the runtime is available."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from shinsa.sandbox.v1 import sandbox_service_pb2
from shinsa.step.v1 import step_pb2
from shinsa_chassis.errors import Reason, ShinsaError
from shinsa_chassis.lifecycle import Drain, first_of
from shinsa_chassis.logging import get_logger

from shinsa_sandbox.application.sandbox import Sandbox
from shinsa_sandbox.inbound.wire import Bounds, from_execution, to_job

Handle = Callable[[step_pb2.Task], Awaitable[sandbox_service_pb2.ExecuteResponse]]

_log = get_logger(__name__)


class Queue(Protocol):
    """What ``WorkConsumer`` is to us."""

    async def run(self, drain: Drain) -> None: ...


class QueueMaker(Protocol):
    """Makes the queue of one runtime."""

    def __call__(self, *, key: str, handle: Handle) -> Queue: ...


def handler(sandbox: Sandbox, bounds: Bounds, runtime: str) -> Handle:
    """What a task of a runtime's queue is answered with."""

    async def handle(task: step_pb2.Task) -> sandbox_service_pb2.ExecuteResponse:
        if task.execute.program.runtime != runtime:
            wanted = task.execute.program.runtime
            text = f"The queue of runtime {runtime!r} got a program for {wanted!r}; submit it there."
            raise ShinsaError(Reason.INVALID_ARGUMENT, text, field="program.runtime", origin="sandbox")
        # The window bounds how many are here; the queue keeps the rest.
        execution = await sandbox.execute(to_job(task.execute, bounds), owner=task.run_id, patient=True)
        return sandbox_service_pb2.ExecuteResponse(execution=from_execution(execution))

    return handle


async def refuse_where_unavailable(
    sandbox: Sandbox, bounds: Bounds, runtime: str, make_queue: QueueMaker, drain: Drain
) -> None:
    """Until ``drain`` is requested: serves the queue of a runtime; while that is unavailable, by saying why.

    For a sandbox that is the only one: nobody else would ever answer.
    """
    await first_of(sandbox.tried(runtime), drain.wait())
    if not drain.requested:
        await make_queue(key=runtime, handle=handler(sandbox, bounds, runtime)).run(drain)


async def serve_queue(sandbox: Sandbox, bounds: Bounds, runtime: str, make_queue: QueueMaker, drain: Drain) -> None:
    """Until ``drain`` is requested: opens the queue when the runtime is available, closes it when it no longer is."""
    while not drain.requested:
        await first_of(sandbox.until(runtime, available=True), drain.wait())
        if drain.requested:
            return
        leave = Drain()
        queue = make_queue(key=runtime, handle=_for_others(handler(sandbox, bounds, runtime)))
        serving = asyncio.create_task(queue.run(leave), name=f"queue-{runtime}")
        try:
            await first_of(sandbox.until(runtime, available=False), drain.wait(), serving)
            leave.request()
            await serving
        finally:
            serving.cancel()
            # What it hands back must be on its way before the connection closes.
            await asyncio.gather(serving, return_exceptions=True)
        if not drain.requested:
            _log.warning("runtime_withdrawn", runtime=runtime, problem=sandbox.problem(runtime))


def _for_others(handle: Handle) -> Handle:
    """What comes while the queue is about to be closed is for whoever serves it next, and no failure of its own."""

    async def handed_on(task: step_pb2.Task) -> sandbox_service_pb2.ExecuteResponse:
        try:
            return await handle(task)
        except ShinsaError as error:
            if error.reason is Reason.ISOLATION_MISSING:
                raise ShinsaError(Reason.UNAVAILABLE, error.message, origin="sandbox") from error
            raise

    return handed_on
