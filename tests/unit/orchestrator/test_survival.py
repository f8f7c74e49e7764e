"""Deaths, take-overs, resumption: nothing is lost, nothing counted twice, nothing recorded done again."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from shinsa_chassis.errors import Reason, ShinsaError
from shinsa_orchestrator.application import keeper
from shinsa_orchestrator.application.tallying import outcomes
from shinsa_orchestrator.domain.item import ItemFilter
from shinsa_orchestrator.domain.repeat import RepeatCause, RepeatCount
from shinsa_orchestrator.domain.run import BenchmarkChoice, RunSpec, RunState

ALL = ("sums", "programs", "essays")


def _numbers(report: Any) -> Any:
    return report.scores, report.reasons, report.tokens


async def test_a_killed_orchestrator_is_taken_over_without_loss(world: Any) -> None:
    world.lease_seconds = 0.4
    world.workers.delay = 0.01
    world.window = 4
    world.items_per_shard = 9
    first = world.replica("first")
    run = await first.runs.submit(world.spec(*ALL))

    async def half_way() -> bool:
        return sum(count.count for count in await world.log.status_counts(run.id)) >= 8

    await world.until(half_way)
    await first.kill()
    recorded = await _recorded(world, run)
    asked_before = [task.step_id for task in world.workers.asked]

    second = world.replica("second")
    ended = await world.over(second, run)
    assert ended.state is RunState.COMPLETE
    assert ended.progress.scored == 22
    assert not recorded & {task.step_id for task in world.workers.asked[len(asked_before) :]}
    assert set(world.workers.executions.values()) == {1}

    interrupted = await second.reports.report(run.id)
    undisturbed = await world.examined(*ALL)
    assert _numbers(interrupted) == _numbers(undisturbed)


async def _recorded(world: Any, run: Any) -> set[str]:
    known = [await world.log.known_steps(run.id, number) for number in range(run.plan.shards)]
    return {step for shard in known for step in shard}


async def test_results_that_arrived_while_nobody_listened_are_used(world: Any) -> None:
    world.lease_seconds = 0.3
    world.workers.hold = {"generate"}
    first = world.replica("first")
    run = await first.runs.submit(world.spec("sums"))

    await world.until(lambda: len(world.workers.held) == 8)
    await first.kill()
    await world.workers.let_go("generate")
    asked = world.workers.asks()

    second = world.replica("second")
    ended = await world.over(second, run)
    assert ended.progress.scored == 12
    assert world.workers.asks() - asked == 4
    assert ended.progress.stages["generate"].replayed == 8
    items, _ = await second.items.listing(ItemFilter(run.id))
    for item in items:
        _, steps = await second.items.get(item.id)
        assert [(step.kind, bool(step.request)) for step in steps] == [("generate", True)]


async def test_a_failure_found_at_take_over_ends_its_item_as_it_would_have(world: Any) -> None:
    world.lease_seconds = 0.3
    world.workers.hold = {"generate"}
    first = world.replica("first")
    run = await first.runs.submit(world.spec("sums"))

    await world.until(lambda: len(world.workers.held) == 8)
    await first.kill()

    def answer(task: Any, request: Any) -> Any:
        if b"* 3 =" in task.request:
            raise world.Failed("upstream_failed")
        return world.right(task, request)

    world.workers.answer = answer
    await world.workers.let_go("generate")
    second = world.replica("second")
    ended = await world.over(second, run)
    assert (ended.state, ended.progress.infra_errors) == (RunState.INCOMPLETE, 1)
    assert [task.attempt for task in world.workers.asked if b"* 3 =" in task.request] == [1]
    assert ended.progress.stages["generate"].failed == 1


async def test_an_orderly_stop_hands_its_shards_over_at_once(world: Any) -> None:
    world.lease_seconds = 600.0
    world.workers.delay = 0.01
    world.window = 2
    first = world.replica("first")
    run = await first.runs.submit(world.spec("sums"))
    await asyncio.sleep(0.05)
    await first.stop()
    second = world.replica("second")
    assert (await world.over(second, run)).progress.scored == 12
    assert set(world.workers.executions.values()) == {1}


async def test_two_replicas_share_the_shards_of_a_run(world: Any) -> None:
    world.shelf.installed["sums"] = world.Sums(size=80)
    world.items_per_shard = 10
    world.workers.hold = {"generate"}
    world.window = 4
    first, second = world.replica("first"), world.replica("second")
    run = await first.runs.submit(world.spec("sums"))
    second.keeper.changed()
    owners: set[str] = set()

    async def both_work() -> bool:
        from shinsa_orchestrator.outbound.results_tables import shards
        from sqlalchemy import select

        async with world.runs._database.reading() as connection:
            owners.update((await connection.execute(select(shards.c.owner).distinct())).scalars())
        return {"first", "second"} <= owners

    await world.until(both_work)
    await world.workers.let_go("generate")
    ended = await world.over(first, run)
    assert ended.progress.scored == 80
    assert set(world.workers.executions.values()) == {1}
    assert len(world.workers.executions) == 80


async def test_who_lost_his_lease_stops_and_does_no_harm(world: Any) -> None:
    world.lease_seconds = 0.2
    world.workers.delay = 0.01
    world.window = 2
    first = world.replica("first")
    run = await first.runs.submit(world.spec("sums"))
    await asyncio.sleep(0.04)
    # The first one's heartbeat is held up, as by a stopped process; it goes on examining.
    renew = world.runs.renew

    async def late(owner: str, seconds: float, held: Any) -> Any:
        if owner == "first":
            await asyncio.sleep(0.6)
        return await renew(owner, seconds, held)

    world.runs.renew = late
    second = world.replica("second")
    ended = await world.over(second, run)
    assert (ended.state, ended.progress.scored) == (RunState.COMPLETE, 12)
    assert sum(count.count for count in await world.log.status_counts(run.id)) == 12


async def test_cancel_stops_asking_and_resume_goes_on(world: Any) -> None:
    world.workers.hold = {"generate"}
    world.window = 2
    replica = world.replica()
    run = await replica.runs.submit(world.spec("sums"))

    await world.until(lambda: len(world.workers.held) == 2)
    answered, world.workers.held = world.workers.held, []
    for task in answered:
        await world.workers._work(task)
    await world.until(lambda: len(world.workers.held) == 2)
    assert (await replica.runs.cancel(run.id)).state is RunState.CANCELLED
    assert (await replica.runs.cancel(run.id)).state is RunState.CANCELLED

    await world.until(lambda: not replica.keeper._held)
    await asyncio.sleep(0.1)
    assert world.workers.asks() == 4
    assert (await replica.runs.get(run.id)).progress.scored == 2

    await world.workers.let_go("generate")
    assert (await replica.runs.resume(run.id)).round == 2
    ended = await world.over(replica, run)
    assert (ended.state, ended.progress.scored) == (RunState.COMPLETE, 12)
    assert set(world.workers.executions.values()) == {1}


async def test_cancel_reaches_the_replica_that_examines(world: Any) -> None:
    world.lease_seconds = 0.4
    world.workers.hold = {"generate"}
    first = world.replica("first")
    run = await first.runs.submit(world.spec("sums"))

    await world.until(lambda: len(world.workers.held) == 8)
    second = world.replica("second")
    await second.runs.cancel(run.id)

    await world.until(lambda: not first.keeper._held)


async def test_resume_does_again_only_what_we_failed_to_measure(world: Any) -> None:
    def answer(task: Any, request: Any) -> Any:
        if task.kind == "judge" and b"essays-1" in task.request:
            raise world.Failed("rate_limited")
        return world.right(task, request)

    world.workers.answer = answer
    replica = world.replica()
    run = await world.over(replica, await replica.runs.submit(world.spec("sums", "essays")))
    assert (run.state, run.progress.infra_errors) == (RunState.INCOMPLETE, 1)
    asked = len(world.workers.asked)

    world.workers.answer = world.right
    await replica.runs.resume(run.id)
    ended = await world.over(replica, run)
    again = world.workers.asked[asked:]
    assert [(task.kind, task.attempt) for task in again] == [("judge", 2), ("judge", 2)]
    assert (ended.state, ended.progress.scored, ended.progress.infra_errors) == (RunState.COMPLETE, 16, 0)
    assert ended.progress.stages["judge"].failed == 0
    report = await replica.reports.report(run.id)
    assert (report.ledger.steps_asked, report.ledger.steps_asked_again, report.ledger.steps_failed) == (30, 2, 0)
    assert report.ledger.repeats == (RepeatCount(RepeatCause.RESUMED, "rate_limited", 2),)
    assert _numbers(report)[0] == (await world.examined("sums", "essays")).scores


async def test_resume_is_refused_where_nothing_can_come_of_it(world: Any) -> None:
    replica = world.replica()
    run = await world.over(replica, await replica.runs.submit(world.spec("sums")))
    with pytest.raises(ShinsaError, match="nothing left to do") as refused:
        await replica.runs.resume(run.id)
    assert refused.value.reason is Reason.FAILED_PRECONDITION
    with pytest.raises(ShinsaError, match="only a pending, running or paused run"):
        await replica.runs.cancel(run.id)
    with pytest.raises(ShinsaError, match="no run 'r0'"):
        await replica.runs.resume("r0")


async def test_resume_under_another_version_or_data_is_refused(world: Any) -> None:
    world.workers.hold = {"generate"}
    replica = world.replica()
    run = await replica.runs.submit(world.spec("sums"))
    with pytest.raises(ShinsaError, match="not over yet"):
        await replica.runs.resume(run.id)
    await replica.runs.cancel(run.id)

    world.shelf.installed["sums"] = world.Sums(size=12, version="2")
    with pytest.raises(ShinsaError, match="planned with version 1, installed is 2"):
        await replica.runs.resume(run.id)
    world.shelf.installed["sums"] = world.Sums(size=13)
    with pytest.raises(ShinsaError, match=r"data .* has changed") as refused:
        await replica.runs.resume(run.id)
    assert refused.value.reason is Reason.DATA_MISMATCH


async def test_data_that_changes_under_a_run_fails_it_with_the_reason(world: Any) -> None:
    planner = world.replica("planner")
    await planner.stop()
    run = await planner.runs.submit(world.spec("sums"))
    world.shelf.installed["sums"] = world.Sums(size=13)
    worker = world.replica("worker")
    ended = await world.over(worker, run)
    assert ended.state is RunState.FAILED
    assert "data" in ended.problem
    assert "has changed" in ended.problem


async def test_a_store_that_is_away_for_a_while_costs_nothing(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from shinsa_orchestrator.application import recorder

    monkeypatch.setattr(recorder, "RETRY_SECONDS", 0.02)
    record, failures = world.log.record, 3

    async def flaky(*batch: Any) -> Any:
        nonlocal failures
        if failures:
            failures -= 1
            raise ShinsaError(Reason.UNAVAILABLE, "the sample log cannot be reached")
        return await record(*batch)

    world.log.record = flaky
    report = await world.examined("sums")
    assert (failures, report.run.progress.scored) == (0, 12)
    assert set(world.workers.executions.values()) == {1}


async def test_the_same_outcomes_give_the_same_scores_to_the_last_digit(world: Any) -> None:
    def answer(task: Any, request: Any) -> Any:
        if task.kind == "judge":
            import random

            value = 1 + 9 * random.Random(bytes(request.case.fields[0].value, "utf-8")).random()
            response = world.right(task, request)
            response.verdict.value = value
            return response
        return world.right(task, request)

    world.workers.answer = answer
    world.shelf.installed["essays"] = world.Essays(size=50)
    world.window = 50
    first = await world.examined("essays")
    world.window, world.items_per_shard = 3, 7
    second = await world.examined("essays")
    assert repr(first.scores) == repr(second.scores)


async def test_idempotency_key_gives_the_same_run(world: Any) -> None:
    replica = world.replica()
    spec = RunSpec("m", benchmarks=(BenchmarkChoice("sums"),))
    first = await replica.runs.submit(spec, "night-1")
    assert (await replica.runs.submit(spec, "night-1")).id == first.id
    with pytest.raises(ShinsaError, match="another spec") as refused:
        await replica.runs.submit(replace(spec, limit=3), "night-1")
    assert refused.value.reason is Reason.ALREADY_EXISTS
    assert (await replica.runs.submit(spec)).id != first.id


async def test_a_message_bus_that_is_away_for_long_delays_a_run_and_no_more(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper, "FIRST_WAIT_SECONDS", 0.0)
    away = 2 * keeper.MOST_FAILURES
    results = world.workers.results

    def unreachable(inbox: str) -> Any:
        nonlocal away
        if away:
            away -= 1
            raise ShinsaError(Reason.UNAVAILABLE, "the message bus cannot be reached")
        return results(inbox)

    world.workers.results = unreachable
    report = await world.examined("sums")
    assert (away, report.run.state) == (0, RunState.COMPLETE)


async def test_what_fails_again_and_again_fails_the_run_with_its_reason(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper, "FIRST_WAIT_SECONDS", 0.0)

    def broken(inbox: str) -> Any:
        raise ValueError("a bug of ours")

    world.workers.results = broken
    replica = world.replica()
    ended = await world.over(replica, await replica.runs.submit(world.spec("sums")))
    assert (ended.state, ended.problem) == (RunState.FAILED, "ValueError: a bug of ours")


async def test_outcomes_that_cannot_be_tallied_fail_the_run_and_nothing_else(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from shinsa_orchestrator.application import reporting

    async def broken(*arguments: Any) -> Any:
        raise ValueError("no such metric")

    monkeypatch.setattr(reporting, "tally_run", broken)
    replica = world.replica()
    ended = await world.over(replica, await replica.runs.submit(world.spec("sums")))
    assert ended.state is RunState.FAILED
    assert "could not be tallied: ValueError: no such metric" in ended.problem
    monkeypatch.undo()
    await replica.runs.resume(ended.id)
    assert (await world.over(replica, ended)).state is RunState.COMPLETE
    assert set(world.workers.executions.values()) == {1}


async def test_a_run_that_is_refused_its_end_keeps_no_other_from_it(world: Any) -> None:
    """As where a benchmark was installed in another version between its last item and its end."""
    replica = world.replica()
    finish, refused = replica.keeper._ends._finish, await replica.runs.submit(world.spec("sums"))

    async def another_version(run_id: str) -> None:
        if run_id == refused.id:
            raise ShinsaError(Reason.FAILED_PRECONDITION, "sums: planned with version 1, installed is 2")
        await finish(run_id)

    replica.keeper._ends._finish = another_version
    later = await replica.runs.submit(world.spec("programs"))
    assert (await world.over(replica, later)).state is RunState.COMPLETE
    ended = await world.over(replica, refused)
    assert (ended.state, ended.problem) == (RunState.FAILED, "sums: planned with version 1, installed is 2")


async def test_a_run_that_failed_and_is_resumed_has_all_its_tries_again(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper, "FIRST_WAIT_SECONDS", 0.0)
    results, broken = world.workers.results, keeper.MOST_FAILURES

    def sometimes_broken(inbox: str) -> Any:
        nonlocal broken
        if broken:
            broken -= 1
            raise ValueError("a bug of ours")
        return results(inbox)

    world.workers.results = sometimes_broken
    replica = world.replica()
    run = await replica.runs.submit(world.spec("sums"))
    assert (await world.over(replica, run)).state is RunState.FAILED
    broken = keeper.MOST_FAILURES - 1
    await replica.runs.resume(run.id)
    assert (await world.over(replica, run)).state is RunState.COMPLETE


async def test_other_runs_go_on_while_a_large_one_is_tallied(world: Any) -> None:
    one = world.replica()
    tallying, go_on, finish = asyncio.Event(), asyncio.Event(), one.keeper._ends._finish

    async def slowly(run_id: str) -> None:
        tallying.set()
        await go_on.wait()
        await finish(run_id)

    one.keeper._ends._finish = slowly
    large = await one.runs.submit(world.spec("sums"))
    async with asyncio.timeout(60):
        await tallying.wait()
    other = await one.runs.submit(world.spec("programs"))
    await world.until(lambda: world.log.status_counts(other.id))
    go_on.set()
    assert (await world.over(one, large)).state is RunState.COMPLETE
    assert (await world.over(one, other)).state is RunState.COMPLETE


async def test_repetitions_that_came_to_the_same_are_one_object(world: Any) -> None:
    one = world.replica()
    run = await one.runs.submit(RunSpec("m", benchmarks=(BenchmarkChoice("sums", repetitions=3),)))
    await world.over(one, run)
    rows = await outcomes(world.log, run, 0)
    assert [row[0] for row in rows] == sorted(row[0] for row in rows)
    by_sample = {row[0]: row for row in rows}
    assert len(rows) == 3 * len(by_sample)
    assert all(row is by_sample[row[0]] for row in rows)
