"""How long prompts, replies and evidence are kept. Outcomes, scores and totals stay for ever."""

from __future__ import annotations

import structlog
from shinsa_chassis.errors import Reason, ShinsaError

from shinsa_orchestrator.application.looking import keep_looking
from shinsa_orchestrator.application.refusals import no_run
from shinsa_orchestrator.domain.run import OVER, Run
from shinsa_orchestrator.ports.runs import RunStore
from shinsa_orchestrator.ports.samples import SampleLog

log = structlog.get_logger(__name__)

DAY_SECONDS = 86400.0
LOOK_SECONDS = 3600.0
# A replica may have died half way through a run's samples: for so long they are gone through again.
AGAIN_SECONDS = 2 * LOOK_SECONDS


class SampleKeeper:
    """Forgets samples of runs that were over ``days`` ago; 0: never by itself."""

    def __init__(self, runs: RunStore, sample_log: SampleLog, *, days: float) -> None:
        self._runs = runs
        self._log = sample_log
        self._days = days

    async def run(self) -> None:
        """Looks once an hour until cancelled."""
        await keep_looking(self.look, LOOK_SECONDS, unavailable="run_store_unavailable")

    async def look(self) -> None:
        """One look; several replicas that look at once do no harm."""
        for run_id in await self._runs.forgotten(AGAIN_SECONDS):
            await self._empty(run_id)
        if self._days:
            for run_id in await self._runs.forgettable(self._days * DAY_SECONDS):
                await self._forget(run_id)

    async def forget(self, run_id: str) -> Run:
        """The same for one run, now. Raises ``ShinsaError`` for one that is not over, or is being adopted."""
        run = await self._get(run_id)
        if run.samples_forgotten_at is None and not await self._forget(run_id):
            run = await self._get(run_id)
            why = "wait until it is over, or cancel it"
            if run.state in OVER:
                why = "a run that takes over its steps still goes on; wait for that"
            message = f"run {run_id} is {run.state.value}, its samples are still needed: {why}"
            raise ShinsaError(Reason.FAILED_PRECONDITION, message, field="run_id")
        return await self._get(run_id)

    async def _forget(self, run_id: str) -> bool:
        # First it is said, then done: nobody meets half a sample without knowing why.
        if not await self._runs.note_forgotten(run_id):
            return False
        await self._empty(run_id)
        log.info("samples_forgotten", run_id=run_id)
        return True

    async def _empty(self, run_id: str) -> None:
        run = await self._get(run_id)
        for shard in range(run.plan.shards):
            await self._log.forget(run_id, shard)

    async def _get(self, run_id: str) -> Run:
        run = await self._runs.run(run_id)
        if run is None:
            raise no_run(run_id)
        return run
