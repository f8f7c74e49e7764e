"""Keeps leases: takes shards, examines them, renews them and gives them back."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import structlog
from shinsa_chassis.errors import Reason, ShinsaError

from shinsa_orchestrator.application.examination import ShardExamination
from shinsa_orchestrator.application.examination_tools import Tools
from shinsa_orchestrator.application.held_shards import HeldShard, RunHere
from shinsa_orchestrator.application.judge_budget import JudgePurse
from shinsa_orchestrator.application.lines import open_lines
from shinsa_orchestrator.application.reuse import ReuseShelf
from shinsa_orchestrator.application.run_ends import EndTerms, RunEnds, guarded
from shinsa_orchestrator.application.unbroken import unbroken
from shinsa_orchestrator.application.window import RunWindow
from shinsa_orchestrator.domain.run import ACTIVE, RunState
from shinsa_orchestrator.domain.shard import Lease
from shinsa_orchestrator.ports.catalog import Catalog
from shinsa_orchestrator.ports.runs import RunStore, ShardKey

log = structlog.get_logger(__name__)

PULSE_SECONDS = 1.0
# Failures to examine a shard, one after the other, until its run is given up; what may pass by itself does not count.
MOST_FAILURES = 5
# Wait before a run is touched again after a failure: doubled with each, up to the longest.
FIRST_WAIT_SECONDS = 1.0
LONGEST_WAIT_SECONDS = 10.0
# What no repetition mends: the run fails at once.
_FINAL = frozenset({Reason.DATA_MISMATCH, Reason.INVALID_ARGUMENT, Reason.NOT_FOUND})


@dataclass(frozen=True, slots=True)
class LeaseTerms:
    """Under which name and for how long shards are leased, in seconds; how many may be held at once."""

    owner: str
    seconds: float
    most_shards: int = 64


class ShardKeeper:
    """The shards of this replica."""

    def __init__(
        self,
        runs: RunStore,
        catalog: Catalog,
        tools: Tools,
        terms: LeaseTerms,
        finish: Callable[[str], Awaitable[None]],
        at_rest: Callable[[], bool] = lambda: False,
    ) -> None:
        self._runs = runs
        self._catalog = catalog
        self._tools = tools
        self._terms = terms
        # Whether this replica is to take nothing new; then what it holds goes to others.
        self._at_rest = at_rest
        self._here: dict[str, RunHere] = {}
        self._held: dict[ShardKey, HeldShard] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._failures: dict[ShardKey, int] = {}
        self._not_before: dict[str, float] = {}
        self._wake = asyncio.Event()
        self._next_pulse = 0.0
        self._pulse_seconds = min(PULSE_SECONDS, terms.seconds / 4)
        self._ends = RunEnds(runs, EndTerms(terms.owner, terms.seconds, self._pulse_seconds), finish)

    def changed(self) -> None:
        """A run was submitted, cancelled or resumed here: look at once."""
        self._next_pulse = 0.0
        self._wake.set()

    @property
    def shards(self) -> int:
        """How many it holds."""
        return len(self._held)

    def _roomier(self) -> None:
        """A shard has started all its items, or ended: there may be room for another."""
        self._wake.set()

    async def run(self) -> None:
        """Keeps going until cancelled; then everything held is given back for others to take at once."""
        loop = asyncio.get_running_loop()
        try:
            while True:
                self._wake.clear()
                if loop.time() >= self._next_pulse:
                    self._next_pulse = loop.time() + self._pulse_seconds
                    await guarded(self._pulse)
                    self._ends.soon()
                await (self._let_go() if self._at_rest() else guarded(self._lease_more))
                # Not `wait_for`: in Python 3.11 it can swallow a cancellation.
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout_at(self._next_pulse):
                        await self._wake.wait()
        finally:
            await self._let_go()
            await self._ends.stop()

    # --- leases ---

    async def _pulse(self) -> None:
        """Renews what is held and learns what has become of it."""
        if not self._held:
            return
        held = dict(self._held)
        progress = {key: one.progress for key, one in held.items()}
        pulses = await self._runs.renew(self._terms.owner, self._terms.seconds, progress)
        for key, one in held.items():
            pulse = pulses.get(key)
            if one.leaving:
                continue
            if pulse is None:
                log.warning("lease_lost", run_id=key[0], shard=key[1])
            elif pulse.state in ACTIVE and pulse.round == one.lease.run.round:
                continue
            if one.task is not None:
                one.task.cancel()
        for run_id, here in list(self._here.items()):
            if here.purse.bounded:
                here.purse.learn(await self._runs.shard_progress(run_id))

    async def _lease_more(self) -> None:
        while len(self._held) < self._terms.most_shards:
            now = self._tools.clock.steady()
            full = [run_id for run_id, here in self._here.items() if not here.wants_more]
            self._not_before = {run_id: until for run_id, until in self._not_before.items() if until > now}
            if not await self._lease_one(not_of=[*full, *self._not_before]):
                return

    @unbroken
    async def _lease_one(self, not_of: Sequence[str]) -> bool:
        """What the store has given us is held, so that whoever ends us gives it back."""
        lease = await self._runs.lease_shard(self._terms.owner, self._terms.seconds, not_of=not_of)
        if lease is not None:
            self._hold(lease)
        return lease is not None

    def _hold(self, lease: Lease) -> None:
        before = self._held.get(lease.key)
        if before is not None and not before.leaving and before.lease.run.round == lease.run.round:
            before.lease = lease  # it had run out while we were held up; now it is ours again
            return
        if before is not None and before.task is not None:
            before.task.cancel()
        held = self._held[lease.key] = HeldShard(lease)
        here = self._here.get(lease.run.id)
        if here is None or here.round != lease.run.round:
            spec, window = lease.run.spec, RunWindow(lease.run.plan.window)
            shelf = ReuseShelf(lease.run.id, self._tools.sample_log) if spec.reuse else None
            here = self._here[lease.run.id] = RunHere((), window, JudgePurse(spec.judge_budget), shelf, lease.run.round)
        here.shards[lease.number] = None
        name = f"shard-{lease.run.id}-{lease.number}"
        held.task = asyncio.create_task(self._examine(held, here), name=name)
        self._tasks.add(held.task)
        held.task.add_done_callback(self._tasks.discard)
        log.info("shard_leased", run_id=lease.run.id, shard=lease.number, epoch=lease.epoch, round=lease.run.round)

    async def _examine(self, held: HeldShard, here: RunHere) -> None:
        lease, done, parked = held.lease, False, False
        try:
            if not here.lines:
                here.lines = await open_lines(lease.run.plan, self._catalog)
            if here.purse.bounded:
                here.purse.learn(await self._runs.shard_progress(lease.run.id))
            examination = ShardExamination(
                lease, here.lines, here.window, here.purse, here.reuse, self._tools, self._roomier
            )
            held.examination = examination
            here.purse.open(lease.number, examination.progress)
            here.shards[lease.number] = examination
            await examination.run()
            done, parked = not examination.parked, bool(examination.parked)
            self._failures.pop(lease.key, None)
        except ShinsaError as error:
            await self._failed(lease, error.message, passes=error.retryable, final=error.reason in _FINAL)
        except Exception as error:
            log.exception("shard_failed", run_id=lease.run.id, shard=lease.number)
            await self._failed(lease, f"{type(error).__name__}: {error}")
        finally:
            await self._give_back(held, here, done=done, parked=parked)

    @unbroken
    async def _give_back(self, held: HeldShard, here: RunHere, *, done: bool, parked: bool) -> None:
        run_id, number = held.lease.key
        here.shards.pop(number, None)
        here.purse.close(number)
        here.leaving += 1
        held.leaving = True
        try:
            await self._tools.recorder.flush()
            kept = await self._runs.release(self._terms.owner, held.lease, held.progress, done=done, parked=parked)
            log.info("shard_released", run_id=run_id, shard=number, done=done, parked=parked, kept=kept)
            if kept and (done or parked):
                self._ends.soon()
        except ShinsaError as error:
            # The lease runs out by itself; whoever takes the shard then finds everything in the log.
            log.warning("shard_not_released", run_id=run_id, shard=number, problem=error.message)
        finally:
            self._gone(held, here)

    def _gone(self, held: HeldShard, here: RunHere) -> None:
        """It may be leased again at once, also by us."""
        run_id = held.lease.run.id
        here.leaving -= 1
        if not here.shards and not here.leaving and self._here.get(run_id) is here:
            del self._here[run_id]
        if self._held.get(held.lease.key) is held:
            del self._held[held.lease.key]
        self._roomier()

    async def _failed(self, lease: Lease, problem: str, *, passes: bool = False, final: bool = False) -> None:
        failures = self._failures.get(lease.key, 0) + (not passes)
        self._failures[lease.key] = failures
        log.warning("shard_interrupted", run_id=lease.run.id, shard=lease.number, problem=problem, failures=failures)
        wait = min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2 ** max(0, failures - 1))
        self._not_before[lease.run.id] = self._tools.clock.steady() + wait
        if final or failures >= MOST_FAILURES:
            # Whoever resumes it begins anew.
            self._failures = {key: count for key, count in self._failures.items() if key[0] != lease.run.id}
            with contextlib.suppress(ShinsaError):
                await self._runs.change_state(lease.run.id, RunState.FAILED, of=ACTIVE, problem=problem)
                log.error("run_failed", run_id=lease.run.id, problem=problem)

    async def _let_go(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
