"""A run asks just the model and the judges that it was planned with."""

from __future__ import annotations

import dataclasses
from dataclasses import replace
from typing import Any

import pytest
from google.protobuf.json_format import ParseDict
from shinsa.inference.v1 import model_pb2
from shinsa_orchestrator.domain.definition import JudgeDefinition
from shinsa_orchestrator.domain.model import ModelEntry
from shinsa_orchestrator.domain.run import BenchmarkChoice, RunSpec, RunState
from shinsa_orchestrator.outbound.model_version import WITHOUT_BEARING, version_of
from shinsa_orchestrator.ports.workers import JudgeOffer, JudgeProfile


async def _asked(world: Any, many: int) -> bool:
    return bool(world.workers.asks() >= many)


async def _drained(world: Any, inbox: str) -> bool:
    return world.workers.pending(inbox) == 0


SUMS = RunSpec("m", benchmarks=(BenchmarkChoice("sums"),))


def entry(otherwise: str, **fields: Any) -> ModelEntry:
    message = ParseDict({"name": "m", "scripted": {"otherwise": otherwise}, **fields}, model_pb2.ModelEntry())
    return ModelEntry(message.name, "scripted", message.SerializeToString(), version=version_of(message))


def judge(name: str, definition: str, members: tuple[str, ...] = ()) -> JudgeProfile:
    told = JudgeDefinition(name, f"digest of {definition}", definition)
    return JudgeProfile(name, True, kind="scripted", members=members, definition=told)


async def test_every_ask_names_the_version_of_the_model(world: Any) -> None:
    replica = world.replica()
    await world.over(replica, await replica.runs.submit(SUMS))
    version = (await world.models.model("m")).version
    assert version
    assert {task.version for task in world.workers.asked} == {version}


async def test_a_run_ends_when_its_model_is_registered_otherwise(world: Any) -> None:
    """What is asked from then on would be answered by another; resumed, it goes on with that, and says so."""
    world.workers.hold = {"generate"}
    replica = world.replica()
    run = await replica.runs.submit(SUMS)
    await world.until(lambda: len(world.workers.held) == 8)
    # What does not bear on answers changes nothing.
    await replica.models.add(entry("?", labels=[{"key": "a", "value": "b"}], concurrency=3), replace=True)
    assert (await replica.runs.get(run.id)).state.active
    await replica.models.add(entry("another"), replace=True)
    ended = await replica.runs.get(run.id)
    assert (ended.state, ended.plan.pins.mixed) == (RunState.FAILED, False)
    assert "registered otherwise meanwhile; resume" in ended.problem
    # What was asked of the former one is answered late: with its answer, or with that there is no such model any more.
    late, world.workers.held = world.workers.held, []
    world.workers.asked.clear()

    def refuse(task: Any, request: Any) -> Any:
        raise world.Failed("data_mismatch", "it was replaced meanwhile")

    await replica.runs.resume(run.id)
    await world.until(lambda: _asked(world, 8))
    for number, task in enumerate(late):
        world.workers.answer = world.right if number % 2 else refuse
        await world.workers._work(task)
    world.workers.answer = world.right
    await world.until(lambda: _drained(world, late[0].reply_to))
    assert (await replica.runs.get(run.id)).progress.outcomes == 0
    await world.workers.let_go("generate")
    resumed = await world.over(replica, await replica.runs.get(run.id))
    assert (resumed.state, resumed.plan.pins.mixed) == (RunState.COMPLETE, True)
    assert {task.version for task in world.workers.asked} == {entry("another").version}
    report = await replica.reports.report(run.id)
    assert report.provenance.reproduce == ""
    assert report.provenance.definitions.model == entry("another").document


async def test_verdicts_are_asked_of_the_profile_that_was_planned_with(world: Any) -> None:
    world.judges.profiles = [judge("panel", "both", ("a", "b")), judge("a", "one"), judge("b", "two")]
    world.judges.defaults = {"grader": "panel"}
    replica = world.replica()
    run = await replica.runs.submit(world.spec("essays"))
    world.judges.profiles = [judge("panel", "other", ("a",)), judge("a", "other")]
    run = await world.over(replica, run)
    assert {task.version for task in world.workers.asked if task.kind == "judge"} == {"digest of both"}
    provenance = (await replica.reports.report(run.id)).provenance
    assert [(one.profile, one.definition_json) for one in provenance.definitions.judges] == [
        ("a", "one"),
        ("b", "two"),
        ("panel", "both"),
    ]
    assert "--pin-judge 'panel=digest of bo'" in provenance.reproduce
    again = await world.over(replica, await replica.runs.rejudge(run.id, ()))
    assert (again.plan.pins.judges, again.plan.pins.mixed) == ({"panel": "digest of other"}, False)
    assert again.plan.pins.model == run.plan.pins.model


async def test_a_run_ends_when_a_model_that_judges_for_it_is_registered_otherwise(world: Any) -> None:
    local = replace(judge("local", "one"), kind="inference", model="grader")
    world.judges.profiles = [judge("panel", "both", ("local",)), local]
    world.judges.defaults = {"grader": "panel"}
    world.workers.hold = {"judge"}
    replica = world.replica()
    await replica.models.add(entry("one", name="grader"), replace=False)
    run = await replica.runs.submit(world.spec("essays"))
    assert run.plan.pins.judge_models == {"grader": entry("one", name="grader").version}
    other = await replica.runs.submit(SUMS)
    (kept,) = (await replica.reports.report(run.id)).provenance.definitions.judge_models
    assert kept == entry("one", name="grader").document
    await replica.models.add(entry("one", name="grader", concurrency=2), replace=True)
    assert (await replica.runs.get(run.id)).state.active
    await replica.models.add(entry("two", name="grader"), replace=True)
    ended = await replica.runs.get(run.id)
    assert (ended.state, "'grader' was registered otherwise" in ended.problem) == (RunState.FAILED, True)
    assert (await world.over(replica, other)).state is RunState.COMPLETE
    # Every ask names the versions of the models that judge; what the former one found counts no longer.
    late, world.workers.held = world.workers.held, []
    assert late
    assert all(task.judge_models == run.plan.pins.judge_models for task in late)
    world.workers.asked.clear()
    run = await replica.runs.resume(run.id)
    await world.until(lambda: _asked(world, len(late)))
    for task in late:
        await world.workers._work(task)
    await world.until(lambda: _drained(world, late[0].reply_to))
    assert (await replica.runs.get(run.id)).progress.outcomes == 0
    await world.workers.let_go("judge")
    resumed = await world.over(replica, run)
    assert (resumed.state, resumed.plan.pins.mixed) == (RunState.COMPLETE, True)
    asked = [task.judge_models for task in world.workers.asked if task.kind == "judge"]
    assert asked == [{"grader": entry("two", name="grader").version}] * len(asked)
    assert {task.kind for task in world.workers.asked if not task.judge_models} <= {"generate", "execute"}


async def test_a_judge_service_that_tells_no_definitions_is_asked_as_before(world: Any) -> None:
    replica = world.replica()
    run = await world.over(replica, await replica.runs.submit(world.spec("essays")))
    assert (run.plan.judges, run.plan.pins.judges) == ({"grader": "mild"}, {})
    assert {task.version for task in world.workers.asked if task.kind == "judge"} == {""}
    assert isinstance(await world.judges.offer(), JudgeOffer)


@pytest.mark.parametrize("engine", ["vllm", "openai", "scripted"])
def test_versions_differ_with_whatever_bears_on_answers(engine: str) -> None:
    """The same of the entry as the inference service's digest of settings, field by field."""
    from shinsa_inference.domain import model as inference

    given = {"vllm": {"model": "x"}, "openai": {"model": "x", "baseUrl": "http://h"}, "scripted": {"otherwise": "x"}}
    plain = ParseDict({"name": "m", engine: given[engine]}, model_pb2.ModelEntry())
    kind = {"vllm": inference.VllmEngine, "openai": inference.OpenAiEngine, "scripted": inference.ScriptedEngine}
    known = {one.name for one in dataclasses.fields(kind[engine])}
    for field in getattr(plain, engine).DESCRIPTOR.fields:
        changed = model_pb2.ModelEntry()
        changed.CopyFrom(plain)
        told = getattr(changed, engine)
        if field.message_type is not None:
            told.rules.add(pattern="a", reply="b")
        elif field.is_repeated:
            told.accepts.append("seed")
        else:
            value = {field.CPPTYPE_STRING: "other", field.CPPTYPE_BOOL: True}.get(field.cpp_type, 7)
            setattr(told, field.name, value)
        bears = version_of(changed) != version_of(plain)
        assert bears == (field.name not in WITHOUT_BEARING), field.name
        assert field.name in known
    assert set(WITHOUT_BEARING) == inference._WITHOUT_BEARING
    renamed = model_pb2.ModelEntry()
    renamed.CopyFrom(plain)
    renamed.name, renamed.concurrency, renamed.version = "n", 9, "v"
    assert version_of(renamed) == version_of(plain)
    renamed.sampling.temperature = 0.5
    assert version_of(renamed) != version_of(plain)
