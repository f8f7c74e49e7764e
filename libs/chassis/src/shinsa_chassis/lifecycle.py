"""How a service process lives: it starts, its side tasks are watched, the first signal drains, the second leaves."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import ExitStack, contextmanager, suppress
from importlib import import_module
from types import FrameType, TracebackType
from typing import Any, Self

from shinsa_chassis.errors import ShinsaError
from shinsa_chassis.logging import configure_logging, get_logger
from shinsa_chassis.metrics import serve_metrics
from shinsa_chassis.settings import ServiceSettings
from shinsa_chassis.tracing import configure_tracing, shutdown_tracing

_log = get_logger(__name__)

LEFT_AT_SECOND_SIGNAL = 130
_DRAIN_MARGIN_SECONDS = 2.0
# Objects that may be made, less those that went, before Python looks for cycles among the new ones. Its own 700 is for
# small programs: with dozens of requests under way it looks hundreds of times a second, and finds nothing.
_COLLECT_AFTER = 20_000


class Drain:
    """The wish to stop: take no new work, finish or hand back what is there, close."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    @property
    def requested(self) -> bool:
        return self._event.is_set()

    def request(self) -> None:
        """Asks for it; asking again changes nothing."""
        self._event.set()

    async def wait(self) -> None:
        """Returns once it is asked for."""
        await self._event.wait()


async def first_of(*waits: Awaitable[object]) -> None:
    """Returns when one of them has, and gives up those that are not tasks of their own."""
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task, wait in zip(tasks, waits, strict=True):
            if task is not wait:
                task.cancel()


class TaskKeeper:
    """Owns the side tasks of an ``async with`` block: they end with it, and it ends if one of them dies.

    At exit, tasks that still run are cancelled and awaited. A task that raises is logged with its traceback; the block
    is cancelled, the other tasks too, and the exception comes out of the ``async with``.
    """

    def __init__(self) -> None:
        self._group = asyncio.TaskGroup()
        self._tasks: set[asyncio.Task[Any]] = set()

    def spawn(self, name: str, coro: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Starts ``coro`` as a task of this name. Returning is no death; only an exception is."""
        task = self._group.create_task(coro, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        try:
            await self._group.__aexit__(kind, error, traceback)
        except BaseExceptionGroup as group:
            if error in group.exceptions:
                return  # the block's own error goes on; deaths of tasks are in the log
            first = group.exceptions[0]
        else:
            return
        raise first

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            error.add_note(f"in task {task.get_name()!r}")
            _log.error("task_died", task=task.get_name(), exc_info=error)


def run_service(service: str, settings: ServiceSettings, main: Callable[[Drain], Awaitable[None]]) -> None:
    """Runs ``main`` in an event loop of its own until it returns, which it does soon after the drain is requested.

    Returns after a clean end. Otherwise exits: 1 after an error (a ``ShinsaError`` as one line, anything else with its
    traceback), 130 at a second signal.
    """
    configure_logging(service, settings.log_level, settings.log_format, replica=settings.replica)
    try:
        with ExitStack() as stack:
            configure_tracing(service, settings.otlp_endpoint, replica=settings.replica)
            stack.callback(shutdown_tracing)
            if settings.metrics_port:
                setting = settings.env_name("metrics_port")
                stack.callback(serve_metrics(settings.grpc_host, settings.metrics_port, setting=setting))
            with asyncio.Runner(loop_factory=_loop_factory()) as runner:
                runner.run(_live(main, settings.drain_seconds))
    except Exception as error:
        cause = _sole(error)
        if isinstance(cause, ShinsaError):
            _log.error("service_failed", reason=cause.reason.value, problem=cause.message, field=cause.field)
        else:
            _log.exception("service_failed")
        raise SystemExit(1) from error
    _log.info("service_stopped")


def _sole(error: Exception) -> Exception:
    """The one error in a group of one, however deep; a task group wraps even that."""
    while isinstance(error, ExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        factory: Callable[[], asyncio.AbstractEventLoop] = import_module("uvloop").new_event_loop
    except ImportError:
        return None
    return factory


async def _live(main: Callable[[Drain], Awaitable[None]], drain_seconds: float) -> None:
    drain = Drain()
    overdue = asyncio.ensure_future(_tell_if_overdue(drain, drain_seconds))
    try:
        with _signals(drain):
            _spare_collections()
            _log.info("service_started", pid=os.getpid())
            await main(drain)
    finally:
        overdue.cancel()


def _spare_collections() -> None:
    """Code and settings stay for as long as the process: they need not be looked through over and over."""
    gc.freeze()
    gc.set_threshold(_COLLECT_AFTER)


async def _tell_if_overdue(drain: Drain, drain_seconds: float) -> None:
    """Names what still runs when the time for draining is over; whoever sent the signal decides what follows."""
    await drain.wait()
    await asyncio.sleep(drain_seconds + _DRAIN_MARGIN_SECONDS)
    _log.warning("drain_overdue", tasks=sorted(task.get_name() for task in asyncio.all_tasks()))


@contextmanager
def _signals(drain: Drain) -> Iterator[None]:
    # Plain handlers, not the loop's: they also run while the loop is busy, such as loading a model.
    loop = asyncio.get_running_loop()
    seen: list[int] = []

    def received(number: int, frame: FrameType | None) -> None:
        name = signal.Signals(number).name
        with suppress(RuntimeError):  # the signal may have come in the middle of writing another line
            _log.info("signal_received", signal=name, leaving=bool(seen))
        if seen:
            os._exit(LEFT_AT_SECOND_SIGNAL)
        seen.append(number)
        loop.call_soon_threadsafe(drain.request)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, received) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
