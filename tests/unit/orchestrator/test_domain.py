"""Rules without a world: identities, shards, progress, overrides, models, command lines."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shinsa_chassis.errors import ShinsaError
from shinsa_orchestrator.domain.identity import item_id, item_seed, plan_digest, run_id, step_id
from shinsa_orchestrator.domain.model import ModelCard, ModelEntry, check_model
from shinsa_orchestrator.domain.progress import Progress, total
from shinsa_orchestrator.domain.reproduce import command
from shinsa_orchestrator.domain.run import (
    MODEL,
    BenchmarkChoice,
    JudgeChoice,
    Override,
    Pins,
    Plan,
    PlannedBenchmark,
    RunSpec,
)
from shinsa_orchestrator.domain.shard import places, shard_items
from shinsa_orchestrator.outbound import documents


def line(name: str, samples: int, repetitions: int = 1, steps: tuple[str, ...] = ("generate",)) -> PlannedBenchmark:
    return PlannedBenchmark(name, "1", 0, repetitions, samples, "specimen", "d", steps, {"temperature": 0.0})


plans = st.builds(
    Plan,
    st.lists(
        st.builds(
            line,
            st.just("b"),
            st.integers(1, 40),
            st.integers(1, 3),
            st.sampled_from([("generate",), ("generate", "judge")]),
        ),
        max_size=4,
    ).map(tuple),
    st.just({}),
    st.integers(1, 50),
    st.just(8),
)


@given(plans)
def test_shards_hold_every_item_exactly_once(plan: Plan) -> None:
    everything = [place for number in range(plan.shards) for place in places(plan, number)]
    assert sorted(place.position for place in everything) == list(range(plan.items))
    assert len({(place.line, place.repetition, place.sample) for place in everything}) == plan.items
    assert all(place.position in plan.positions(place.line) for place in everything)
    for number in range(plan.shards):
        assert len(places(plan, number)) == shard_items(plan, number) <= plan.items_per_shard + len(plan.lines)


def test_a_shard_mixes_its_lines_and_starts_long_chains_early() -> None:
    plan = Plan((line("a", 90), line("b", 10, steps=("generate", "judge"))), {}, 100, 8)
    order = [place.line for place in places(plan, 0)]
    assert order[:12].count(1) >= 2
    assert [place for place, at in enumerate(order) if at == 1][-1] < 60


def test_identities_do_not_change() -> None:
    assert item_id("r1", "jnli", 0, 0, "s1") == "bdd8579f32aae17444b4"
    assert step_id("bdd8579f32aae17444b4", "generate", b"request", 0) == "f0fe8c20ae8c3dd058a9bf11c0816f41"
    assert item_seed("jnli", 0, 0, "s1") == 1719031072124819279


def test_identities_differ_by_everything_that_counts() -> None:
    items = {item_id(r, b, s, n, i) for r in "ab" for b in "cd" for s in (0, 1) for n in (0, 1) for i in "ef"}
    assert len(items) == 32
    steps = {step_id(i, k, q, o) for i in "ab" for k in ("generate", "judge") for q in (b"x", b"y") for o in (0, 1)}
    assert len(steps) == 16
    assert item_seed("jnli", 0, 0, "s1") != item_seed("jnli", 0, 1, "s1") < 2**63


def test_run_ids_sort_by_time() -> None:
    times = [1.0, 1_700_000_000.0, 1_700_000_000.002, 1_900_000_000.0, 9_000_000_000.0]
    ids = [run_id(time) for time in times]
    assert ids == sorted(ids)
    assert run_id(5.0) != run_id(5.0)


def test_progress_adds_up() -> None:
    a, b = Progress(items=5), Progress(items=7)
    a.finished("scored", 0)
    a.finished("infra_error", 1, 2)
    b.finished("model_error", 1)
    b.stages["judge"].asked = 3
    whole = total([a, b])
    assert (whole.items, whole.scored, whole.model_errors, whole.infra_errors) == (12, 1, 1, 2)
    assert (whole.done, whole.stages["judge"].asked, whole.outcomes) == ({0: 1, 1: 3}, 3, 4)


def test_documents_keep_everything() -> None:
    spec = RunSpec(
        "m",
        "",
        (BenchmarkChoice("jnli", (0, 2), 3),),
        5,
        (JudgeChoice("*", "mild"),),
        (Override("a.b", "あ\udcff"),),
        "/data",
        "note\n",
        9,
    )
    assert documents.spec(documents.dump(spec)) == spec
    plan = Plan((line("jnli", 3, 2, ("generate", "judge")),), {"grader": "mild"}, 10, 8)
    plan = replace(plan, pins=Pins("v1", {"mild": "d1"}, {MODEL: "a", "mild": "b"}, mixed=True))
    assert documents.plan(documents.dump(plan)) == plan
    of_before = json.loads(documents.dump(plan))
    del of_before["pins"]
    assert documents.plan(json.dumps(of_before)).pins == Pins()
    progress = Progress(items=3)
    progress.finished("scored", 2)
    progress.stages["generate"].asked = 4
    assert documents.progress(documents.dump(progress)) == progress


def test_the_command_line_names_judges_and_pins_what_was_found() -> None:
    found = line("essays", 3, 2, ("generate", "judge"))
    again = replace(found, shots=found.shots + 1)
    plan = Plan((found, again), {"grader": "mild", "other": "strict"}, 10, 8)
    pin = f"--pin essays={found.version}:{found.dataset_digest[:12]} --pin-plan {plan_digest(plan)[:12]}"
    every = "shinsa run --model m --suite s --judge"
    assert command(RunSpec("m", suite="s"), plan) == f"{every} grader=mild --judge other=strict {pin}"
    chosen = RunSpec("m", suite="s", judges=(JudgeChoice("other", "gpt"),))
    assert command(chosen, plan) == f"{every} other=gpt --judge grader=mild {pin}"
    assert command(replace(chosen, judges=(JudgeChoice("*", "gpt"),)), plan) == f"{every} gpt {pin}"
    pinned = replace(plan, pins=Pins(judges={"mild": "0123456789abcdef"}))
    assert command(chosen, pinned).endswith(f" --pin-judge mild=0123456789ab --pin-plan {plan_digest(plan)[:12]}")
    # Two models or judges have answered in it: nobody can ask for that again.
    assert command(chosen, replace(plan, pins=Pins(mixed=True))) == ""


def test_a_plan_has_another_digest_with_anything_that_is_asked_otherwise() -> None:
    found = line("essays", 3, 2, ("generate", "judge"))
    plan = Plan((found,), {"grader": "mild"}, 10, 8)
    same = [
        replace(plan, window=99, items_per_shard=7),
        replace(plan, pins=Pins(model="other")),
        replace(plan, lines=(replace(found, dataset="/elsewhere"),)),
    ]
    other = [
        replace(plan, lines=(replace(found, settings={"max_tokens": 1}),)),
        replace(plan, lines=(replace(found, samples=2),)),
        replace(plan, lines=(replace(found, version="2"),)),
        replace(plan, lines=(replace(found, dataset_digest="x"),)),
        replace(plan, lines=(found, found)),
        replace(plan, judges={"grader": "strict"}),
    ]
    assert {plan_digest(one) for one in same} == {plan_digest(plan)}
    assert len({plan_digest(one) for one in [plan, *other]}) == 1 + len(other)


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (RunSpec("m", suite="demo", limit=5), "shinsa run --model m --suite demo --limit 5"),
        (
            RunSpec("m", benchmarks=(BenchmarkChoice("jnli", (0, 4), 2), BenchmarkChoice("mawps", (), 2))),
            "shinsa run --model m --benchmarks jnli@0,4,mawps --repetitions 2",
        ),
        (
            RunSpec("m", suite="s", judges=(JudgeChoice("*", "a"), JudgeChoice("r", "b")), dataset="/d d"),
            "shinsa run --model m --suite s --judge a --judge r=b --dataset '/d d'",
        ),
        (
            RunSpec("m", suite="s", overrides=(Override("a.b", "x y"),)),
            "shinsa run --model m --suite s --set 'a.b=x y'",
        ),
        (RunSpec("m", benchmarks=(BenchmarkChoice("a", (), 2), BenchmarkChoice("b"))), ""),
    ],
)
def test_the_command_line_that_asks_for_the_same(spec: RunSpec, expected: str) -> None:
    assert command(spec, Plan((), {}, 1, 1)) == expected
    assert shlex.join(shlex.split(expected)) == expected


@pytest.mark.parametrize(
    ("entry", "field"),
    [
        (ModelEntry("no/slash", "scripted", b""), "model.name"),
        (ModelEntry("", "scripted", b""), "model.name"),
        (ModelEntry("m" * 129, "scripted", b""), "model.name"),
        (ModelEntry("m", "", b""), "model.engine"),
        (ModelEntry("m", "vllm", b""), "model.vllm.model"),
        (ModelEntry("m", "openai", b"", base_url="http://h/v1"), "model.openai.model"),
        (ModelEntry("m", "openai", b"", model="x", base_url="h:80"), "model.openai.base_url"),
        (ModelEntry("m", "openai", b"", model="x", base_url="https://h", accepts=("top_kk",)), "model.openai.accepts"),
        (ModelEntry("m", "scripted", b"", rules=(("(", "x"),)), "model.scripted.rules[0].pattern"),
        (ModelEntry("m", "scripted", b"", rules=(("a", "x"), ("(b)", r"\2"))), "model.scripted.rules[1].reply"),
        (ModelEntry("m", "scripted", b"", rules=(("(?P<x>b)", r"\g<y>"),)), "model.scripted.rules[0].reply"),
        (ModelEntry("m", "scripted", b"", card=ModelCard("pre-trained")), "model.card.type"),
        (ModelEntry("m", "scripted", b"", card=ModelCard(size_b=0.0)), "model.card.size_b"),
        (ModelEntry("m", "scripted", b"", card=ModelCard(size_b=float("nan"))), "model.card.size_b"),
    ],
)
def test_a_wrong_model_is_refused_by_the_name_of_its_field(entry: ModelEntry, field: str) -> None:
    with pytest.raises(ShinsaError) as refused:
        check_model(entry)
    assert refused.value.field == field
    assert field in refused.value.message


def test_right_models_pass() -> None:
    check_model(ModelEntry("Qwen2.5-0.5B_x", "vllm", b"", model="/models/q"))
    check_model(ModelEntry("gpt", "openai", b"", model="x", base_url="http://127.0.0.1:1/v1", accepts=("top_p",)))
    check_model(ModelEntry("s", "scripted", b"", card=ModelCard("pretrained", 7.24)))
    check_model(ModelEntry("s", "scripted", b"", rules=((r"(\d+)", r"\1"), ("(?P<n>x)", r"\g<n>"))))
