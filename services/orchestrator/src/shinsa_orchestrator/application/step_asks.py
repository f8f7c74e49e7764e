"""Asks the workers for steps of one shard, and asks again for what has had no answer for too long."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import structlog
from shinsa_chassis.errors import ShinsaError

from shinsa_orchestrator.application.examination_tools import Tools
from shinsa_orchestrator.application.item_steps import ItemSteps
from shinsa_orchestrator.application.step_results import StepResults, Waiting
from shinsa_orchestrator.application.window import RunWindow
from shinsa_orchestrator.domain.progress import Progress
from shinsa_orchestrator.domain.repeat import Repeat, RepeatCause
from shinsa_orchestrator.domain.shard import Lease
from shinsa_orchestrator.domain.step import KnownStep, StepKind, StepResult, StepTask, StoredResult

log = structlog.get_logger(__name__)

# How often a step without any answer is asked for before it is given up.
MOST_ASKS = 3


class StepAsks:
    """What one shard has in the work queues."""

    def __init__(self, lease: Lease, window: RunWindow, results: StepResults, tools: Tools, progress: Progress) -> None:
        self._lease = lease
        self._run = lease.run
        self._window = window
        self._results = results
        self._waiting = results.waiting
        self._tools = tools
        self._progress = progress
        self._log = log.bind(run_id=lease.run.id, shard=lease.number)

    async def ask(
        self,
        identity: str,
        item: ItemSteps,
        kind: StepKind,
        key: str,
        request: bytes,
        question: str,
        failed: KnownStep | None,
    ) -> StoredResult:
        """``failed`` is what is recorded of the step where the run was resumed."""
        task = StepTask(
            step_id=identity,
            run_id=self._run.id,
            item_id=item.id,
            kind=kind,
            key=key,
            request=request,
            attempt=1 if failed is None else failed.attempt + 1,
            reply_to=self._lease.inbox,
            deadline=self._deadline(),
            version=self._version(kind, key),
            judge_models=self._run.plan.pins.judge_models if kind == "judge" else {},
        )
        future: asyncio.Future[StoredResult] = asyncio.get_running_loop().create_future()
        waiting = self._waiting[identity] = Waiting(kind, request, question, future, task)
        if failed is not None:
            self._note(task, RepeatCause.RESUMED, reason=failed.reason)
        try:
            await self._submit(waiting, task)
            return await future
        finally:
            self._waiting.pop(identity, None)

    async def _submit(self, waiting: Waiting, task: StepTask) -> None:
        counts = self._progress.stages[task.kind]
        counts.asked += 1
        counts.again += task.attempt > 1
        waiting.asked_at, waiting.asking = self._tools.clock.steady(), True
        try:
            if await self._tools.queue.submit(task):
                self._note(task, RepeatCause.TAKEN_OVER, number=-self._lease.epoch)
        except ShinsaError as error:
            self._fail(waiting, task, error.reason.value, error.message)
        finally:
            # A queue without room may have kept us for hours: patience begins when it has taken the task.
            waiting.asked_at, waiting.asking = self._tools.clock.steady(), False

    def _note(self, task: StepTask, cause: RepeatCause, *, number: int = 0, reason: str = "") -> None:
        repeat = Repeat(task.step_id, self._run.id, self._lease.number, cause, task.attempt, number, reason)
        self._tools.recorder.repeat(repeat)

    def _version(self, kind: StepKind, key: str) -> str:
        pins = self._run.plan.pins
        return pins.model if kind == "generate" else pins.judges.get(key, "") if kind == "judge" else ""

    def _deadline(self) -> float:
        return self._tools.clock.now() + MOST_ASKS * self._tools.patience

    # --- patience ---

    async def keep_patience(self) -> None:
        """Asks again, until cancelled, for what has had no answer for too long in a queue that does not move.

        An answer that is not in the log yet is one.
        """
        while True:
            await asyncio.sleep(min(5.0, self._tools.patience / 4))
            await self.lose_patience()

    async def lose_patience(self) -> None:
        """Asks again, or gives up, what is overdue now."""
        for waiting in list(self._waiting.values()):
            if waiting.task is not None and self._overdue(waiting, waiting.task):
                await self._ask_again(waiting, waiting.task)

    def _overdue(self, waiting: Waiting, task: StepTask) -> bool:
        """What is still being asked, or has an answer that is not stored yet, is not."""
        if waiting.asking or waiting.future.done() or self._results.is_committing(task.step_id):
            return False
        quiet_since = max(waiting.asked_at, self._window.moved.get(waiting.kind, 0.0))
        return self._tools.clock.steady() - quiet_since > self._tools.patience

    async def _ask_again(self, waiting: Waiting, task: StepTask) -> None:
        if waiting.asks >= MOST_ASKS:
            seconds = MOST_ASKS * self._tools.patience
            message = f"asked {waiting.asks} times, no answer in {seconds:g} s; is a worker serving {task.key!r}?"
            self._fail(waiting, task, "timeout", message)
            return
        waiting.asks += 1
        waiting.task = replace(task, attempt=task.attempt + 1, deadline=self._deadline())
        self._log.warning("step_asked_again", step_id=task.step_id, item_id=task.item_id, attempt=waiting.task.attempt)
        self._note(waiting.task, RepeatCause.NO_ANSWER)
        await self._submit(waiting, waiting.task)

    def _fail(self, waiting: Waiting, task: StepTask, reason: str, message: str) -> None:
        """Records a failure of our own making, unless a result came in the meantime."""
        if waiting.future.done() or self._results.is_committing(task.step_id):
            return
        now = self._tools.clock.now()
        result = StepResult(
            step_id=task.step_id,
            item_id=task.item_id,
            attempt=task.attempt,
            body=self._tools.codec.failure(reason, message),
            failed=True,
            reason=reason,
            message=message,
            started_at=now - (self._tools.clock.steady() - waiting.asked_at),
            finished_at=now,
        )
        self._results.record(result, waiting.kind, waiting.request)
