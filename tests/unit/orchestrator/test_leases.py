"""Shards come and go: between replicas, between rounds, and while a store is slow."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from shinsa_chassis.errors import ShinsaError
from shinsa_orchestrator.application import keeper
from shinsa_orchestrator.application.retention import SampleKeeper
from shinsa_orchestrator.domain.run import JudgeBudget, RunState


async def test_what_is_leased_while_we_are_told_to_stop_goes_to_others_at_once(world: Any) -> None:
    world.lease_seconds = 600.0
    lease_shard, leased, answered = world.runs.lease_shard, asyncio.Event(), asyncio.Event()

    async def slow(owner: str, seconds: float, *, not_of: Any) -> Any:
        found = await lease_shard(owner, seconds, not_of=not_of)
        if owner == "first" and found is not None:
            leased.set()
            await answered.wait()
        return found

    world.runs.lease_shard = slow
    first = world.replica("first")
    run = await first.runs.submit(world.spec("sums"))
    await leased.wait()
    stopping = asyncio.create_task(first.stop())
    await asyncio.sleep(0)
    answered.set()
    await stopping
    second = world.replica("second")
    assert (await world.over(second, run)).progress.scored == 12


async def test_a_run_that_is_resumed_while_its_shard_is_on_its_way_back_goes_on_at_once(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper, "PULSE_SECONDS", 0.01)
    world.lease_seconds = 600.0

    def answer(task: Any, request: Any) -> Any:
        if b"* 3 =" in task.request:
            raise world.Failed("rate_limited")
        return world.right(task, request)

    release, go_on = world.runs.release, asyncio.Event()

    async def slow(owner: str, lease: Any, *arguments: Any, **words: Any) -> Any:
        kept = await release(owner, lease, *arguments, **words)
        if lease.run.round == 1:
            await go_on.wait()
        return kept

    world.workers.answer, world.runs.release = answer, slow
    replica = world.replica()
    run = await world.over(replica, await replica.runs.submit(world.spec("sums")))
    assert run.state is RunState.INCOMPLETE
    world.workers.answer = world.right
    try:
        await replica.runs.resume(run.id)
        assert (await world.over(replica, run)).state is RunState.COMPLETE
    finally:
        go_on.set()


async def test_what_a_shard_on_its_way_back_has_spent_is_not_forgotten(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper, "PULSE_SECONDS", 600.0)
    world.lease_seconds, world.items_per_shard = 2400.0, 2
    replica = world.replica()
    one_at_a_time = replica.keeper._terms = replace(replica.keeper._terms, most_shards=1)
    release, released = world.runs.release, asyncio.Event()

    async def slow(owner: str, lease: Any, *arguments: Any, **words: Any) -> Any:
        if lease.number == 0:
            replica.keeper._terms = replace(one_at_a_time, most_shards=64)
            replica.keeper._roomier()
            await released.wait()
        else:
            released.set()
        return await release(owner, lease, *arguments, **words)

    world.runs.release = slow
    # Both items of the first shard take two verdicts, of seven tokens.
    run = await replica.runs.submit(world.spec("essays", judge_budget=JudgeBudget(tokens=4 * 7)))
    await released.wait()
    assert world.workers.asks("judge") == 4
    replica.keeper.changed()
    assert (await world.over(replica, run)).state is RunState.PAUSED
    assert world.workers.asks("judge") == 4


async def test_progress_does_not_fall_while_the_log_of_a_shard_is_read(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper, "PULSE_SECONDS", 0.01)
    world.lease_seconds = 600.0
    world.workers.hold = {"generate"}
    first = world.replica("first")
    run = await first.runs.submit(world.spec("sums"))

    async def asked() -> bool:
        return len(world.workers.held) == 8

    async def recorded() -> bool:
        return sum(count.count for count in await world.log.status_counts(run.id)) == 3

    await world.until(asked)
    answered, world.workers.held = world.workers.held[:3], world.workers.held[3:]
    for task in answered:
        await world.workers._work(task)
    await world.until(recorded)
    await first.stop()

    finished, renew, read, pulses = world.log.finished, world.runs.renew, asyncio.Event(), 0

    async def slow(*arguments: Any) -> Any:
        await read.wait()
        return await finished(*arguments)

    async def renewed(owner: str, seconds: float, held: Any) -> Any:
        nonlocal pulses
        known = await renew(owner, seconds, held)
        pulses += len(held)
        return known

    world.log.finished, world.runs.renew = slow, renewed
    second = world.replica("second")

    async def two_pulses() -> bool:
        return pulses >= 2

    await world.until(two_pulses)
    assert (await second.runs.get(run.id)).progress.scored == 3
    read.set()
    await world.workers.let_go("generate")
    assert (await world.over(second, run)).progress.scored == 12
    assert set(world.workers.executions.values()) == {1}


async def test_one_replica_tallies_a_run(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper, "PULSE_SECONDS", 0.01)
    world.lease_seconds = 600.0
    tallying, go_on = asyncio.Event(), asyncio.Event()
    tallied, refused = [], {"first": 0, "second": 0}
    status_counts, claim_end = world.log.status_counts, world.runs.claim_end

    async def slow(run_id: str) -> Any:
        tallied.append(run_id)
        tallying.set()
        await go_on.wait()
        return await status_counts(run_id)

    async def noted(run_id: str, owner: str, seconds: float) -> bool:
        claimed = bool(await claim_end(run_id, owner, seconds))
        refused[owner] += not claimed
        return claimed

    world.log.status_counts, world.runs.claim_end = slow, noted
    first, second = world.replica("first"), world.replica("second")
    run = await first.runs.submit(world.spec("sums"))
    await tallying.wait()
    await world.until(lambda: _reached(max(refused.values()) >= 5))
    assert len(tallied) == 1
    go_on.set()
    assert (await world.over(second, run)).state is RunState.COMPLETE
    assert len(tallied) == 1


async def test_another_replica_tallies_when_the_first_has_died_at_it(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper, "PULSE_SECONDS", 0.01)
    world.lease_seconds = 0.5
    tallying, never = asyncio.Event(), asyncio.Event()
    status_counts = world.log.status_counts

    async def dies(run_id: str) -> Any:
        tallying.set()
        await never.wait()

    world.log.status_counts = dies
    first = world.replica("first")
    run = await first.runs.submit(world.spec("sums"))
    await tallying.wait()
    await first.kill()
    world.log.status_counts = status_counts
    assert (await world.over(world.replica("second"), run)).state is RunState.COMPLETE


async def _reached(condition: bool) -> bool:
    return condition


async def test_a_run_that_is_forgotten_while_it_is_to_be_judged_again_is_not_adopted(world: Any) -> None:
    """Its samples go between the look at them and the start of the run that would take them over."""
    replica = world.replica()
    run = await world.over(replica, await replica.runs.submit(world.spec("essays")))
    judged = replica.planner.judged

    async def held_up(*arguments: Any) -> Any:
        plan = await judged(*arguments)
        await SampleKeeper(world.runs, world.log, days=0).forget(run.id)
        return plan

    replica.planner.judged = held_up
    with pytest.raises(ShinsaError, match=f"samples of run {run.id} are no longer kept"):
        await replica.runs.rejudge(run.id, ())
    assert [one.id for one in (await replica.runs.listing())[0]] == [run.id]
