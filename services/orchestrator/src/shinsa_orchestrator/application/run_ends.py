"""Ends runs whose shards are all done, and pauses those whose judges have used up their budget."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog
from shinsa_chassis.errors import ShinsaError

from shinsa_orchestrator.application.judge_budget import spent_problem
from shinsa_orchestrator.domain.run import ACTIVE, RunState
from shinsa_orchestrator.ports.runs import RunStore

log = structlog.get_logger(__name__)

# How often a run is refused its end here, before it fails: meanwhile another replica may be able to end it.
MOST_REFUSALS = 5


@dataclass(frozen=True, slots=True)
class EndTerms:
    """Under which name and for how long the end of a run is claimed, and how often anew; in seconds."""

    owner: str
    seconds: float
    pulse_seconds: float


async def guarded(act: Callable[[], Awaitable[None]]) -> None:
    """A store that cannot be reached is waited for: whoever acts tries again with the next pulse."""
    try:
        await act()
    except ShinsaError as error:
        log.warning("run_store_unavailable", problem=error.message)


class RunEnds:
    """One task ends runs, one after the other: a large one takes longer than a lease lasts unrenewed."""

    def __init__(self, runs: RunStore, terms: EndTerms, finish: Callable[[str], Awaitable[None]]) -> None:
        self._runs = runs
        self._terms = terms
        self._finish = finish
        self._wanted = False
        self._refusals: Counter[str] = Counter()
        self._ending: asyncio.Task[None] | None = None

    def soon(self) -> None:
        """There may be runs to end."""
        self._wanted = True
        if self._ending is None or self._ending.done():
            if self._ending is not None:
                self._ending.result()
            self._ending = asyncio.create_task(self._end_all(), name="finish-runs")

    async def stop(self) -> None:
        if self._ending is not None:
            self._ending.cancel()
            await asyncio.gather(self._ending, return_exceptions=True)

    async def _end_all(self) -> None:
        while self._wanted:
            self._wanted = False
            await guarded(self._end_those_at_hand)

    async def _end_those_at_hand(self) -> None:
        for run_id in await self._runs.finishable():
            try:
                await self._end(run_id)
                self._refusals.pop(run_id, None)
            except ShinsaError as error:
                if error.retryable:
                    raise
                await self._refused(run_id, error)
            except Exception as error:
                log.exception("run_not_tallied", run_id=run_id)
                await self._fail(run_id, f"the outcomes could not be tallied: {type(error).__name__}: {error}")
        for run_id in await self._runs.pausable():
            await self._pause(run_id)

    async def _refused(self, run_id: str, error: ShinsaError) -> None:
        """A run that cannot end, as where another version of its benchmark is installed, keeps no other from it."""
        self._refusals[run_id] += 1
        log.warning("run_not_ended", run_id=run_id, problem=error.message, refusals=self._refusals[run_id])
        if self._refusals[run_id] >= MOST_REFUSALS:
            await self._fail(run_id, error.message)

    async def _fail(self, run_id: str, problem: str) -> None:
        self._refusals.pop(run_id, None)
        if await self._runs.change_state(run_id, RunState.FAILED, of=ACTIVE, problem=problem):
            log.error("run_failed", run_id=run_id, problem=problem)

    async def _end(self, run_id: str) -> None:
        """Ends a run unless another replica is at it; should that one die, its claim lapses, and another does."""
        if not await self._claimed(run_id):
            return
        claiming = asyncio.create_task(self._keep_claim(run_id), name=f"claim-{run_id}")
        try:
            await self._finish(run_id)
        finally:
            claiming.cancel()
            await asyncio.gather(claiming, return_exceptions=True)
            with contextlib.suppress(ShinsaError):
                await self._runs.release_end(run_id, self._terms.owner)

    async def _claimed(self, run_id: str) -> bool:
        return await self._runs.claim_end(run_id, self._terms.owner, self._terms.seconds)

    async def _keep_claim(self, run_id: str) -> None:
        async def claim_on() -> None:
            await self._claimed(run_id)

        while True:
            await asyncio.sleep(self._terms.pulse_seconds)
            await guarded(claim_on)

    async def _pause(self, run_id: str) -> None:
        run = await self._runs.run(run_id)
        if run is not None and await self._runs.pause(run_id, run.round, spent_problem(run)):
            spent = run.progress.stages["judge"]
            log.warning("run_paused", run_id=run_id, judge_tokens=spent.tokens, judge_cost=spent.cost)
