"""How runs are doing, as dashboards see it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from prometheus_client import REGISTRY
from shinsa_chassis.errors import Reason, ShinsaError
from shinsa_orchestrator.application import vitals
from shinsa_orchestrator.application.vitals import Vitals
from shinsa_orchestrator.domain.pace import MEMORY_SECONDS, Pace
from shinsa_orchestrator.domain.progress import Progress
from shinsa_orchestrator.domain.run import Plan, Run, RunSpec, RunState
from shinsa_orchestrator.outbound.run_gauges import PrometheusRunGauges


def value(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(name, labels)


async def test_an_active_run_is_shown_and_then_forgotten(world: Any) -> None:
    world.workers.hold = {"generate"}
    world.lease_seconds = 0.2
    replica = world.replica()
    run = await replica.runs.submit(world.spec("sums"))
    told = Vitals(world.runs, PrometheusRunGauges(), world.clock)

    async def window_is_full() -> bool:
        await told.look()
        steps = value("shinsa_run_steps", run_id=run.id, kind="generate", state="in_flight")
        return (value("shinsa_run_items", run_id=run.id, state="in_flight"), steps) == (8, 8)

    await world.until(window_is_full)
    assert value("shinsa_runs", state="running") == 1
    assert value("shinsa_runs", state="complete") == 0
    assert value("shinsa_run_items", run_id=run.id, state="waiting") == 4
    assert value("shinsa_run_remaining_seconds", run_id=run.id, model="m") is None

    await world.workers.let_go("generate")
    await world.over(replica, run)
    await told.look()
    assert (value("shinsa_runs", state="running"), value("shinsa_runs", state="complete")) == (0, 1)
    assert value("shinsa_run_items", run_id=run.id, state="scored") is None
    assert value("shinsa_run_steps", run_id=run.id, kind="generate", state="recorded") is None


async def test_a_clock_that_is_set_back_does_not_hide_how_long_a_run_takes() -> None:
    run = Run("r1", RunSpec("m"), Plan((), {}, 10, 8), RunState.RUNNING)

    class Runs:
        async def state_counts(self) -> dict[RunState, int]:
            return {RunState.RUNNING: 1}

        async def active_runs(self) -> list[Run]:
            return [run]

    class Clock:
        times = iter([(5000.0, 1.0), (1000.0, 11.0)])

        def now(self) -> float:
            return next(self.times)[0]

        def steady(self) -> float:
            return next(self.times)[1]

    told = Vitals(Runs(), PrometheusRunGauges(), Clock())  # type: ignore[arg-type]
    for scored in (10, 30):
        run = replace(run, progress=Progress(items=80, scored=scored))
        await told.look()
    assert value("shinsa_run_remaining_seconds", run_id="r1", model="m") == 25


async def test_a_store_that_is_away_is_looked_at_again(monkeypatch: pytest.MonkeyPatch) -> None:
    looks, thrice = 0, asyncio.Event()

    class Away:
        async def state_counts(self) -> Any:
            nonlocal looks
            looks += 1
            if looks == 3:
                thrice.set()
            raise ShinsaError(Reason.UNAVAILABLE, "away")

    monkeypatch.setattr(vitals, "LOOK_SECONDS", 0.001)
    task = asyncio.create_task(Vitals(Away(), PrometheusRunGauges(), None).run())  # type: ignore[arg-type]
    await asyncio.wait_for(thrice.wait(), 60)
    task.cancel()


def test_the_time_that_a_run_still_takes() -> None:
    pace = Pace()
    assert pace.seconds_for(0) == 0
    assert pace.seconds_for(5) is None
    pace.note(100, 10)
    assert pace.seconds_for(5) is None
    pace.note(110, 30)
    assert pace.seconds_for(5) == 2.5
    pace.note(120, 30)
    assert pace.seconds_for(5) == 5
    # A standstill outlives the memory of better days.
    for second in range(130, int(130 + 2 * MEMORY_SECONDS), 10):
        pace.note(second, 30)
    assert pace.seconds_for(5) is None
    pace.note(2000, 4)
    pace.note(2010, 8)
    assert pace.seconds_for(4) == 10
