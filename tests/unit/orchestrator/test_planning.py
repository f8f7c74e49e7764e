"""What a spec becomes, and what is said where it is wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from shinsa.inference.v1 import model_pb2
from shinsa_benchmarks.benchmark import UnfitError
from shinsa_benchmarks.discovery import manifests
from shinsa_benchmarks.suites import Suite
from shinsa_benchmarks.vocabulary import Sample
from shinsa_chassis.errors import Reason, ShinsaError
from shinsa_orchestrator.application.lines import open_lines
from shinsa_orchestrator.domain.model import ModelEntry
from shinsa_orchestrator.domain.run import BenchmarkChoice, JudgeChoice, Override, Plan, RunSpec
from shinsa_orchestrator.domain.shard import Place
from shinsa_orchestrator.ports.workers import SandboxRuntime
from unit.orchestrator.scripted_benchmarks import manifest


async def _plan(world: Any, spec: RunSpec) -> Plan:
    plan: Plan = await world.replica().planner.plan(spec)
    return plan


async def _refusal(world: Any, spec: RunSpec) -> ShinsaError:
    with pytest.raises(ShinsaError) as refused:
        await _plan(world, spec)
    return refused.value


async def test_a_plan_pins_versions_data_settings_and_judges(world: Any) -> None:
    spec = world.spec(
        "sums",
        "essays",
        limit=3,
        overrides=(Override("temperature", "0.5"), Override("essays.temperature", "1")),
        window=7,
    )
    plan = await _plan(world, spec)
    sums, essays = plan.lines
    assert (sums.version, sums.dataset, sums.dataset_digest, sums.samples) == ("1", "specimen", "digest-sums-12", 3)
    assert (dict(sums.settings), essays.settings["temperature"]) == ({"temperature": 0.5, "max_tokens": 16}, 1.0)
    assert (plan.judges, plan.window, plan.items_per_shard, plan.items) == ({"grader": "mild"}, 7, 100, 6)


async def test_shots_are_lines_of_their_own(world: Any) -> None:
    plan = await _plan(world, RunSpec("m", benchmarks=(BenchmarkChoice("sums", (0, 3), 2),)))
    assert [(line.shots, line.repetitions, line.items) for line in plan.lines] == [(0, 2, 24), (3, 2, 24)]


async def test_a_suite_brings_shots_limits_repetitions_and_settings(world: Any) -> None:
    world.shelf.known_suites["night"] = Suite.model_validate(
        {
            "id": "night",
            "title": "Night",
            "benchmarks": [
                {"id": "sums", "shots": [0, 2], "limit": 5, "settings": {"max_tokens": 99, "temperature": 0.1}},
                {"id": "programs", "repetitions": 2},
            ],
        }
    )
    overrides = (Override("sums.temperature", "0.9"),)
    plan = await _plan(world, RunSpec("m", suite="night", limit=4, overrides=overrides))
    assert [(line.benchmark, line.shots, line.items) for line in plan.lines] == [
        ("sums", 0, 4),
        ("sums", 2, 4),
        ("programs", 0, 8),
    ]
    assert dict(plan.lines[0].settings) == {"temperature": 0.9, "max_tokens": 99}


async def test_judges_are_chosen_by_role_then_for_all_then_by_default(world: Any) -> None:
    for choices, expected in (
        ((), "mild"),
        ((JudgeChoice("*", "stern"),), "stern"),
        ((JudgeChoice("*", "mild"), JudgeChoice("grader", "stern")), "stern"),
    ):
        plan = await _plan(world, world.spec("essays", judges=choices))
        assert plan.judges == {"grader": expected}


@pytest.mark.parametrize(
    ("changes", "field", "words", "near"),
    [
        ({"model": "n"}, "spec.model", "unknown model 'n'", ()),
        ({"model": ""}, "spec.model", "is empty", ()),
        ({"suite": "night"}, "spec.suite", "both given", ()),
        ({"benchmarks": ()}, "spec.benchmarks", "nothing to examine", ()),
        ({"benchmarks": (), "suite": "nihgt"}, "spec.suite", "unknown suite", ()),
        ({"benchmarks": (BenchmarkChoice("summs"),)}, "spec.benchmarks[0].benchmark", "unknown benchmark", ("sums",)),
        ({"benchmarks": (BenchmarkChoice("sums"),) * 2}, "spec.benchmarks[1].benchmark", "named twice", ()),
        ({"benchmarks": (BenchmarkChoice("sums", (4,)),)}, "spec.benchmarks[0].shots", "0 to 3 shots, not 4", ()),
        ({"benchmarks": (BenchmarkChoice("sums", (1, 1)),)}, "spec.benchmarks[0].shots", "given twice", ()),
        ({"benchmarks": (BenchmarkChoice("sums", (), 1001),)}, "spec.benchmarks[0].repetitions", "at most 1000", ()),
        ({"judges": (JudgeChoice("*", "mild"),)}, "spec.judges[0].role", "no benchmark of this run asks a judge", ()),
        ({"overrides": (Override("temprature", "1"),)}, "spec.overrides[temprature]", "no benchmark", ("temperature",)),
        ({"overrides": (Override("essays.temperature", "1"),)}, None, "not part of this run", ()),
        ({"overrides": (Override("sum.temperature", "1"),)}, None, "is no benchmark", ("sums",)),
        ({"overrides": (Override("sums.max_token", "1"),)}, None, "has no setting 'max_token'", ("max_tokens",)),
        ({"overrides": (Override("max_tokens", "many"),)}, "spec.overrides", "whole number", ()),
        ({"overrides": (Override("max_tokens", "0"),)}, "spec.overrides", "whole number of at least 1", ()),
        ({"overrides": (Override("max_tokens", "1"),) * 2}, None, "given twice", ()),
        ({"window": 100_001}, "spec.window", "too many", ()),
    ],
)
async def test_a_wrong_spec_is_refused_by_the_name_of_its_field(
    world: Any, changes: dict[str, Any], field: str | None, words: str, near: tuple[str, ...]
) -> None:
    fields = {"model": "m", "benchmarks": (BenchmarkChoice("sums"),), **changes}
    refusal = await _refusal(world, RunSpec(**fields))
    assert refusal.reason is Reason.INVALID_ARGUMENT
    assert words in refusal.message
    assert refusal.near_matches == near
    if field:
        assert refusal.field == field


@pytest.mark.parametrize(
    ("choices", "words", "near"),
    [
        ((JudgeChoice("*", "mlid"),), "unknown judge profile 'mlid'", ("mild",)),
        ((JudgeChoice("graders", "mild"),), "unknown judge role", ("grader",)),
        ((JudgeChoice("grader", ""),), "no profile is named", ()),
        ((JudgeChoice("grader", "mild"),) * 2, "given twice", ()),
        ((JudgeChoice("*", "broken"),), "'broken' (role 'grader') is not available: no key", ()),
    ],
)
async def test_a_wrong_judge_is_refused(
    world: Any, choices: tuple[JudgeChoice, ...], words: str, near: tuple[str, ...]
) -> None:
    refusal = await _refusal(world, world.spec("essays", judges=choices))
    assert words in refusal.message
    assert refusal.near_matches == near
    assert refusal.field.startswith("spec.judges")


async def test_a_role_without_default_names_what_there_is(world: Any) -> None:
    world.judges.defaults = {}
    refusal = await _refusal(world, world.spec("essays"))
    assert "choose one of broken, local, mild, stern" in refusal.message


async def test_services_are_asked_only_where_they_are_needed(world: Any) -> None:
    world.judges.away = True
    world.sandboxes.offered = [SandboxRuntime("python", False, "no user namespaces")]
    await _plan(world, world.spec("sums"))
    unreachable = await _refusal(world, world.spec("essays"))
    assert (unreachable.reason, unreachable.origin) == (Reason.UNAVAILABLE, "judge")
    locked = await _refusal(world, world.spec("programs"))
    assert locked.reason is Reason.FAILED_PRECONDITION
    assert "python: no user namespaces" in locked.message
    world.sandboxes.offered = []
    assert "it has no runtime" in (await _refusal(world, world.spec("programs"))).message


async def test_shots_without_examples_are_refused(world: Any) -> None:
    from dataclasses import replace

    benchmark = world.shelf.installed["sums"]
    benchmark.dataset = replace(benchmark.dataset, train=benchmark.dataset.train[:1])
    refusal = await _refusal(world, RunSpec("m", benchmarks=(BenchmarkChoice("sums", (2,)),)))
    assert "2 shots need as many examples" in refusal.message


@pytest.mark.parametrize(
    ("setting", "field"), [("max_tokens", "spec.overrides[max_tokens]"), ("shots", "spec.benchmarks")]
)
async def test_samples_that_do_not_fit_a_setting_are_refused(world: Any, setting: str, field: str) -> None:
    class Fussy(world.Sums):  # type: ignore[misc]
        def check(self, samples: Sequence[Sample], shots: int, settings: Mapping[str, Any]) -> None:
            if len(samples) > 3 and shots == 2:
                raise UnfitError(setting, f"{samples[-1].id} is too long for {settings['max_tokens']}")

    world.shelf.installed["sums"] = Fussy()
    spec = RunSpec("m", benchmarks=(BenchmarkChoice("sums", (0, 2)),), limit=4)
    refusal = await _refusal(world, spec)
    assert (refusal.reason, refusal.field) == (Reason.INVALID_ARGUMENT, field)
    assert refusal.message == f"{field}: sums: sums-3 is too long for 16"
    assert (await _plan(world, replace(spec, limit=3))).lines[1].samples == 3


async def test_nothing_is_stored_of_a_refused_run(world: Any) -> None:
    replica = world.replica()
    with pytest.raises(ShinsaError):
        await replica.runs.submit(RunSpec("m", benchmarks=(BenchmarkChoice("no"),)))
    assert await replica.runs.listing() == ([], "")


async def test_an_optional_role_is_served_by_a_profile_named_for_it_alone(world: Any) -> None:
    translations = [manifests()["alt_e_to_j"]]
    planner = world.replica().planner

    async def resolve(judges: tuple[JudgeChoice, ...], manifests: Any) -> Mapping[str, str]:
        return (await planner.resolve_judges(RunSpec("m", judges=judges), manifests))[0]

    world.judges.defaults = {"*": "mild"}
    assert await resolve((), translations) == {}
    assert await resolve((JudgeChoice("comet", "stern"),), translations) == {"comet": "stern"}
    world.judges.defaults = {"*": "mild", "comet": "stern"}
    assert await resolve((), translations) == {"comet": "stern"}
    assert await resolve((JudgeChoice("*", "mild"),), translations) == {"comet": "stern"}
    with pytest.raises(ShinsaError, match="unknown judge role of this run 'comit'"):
        await resolve((JudgeChoice("comit", "stern"),), translations)


async def test_what_the_endpoint_does_not_take_is_refused_before_anything_is_asked(world: Any) -> None:
    for name, accepts in (("picky", ("max_tokens",)), ("easy", ("max_tokens", "temperature"))):
        document = model_pb2.ModelEntry(name=name, openai=model_pb2.OpenAiEngine(accepts=accepts))
        entry = ModelEntry(name, "openai", document.SerializeToString())
        await world.models.save_model(entry, replace=False)
    refused = await _refusal(world, RunSpec("picky", benchmarks=(BenchmarkChoice("sums"),)))
    assert (refused.reason, refused.field) == (Reason.INVALID_ARGUMENT, "spec.model")
    assert "sums sends temperature" in refused.message
    assert (await _plan(world, RunSpec("easy", benchmarks=(BenchmarkChoice("sums"),)))).lines


def _two_splits(world: Any) -> None:
    """Benchmark "sums" gets samples for development, "essays" has only a test."""
    sums = world.shelf.installed["sums"]
    sums.manifest = manifest("sums", splits=["test", "dev"])
    dev = [Sample(f"dev-{n}", {"n": n}, gold=str(2 * n)) for n in range(2)]
    sums.dataset = replace(sums.dataset, dev=dev)


async def test_a_run_names_the_split_that_is_examined(world: Any) -> None:
    _two_splits(world)
    (test,) = (await _plan(world, world.spec("sums"))).lines
    assert (test.samples, test.settings["split"]) == (12, "test")
    plan = await _plan(world, world.spec("sums", overrides=(Override("split", "dev"),)))
    assert (plan.lines[0].samples, plan.lines[0].settings["split"]) == (2, "dev")
    (line,) = await open_lines(plan, world.shelf)
    first = line.item(Place(line=0, repetition=0, sample=0, position=0))
    assert first.sample.id == "dev-0"


async def test_no_benchmark_is_examined_on_another_split_unawares(world: Any) -> None:
    _two_splits(world)
    refused = await _refusal(world, world.spec("sums", "essays", overrides=(Override("split", "dev"),)))
    assert refused.field == "spec.overrides[split]"
    assert "essays have no split 'dev'" in refused.message
    mixed = await _plan(world, world.spec("sums", "essays", overrides=(Override("sums.split", "dev"),)))
    assert [line.settings.get("split", "test") for line in mixed.lines] == ["dev", "test"]


async def test_data_without_the_split_is_refused(world: Any) -> None:
    _two_splits(world)
    sums = world.shelf.installed["sums"]
    sums.dataset = replace(sums.dataset, dev=())
    refused = await _refusal(world, world.spec("sums", overrides=(Override("split", "dev"),)))
    assert "(specimen) has no samples of the split 'dev'" in refused.message


async def test_reuse_is_refused_for_what_is_examined_though_there_is_no_test(world: Any) -> None:
    _two_splits(world)
    sums = world.shelf.installed["sums"]
    sums.dataset = replace(sums.dataset, test=())
    overrides = (Override("split", "dev"), Override("temperature", "0.5"))
    refused = await _refusal(world, world.spec("sums", overrides=overrides, reuse=True))
    assert (refused.field, "sums with temperature 0.5" in refused.message) == ("spec.reuse", True)
