"""Samples that are no longer kept: what goes, what stays, and what may not go yet, in every database."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from contract.stores.test_run_store import a_run, added
from contract.stores.test_sample_log import item, step
from shinsa_chassis.errors import Reason, ShinsaError
from shinsa_orchestrator.application.retention import SampleKeeper
from shinsa_orchestrator.domain.progress import Progress
from shinsa_orchestrator.domain.run import ACTIVE, RunState
from shinsa_orchestrator.outbound import run_store
from sqlalchemy import text


async def over(stores: Any, run_id: str, **changes: Any) -> None:
    await added(stores, replace(a_run(run_id, items=10), **changes))
    await stores.runs.change_state(run_id, RunState.CANCELLED, of=ACTIVE)


async def age(stores: Any, run_id: str, days: float) -> None:
    async with stores.results.writing() as connection:
        await connection.execute(
            text("UPDATE runs SET finished_at = finished_at - :seconds WHERE id = :run"),
            {"seconds": days * 86400, "run": run_id},
        )


async def test_evidence_goes_and_totals_stay(stores: Any) -> None:
    await over(stores, "r1")
    records = [step(1, prompt_tokens=5, completion_tokens=2, question="q"), step(2, item_id="i2")]
    await stores.log.record(records, [item(1), item(2)])
    before = (await stores.log.step_totals("r1"), await stores.log.status_counts("r1"), await stores.log.origins("r1"))
    run = await SampleKeeper(stores.runs, stores.log, days=0).forget("r1")
    assert run.samples_forgotten_at is not None
    after = (await stores.log.step_totals("r1"), await stores.log.status_counts("r1"), await stores.log.origins("r1"))
    assert after == before
    kept = await stores.log.item("i1")
    assert (kept.answer, kept.gold, kept.metrics) == ("", "", item(1).metrics)
    assert not (await stores.log.known_steps("r1", 0))["s1"].has_request
    assert await stores.log.successes(["s1", "s2"]) == {"s1", "s2"}
    async with stores.sample_log.reading() as connection:
        left = await connection.execute(text("SELECT count(*) FROM steps WHERE length(body) > 0 OR question <> ''"))
        assert left.scalar_one() == 0
    again = await SampleKeeper(stores.runs, stores.log, days=0).forget("r1")
    assert again.samples_forgotten_at == run.samples_forgotten_at


async def test_only_what_is_old_enough_goes_by_itself(stores: Any) -> None:
    for run_id in ("r1", "r2"):
        await over(stores, run_id)
    await age(stores, "r1", 31)
    await added(stores, a_run("r3"))
    await SampleKeeper(stores.runs, stores.log, days=0).look()
    assert (await stores.runs.run("r1")).samples_forgotten_at is None
    await SampleKeeper(stores.runs, stores.log, days=30).look()
    assert (await stores.runs.run("r1")).samples_forgotten_at is not None
    assert [(await stores.runs.run(run_id)).samples_forgotten_at for run_id in ("r2", "r3")] == [None, None]
    assert await stores.runs.forgotten(60) == ["r1"]


async def test_what_somebody_still_needs_stays(stores: Any) -> None:
    keeper = SampleKeeper(stores.runs, stores.log, days=1)
    await over(stores, "r1")
    await age(stores, "r1", 5)
    await added(stores, replace(a_run("r2"), adopts="r1"))
    await keeper.look()
    for run_id, why in (("r1", "takes over its steps"), ("r2", "wait until it is over")):
        with pytest.raises(ShinsaError, match=why) as refused:
            await keeper.forget(run_id)
        assert refused.value.reason is Reason.FAILED_PRECONDITION
    with pytest.raises(ShinsaError, match="there is no run 'r9'"):
        await keeper.forget("r9")
    await stores.runs.change_state("r2", RunState.CANCELLED, of=ACTIVE)
    assert (await keeper.forget("r1")).samples_forgotten_at is not None


async def test_a_run_whose_samples_are_going_is_not_adopted(stores: Any) -> None:
    await over(stores, "r1")
    await added(stores, replace(a_run("r2"), adopts="r1"))
    await stores.runs.change_state("r2", RunState.CANCELLED, of=ACTIVE)
    await SampleKeeper(stores.runs, stores.log, days=0).forget("r1")
    assert await stores.runs.add_run(replace(a_run("r3"), adopts="r1"), [], "") is None
    assert not await stores.runs.resume("r2", of=(RunState.CANCELLED,))
    assert [run.id for run in await stores.runs.runs(model="", before="", limit=9)] == ["r2", "r1"]


async def test_whoever_forgets_waits_for_the_one_who_adopts(stores: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Held up between looking whether the samples are kept and storing the run that takes them over."""
    await over(stores, "r1")
    looked, go_on = asyncio.Event(), asyncio.Event()
    adoptable = run_store._adoptable

    async def slow(connection: Any, run_id: str) -> bool:
        kept = await adoptable(connection, run_id)
        looked.set()
        await go_on.wait()
        return kept

    monkeypatch.setattr(run_store, "_adoptable", slow)
    adopting = asyncio.create_task(
        stores.runs.add_run(replace(a_run("r2", items=10), adopts="r1"), [Progress(items=10)], "")
    )
    await looked.wait()
    forgetting = asyncio.create_task(stores.runs.note_forgotten("r1"))
    # One that does not wait is through by then, more often than not.
    await asyncio.wait({forgetting}, timeout=0.2)
    assert not forgetting.done()
    go_on.set()
    assert (await adopting).adopts == "r1"
    assert not await forgetting
    assert (await stores.runs.run("r1")).samples_forgotten_at is None
