"""Runs from submission to their end, in one replica."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from shinsa_benchmarks.vocabulary import Item, Outcome
from shinsa_orchestrator.domain.repeat import RepeatCause, RepeatCount
from shinsa_orchestrator.domain.run import BenchmarkChoice, RunSpec, RunState


def failing(world: Any, reason: str, *, when: Callable[[Any], bool]) -> Callable[[Any, Any], Any]:
    """Right answers, but a failure where ``when`` says so of the task."""

    def answer(task: Any, request: Any) -> Any:
        if when(task):
            raise world.Failed(reason)
        return world.right(task, request)

    return answer


async def test_every_item_of_every_benchmark_has_an_outcome(world: Any) -> None:
    report = await world.examined("sums", "programs", "essays")

    assert report.run.state is RunState.COMPLETE
    assert (report.run.progress.items, report.run.progress.scored) == (22, 22)
    values = {(score.benchmark, score.metric): score.value for score in report.scores if score.primary}
    assert values == {("sums", "exact_match"): 1.0, ("programs", "exact_match"): 1.0, ("essays", "rating"): 8.0}
    recorded = {kind: stage.recorded for kind, stage in report.run.progress.stages.items()}
    assert recorded == {"generate": 12 + 6 + 8, "execute": 6, "judge": 8}
    assert report.run.progress.done == {0: 12, 1: 6, 2: 4}
    assert set(world.workers.executions.values()) == {1}


async def test_a_run_over_several_shards_with_repetitions_counts_each_item_once(world: Any) -> None:
    world.items_per_shard = 7
    replica = world.replica()
    spec = RunSpec("m", benchmarks=(BenchmarkChoice("sums", (0, 2), 3),), limit=5)
    run = await world.over(replica, await replica.runs.submit(spec))

    assert (run.plan.items, run.plan.shards) == (30, 5)
    assert run.progress.scored == 30
    items, cursor = await replica.items.listing(_filter(run.id))
    assert len({item.id for item in items}) == 30
    assert not cursor
    assert {(item.shots, item.repetition) for item in items} == {(s, r) for s in (0, 2) for r in range(3)}
    assert sorted(world.workers.closed) == [f"{run.id}-{number}" for number in range(5)]


def _filter(run_id: str, **fields: Any) -> Any:
    from shinsa_orchestrator.domain.item import ItemFilter

    return ItemFilter(run_id, **fields)


async def test_generation_does_not_wait_for_judges_or_sandboxes(world: Any) -> None:
    world.window = 2
    world.workers.hold = {"judge", "execute"}
    replica = world.replica()
    run = await replica.runs.submit(world.spec("sums", "programs", "essays"))

    async def all_generated() -> bool:
        return (world.workers.asks("generate"), world.workers.asks("judge")) == (12 + 6 + 8, 8)

    await world.until(all_generated)
    await world.workers.let_go("judge")
    await world.workers.let_go("execute")
    assert (await world.over(replica, run)).state is RunState.COMPLETE


async def test_no_more_items_than_the_window_wait_for_generation(world: Any) -> None:
    world.workers.delay = 0.003
    replica = world.replica()
    await world.over(replica, await replica.runs.submit(world.spec("sums", window=3)))
    assert world.workers.most_open["generate"] == 3


async def test_all_benchmarks_are_in_flight_from_the_start(world: Any) -> None:
    world.window = 6
    world.shelf.installed["sums"] = world.Sums(size=60)
    world.workers.hold = {"generate"}
    replica = world.replica()
    run = await replica.runs.submit(world.spec("sums", "programs", "essays"))

    async def window_full() -> bool:
        return len(world.workers.held) == 6

    await world.until(window_full)
    prompts = [task.request for task in world.workers.held]
    assert any(b"essay" in prompt for prompt in prompts)
    assert any(b"program" in prompt for prompt in prompts)
    assert any(b"sums" in prompt for prompt in prompts)
    await replica.runs.cancel(run.id)


@pytest.mark.parametrize("reason", ["context_overflow", "content_filtered"])
async def test_what_the_model_does_is_a_model_error(world: Any, reason: str) -> None:
    world.workers.answer = failing(world, reason, when=lambda task: b"= " in task.request or b"* 3 =" in task.request)
    report = await world.examined("sums")

    assert report.run.state is RunState.COMPLETE
    assert (report.run.progress.scored, report.run.progress.model_errors) == (11, 1)
    primary = report.scores[0]
    assert primary.value == pytest.approx(11 / 12)
    counts = {(one.status, one.reason): one.count for one in report.reasons}
    assert counts == {("model_error", reason): 1, ("scored", ""): 11}


@pytest.mark.parametrize("reason", ["context_overflow", "content_filtered"])
async def test_what_a_judge_cannot_read_is_not_the_models_doing(world: Any, reason: str) -> None:
    def answer(task: Any, request: Any) -> Any:
        if task.kind == "judge":
            raise world.Failed(reason)
        return world.right(task, request)

    world.workers.answer = answer
    report = await world.examined("essays")

    assert report.run.state is RunState.INCOMPLETE
    assert (report.run.progress.model_errors, report.run.progress.infra_errors) == (0, report.run.progress.items)
    assert {(one.status, one.reason) for one in report.reasons} == {("infra_error", reason)}
    assert report.scores[0].value is None


async def test_what_we_could_not_measure_is_an_infra_error_and_never_a_score(world: Any) -> None:
    world.workers.answer = failing(world, "unavailable", when=lambda task: b"* 3 =" in task.request)
    report = await world.examined("sums")

    assert report.run.state is RunState.INCOMPLETE
    primary = report.scores[0]
    assert (primary.value, primary.scored, primary.infra_errors, primary.items) == (1.0, 11, 1, 12)
    assert primary.worst_case == pytest.approx(11 / 12)
    assert primary.best_case == 1.0
    assert report.ledger.steps_failed == 1


async def test_infra_errors_within_the_threshold_leave_a_run_complete(world: Any) -> None:
    world.threshold = 0.1
    world.workers.answer = failing(world, "unavailable", when=lambda task: b"* 3 =" in task.request)
    assert (await world.examined("sums")).run.state is RunState.COMPLETE


async def test_a_failed_judge_does_not_lose_the_generation(world: Any) -> None:
    world.workers.answer = failing(world, "rate_limited", when=lambda task: task.kind == "judge")
    replica = world.replica()
    run = await world.over(replica, await replica.runs.submit(world.spec("essays")))

    assert (run.state, run.progress.infra_errors) == (RunState.INCOMPLETE, 4)
    assert run.progress.stages["generate"].recorded == 8
    items, _ = await replica.items.listing(_filter(run.id))
    assert {item.reason for item in items} == {"rate_limited"}
    _, steps = await replica.items.get(items[0].id)
    assert sorted((step.kind, step.failed) for step in steps) == [
        ("generate", False),
        ("generate", False),
        ("judge", True),
        ("judge", True),
    ]


class _Buggy:
    """Breaks in a different way on each sample."""

    def __init__(self, inner: Any) -> None:
        self.manifest, self.dataset, self._inner = inner.manifest, inner.dataset, inner
        self.load, self.check = inner.load, inner.check

    async def examine(self, item: Item, steps: Any) -> Outcome:
        number = item.sample.fields["n"]
        if number == 0:
            raise ZeroDivisionError("a bug")
        if number == 1:
            return Outcome.scored({"no_such_metric": 1.0})
        if number == 2:
            return Outcome.scored({"exact_match": float("nan")})
        if number == 3:
            await steps.judge("nobody", None)
        outcome: Outcome = await self._inner.examine(item, steps)
        return outcome


async def test_a_bug_of_a_benchmark_costs_only_its_items(world: Any) -> None:
    world.shelf.installed["sums"] = _Buggy(world.Sums(size=6))
    replica = world.replica()
    run = await world.over(replica, await replica.runs.submit(world.spec("sums")))

    items, _ = await replica.items.listing(_filter(run.id))
    assert [(item.status.value, item.reason) for item in items] == [("infra_error", "benchmark_error")] * 4 + [
        ("scored", "")
    ] * 2
    assert items[0].detail == "ZeroDivisionError: a bug"
    assert "no_such_metric" in items[1].detail
    assert "nan" in items[2].detail
    assert "nobody" in items[3].detail


async def test_the_same_question_asked_twice_is_two_steps(world: Any) -> None:
    class Twice(world.Sums):  # type: ignore[misc]
        async def examine(self, item: Item, steps: Any) -> Outcome:
            replies = await asyncio.gather(*(steps.generate("2 * 1 =", self.sampling(item)) for _ in range(3)))
            return Outcome.scored({"exact_match": float(len(replies) == 3)})

    world.shelf.installed["sums"] = Twice(size=2)
    await world.examined("sums")
    assert len(world.workers.executions) == 6


async def test_a_silent_queue_is_asked_again_and_then_given_up(world: Any) -> None:
    lost: list[int] = []

    def answer(task: Any, request: Any) -> Any:
        if b"* 3 =" in task.request:
            lost.append(task.attempt)
            raise world.Lost
        return world.right(task, request)

    world.workers.answer = answer
    replica = world.replica()
    run = await replica.runs.submit(world.spec("sums"))

    async def all_but_one() -> bool:
        return sum(count.count for count in await world.log.status_counts(run.id)) == 11

    await world.until(all_but_one)
    for _ in range(3):
        await _patience_runs_out(world, replica)
    await world.over(replica, run)
    report = await replica.reports.report(run.id)

    assert lost == [1, 2, 3]
    assert report.run.progress.infra_errors == 1
    assert ("infra_error", "timeout") in {(one.status, one.reason) for one in report.reasons}
    assert (report.ledger.steps_needed, report.ledger.steps_asked, report.ledger.steps_asked_again) == (12, 14, 2)
    assert report.ledger.repeats == (RepeatCount(RepeatCause.NO_ANSWER, "", 2),)


async def _patience_runs_out(world: Any, replica: Any) -> None:
    world.clock.ahead += 1.5 * world.patience
    for shard in replica.keeper._here.values():
        for examination in shard.shards.values():
            await examination._desk.asks.lose_patience()


async def test_a_slow_queue_that_moves_is_not_asked_again(world: Any) -> None:
    world.window = 12
    world.patience = 600.0
    world.workers.hold = {"generate"}
    replica = world.replica()
    run = await replica.runs.submit(world.spec("sums"))

    async def all_asked() -> bool:
        return len(world.workers.held) == 12

    await world.until(all_asked)
    for number, task in enumerate(list(world.workers.held)):
        await world.workers._work(task)

        async def recorded(least: int = number + 1) -> bool:
            return sum(count.count for count in await world.log.status_counts(run.id)) >= least

        await world.until(recorded)
        if number < 11:
            world.clock.ahead -= 0.7 * world.patience
            await _patience_runs_out(world, replica)
    assert (await world.over(replica, run)).state is RunState.COMPLETE
    assert world.workers.asks() == 12


async def test_an_answer_that_is_not_in_the_log_yet_is_neither_asked_for_again_nor_acknowledged(world: Any) -> None:
    deliver, record, away = world.workers.deliver, world.log.record, asyncio.Event()

    def twice(inbox: str, result: Any) -> None:
        deliver(inbox, result)
        deliver(inbox, replace(result))

    async def slow(*batch: Any) -> Any:
        await away.wait()
        return await record(*batch)

    world.workers.deliver, world.log.record = twice, slow
    replica = world.replica()
    run = await replica.runs.submit(world.spec("sums"))

    async def answered() -> bool:
        open_ = [one for here in replica.keeper._here.values() for one in here.shards.values() if one is not None]
        return sum(len(outrun) for one in open_ for outrun in one._desk.results._committing.values()) == 8

    await world.until(answered)
    await _patience_runs_out(world, replica)
    assert world.workers.asks() == 8
    assert world.workers.pending(f"{run.id}-0") == 16
    away.set()
    assert (await world.over(replica, run)).progress.scored == 12
    assert world.workers.asks() == 12


async def test_a_task_too_large_for_the_queue_fails_its_item_alone(world: Any) -> None:
    from shinsa_chassis.errors import Reason, ShinsaError

    submit = world.workers.submit

    async def refusing(task: Any) -> bool:
        if b"* 3 =" in task.request:
            raise ShinsaError(Reason.INVALID_ARGUMENT, "a message of 2 MB exceeds what the queue takes")
        return bool(await submit(task))

    world.workers.submit = refusing
    report = await world.examined("sums")
    counts = {(one.status, one.reason): one.count for one in report.reasons}
    assert counts == {("infra_error", "invalid_argument"): 1, ("scored", ""): 11}


async def test_a_result_that_comes_twice_is_counted_once(world: Any) -> None:
    deliver = world.workers.deliver

    def twice(inbox: str, result: Any) -> None:
        deliver(inbox, result)
        deliver(inbox, replace(result))

    world.workers.deliver = twice
    report = await world.examined("sums")
    assert report.run.progress.stages["generate"].recorded == 12
    assert report.tokens.prompt_tokens == 60
