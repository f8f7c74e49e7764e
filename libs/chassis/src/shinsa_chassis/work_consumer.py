"""The JetStream door of a worker service: pulls tasks, answers with results, loses nothing.

A task is acknowledged only after its result is stored in the results stream. A task that comes a second time first asks
whether its result is recorded already, so that a worker's death does not make finished work be done again.
"""

from __future__ import annotations

import asyncio
import contextlib
import time

from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.errors import NoRespondersError

from shinsa_chassis import metrics
from shinsa_chassis.broker import Broker
from shinsa_chassis.delivery import Delivery
from shinsa_chassis.flow import Flow
from shinsa_chassis.lifecycle import Drain
from shinsa_chassis.logging import get_logger
from shinsa_chassis.pull import Puller
from shinsa_chassis.settings import ServiceSettings
from shinsa_chassis.subjects import work_consumer, work_stream
from shinsa_chassis.task_answer import KINDS, Answer, Handler, TaskAnswerer

log = get_logger(__name__)

# Who waits in line here for so long would not have begun elsewhere much sooner; it covers the way to the broker and
# back beside a busy event loop.
AHEAD_SECONDS = 0.05
_UNANSWERED_DELAY_SECONDS = 5.0


class WorkConsumer:
    """Serves one key (model, runtime or profile) of a worker service's queue with at most ``window`` tasks at once.

    A task whose answer is being stored leaves its place to the next, for up to half of ``window``: a death loses those
    too. With ``ahead``, ``handle`` itself bounds what is under way: it gets up to ``window`` tasks more, those that
    will begin within ``AHEAD_SECONDS`` at the rate of late. None for long answers, which another worker may begin
    sooner.
    """

    def __init__(
        self,
        broker: Broker,
        *,
        service: str,
        key: str,
        handle: Handler,
        window: int,
        settings: ServiceSettings,
        ahead: bool = False,
    ) -> None:
        self._broker = broker
        self._service = service
        self._kind = KINDS[service]
        self._key = key
        self._window = window
        self._answered = Flow() if ahead else None
        self._settings = settings
        self._held: dict[str, Delivery] = {}
        # Of these, how many wait for nothing but that their answer is stored.
        self._storing = 0
        self._lost = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._log = log.bind(queue=f"{service}.{key}")
        self._puller = Puller(
            broker.client,
            work_stream(service),
            work_consumer(key),
            self._received,
            self._room,
            lambda _why: self._lost.set(),
        )
        self._answerer = TaskAnswerer(broker, service, key, handle, settings)

    @property
    def in_flight(self) -> int:
        return len(self._held)

    # --- life ---

    async def run(self, drain: Drain) -> None:
        """Serves until ``drain`` is requested, then finishes what is in flight and hands back what does not finish."""
        if not await self._opened(drain):
            return
        off_reconnect = self._broker.on_reconnect(self._puller.forget_requests)
        off_intake = self._broker.intake.counts(lambda: len(self._held))
        keeper = asyncio.create_task(self._keep(), name=f"keeper-{self._service}-{self._key}")
        puller = asyncio.create_task(self._pull_while_open(), name=f"puller-{self._service}-{self._key}")
        draining = asyncio.create_task(drain.wait(), name=f"drain-{self._service}-{self._key}")
        grace = 0.0
        try:
            await asyncio.wait({draining, keeper, puller}, return_when=asyncio.FIRST_COMPLETED)
            for side in (keeper, puller):
                if side.done():
                    side.result()
            grace = self._settings.drain_seconds
        finally:
            draining.cancel()
            off_reconnect()
            puller.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await puller
            await self._puller.stop()
            await self._finish(grace)
            keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await keeper
            off_intake()
            self._log.info("queue_closed")

    async def _pull_while_open(self) -> None:
        """Takes tasks as long as this process takes new work; what is on its way when it stops is still done."""
        while True:
            await self._broker.intake.until(held=False)
            self._puller.forget_requests()
            await self._puller.start()
            self._log.info("queue_open", window=self._window)
            await self._broker.intake.until(held=True)
            await self._puller.stop()
            self._log.info("queue_held", in_flight=len(self._held))

    async def _opened(self, drain: Drain) -> bool:
        """True once the queue is open, False if the drain comes before."""
        opening = asyncio.create_task(self._ensure_consumer(), name=f"open-{self._service}-{self._key}")
        draining = asyncio.create_task(drain.wait())
        try:
            await asyncio.wait({opening, draining}, return_when=asyncio.FIRST_COMPLETED)
            if opening.done():
                opening.result()
            return opening.done()
        finally:
            opening.cancel()
            draining.cancel()

    async def _ensure_consumer(self) -> None:
        told = ""
        while True:
            try:
                await self._broker.open_queue(self._service, self._key, self._settings.ack_wait_seconds)
                return
            except NoRespondersError:
                problem = "no orchestrator is there to open it"
            except (TimeoutError, NatsError, OSError) as error:
                problem = str(error) or type(error).__name__
            if problem != told:
                self._log.warning("queue_not_ready", problem=problem)
            told = problem
            await asyncio.sleep(0.5)

    async def _keep(self) -> None:
        """Pings for what takes long, asks for more after quiet times, and mends a consumer that vanished."""
        interval = min(2.0, self._settings.ack_wait_seconds / 6)
        while True:
            await asyncio.sleep(interval)
            if self._lost.is_set() and self._broker.connected:
                self._log.warning("queue_lost")
                await self._ensure_consumer()
                self._lost.clear()
            await self._ping()
            await self._puller.pull()

    async def _ping(self) -> None:
        due = time.monotonic() - self._settings.ack_wait_seconds / 3
        for held in list(self._held.values()):
            if held.pinged_at < due:
                await held.still_working()

    async def _finish(self, grace: float) -> None:
        if not self._held:
            return
        self._log.info("queue_draining", in_flight=len(self._held), seconds=grace)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace):
                await self._idle.wait()
        left = list(self._held.values())
        for held in left:
            if held.job is not None:
                held.job.cancel()
        await asyncio.gather(*(held.job for held in left if held.job is not None), return_exceptions=True)
        await self._answerer.hand_back(left)
        if left:
            self._log.warning("tasks_handed_back", count=len(left))

    # --- one task ---

    def _room(self) -> int:
        ahead = 0 if self._answered is None else min(self._window, int(self._answered.rate * AHEAD_SECONDS))
        storing = min(self._storing, max(1, self._window // 2))
        return self._window + ahead + storing - len(self._held)

    async def _received(self, message: Msg) -> None:
        held = Delivery.of(message, self._broker.client)
        # A message whose ping came late can reach us a second time while we still work on it.
        if held.sequence in self._held:
            return
        self._held[held.sequence] = held
        self._idle.clear()
        if held.number == 1:
            self._measure(held)
        held.job = asyncio.get_running_loop().create_task(self._serve(held))

    def _measure(self, held: Delivery) -> None:
        """How far the queue lags, as the message itself tells."""
        waited = max(0.0, self._broker.now() - held.published_at)
        metrics.queue_measured(self._kind, self._key, waited, held.behind)

    async def _serve(self, held: Delivery) -> None:
        try:
            answer = await self._answerer.answer(held)
            if answer is not None:
                await self._store(held, answer)
        except Exception:  # noqa: BLE001 - or nobody would hear of it before the task comes again by itself
            # Its result could not be sent, such as for want of a stream: it comes again, and then asks first.
            self._log.exception("task_unanswered", sequence=held.sequence, deliveries=held.number)
            await held.hand_back(_UNANSWERED_DELAY_SECONDS)
        finally:
            self._held.pop(held.sequence, None)
            if not self._held:
                self._idle.set()
            await self._puller.pull()

    async def _store(self, held: Delivery, answer: Answer) -> None:
        self._storing += 1
        if self._answered is not None:
            self._answered.count()
        try:
            await self._puller.pull()
            await self._answerer.store(held, answer)
        finally:
            self._storing -= 1
