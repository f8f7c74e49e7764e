"""The gate: worse, no worse, or not to be decided."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest
from shinsa_benchmarks.boards import Board
from shinsa_benchmarks.boards.model import Node
from shinsa_benchmarks.discovery import manifests
from shinsa_chassis.errors import ShinsaError
from shinsa_orchestrator.application import gate_tests
from shinsa_orchestrator.application.gate_tests import LeafPair, LeafPlace
from shinsa_orchestrator.domain.gate import GateRequest, GateVerdict
from shinsa_orchestrator.domain.identity import item_id
from shinsa_orchestrator.domain.run import BenchmarkChoice, PlannedBenchmark, RunSpec, RunState

BOARD = Board.model_validate(
    {
        "id": "small",
        "title": "Small",
        "nodes": [
            {"id": "total", "title": "Total"},
            {"id": "sums", "title": "Sums", "parent": "total", "score": {"benchmark": "sums"}},
            {"id": "essays", "title": "Essays", "parent": "total", "score": {"benchmark": "essays", "factor": 0.1}},
            {"id": "beside", "title": "Beside", "parent": "total", "weight": 0, "score": {"benchmark": "programs"}},
        ],
    }
)


@pytest.fixture
async def floor(world: Any) -> Any:
    """A world with the board, whose model can be made to answer wrong."""
    world.shelf.known_boards["small"] = BOARD
    return world


def _wrong(world: Any) -> None:
    right = world.workers.answer

    def answer(task: Any, request: Any) -> Any:
        return world.generated("-1") if task.kind == "generate" else right(task, request)

    world.workers.answer = answer


async def _decided(world: Any, baseline: str, candidate: str, **fields: Any) -> Any:
    return await world.replica().gates.decide(GateRequest(baseline, candidate, "small", **fields))


async def test_the_same_again_is_no_worse(floor: Any) -> None:
    a, b = await floor.examined("sums", "essays"), await floor.examined("sums", "essays")
    report = await _decided(floor, a.run.id, b.run.id)
    assert (report.verdict, report.reasons) == (GateVerdict.NO_WORSE, ())
    assert [(test.node, test.samples, test.drop, test.adjusted) for test in report.tests] == [
        ("total", 16, 0.0, 1.0),
        ("sums", 12, 0.0, 1.0),
        ("essays", 4, 0.0, 1.0),
    ]


async def test_a_drop_on_every_sample_is_worse_unless_it_is_allowed(floor: Any) -> None:
    a = await floor.examined("sums")
    _wrong(floor)
    b = await floor.examined("sums")
    report = await _decided(floor, a.run.id, b.run.id)
    assert report.verdict is GateVerdict.WORSE
    [test] = report.tests
    assert (test.node, test.baseline, test.candidate, test.drop) == ("sums", 1.0, 0.0, 1.0)
    assert test.p_value == pytest.approx(0.5**12)
    assert (await _decided(floor, a.run.id, b.run.id, max_drop=1.0)).verdict is GateVerdict.NO_WORSE
    assert (await _decided(floor, b.run.id, a.run.id)).verdict is GateVerdict.NO_WORSE
    for correction in ("holm", "bh"):
        assert (await _decided(floor, a.run.id, b.run.id, correction=correction)).verdict is GateVerdict.WORSE


async def test_what_the_candidate_lacks_leaves_it_undecided_but_a_drop_stays_one(floor: Any) -> None:
    a = await floor.examined("sums", "essays")
    b = await floor.examined("sums")
    report = await _decided(floor, a.run.id, b.run.id)
    assert report.verdict is GateVerdict.UNDECIDED
    assert report.reasons == ("essays @0: the candidate did not measure essays @0",)
    # What the baseline did not measure is not asked of the candidate.
    assert (await _decided(floor, b.run.id, a.run.id)).verdict is GateVerdict.NO_WORSE
    _wrong(floor)
    worse = await floor.examined("sums")
    assert (await _decided(floor, a.run.id, worse.run.id)).verdict is GateVerdict.WORSE


async def test_an_incomplete_run_decides_nothing(floor: Any) -> None:
    a = await floor.examined("sums")

    def broken(task: Any, request: Any) -> Any:
        raise floor.Failed("unavailable")

    floor.workers.answer = broken
    b = await floor.examined("sums")
    assert b.run.state is RunState.INCOMPLETE
    report = await _decided(floor, a.run.id, b.run.id)
    assert report.verdict is GateVerdict.UNDECIDED
    assert report.reasons[0] == f"the candidate {b.run.id} is incomplete, not complete"
    assert "fewer than two shared samples" in report.reasons[1]


async def test_other_data_or_nothing_in_common_cannot_be_decided(floor: Any) -> None:
    a = await floor.examined("sums")
    floor.shelf.installed["sums"] = floor.Sums(version="2")
    b = await floor.examined("sums")
    report = await _decided(floor, a.run.id, b.run.id)
    assert (report.verdict, report.tests) == (GateVerdict.UNDECIDED, ())
    assert "in another version or on other data" in report.reasons[0]
    c = await floor.examined("programs")
    report = await _decided(floor, c.run.id, c.run.id)
    assert report.reasons == ("nothing of the board 'small' was measured in both runs",)


async def test_a_total_counts_the_samples_of_its_own_shot_count(floor: Any) -> None:
    floor.shelf.known_boards["small"] = Board.model_validate(
        {
            "id": "small",
            "title": "Small",
            "shots": [0, 2],
            "nodes": [
                {"id": "total", "title": "Total"},
                {"id": "sums", "title": "Sums", "parent": "total", "score": {"benchmark": "sums"}},
            ],
        }
    )

    async def examined() -> str:
        replica = floor.replica()
        run = await replica.runs.submit(RunSpec("m", benchmarks=(BenchmarkChoice("sums", (0, 2)),)))
        await floor.over(replica, run)
        await replica.stop()
        return str(run.id)

    baseline, right = await examined(), floor.workers.answer

    def once_unavailable(task: Any, request: Any) -> Any:
        if task.item_id == item_id(task.run_id, "sums", 2, 0, "sums-3"):
            raise floor.Failed("unavailable")
        return right(task, request)

    floor.workers.answer = once_unavailable
    report = await _decided(floor, baseline, await examined())
    assert [(test.node, test.shots, test.samples, test.unshared) for test in report.tests] == [
        ("total", 0, 12, 0),
        ("total", 2, 11, 1),
        ("sums", 0, 12, 0),
        ("sums", 2, 11, 1),
    ]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"baseline": "r0"}, "baseline"),
        ({"candidate": "r0"}, "candidate"),
        ({"board": "smal"}, "board"),
        ({"alpha": 1.0}, "alpha"),
        ({"max_drop": -0.1}, "max_drop"),
        ({"max_drop": float("nan")}, "max_drop"),
        ({"correction": "bonferroni"}, "correction"),
    ],
)
async def test_what_is_wrong_is_said_with_its_field(floor: Any, change: Any, field: str) -> None:
    a = await floor.examined("sums", limit=1)
    with pytest.raises(ShinsaError) as refused:
        await floor.replica().gates.decide(replace(GateRequest(a.run.id, a.run.id, "small"), **change))
    assert refused.value.field == field


async def test_a_metric_that_the_baseline_did_not_measure_is_not_asked_of_the_candidate(floor: Any) -> None:
    metrics = [{"name": "exact_match", "primary": True, "binary": True}, {"name": "comet", "judge_role": "scorer"}]
    floor.shelf.installed["sums"] = floor.Sums(metrics=metrics, optional_judge_roles=["scorer"])
    leaves = [
        {"id": name, "title": name, "parent": "total", "score": {"benchmark": "sums", "metric": name}}
        for name in ("exact_match", "comet")
    ]
    nodes = [{"id": "total", "title": "Total"}, *leaves]
    floor.shelf.known_boards["small"] = Board.model_validate({"id": "small", "title": "Small", "nodes": nodes})
    a, b = await floor.examined("sums"), await floor.examined("sums")
    report = await _decided(floor, a.run.id, b.run.id)
    assert (report.verdict, [test.node for test in report.tests]) == (GateVerdict.NO_WORSE, ["exact_match"])
    assert [(one.node, one.why) for one in report.untested] == [("comet", "the baseline did not measure comet")]


def _pair(node: Node, values: tuple[dict[str, float], dict[str, float]], **weights: float) -> LeafPair:
    assert node.score is not None
    place = LeafPlace(node, node.score, 0, cast("PlannedBenchmark", None), (0, 0))
    return LeafPair(place, manifests()["jnli"].primary, *values, weights)


def test_a_total_of_a_few_samples_is_no_surer_than_they_are() -> None:
    worse = ({"a": 1.0, "b": 1.0}, {"a": 0.0, "b": 0.0})
    tests, _ = gate_tests.tests_of(
        BOARD, [_pair(node, worse) for node in BOARD.nodes[1:3]], GateRequest("a", "b", "small")
    )
    assert [(test.node, test.drop, test.p_value > 0.05) for test in tests] == [
        ("total", 0.55, True),
        ("sums", 1.0, True),
        ("essays", 0.1, True),
    ]


def test_a_leaf_counts_its_samples_as_its_score_does() -> None:
    values = {"a": 1.0, "b": 1.0, "c": 0.0}, {"a": 0.0, "b": 1.0, "c": 0.0}
    asked = GateRequest("a", "b", "small")
    [test], _ = gate_tests.tests_of(BOARD, [_pair(BOARD.nodes[1], values, a=3.0, b=1.0, c=1.0)], asked)
    assert (test.baseline, test.candidate) == (pytest.approx(0.8), pytest.approx(0.2))
