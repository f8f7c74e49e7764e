"""What is recorded of the steps of one shard, and what comes in for them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from shinsa_orchestrator.application.examination_tools import Tools
from shinsa_orchestrator.application.reuse import ReuseShelf
from shinsa_orchestrator.application.window import RunWindow
from shinsa_orchestrator.domain.progress import Progress
from shinsa_orchestrator.domain.repeat import Repeat, RepeatCause
from shinsa_orchestrator.domain.shard import Lease
from shinsa_orchestrator.domain.step import KnownStep, StepKind, StepRecord, StepResult, StepTask, StoredResult
from shinsa_orchestrator.ports.workers import ResultInbox

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Waiting:
    """A step that an item waits for. ``task`` is ``None`` where the step is taken over, not asked for.

    ``asked_at`` on the steady clock; ``asking``: the queue has not stored the latest ask yet.
    """

    kind: StepKind
    request: bytes
    question: str
    future: asyncio.Future[StoredResult]
    task: StepTask | None = None
    asked_at: float = 0.0
    asks: int = 1
    asking: bool = False


class StepResults:
    """The results of one shard under one lease; a ``ResultOwner``.

    ``known`` is what the log holds of the shard's steps, ``waiting`` what its items wait for, by step id.
    """

    def __init__(
        self, lease: Lease, window: RunWindow, reuse: ReuseShelf | None, tools: Tools, progress: Progress
    ) -> None:
        self.known: dict[str, KnownStep] = {}
        self.waiting: dict[str, Waiting] = {}
        self.inbox: ResultInbox | None = None
        self._lease = lease
        self._run = lease.run
        self._window = window
        self._reuse = reuse
        self._tools = tools
        self._progress = progress
        # Steps on their way into the log, each with the receipts of results that came for it meanwhile.
        self._committing: dict[str, list[object]] = {}
        self._outrun: list[object] = []
        self._log = log.bind(run_id=lease.run.id, shard=lease.number)

    def is_committing(self, step_id: str) -> bool:
        """Whether a result for it is on its way into the log."""
        return step_id in self._committing

    async def receive(self) -> None:
        """Takes results in until cancelled. Raises ``ShinsaError`` when another owner has taken the inbox over."""
        assert self.inbox is not None
        while True:
            stale = self.accept(await self.inbox.next_batch())
            if stale:
                await self.inbox.ack(stale)

    def accept(self, results: Sequence[StepResult]) -> list[object]:
        """Hands results to the recorder; returns the receipts of those that tell nothing new."""
        stale: list[object] = []
        for result in results:
            if result.handed_back is not None:
                self._handed_back(result, result.handed_back)
                continue
            waiting = self.waiting.get(result.step_id)
            if (outrun := self._committing.get(result.step_id)) is not None:
                # Perhaps the very message that is being committed, once more: no earlier acknowledged than that.
                outrun.append(result.receipt)
            elif not result.step_id or self._is_stale(result, waiting):
                stale.append(result.receipt)
            elif waiting is not None:
                self._window.moved[waiting.kind] = self._tools.clock.steady()
                if waiting.task is not None:
                    # How often it was asked for until this answer came, whichever ask it answers.
                    result.attempt = max(result.attempt, waiting.task.attempt)
                self.record(result, waiting.kind, waiting.request)
            else:
                self.record(result, result.kind or result.sender, None)
        return stale

    def _handed_back(self, word: StepResult, cause: RepeatCause) -> None:
        repeat = Repeat(
            word.step_id, self._run.id, self._lease.number, cause, word.attempt, word.deliveries, word.reason
        )
        self._tools.recorder.repeat(repeat, self, word.receipt)

    def _is_stale(self, result: StepResult, waiting: Waiting | None) -> bool:
        """The first success stays; a failure counts if it answers the latest ask; a service answers its own steps."""
        if waiting is not None and result.sender and result.sender != waiting.kind:
            self._log.warning("result_refused", step_id=result.step_id, kind=waiting.kind, sender=result.sender)
            return True
        known = self.known.get(result.step_id)
        if (known is not None and not known.failed) or self._is_of_another(result):
            return True
        if not result.failed:
            return False
        if waiting is not None and waiting.task is not None and result.attempt < waiting.task.attempt:
            return True
        return known is not None and result.attempt <= known.attempt

    def _is_of_another(self, result: StepResult) -> bool:
        """Whether it answers an ask of before the run was resumed with another model or judge."""
        pins = self._run.plan.pins
        if any(pins.judge_models.get(name, asked) != asked for name, asked in result.judge_models.items()):
            return True
        if not result.version:
            return False
        mine = {pins.model} if (result.kind or result.sender) == "generate" else {pins.model, *pins.judges.values()}
        return result.version not in mine

    def record(self, result: StepResult, kind: str, request: bytes | None, adopted: bool = False) -> None:
        self._committing.setdefault(result.step_id, [])
        round_ = self._run.round
        if request is None and result.failed and round_ > 1:
            # A failure found at take-over of a resumed run may answer an ask from before it was resumed: ask again.
            round_ -= 1
        waiting = None if request is None else self.waiting.get(result.step_id)
        question = "" if waiting is None else waiting.question
        record = StepRecord(self._run.id, self._lease.number, round_, kind, request, result, adopted, question)
        self._tools.recorder.step(record, self)

    def settled(self, record: StepRecord, kept: StoredResult | None) -> None:
        """The step is committed; see ``ResultOwner``."""
        result = record.result
        self._outrun += self._committing.pop(result.step_id, [])
        stored = kept or StoredResult(result.body, result.failed, result.reason, result.message)
        before, waiting = self.known.get(result.step_id), self.waiting.get(result.step_id)
        kind = record.kind or (before.kind if before else "")
        complete = record.request is not None or (before is not None and before.has_request)
        if not complete and waiting is not None:
            kind, complete = waiting.kind, True
            self._tools.recorder.request(result.step_id, kind, waiting.request, waiting.question)
        self.known[result.step_id] = KnownStep(
            kind, result.attempt, record.round, stored.failed, stored.reason, complete, record.adopted
        )
        if kind:
            self.count_recorded(kind, before, stored.failed)
            if kept is None:
                self._count_spent(kind, result)
        if self._reuse is not None and not record.adopted:
            self._reuse.learn(result.engine)
        if waiting is not None and not waiting.future.done():
            waiting.future.set_result(stored)

    async def acknowledge(self, receipts: Sequence[object]) -> None:
        outrun, self._outrun = self._outrun, []
        if self.inbox is not None:
            await self.inbox.ack([*receipts, *outrun])

    def count_recorded(self, kind: str, before: KnownStep | None, failed: bool) -> None:
        counts = self._progress.stages[kind]
        if before is not None and before.kind and before.failed:
            counts.failed -= 1
        if failed:
            counts.failed += 1
        else:
            counts.recorded += 1

    def _count_spent(self, kind: str, result: StepResult) -> None:
        counts = self._progress.stages[kind]
        counts.tokens += result.prompt_tokens + result.completion_tokens
        counts.cost += result.cost or 0.0
