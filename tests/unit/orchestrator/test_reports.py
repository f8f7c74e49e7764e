"""Reports, comparisons, boards, items: what can be read of runs."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from scipy.stats import spearmanr
from shinsa.inference.v1 import model_pb2
from shinsa_benchmarks.boards import Board
from shinsa_benchmarks.vocabulary import Status
from shinsa_chassis.errors import Reason, ShinsaError
from shinsa_orchestrator.domain.identity import plan_digest
from shinsa_orchestrator.domain.item import ItemFilter
from shinsa_orchestrator.domain.model import ModelEntry
from shinsa_orchestrator.domain.run import BenchmarkChoice, RunSpec, RunState


def wrong_on(world: Any, *numbers: int) -> Any:
    """Right answers to all sums but these."""

    def answer(task: Any, request: Any) -> Any:
        if task.kind == "generate" and any(f"* {number} =".encode() in task.request for number in numbers):
            return world.generated("no idea")
        return world.right(task, request)

    return answer


async def _run(world: Any, replica: Any, *benchmarks: str, **fields: Any) -> Any:
    return await world.over(replica, await replica.runs.submit(world.spec(*benchmarks, **fields)))


async def test_a_report_says_what_it_rests_on(world: Any) -> None:
    report = await world.examined("essays", "programs", limit=2)
    assert report.provenance.engine_fingerprints == ("scripted m",)
    assert report.provenance.judge_identities == ("mild",)
    asked = "shinsa run --model m --benchmarks essays,programs --limit 2 --judge grader=mild"
    asked += " --pin essays=1:digest-essay --pin programs=1:digest-progr"
    assert report.provenance.reproduce == f"{asked} --pin-plan {plan_digest(report.run.plan)[:12]}"
    assert report.provenance.definitions.model == (await world.models.model("m")).document
    assert report.provenance.shinsa_version == "1.2.3"
    tokens = report.tokens
    assert (tokens.prompt_tokens, tokens.completion_tokens, tokens.judge_prompt_tokens) == (30, 12, 28)
    assert (report.ledger.steps_needed, report.ledger.steps_asked, report.ledger.steps_asked_again) == (12, 12, 0)
    assert [(one.benchmark, one.status, one.count) for one in report.reasons] == [
        ("essays", "scored", 2),
        ("programs", "scored", 2),
    ]


async def test_scores_come_with_interval_and_by_category(world: Any) -> None:
    world.workers.answer = wrong_on(world, 1, 3, 4)
    report = await world.examined("sums")
    by_metric = {score.metric: score for score in report.scores}
    whole, even, odd = by_metric["exact_match"], by_metric["exact_match/c0"], by_metric["exact_match/c1"]
    assert (whole.value, whole.scored, whole.items) == (0.75, 12, 12)
    assert whole.low is not None
    assert whole.high is not None
    assert whole.low < 0.75 < whole.high
    assert (even.value, odd.value, odd.items) == (5 / 6, 4 / 6, 6)


async def test_a_report_of_a_run_that_goes_on_shows_true_denominators(world: Any) -> None:
    world.workers.hold = {"generate"}
    replica = world.replica()
    run = await replica.runs.submit(world.spec("sums"))

    async def asked() -> bool:
        return len(world.workers.held) == 8

    await world.until(asked)
    report = await replica.reports.report(run.id)
    whole = report.scores[0]
    assert (whole.value, whole.scored, whole.items, whole.worst_case, whole.best_case) == (None, 0, 12, 0.0, 1.0)
    assert {score.metric: score.items for score in report.scores} == {
        "exact_match": 12,
        "exact_match/c0": 6,
        "exact_match/c1": 6,
    }
    await replica.runs.cancel(run.id)


async def test_rescoring_gives_the_same_scores(world: Any) -> None:
    replica = world.replica()
    run = await _run(world, replica, "sums", "essays")
    first = await replica.reports.report(run.id)
    await world.runs.save_scores(run.id, [])
    assert (await replica.reports.report(run.id, again=True)).scores == first.scores
    assert (await world.runs.scores([run.id]))[run.id] == list(first.scores)


async def test_rescoring_under_another_version_is_refused(world: Any) -> None:
    replica = world.replica()
    run = await _run(world, replica, "sums")
    world.shelf.installed["sums"] = world.Sums(version="2")
    assert (await replica.reports.report(run.id)).scores[0].value == 1.0
    with pytest.raises(ShinsaError, match="submit a new run"):
        await replica.reports.report(run.id, again=True)


async def test_two_runs_are_compared_sample_by_sample(world: Any) -> None:
    replica = world.replica()
    world.workers.answer = wrong_on(world, 0, 1, 2, 5)
    a = await _run(world, replica, "sums", "essays")
    world.workers.answer = wrong_on(world, 2)
    await world.models.save_model(ModelEntry("n", "scripted", b""), replace=False)
    b_spec = RunSpec("n", benchmarks=world.spec("sums").benchmarks, limit=10)
    b = await world.over(replica, await replica.runs.submit(b_spec))
    (found,) = await replica.reports.compare(a.id, b.id)
    assert (found.benchmark, found.metric, found.shared) == ("sums", "exact_match", 10)
    assert (found.mean_a, found.mean_b, found.difference) == (0.6, 0.9, pytest.approx(0.3))
    assert (found.a_better, found.b_better) == (0, 3)
    assert found.p_value == pytest.approx(0.0811, abs=1e-4)
    assert found.rank_correlation == pytest.approx(spearmanr([0, 0, 0, 1, 1, 0, *[1] * 4], [1, 1, 0, *[1] * 7])[0])
    assert found.differences == ()
    (listed,) = await replica.reports.compare(a.id, b.id, samples=2)
    assert [(one.sample_id, one.value_a, one.value_b) for one in listed.differences] == [
        ("sums-0", 0.0, 1.0),
        ("sums-1", 0.0, 1.0),
    ]
    for item, run in ((listed.differences[1].item_a, a), (listed.differences[1].item_b, b)):
        found_item, _ = await replica.items.get(item)
        assert (found_item.run_id, found_item.sample_id) == (run.id, "sums-1")
    with pytest.raises(ShinsaError, match="at most 500"):
        await replica.reports.compare(a.id, b.id, samples=501)


async def test_what_is_not_the_same_question_is_not_compared(world: Any) -> None:
    replica = world.replica()
    sums = await _run(world, replica, "sums")
    essays = await _run(world, replica, "essays")
    with pytest.raises(ShinsaError, match="no benchmark at the same shot count"):
        await replica.reports.compare(sums.id, essays.id)
    world.shelf.installed["sums"] = world.Sums(size=13)
    other_data = await _run(world, replica, "sums")
    with pytest.raises(ShinsaError, match="different data"):
        await replica.reports.compare(sums.id, other_data.id)
    world.shelf.installed["sums"] = world.Sums(version="2")
    other_version = await _run(world, replica, "sums")
    with pytest.raises(ShinsaError, match="version 1 and 2"):
        await replica.reports.compare(sums.id, other_version.id)


def _board() -> Board:
    return Board.model_validate(
        {
            "id": "small",
            "title": "Small",
            "nodes": [
                {"id": "total", "title": "Total"},
                {"id": "sums", "title": "Sums", "parent": "total", "score": {"benchmark": "sums"}},
                {
                    "id": "essays",
                    "title": "Essays",
                    "parent": "total",
                    "score": {"benchmark": "essays", "factor": 0.1},
                },
            ],
        }
    )


async def test_a_board_shows_complete_runs_and_what_they_lack(world: Any) -> None:
    world.shelf.known_boards["small"] = _board()
    for name in ("n", "o"):
        await world.models.save_model(ModelEntry(name, "scripted", b""), replace=False)
    replica = world.replica()
    both = await _run(world, replica, "sums", "essays")
    await _run(world, replica, "sums")
    partly = await world.over(
        replica, await replica.runs.submit(RunSpec("n", benchmarks=world.spec("sums").benchmarks))
    )

    def broken(task: Any, request: Any) -> Any:
        raise world.Failed("unavailable")

    world.workers.answer = broken
    failed = await world.over(
        replica, await replica.runs.submit(RunSpec("o", benchmarks=world.spec("sums").benchmarks))
    )
    assert failed.state is RunState.INCOMPLETE

    board, rows = await replica.boards.board("small")
    assert [(row.model, row.run_id, row.complete) for row in rows] == [
        ("m", both.id, True),
        ("n", partly.id, False),
    ]
    values = [{cell.node: cell.value for cell in row.cells} for row in rows]
    assert values == [
        {"total": pytest.approx(0.9), "sums": 1.0, "essays": pytest.approx(0.8)},
        {"total": None, "sums": 1.0, "essays": None},
    ]
    assert [cell.missing for cell in rows[1].cells] == [("essays",), (), ("essays",)]
    assert [(row.shots, row.cells[1].stderr) for row in rows] == [(None, pytest.approx(0.0618, abs=1e-4))] * 2
    assert [one.id for one in replica.boards.listing()] == [board.id]
    with pytest.raises(ShinsaError, match="did you mean 'small'") as refused:
        await replica.boards.board("smal")
    assert refused.value.reason is Reason.NOT_FOUND


async def test_items_are_listed_in_pages_and_by_what_is_asked_for(world: Any) -> None:
    world.workers.answer = wrong_on(world, 1, 4)
    world.items_per_shard = 5
    replica = world.replica()
    run = await _run(world, replica, "sums", "programs")

    async def ids(page_size: int = 0, **fields: Any) -> list[str]:
        found: list[str] = []
        cursor = ""
        while True:
            wanted = ItemFilter(run.id, **fields)
            items, cursor = await replica.items.listing(wanted, page_size=page_size, cursor=cursor)
            found += [item.sample_id for item in items]
            if not cursor:
                return found

    everything = [f"sums-{n}" for n in range(12)] + [f"programs-{n}" for n in range(6)]
    assert await ids() == await ids(page_size=5) == everything
    assert await ids(benchmark="programs", page_size=6) == everything[12:]
    assert await ids(wrong_only=True) == ["sums-1", "sums-4"]
    assert await ids(category="c1", benchmark="sums", wrong_only=True) == ["sums-1"]
    assert await ids(status=Status.INFRA_ERROR) == []
    assert await ids(sample_id="sums-4", shots=0) == ["sums-4"]
    with pytest.raises(ShinsaError, match="unknown shot count of this run '4'; there are: 0") as refused:
        await ids(shots=4)
    assert refused.value.field == "shots"
    with pytest.raises(ShinsaError, match="unknown benchmark of this run 'sum'") as refused:
        await ids(benchmark="sum")
    assert refused.value.near_matches == ("sums",)
    with pytest.raises(ShinsaError, match="cursor"):
        await replica.items.listing(ItemFilter(run.id), cursor="x")
    with pytest.raises(ShinsaError, match="at most 500"):
        await replica.items.listing(ItemFilter(run.id), page_size=501)
    with pytest.raises(ShinsaError, match="no run"):
        await replica.items.listing(ItemFilter("r0"))
    with pytest.raises(ShinsaError, match="no finished item"):
        await replica.items.get("0")


async def test_model_errors_count_as_wrong_and_infra_errors_do_not(world: Any) -> None:
    def answer(task: Any, request: Any) -> Any:
        if b"* 1 =" in task.request:
            raise world.Failed("content_filtered")
        if b"* 2 =" in task.request:
            raise world.Failed("unavailable")
        return world.right(task, request)

    world.workers.answer = answer
    replica = world.replica()
    run = await _run(world, replica, "sums")
    items, _ = await replica.items.listing(ItemFilter(run.id, wrong_only=True))
    assert [item.sample_id for item in items] == ["sums-1"]


async def test_runs_are_listed_newest_first_in_pages(world: Any) -> None:
    replica = world.replica()
    runs = [await _run(world, replica, "sums", limit=1) for _ in range(3)]
    newest_first = [run.id for run in reversed(runs)]
    page, cursor = await replica.runs.listing(page_size=2)
    rest, end = await replica.runs.listing(page_size=2, cursor=cursor)
    assert [run.id for run in (*page, *rest)] == newest_first
    assert not end
    assert (await replica.runs.listing(model="n"))[0] == []
    with pytest.raises(ShinsaError, match="at most 200"):
        await replica.runs.listing(page_size=201)


async def test_watching_shows_changes_until_the_end(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from shinsa_orchestrator.application import runs as module

    monkeypatch.setattr(module, "WATCH_SECONDS", 0.02)
    world.workers.hold = {"generate"}
    replica, elsewhere = world.replica(), world.replica("elsewhere")
    run = await replica.runs.submit(world.spec("sums"))
    seen = []
    async for now in elsewhere.runs.watch(run.id):
        seen.append(now)
        world.workers.hold = set()
        await world.workers.let_go("generate")
    assert seen[-1].state is RunState.COMPLETE
    assert seen[-1].progress.scored == 12
    assert all(before != after for before, after in pairwise(seen))
    with pytest.raises(ShinsaError, match="no run"):
        await anext(replica.runs.watch("r0"))


def _scripted(otherwise: str) -> ModelEntry:
    message = model_pb2.ModelEntry(name="q", scripted=model_pb2.ScriptedEngine(otherwise=otherwise))
    return ModelEntry("q", "scripted", message.SerializeToString())


async def test_models_are_registered_and_announced(world: Any) -> None:
    replica = world.replica()
    entry = _scripted("one")
    await replica.models.add(entry, replace=False)
    await replica.models.add(entry, replace=False)
    with pytest.raises(ShinsaError, match="registered otherwise") as refused:
        await replica.models.add(_scripted("two"), replace=False)
    assert refused.value.reason is Reason.ALREADY_EXISTS
    await replica.models.add(_scripted("two"), replace=True)
    assert {one.name: one.document for one in await replica.models.listing()}["q"] == _scripted("two").document
    world.workers.announced.clear()
    await replica.models.announce_all()
    assert [one.name for one in world.workers.announced] == ["m", "q"]


async def test_a_model_is_removed_unless_a_run_needs_it(world: Any) -> None:
    world.workers.hold = {"generate"}
    replica = world.replica()
    replica.start()
    run = await replica.runs.submit(RunSpec("m", benchmarks=(BenchmarkChoice("sums"),)))
    with pytest.raises(ShinsaError, match=run.id) as refused:
        await replica.models.remove("m")
    assert refused.value.reason is Reason.FAILED_PRECONDITION
    await replica.runs.cancel(run.id)
    await replica.models.remove("m")
    assert (world.workers.withdrawn, [one.name for one in await replica.models.listing()]) == (["m"], [])
    with pytest.raises(ShinsaError, match="no model"):
        await replica.models.remove("m")
    with pytest.raises(ShinsaError, match="unknown model 'm'"):
        await replica.runs.resume(run.id)


async def test_benchmarks_are_listed_with_the_size_of_their_specimen(world: Any) -> None:
    replica = world.replica()
    listed = {one.manifest.id: one.specimen_samples for one in await replica.benchmarks.benchmarks()}
    assert listed == {"sums": 12, "programs": 6, "essays": 4}


async def test_a_board_may_have_a_row_for_each_shot_count(world: Any) -> None:
    described = _board().model_dump()
    described["nodes"][2]["score"] |= {"shots": 0}
    world.shelf.known_boards["small"] = Board.model_validate({**described, "shots": [0, 2]})
    replica = world.replica()
    choices = (BenchmarkChoice("sums", shots=(0, 2)), BenchmarkChoice("essays"))
    await world.over(replica, await replica.runs.submit(RunSpec("m", benchmarks=choices)))
    _, rows = await replica.boards.board("small")
    assert [(row.model, row.shots, row.complete) for row in rows] == [("m @0", 0, True), ("m @2", 2, True)]
    assert {cell.node: cell.value for cell in rows[1].cells}["essays"] == pytest.approx(0.8)
