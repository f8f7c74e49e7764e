"""Tells from time to time how runs are doing, for dashboards and alarms."""

from __future__ import annotations

import structlog

from shinsa_orchestrator.application.looking import keep_looking
from shinsa_orchestrator.domain.pace import Pace
from shinsa_orchestrator.ports.clock import Clock
from shinsa_orchestrator.ports.runs import RunGauges, RunStore

log = structlog.get_logger(__name__)

LOOK_SECONDS = 10.0


class Vitals:
    """Reads the results store, so that every replica tells the same of all runs, whoever examines them."""

    def __init__(self, runs: RunStore, gauges: RunGauges, clock: Clock) -> None:
        self._runs = runs
        self._gauges = gauges
        self._clock = clock
        self._paces: dict[str, Pace] = {}

    async def run(self) -> None:
        """Looks until cancelled; a store that is away is looked at again later."""
        await keep_looking(self.look, LOOK_SECONDS, unavailable="run_store_unavailable")

    async def look(self) -> None:
        """One look: runs by state, and of each active run its items, its steps and the time that it still takes."""
        states, active = await self._runs.state_counts(), await self._runs.active_runs()
        self._paces = {run.id: self._paces.get(run.id, Pace()) for run in active}
        told = []
        for run in active:
            pace, progress = self._paces[run.id], run.progress
            pace.note(self._clock.steady(), progress.outcomes)
            told.append((run, pace.seconds_for(progress.items - progress.outcomes)))
        self._gauges.show(states, told)
