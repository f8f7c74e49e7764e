"""A run whose judges have used up what they may is paused: nothing is lost, and with more it goes on."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from shinsa_chassis.errors import Reason, ShinsaError
from shinsa_orchestrator.application import keeper
from shinsa_orchestrator.application.judge_budget import FIRST_ASKS, JudgeBudgetSpent, JudgePurse
from shinsa_orchestrator.domain.progress import Progress
from shinsa_orchestrator.domain.run import JudgeBudget, JudgeChoice, RunState

# What the judge of these tests takes for one verdict.
TOKENS = 7
ESSAYS = 12


@pytest.fixture
def world(world: Any) -> Any:
    world.shelf.installed["essays"] = world.Essays(size=ESSAYS)
    world.patience = 600.0
    return world


def verdicts(run: Any) -> int:
    return int(run.progress.stages["judge"].recorded)


async def test_a_spent_budget_pauses_the_run_when_everything_else_is_done(world: Any) -> None:
    replica = world.replica()
    run = await replica.runs.submit(world.spec("essays", "sums", judge_budget=JudgeBudget(tokens=10 * TOKENS)))
    paused = await world.over(replica, run)
    assert paused.state is RunState.PAUSED
    assert paused.problem == (
        f"70 of 70 judge tokens are spent; `shinsa resume {run.id} --max-judge-tokens N` with more goes on"
    )
    # Every verdict here costs the same, so not one too many was asked for.
    assert verdicts(paused) == world.workers.asks("judge") == 10
    # Generations went on to the last.
    assert paused.progress.stages["generate"].recorded == 2 * ESSAYS + 12
    assert paused.progress.scored == 12 + 5
    assert paused.progress.infra_errors == 0

    resumed = await replica.runs.resume(run.id, JudgeBudget(tokens=1000))
    assert (resumed.round, resumed.problem, resumed.spec.judge_budget.tokens) == (2, "", 1000)
    ended = await world.over(replica, run)
    assert (ended.state, ended.progress.scored) == (RunState.COMPLETE, ESSAYS + 12)
    assert ended.progress.stages["judge"].tokens == 2 * ESSAYS * TOKENS
    assert set(world.workers.executions.values()) == {1}
    budgeted = await replica.reports.report(run.id)
    unbounded = await world.examined("essays", "sums")
    assert (budgeted.scores, budgeted.judges) == (unbounded.scores, unbounded.judges)


async def test_what_it_costs_can_be_bounded(world: Any) -> None:
    replica = world.replica()
    run = await replica.runs.submit(world.spec("essays", judge_budget=JudgeBudget(cost=2.1)))
    paused = await world.over(replica, run)
    assert (paused.state, verdicts(paused)) == (RunState.PAUSED, 9)
    assert paused.problem.startswith("2.25 of 2.1 judge cost are spent")
    (usage,) = (await replica.reports.report(run.id)).judges
    assert (usage.profile, usage.verdicts, usage.prompt_tokens, usage.costs) == ("mild", 9, 63, {"JPY": 2.25})


@pytest.mark.parametrize(
    ("budget", "field"), [(JudgeBudget(tokens=10 * TOKENS), "tokens"), (JudgeBudget(cost=2.5), "cost")]
)
async def test_resuming_with_no_more_than_is_spent_is_refused(world: Any, budget: JudgeBudget, field: str) -> None:
    replica = world.replica()
    run = await replica.runs.submit(world.spec("essays", judge_budget=budget))
    await world.over(replica, run)
    for again in (None, budget):
        with pytest.raises(ShinsaError, match="give more, or 0 for no bound") as refused:
            await replica.runs.resume(run.id, again)
        assert (refused.value.reason, refused.value.field) == (Reason.FAILED_PRECONDITION, f"judge_budget.{field}")
    await replica.runs.resume(run.id, JudgeBudget())
    assert (await world.over(replica, run)).state is RunState.COMPLETE


async def test_a_paused_run_can_be_cancelled_watched_and_judged_again(world: Any) -> None:
    replica = world.replica()
    run = await replica.runs.submit(world.spec("essays", judge_budget=JudgeBudget(tokens=1)))
    await world.over(replica, run)
    assert [seen.state async for seen in replica.runs.watch(run.id)] == [RunState.PAUSED]
    other = await replica.runs.rejudge(run.id, [JudgeChoice("*", "stern")])
    assert other.spec.judge_budget == JudgeBudget(tokens=1)
    assert (await world.over(replica, other)).state is RunState.PAUSED
    generated = world.workers.asks("generate")
    free = await replica.runs.rejudge(run.id, [JudgeChoice("*", "stern")], JudgeBudget())
    assert (await world.over(replica, free)).state is RunState.COMPLETE
    assert world.workers.asks("generate") == generated
    assert (await replica.runs.cancel(run.id)).state is RunState.CANCELLED


async def test_the_same_key_gives_a_run_whose_budget_was_raised(world: Any) -> None:
    replica = world.replica()
    spec = world.spec("essays", judge_budget=JudgeBudget(tokens=1))
    run = await replica.runs.submit(spec, "nightly")
    await world.over(replica, run)
    await replica.runs.resume(run.id, JudgeBudget(tokens=5000))
    assert (await replica.runs.submit(spec, "nightly")).id == run.id
    with pytest.raises(ShinsaError, match="belongs to run"):
        await replica.runs.submit(replace(spec, limit=1), "nightly")


async def test_a_bound_survives_a_kill_and_the_verdicts_that_nobody_awaited(world: Any) -> None:
    world.lease_seconds = 0.4
    world.items_per_shard = 4
    world.workers.hold = {"judge"}
    first = world.replica("first")
    run = await first.runs.submit(world.spec("essays", judge_budget=JudgeBudget(tokens=11 * TOKENS)))

    async def asked() -> bool:
        return len(world.workers.held) == FIRST_ASKS

    await world.until(asked)
    await first.kill()
    await world.workers.let_go("judge")
    second = world.replica("second")
    paused = await world.over(second, run)
    assert paused.state is RunState.PAUSED
    # Those under way at the death may not have been known to the other.
    assert 11 <= verdicts(paused) <= 11 + FIRST_ASKS
    assert paused.progress.stages["judge"].tokens == verdicts(paused) * TOKENS
    await second.runs.resume(run.id, JudgeBudget())
    ended = await world.over(second, run)
    assert (ended.state, verdicts(ended)) == (RunState.COMPLETE, 2 * ESSAYS)
    assert set(world.workers.executions.values()) == {1}


async def test_two_replicas_share_a_budget(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each knows what the other had spent when it last renewed its leases."""
    monkeypatch.setattr(keeper, "PULSE_SECONDS", 0.05)
    world.shelf.installed["essays"] = world.Essays(size=60)
    world.items_per_shard = 10
    world.window = 2
    world.lease_seconds = 600.0
    world.workers.hold = {"judge"}
    first = world.replica("first")
    run = await first.runs.submit(world.spec("essays", judge_budget=JudgeBudget(tokens=40 * TOKENS)))

    async def half_is_spent() -> bool:
        stored = (await world.runs.shard_progress(run.id)).values()
        if sum(progress.stages["judge"].recorded for progress in stored) >= 20:
            return True
        judged = sum(world.workers.executions[task.step_id] for task in world.workers.asked if task.kind == "judge")
        if world.workers.held and judged < 20:
            await world.workers._work(world.workers.held.pop(0))
        return False

    await world.until(half_is_spent)
    second = world.replica("second")

    async def second_works() -> bool:
        return bool(second.keeper._held)

    await world.until(second_works)
    await world.workers.let_go("judge")
    paused = await world.over(first, run)
    assert paused.state is RunState.PAUSED
    # Without the other's spending the second would have asked for forty, too.
    assert 40 <= verdicts(paused) == world.workers.asks("judge") <= 40 + 21
    await second.runs.resume(run.id, JudgeBudget())
    assert (await world.over(second, run)).progress.scored == 60
    assert set(world.workers.executions.values()) == {1}


async def test_a_cost_that_cannot_be_known_is_refused(world: Any) -> None:
    replica = world.replica()
    bounded = world.spec("essays", judge_budget=JudgeBudget(cost=1.0))
    for judge, problem in (("stern", "what stern costs is not known"), ("local", "none of its judges costs anything")):
        with pytest.raises(ShinsaError, match=problem) as refused:
            await replica.runs.submit(replace(bounded, judges=(JudgeChoice("*", judge),)))
        assert (refused.value.reason, refused.value.field) == (Reason.INVALID_ARGUMENT, "spec.judge_budget.cost")
    run = await replica.runs.submit(world.spec("essays", judges=(JudgeChoice("*", "stern"),)))
    await world.over(replica, run)
    with pytest.raises(ShinsaError, match="nothing left to do"):
        await replica.runs.resume(run.id, JudgeBudget(cost=1.0))
    # Nothing is judged, so nothing is spent.
    await replica.runs.submit(world.spec("sums", judge_budget=JudgeBudget(cost=1.0)))


# --- the purse by itself ---


def spent(recorded: int, tokens: int) -> Progress:
    progress = Progress()
    counts = progress.stages["judge"]
    counts.asked = counts.recorded = recorded
    counts.tokens = tokens
    return progress


async def admissions(purse: JudgePurse, count: int) -> list[asyncio.Task[None]]:
    """So many asks that never return."""

    async def ask() -> None:
        async with purse.admitted():
            await asyncio.Event().wait()

    tasks = [asyncio.create_task(ask()) for _ in range(count)]
    await asyncio.sleep(0)
    return tasks


def inside(purse: JudgePurse) -> int:
    return purse._under_way


async def test_asks_under_way_are_counted_at_the_mean() -> None:
    purse = JudgePurse(JudgeBudget(tokens=1000))
    purse.open(0, spent(10, 500))
    tasks = await admissions(purse, 30)
    assert inside(purse) == 10
    tasks[0].cancel()
    await asyncio.sleep(0.01)
    assert inside(purse) == 10  # the next took its place
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert inside(purse) == 0


async def test_what_others_have_under_way_counts_too() -> None:
    purse = JudgePurse(JudgeBudget(tokens=1000))
    purse.open(0, spent(10, 500))
    other = spent(4, 200)
    other.stages["judge"].asked = 9
    purse.learn({0: spent(9, 450), 1: other})
    await admissions(purse, 30)
    assert inside(purse) == 1


async def test_what_was_read_before_a_shard_ended_takes_nothing_back() -> None:
    """Between its end and its release the store still tells an older count."""
    purse = JudgePurse(JudgeBudget(tokens=1000))
    ended = spent(1, 50)
    purse.open(0, ended)
    purse.open(1, spent(1, 50))
    counts = ended.stages["judge"]
    counts.asked, counts.recorded, counts.tokens = 18, 18, 900
    purse.close(0)
    purse.learn({0: spent(1, 50), 1: Progress()})
    await admissions(purse, 5)
    assert inside(purse) == 1


async def test_a_shard_counts_as_it_was_known_until_its_log_is_read() -> None:
    purse = JudgePurse(JudgeBudget(tokens=1000))
    purse.learn({0: spent(18, 900)})
    progress = Progress()
    purse.open(0, progress)
    await admissions(purse, 5)
    assert inside(purse) == 2
    progress.stages = spent(19, 950).stages
    purse.learn({1: spent(1, 50)})
    with pytest.raises(JudgeBudgetSpent):
        async with purse.admitted():
            pass


async def test_a_shard_counts_once_whoever_examines_it() -> None:
    purse = JudgePurse(JudgeBudget(tokens=1000))
    purse.learn({0: spent(10, 500)})
    await admissions(purse, 1)
    purse.open(0, spent(10, 500))
    await admissions(purse, 30)
    assert inside(purse) == 10
    purse.close(0)
    await admissions(purse, 1)
    purse.learn({0: spent(10, 500)})
    assert inside(purse) == 10


async def test_whoever_waits_is_turned_away_when_others_have_spent_the_rest() -> None:
    purse = JudgePurse(JudgeBudget(tokens=1000))
    purse.open(0, spent(10, 950))
    tasks = await admissions(purse, 3)
    assert inside(purse) == 1
    purse.learn({1: spent(1, 50)})
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    assert [type(task.exception()) for task in done] == [JudgeBudgetSpent, JudgeBudgetSpent]
    with pytest.raises(JudgeBudgetSpent):
        async with purse.admitted():
            pass


async def test_a_cancelled_wait_leaves_no_trace() -> None:
    purse = JudgePurse(JudgeBudget(tokens=1000))
    purse.open(0, spent(10, 950))
    tasks = await admissions(purse, 3)
    for task in reversed(tasks):
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert inside(purse) == 0
    await admissions(purse, 1)
    assert inside(purse) == 1


async def test_without_a_bound_nobody_waits() -> None:
    purse = JudgePurse(JudgeBudget())
    purse.open(0, spent(10, 10**9))
    async with purse.admitted():
        assert not purse.bounded
