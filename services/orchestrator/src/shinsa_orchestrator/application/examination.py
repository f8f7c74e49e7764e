"""Examines the items of one shard: starts their coroutines within the window, and answers their steps."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import structlog
from shinsa_benchmarks.vocabulary import Outcome, StepFailed
from shinsa_chassis.errors import Reason, ShinsaError

from shinsa_orchestrator.application.examination_tools import Tools
from shinsa_orchestrator.application.item_steps import ItemSteps
from shinsa_orchestrator.application.judge_budget import JudgeBudgetSpent, JudgePurse
from shinsa_orchestrator.application.lines import Line, is_wrong, sound
from shinsa_orchestrator.application.reuse import ReuseShelf
from shinsa_orchestrator.application.step_desk import StepDesk
from shinsa_orchestrator.application.window import RunWindow, Slot
from shinsa_orchestrator.domain.identity import item_id
from shinsa_orchestrator.domain.item import FinishedItem, is_the_models_doing
from shinsa_orchestrator.domain.progress import Progress, StageCounts
from shinsa_orchestrator.domain.shard import Lease, Place, places, shard_items
from shinsa_orchestrator.domain.step import KnownStep

log = structlog.get_logger(__name__)

# In a storm of errors the first few of a shard tell the story; the report counts them all.
MOST_ERRORS_LOGGED = 20


class ShardExamination:
    """One shard under one lease. ``progress`` is true from the moment that it is ``restored``; whoever keeps the lease
    stores it.

    ``parked`` counts items that have no outcome because the judge budget is spent.
    """

    def __init__(
        self,
        lease: Lease,
        lines: Sequence[Line],
        window: RunWindow,
        purse: JudgePurse,
        reuse: ReuseShelf | None,
        tools: Tools,
        on_started: Callable[[], None],
    ) -> None:
        self.lease = lease
        stages = {kind: replace(counts) for kind, counts in lease.progress.stages.items()}
        self.progress = Progress(items=shard_items(lease.run.plan, lease.number), stages=stages)
        self.restored = False
        self.all_started = False
        self.parked = 0
        self._lines = lines
        self._window = window
        self._tools = tools
        self._on_started = on_started
        self._reuse = reuse
        self._desk = StepDesk(lease, window, purse, reuse, tools, self.progress)
        self._open: dict[asyncio.Task[None], Slot] = {}
        self._idle = asyncio.Event()
        self._errors_logged = 0
        self._log = log.bind(run_id=lease.run.id, shard=lease.number)

    async def run(self) -> None:
        """Returns when every item of the shard has a recorded outcome or is parked.

        Raises ``ShinsaError`` where that cannot be.
        """
        # First the inbox, which is taken from a previous owner; then the log, to which he may have written until then.
        async with self._tools.queue.results(self.lease.inbox) as inbox:
            self._desk.results.inbox = inbox
            done = await self._restore()
            if self.lease.epoch > 1:
                # What he asked for may have been answered meanwhile.
                await inbox.ack(self._desk.results.accept(await inbox.drain_pending()))
                await self._tools.recorder.flush()
            await self._examine_all(done)
        if not self.parked:
            await self._verify()
            await self._tools.queue.close_results(self.lease.inbox)

    # --- what is there already ---

    async def _restore(self) -> set[int]:
        run, number = self.lease.run, self.lease.number
        finished = await self._tools.sample_log.finished(run.id, number)
        done = set()
        for position, (status, round_, line) in finished.items():
            if status == "infra_error" and round_ < run.round:
                continue
            done.add(position)
            self.progress.finished(status, line)
        if run.adopts:
            adopted = await self._tools.sample_log.known_steps(run.adopts, number)
            self._desk.adoptable = {
                step
                for step, known in adopted.items()
                if not known.failed or is_the_models_doing(known.kind, known.reason)
            }
        self._desk.results.known = dict(await self._tools.sample_log.known_steps(run.id, number))
        self.progress.stages = _stages(self.lease.progress, self._desk.results.known)
        self.restored = True
        if self._reuse is not None:
            for known in self._desk.results.known.values():
                self._reuse.learn(known.engine)
        return done

    async def _verify(self) -> None:
        finished = await self._tools.sample_log.finished(self.lease.run.id, self.lease.number)
        if len(finished) != self.progress.items:
            raise ShinsaError(
                Reason.INTERNAL,
                f"shard {self.lease.number} ended with {len(finished)} of {self.progress.items} outcomes recorded",
            )

    # --- the items ---

    async def _examine_all(self, done: set[int]) -> None:
        side: list[asyncio.Task[None]] = []
        try:
            async with asyncio.TaskGroup() as group:
                side.append(group.create_task(self._desk.results.receive(), name="shard-results"))
                side.append(group.create_task(self._desk.asks.keep_patience(), name="shard-patience"))
                await self._start_items(done)
                await self._idle.wait()
                await self._tools.recorder.flush()
                for task in side:
                    task.cancel()
        except BaseExceptionGroup as group_error:
            raise group_error.exceptions[0] from None
        finally:
            await self._abandon()

    async def _start_items(self, done: set[int]) -> None:
        for place in places(self.lease.run.plan, self.lease.number):
            if place.position in done:
                continue
            if not self._window.has_room:
                await self._window.room()
            slot = Slot(self._window)
            task = asyncio.create_task(self._examine(place, slot))
            self._open[task] = slot
            task.add_done_callback(self._closed)
            self.progress.in_flight += 1
        self.all_started = True
        if not self._open:
            self._idle.set()
        self._on_started()

    def _closed(self, task: asyncio.Task[None]) -> None:
        self._open.pop(task).close()
        self.progress.in_flight -= 1
        if self.all_started and not self._open:
            self._idle.set()

    async def _abandon(self) -> None:
        left = list(self._open)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def _examine(self, place: Place, slot: Slot) -> None:
        line, run = self._lines[place.line], self.lease.run
        item = line.item(place)
        question = (line.planned.benchmark, line.planned.shots, place.repetition, item.sample.id)
        own = item_id(run.id, *question)
        adopted = item_id(run.adopts, *question) if run.adopts else ""
        steps = ItemSteps(
            self._desk, self._tools.codec, own, adopted, slot, run.spec.model, run.plan.judges, place.repetition
        )
        try:
            outcome = sound(await line.benchmark.examine(item, steps), line.allowed)
        except StepFailed as failure:
            outcome = _outcome_of(failure)
        except JudgeBudgetSpent:
            self.parked += 1
            return
        except Exception as error:  # noqa: BLE001 - a benchmark's bug must not take the run along
            outcome = Outcome.infra_error("benchmark_error", f"{type(error).__name__}: {error}")
            self._log_bug(own, line.planned.benchmark)
        self._record(place, line, own, outcome)

    def _record(self, place: Place, line: Line, own: str, outcome: Outcome) -> None:
        sample, planned = line.samples[place.sample], line.planned
        self.progress.finished(outcome.status, place.line)
        self._tools.recorder.item(
            FinishedItem(
                id=own,
                run_id=self.lease.run.id,
                shard=self.lease.number,
                round=self.lease.run.round,
                position=place.position,
                line=place.line,
                benchmark=planned.benchmark,
                shots=planned.shots,
                repetition=place.repetition,
                sample_id=sample.id,
                category=sample.category,
                gold=sample.gold,
                status=outcome.status,
                finished_at=self._tools.clock.now(),
                reason=outcome.reason,
                detail=outcome.detail,
                answer=outcome.answer,
                wrong=is_wrong(outcome, line.manifest),
                metrics=outcome.metrics,
            )
        )

    def _log_bug(self, item: str, benchmark: str) -> None:
        self._errors_logged += 1
        if self._errors_logged <= MOST_ERRORS_LOGGED:
            self._log.exception("benchmark_failed", item_id=item, benchmark=benchmark)


def _outcome_of(failure: StepFailed) -> Outcome:
    if is_the_models_doing(failure.kind, failure.reason):
        return Outcome.model_error(failure.reason, failure.message)
    return Outcome.infra_error(failure.reason, failure.message)


def _stages(stored: Progress, known: Mapping[str, KnownStep]) -> dict[str, StageCounts]:
    """Counts of what the log holds; what was asked for without an answer yet counts when it is asked for by us."""
    stages = {kind: StageCounts(replayed=counts.replayed) for kind, counts in stored.stages.items()}
    for step in known.values():
        if step.kind in stages:
            counts = stages[step.kind]
            counts.failed += step.failed
            counts.recorded += not step.failed
            counts.tokens += step.tokens
            counts.cost += step.cost
            if not step.adopted:
                counts.asked += step.attempt
                counts.again += step.attempt - 1
    return stages
