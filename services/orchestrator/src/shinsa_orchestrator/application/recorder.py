"""Group commit: results and outcomes of all shards here share transactions of the sample log."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol

import structlog
from shinsa_chassis.errors import Reason, ShinsaError

from shinsa_orchestrator.domain.item import FinishedItem
from shinsa_orchestrator.domain.repeat import Repeat
from shinsa_orchestrator.domain.step import StepRecord, StoredResult
from shinsa_orchestrator.ports.samples import SampleLog

log = structlog.get_logger(__name__)

# What comes in while a commit runs goes into the next; a short wait lets more come together at low load. It is far
# below what a model takes, and the window keeps the queues full meanwhile.
LINGER_SECONDS = 0.015
RETRY_SECONDS = 0.5


class ResultOwner(Protocol):
    """Whoever waits for a result to be safe."""

    def settled(self, record: StepRecord, kept: StoredResult | None) -> None:
        """The step is in the log; ``kept`` is what the log holds where that is another result than the record's."""
        ...

    async def acknowledge(self, receipts: Sequence[object]) -> None: ...


class Recorder:
    """The one writer of the sample log in this process. Nothing is acknowledged or used before it is committed."""

    def __init__(self, sample_log: SampleLog, linger: float = LINGER_SECONDS) -> None:
        self._log = sample_log
        self._linger = linger
        self._steps: list[tuple[StepRecord, ResultOwner]] = []
        self._items: list[FinishedItem] = []
        self._requests: list[tuple[str, str, bytes, str]] = []
        self._repeats: list[tuple[Repeat, ResultOwner | None, object]] = []
        self._wake = asyncio.Event()
        self._flushed: list[asyncio.Future[None]] = []
        self._ended = False

    def step(self, record: StepRecord, owner: ResultOwner) -> None:
        self._steps.append((record, owner))
        self._wake.set()

    def item(self, item: FinishedItem) -> None:
        self._items.append(item)
        self._wake.set()

    def request(self, step_id: str, kind: str, request: bytes, question: str) -> None:
        """Adds kind, request and question to a step that was recorded without."""
        self._requests.append((step_id, kind, request, question))
        self._wake.set()

    def repeat(self, repeat: Repeat, owner: ResultOwner | None = None, receipt: object = None) -> None:
        """``owner`` gives the receipt back once it is noted."""
        self._repeats.append((repeat, owner, receipt))
        self._wake.set()

    async def flush(self) -> None:
        """Returns when everything handed over so far is committed. Raises ``ShinsaError`` once ``run`` has ended."""
        if self._ended:
            raise _ended()
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._flushed.append(future)
        self._wake.set()
        await future

    async def run(self) -> None:
        """Commits until cancelled. While the store cannot be reached it tries again; what it holds is bounded by the
        windows, since nothing goes on without it. Any other error of the store ends it."""
        try:
            while True:
                await self._wake.wait()
                if not self._flushed:
                    await asyncio.sleep(self._linger)
                self._wake.clear()
                await self._commit()
        finally:
            self._ended = True
            for future in self._flushed:
                if not future.done():
                    future.set_exception(_ended())

    async def _commit(self) -> None:
        steps, self._steps = self._steps, []
        items, self._items = self._items, []
        requests, self._requests = self._requests, []
        repeats, self._repeats = self._repeats, []
        flushed = list(self._flushed)
        while True:
            try:
                for step_id, kind, request, question in requests:
                    await self._log.fill_request(step_id, kind, request, question)
                refused = await self._write([record for record, _ in steps], items, [told for told, _, _ in repeats])
                kept = await self._log.results(sorted(refused)) if refused else {}
                break
            except ShinsaError as error:
                if not error.retryable:
                    raise
                log.warning("sample_log_unavailable", problem=error.message, steps=len(steps), items=len(items))
                await asyncio.sleep(RETRY_SECONDS)
        receipts: dict[ResultOwner, list[object]] = {}
        for record, owner in steps:
            owner.settled(record, kept.get(record.result.step_id))
            if record.result.receipt is not None:
                receipts.setdefault(owner, []).append(record.result.receipt)
        for _, teller, receipt in repeats:
            if teller is not None:
                receipts.setdefault(teller, []).append(receipt)
        for future in flushed:
            self._flushed.remove(future)
            if not future.done():
                future.set_result(None)
        for owner, mine in receipts.items():
            await owner.acknowledge(mine)

    async def _write(
        self, steps: Sequence[StepRecord], items: Sequence[FinishedItem], repeats: Sequence[Repeat]
    ) -> set[str]:
        return await self._log.record(steps, items, repeats) if steps or items or repeats else set()


def _ended() -> ShinsaError:
    return ShinsaError(Reason.INTERNAL, "the recorder of the sample log has ended", retryable=False)
