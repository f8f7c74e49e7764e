"""Finished runs judged or graded again: what was recorded is taken over, the model is never asked again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from shinsa_benchmarks.vocabulary import Outcome, Program
from shinsa_chassis.errors import ShinsaError
from shinsa_orchestrator.domain.item import ItemFilter
from shinsa_orchestrator.domain.run import JudgeChoice, RunState


async def test_rejudging_asks_no_model_and_no_sandbox(world: Any) -> None:
    replica = world.replica()
    old = await world.over(replica, await replica.runs.submit(world.spec("programs", "essays")))
    asked = len(world.workers.asked)
    new = await replica.runs.rejudge(old.id, [JudgeChoice("grader", "stern")])
    ended = await world.over(replica, new)

    assert {task.kind for task in world.workers.asked[asked:]} == {"judge"}
    assert (ended.state, ended.progress.scored, ended.spec.judges) == (
        RunState.COMPLETE,
        10,
        (JudgeChoice("grader", "stern"),),
    )
    values = {score.benchmark: score.value for score in (await replica.reports.report(new.id)).scores if score.primary}
    assert values == {"programs": 1.0, "essays": 3.0}
    report = await replica.reports.report(new.id)
    assert (report.ledger.steps_asked, report.ledger.steps_asked_again) == (8, 0)
    assert report.tokens.completion_tokens == 2 * 14
    assert report.provenance.judge_identities == ("stern",)
    # The old run is as it was, and the new one can be judged again in its turn.
    assert (await replica.reports.report(old.id)).scores[-1].value == 8.0
    third = await world.over(replica, await replica.runs.rejudge(new.id, [JudgeChoice("*", "mild")]))
    assert (third.state, third.progress.stages["generate"].asked) == (RunState.COMPLETE, 0)


class Lenient:
    """A newer version of a benchmark: the same question, another reading of the reply."""

    def __init__(self, old: Any, version: str = "2") -> None:
        self._old = old
        self.manifest = old.manifest.model_copy(update={"version": version})

    def __getattr__(self, name: str) -> Any:
        return getattr(self._old, name)

    async def examine(self, item: Any, steps: Any) -> Any:
        outcome = await self._old.examine(item, steps)
        return replace(outcome, metrics=dict.fromkeys(outcome.metrics, 0.0), answer="read anew")


async def test_grading_again_scores_recorded_replies_with_what_is_installed_now(world: Any) -> None:
    replica = world.replica()
    old = await world.over(replica, await replica.runs.submit(world.spec("sums", "programs")))
    asked = len(world.workers.asked)
    with pytest.raises(ShinsaError, match="its versions are those installed now"):
        await replica.runs.regrade(old.id)
    world.shelf.installed["sums"] = Lenient(world.shelf.installed["sums"])
    new = await world.over(replica, await replica.runs.regrade(old.id))
    assert world.workers.asked[asked:] == []
    assert (new.state, [line.version for line in new.plan.lines]) == (RunState.COMPLETE, ["2", "1"])
    values = {score.benchmark: score.value for score in (await replica.reports.report(new.id)).scores if score.primary}
    assert values == {"sums": 0.0, "programs": 1.0}
    items, _ = await replica.items.listing(ItemFilter(new.id))
    assert items[0].answer == "read anew"


async def test_grading_again_runs_what_is_new_and_never_asks_the_model(world: Any) -> None:
    replica = world.replica()
    old = await world.over(replica, await replica.runs.submit(world.spec("programs", "essays")))
    asked = len(world.workers.asked)

    class Otherwise(Lenient):
        async def examine(self, item: Any, steps: Any) -> Any:
            reply = await steps.generate(f"program {item.sample.id}", self._old.sampling(item))
            execution = await steps.execute(Program({"main.py": reply.text + " # read anew"}, "main.py"))
            return Outcome.scored({"exact_match": float(execution.verdict == "pass")})

    world.shelf.installed["programs"] = Otherwise(world.shelf.installed["programs"])
    new = await world.over(replica, await replica.runs.regrade(old.id))
    assert new.state is RunState.COMPLETE
    assert {task.kind for task in world.workers.asked[asked:]} == {"execute"}
    # Its verdicts were taken over; judged again, they are asked for.
    third = await world.over(replica, await replica.runs.rejudge(new.id, [JudgeChoice("*", "stern")]))
    assert third.progress.stages["judge"].asked == 8


async def test_a_question_that_changed_is_not_asked_when_grading_again(world: Any) -> None:
    replica = world.replica()
    old = await world.over(replica, await replica.runs.submit(world.spec("sums")))
    asked = len(world.workers.asked)

    class Reworded(Lenient):
        async def examine(self, item: Any, steps: Any) -> Any:
            await steps.generate("a new prompt", self._old.sampling(item))
            raise AssertionError("there is no reply to this")

    world.shelf.installed["sums"] = Reworded(world.shelf.installed["sums"])
    new = await world.over(replica, await replica.runs.regrade(old.id))
    assert (new.state, new.progress.infra_errors) == (RunState.INCOMPLETE, 12)
    assert world.workers.asked[asked:] == []


async def test_rejudging_keeps_model_errors_and_names_what_was_never_generated(world: Any) -> None:
    def answer(task: Any, request: Any) -> Any:
        if task.kind == "generate" and b"essays-0" in task.request:
            raise world.Failed("content_filtered")
        if task.kind == "generate" and b"essays-1" in task.request:
            raise world.Failed("unavailable")
        return world.right(task, request)

    world.workers.answer = answer
    replica = world.replica()
    old = await world.over(replica, await replica.runs.submit(world.spec("essays")))
    new = await world.over(replica, await replica.runs.rejudge(old.id, [JudgeChoice("*", "stern")]))
    items, _ = await replica.items.listing(ItemFilter(new.id))
    assert [(item.status.value, item.reason) for item in items] == [
        ("model_error", "content_filtered"),
        ("infra_error", "not_found"),
        ("scored", ""),
        ("scored", ""),
    ]
    assert old.id in items[1].detail
    # Resumed, the old run has the answer; then the new one can be resumed, too.
    world.workers.answer = world.right
    await replica.runs.resume(old.id)
    await world.over(replica, old)
    await replica.runs.resume(new.id)
    ended = await world.over(replica, new)
    assert (ended.state, ended.progress.scored, ended.progress.model_errors) == (RunState.COMPLETE, 3, 1)


async def test_rejudging_needs_a_finished_run_with_judges(world: Any) -> None:
    replica = world.replica()
    run = await world.over(replica, await replica.runs.submit(world.spec("sums")))
    with pytest.raises(ShinsaError, match="none of its benchmarks asks a judge"):
        await replica.runs.rejudge(run.id, [JudgeChoice("*", "stern")])
    essays = await world.over(replica, await replica.runs.submit(world.spec("essays")))
    with pytest.raises(ShinsaError, match="unknown judge profile 'stren'") as refused:
        await replica.runs.rejudge(essays.id, [JudgeChoice("*", "stren")])
    assert refused.value.near_matches == ("stern",)
