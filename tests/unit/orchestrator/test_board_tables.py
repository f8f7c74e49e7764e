"""The table of a board: which run stands for a model, what others published, and when it is made anew."""

from __future__ import annotations

import asyncio
import gzip
import json
from dataclasses import replace
from typing import Any

import pytest
from shinsa_benchmarks.boards import Board, Given
from shinsa_chassis.errors import Reason, ShinsaError
from shinsa_orchestrator.application.board_document import Document, Writer
from shinsa_orchestrator.application.board_rows import board_table, reference_rows
from shinsa_orchestrator.application.board_tables import BoardTables
from shinsa_orchestrator.application.measured_rows import AT_ONCE, MeasuredRows
from shinsa_orchestrator.domain.board_table import BoardTable, ScoredRun
from shinsa_orchestrator.domain.model import ModelCard, ModelEntry
from shinsa_orchestrator.domain.reference import ReferenceRow, ReferenceTable
from shinsa_orchestrator.domain.report import Score

BOARD = Board.model_validate(
    {
        "id": "small",
        "title": "Small",
        "titles": {"ja": "小"},
        "shots": [0, 4],
        "nodes": [
            {"id": "total", "title": "AVG", "published_names": ["Average"]},
            {"id": "nli", "title": "NLI", "parent": "total", "titles": {"ja": "推論"}},
            {"id": "jnli", "title": "JNLI", "parent": "nli", "score": {"benchmark": "jnli"}},
            {"id": "mbpp", "title": "MBPP", "parent": "total", "score": {"benchmark": "mbpp", "shots": 0}},
            {"id": "beside", "title": "Beside", "parent": "total", "weight": 0, "score": {"benchmark": "jsts"}},
        ],
    }
)


class Store:
    """Runs and scores in memory; it remembers whose scores were asked for. ``gate`` holds answers back."""

    def __init__(self, *runs: tuple[ScoredRun, Any]) -> None:
        self.runs = list(runs)
        self.asked: list[list[str]] = []
        self.changes = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.error: Exception | None = None

    async def scored_runs(self) -> list[ScoredRun]:
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        return sorted((run for run, _ in self.runs), key=lambda run: run.id, reverse=True)

    async def scores(self, run_ids: Any) -> Any:
        self.asked.append(list(run_ids))
        return {run.id: scores for run, scores in self.runs if run.id in run_ids}

    async def board_changes(self) -> int:
        return self.changes

    def add(self, run: ScoredRun, scores: Any) -> None:
        self.runs = [(known, its) for known, its in self.runs if known.id != run.id] + [(run, scores)]
        self.changes += 1


def _score(benchmark: str, shots: int, value: float) -> Score:
    return Score(benchmark, shots, "accuracy", True, value, 0.01, None, None, 1, 0, 0, 1, None, None, "0-1")


async def _table(*runs: Any, references: Any = ()) -> BoardTable:
    rows = await MeasuredRows(BOARD, Store(*runs)).current()  # type: ignore[arg-type]
    return board_table(BOARD, [*rows, *reference_rows(BOARD, references)], references)


def _run(run_id: str, model: str = "m", change: int = 1) -> ScoredRun:
    return ScoredRun(run_id, model, change, finished_at=0.0, versions={"shinsa": "1.0"})


def _text(document: Document) -> Any:
    return json.loads(gzip.decompress(document.content))


def _values(row: Any) -> dict[str, Any]:
    return {cell.node: cell.value for cell in row.cells}


async def test_a_model_has_a_row_for_each_shot_count_and_shares_what_is_measured_without_examples() -> None:
    scores = [_score("jnli", 0, 0.4), _score("jnli", 4, 0.6), _score("mbpp", 0, 0.2)]
    few, none = (await _table((_run("r1"), scores))).rows
    assert [(row.id, row.shots, row.run_id, row.missing) for row in (few, none)] == [
        ("m~4", 4, "r1", ()),
        ("m~0", 0, "r1", ()),
    ]
    assert _values(few) == {"total": pytest.approx(0.4), "nli": 0.6, "jnli": 0.6, "mbpp": 0.2, "beside": None}


async def test_the_newest_run_is_shown_unless_an_older_one_fills_more() -> None:
    full = [_score("jnli", 0, 0.4), _score("mbpp", 0, 0.2)]
    newer_full = (_run("r3"), full), (_run("r2"), full)
    assert [row.run_id for row in (await _table(*newer_full)).rows] == ["r3"]
    newer_part = (_run("r3"), full[:1]), (_run("r2"), full), (_run("r1"), full)
    assert [row.run_id for row in (await _table(*newer_part)).rows] == ["r2"]


@pytest.mark.parametrize(("newer", "shown"), [(2, "r1"), (499, "r1"), (500, "r2"), (1000, "r2"), (4000, "r2")])
async def test_a_newer_run_of_far_fewer_items_takes_no_row(newer: int, shown: str) -> None:
    """Such as one to see that all works; what the board does not show, or at another shot count, adds nothing."""

    def scores(items: int) -> list[Score]:
        beside = _score("elsewhere", 0, 0.1), _score("mbpp", 4, 0.1)
        return [replace(_score("jnli", 0, 0.4), items=items), *(replace(one, items=100_000) for one in beside)]

    table = await _table((_run("r1"), scores(1000)), (_run("r2"), scores(newer)))
    assert [row.run_id for row in table.rows] == [shown]


async def test_only_what_changed_is_computed() -> None:
    full = [_score("jnli", 0, 0.4), _score("mbpp", 0, 0.2)]
    store = Store(*((_run(f"r{number:03}", f"m{number}"), full) for number in range(AT_ONCE + 1)))
    rows = MeasuredRows(BOARD, store)  # type: ignore[arg-type]
    first = await rows.current()
    assert [len(some) for some in store.asked] == [AT_ONCE, 1]
    store.asked.clear()
    again = await rows.current()
    assert (store.asked, len(again)) == ([], AT_ONCE + 1)
    assert all(one is other for one, other in zip(first, again, strict=True))
    store.add(_run("r900", "new"), full)
    store.add(_run("r001", "m1", change=2), [_score("jnli", 0, 1.0), _score("mbpp", 0, 1.0)])
    found = {row.model: row for row in await rows.current()}
    assert [sorted(some) for some in store.asked] == [["r001", "r900"]]
    assert (_values(found["m1"])["total"], _values(found["m2"])["total"]) == (1.0, pytest.approx(0.3))


async def test_when_the_run_that_is_shown_goes_the_next_best_takes_its_place() -> None:
    full, part = [_score("jnli", 0, 0.4), _score("mbpp", 0, 0.2)], [_score("jnli", 0, 0.9)]
    store = Store((_run("r1"), part), (_run("r2"), full), (_run("r3"), full))
    rows = MeasuredRows(BOARD, store)  # type: ignore[arg-type]
    assert [row.run_id for row in await rows.current()] == ["r3"]
    store.asked.clear()
    # A newer run that fills less comes in the same moment.
    store.runs = [(run, scores) for run, scores in store.runs if run.id != "r3"]
    store.add(_run("r4"), part)
    assert [row.run_id for row in await rows.current()] == ["r2"]
    assert store.asked == [["r4"], ["r2"]]
    store.runs = [(run, scores) for run, scores in store.runs if run.id not in ("r2", "r4")]
    assert [row.run_id for row in await rows.current()] == ["r1"]
    store.runs.clear()
    assert await rows.current() == []


async def test_a_row_that_lacks_something_says_what_and_comes_last() -> None:
    part, whole = [_score("jnli", 0, 0.9)], [_score("jnli", 0, 0.1), _score("mbpp", 0, 0.1)]
    rows = (await _table((_run("r2", "part"), part), (_run("r1", "whole"), whole))).rows
    assert [(row.model, row.missing) for row in rows] == [("whole", ()), ("part", ("mbpp",))]
    total = next(cell for cell in rows[1].cells if cell.node == "total")
    assert (total.value, total.complete) == (0.9, False)


async def test_published_rows_stand_beside_those_measured_here() -> None:
    rows = (
        ReferenceRow("org/モデル: high", (Given("total", 0.9), Given("nli", 0.8), Given("gone", 1.0)), 4),
        ReferenceRow("org/ModeI: high", (Given("jnli", 0.5),), None, ModelCard("proprietary", 7.0), "2025-08-01"),
    )
    source = ReferenceTable("small", "site", "2025", "nejumi", "d", rows=rows)
    table = await _table((_run("r1"), [_score("jnli", 4, 0.3), _score("mbpp", 0, 0.3)]), references=[source])
    first, measured, last = table.rows
    assert (first.source, first.version, first.shots, first.missing) == ("site", "2025", 4, ())
    assert _values(first)["total"] == 0.9
    assert measured.source == ""
    assert (last.missing, last.shots, last.card.size_b) == (("mbpp",), None, 7.0)
    assert len({row.id for row in table.rows}) == 3
    assert all(
        set(row.id) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._~-") for row in table.rows
    )
    assert [source.rows for source in table.sources] == [()]


class Models:
    def __init__(self, *entries: ModelEntry) -> None:
        self.entries = list(entries)

    async def models(self) -> list[ModelEntry]:
        return self.entries


class References:
    def __init__(self) -> None:
        self.editions: list[ReferenceTable] = []

    async def tables(self, board: str) -> list[ReferenceTable]:
        return [replace(one, rows=()) for one in self.editions]

    async def shown(self, board: str) -> list[ReferenceTable]:
        return self.editions


class Shelf:
    def __init__(self) -> None:
        self.known = {"small": BOARD}

    def boards(self) -> Any:
        return self.known


FULL = [_score("jnli", 4, 1 / 3), _score("mbpp", 0, 0.2)]


def _tables(store: Store, *models: ModelEntry, shelf: Any = None, references: Any = None, patience: float = 600) -> Any:
    parts: Any = (shelf or Shelf(), store, Models(*models), references or References())
    return BoardTables(*parts, patience=patience)


async def test_the_document_has_columns_names_rows_and_what_is_known_of_models() -> None:
    entry = ModelEntry("m", "vllm", b"", card=ModelCard("pretrained", 7.2, precision="bfloat16"))
    found = _text(await _tables(Store((_run("r1"), FULL)), entry).document("small"))
    assert (found["board"], found["title"]) == ("small", {"en": "Small", "ja": "小"})
    total, nli, jnli, *_ = found["columns"]
    assert (total["kind"], total["published_names"], total["parent"], total["depth"]) == ("total", ["Average"], "", 0)
    assert (nli["kind"], nli["name"], nli["depth"]) == ("category", {"en": "NLI", "ja": "推論"}, 1)
    assert (jnli["kind"], jnli["parent"], jnli["depth"], jnli["scale"]) == ("leaf", "nli", 2, 1)
    [row] = found["rows"]
    assert row["cells"]["jnli"] == [0.333333, 0.01, True]
    assert row["cells"]["beside"] == [None, None, False]
    assert (row["source"], row["source_name"], row["run_id"], row["shots"]) == ("run", "", "r1", "4")
    assert (row["complete"], row["missing"], row["finished_at"]) == (True, [], "1970-01-01T00:00:00+00:00")
    assert (row["meta"]["type"], row["meta"]["size_b"], row["meta"]["licence"]) == ("pretrained", 7.2, None)
    assert (row["meta"]["engine"], row["meta"]["versions"]) == ("vllm", {"shinsa": "1.0"})


async def test_rows_say_whether_raw_prompts_had_special_tokens() -> None:
    tables = _tables(Store((_run("r1"), FULL)), ModelEntry("m", "vllm", b"", special_tokens=False))
    versions = _text(await tables.document("small"))["rows"][0]["meta"]["versions"]
    assert versions == {"shinsa": "1.0", "add_special_tokens": "False"}


async def test_the_same_table_gives_the_same_bytes() -> None:
    tables = [await _table((_run("r1"), FULL)) for _ in range(2)]
    assert Writer().document(tables[0]) == Writer().document(tables[1])
    assert Writer().document(tables[0]).digest != Writer().document(await _table()).digest


async def test_what_was_written_before_is_what_would_be_written_anew() -> None:
    store, models = Store((_run("r1"), FULL), (_run("r2", "n"), FULL)), [ModelEntry("m", "vllm", b"")]
    tables = _tables(store, *models)
    await tables.document("small")
    store.add(_run("r3", "n"), [_score("jnli", 4, 0.9), _score("mbpp", 0, 0.9)])
    tables._models.entries[0] = ModelEntry("m", "vllm", b"", card=ModelCard("merged"))
    kept = await tables.document("small")
    assert kept == await _tables(store, *tables._models.entries).document("small")
    assert [(row["run_id"], row["meta"]["type"]) for row in _text(kept)["rows"]] == [("r3", None), ("r1", "merged")]
    store.changes += 1
    assert await tables.document("small") is kept


async def test_readers_of_a_table_long_in_the_making_get_the_one_before() -> None:
    store = Store((_run("r1"), FULL))
    tables = _tables(store, patience=0)
    first = await tables.document("small")
    store.gate.clear()
    store.add(_run("r2", "n"), FULL)
    readers = await asyncio.gather(*(tables.document("small") for _ in range(50)))
    assert all(one is first for one in readers)
    store.gate.set()
    tables._patience = 600
    second = await tables.document("small")
    assert [row["model"] for row in _text(second)["rows"]] == ["m", "n"]
    assert store.asked == [["r1"], ["r2"]]


async def test_readers_of_the_first_table_wait_for_it_however_long_it_takes() -> None:
    store = Store((_run("r1"), FULL))
    tables = _tables(store, patience=0)
    store.gate.clear()
    readers = [asyncio.create_task(tables.document("small")) for _ in range(20)]
    gone = readers.pop()
    await asyncio.sleep(0.01)
    gone.cancel()
    store.gate.set()
    assert len({id(document) for document in await asyncio.gather(*readers)}) == 1
    assert store.asked == [["r1"]]


async def test_a_failure_is_told_and_not_kept() -> None:
    store = Store((_run("r1"), FULL))
    tables = _tables(store)
    store.error = ShinsaError(Reason.UNAVAILABLE, "the results store cannot be reached")
    with pytest.raises(ShinsaError, match="cannot be reached"):
        await tables.document("small")
    store.error = None
    assert _text(await tables.document("small"))["rows"]


async def test_another_definition_of_the_board_makes_another_table() -> None:
    shelf, store = Shelf(), Store((_run("r1"), FULL))
    tables = _tables(store, shelf=shelf)
    await tables.document("small")
    shelf.known["small"] = BOARD.model_copy(update={"nodes": BOARD.nodes[:-1]})
    columns = _text(await tables.document("small"))["columns"]
    assert [column["id"] for column in columns] == ["total", "nli", "jnli", "mbpp"]
    assert store.asked == [["r1"], ["r1"]]


async def test_an_edition_without_rows_is_named_and_not_named_any_more() -> None:
    store, references = Store((_run("r1"), FULL)), References()
    tables = _tables(store, references=references)
    assert (await tables.table("small")).sources == ()
    references.editions.append(ReferenceTable("small", "site", "1", "f", "d"))
    store.changes += 1
    assert [source.source for source in (await tables.table("small")).sources] == ["site"]
    references.editions.clear()
    store.changes += 1
    assert (await tables.table("small")).sources == ()
    assert store.asked == [["r1"]]


async def test_a_table_is_made_anew_when_something_changed(world: Any) -> None:
    world.shelf.known_boards["small"] = Board.model_validate(
        {"id": "small", "title": "Small", "nodes": [{"id": "total", "title": "T", "score": {"benchmark": "sums"}}]}
    )
    replica = world.replica()
    empty = await replica.tables.document("small")
    assert await replica.tables.document("small") is empty
    report = await world.examined("sums")
    measured = await replica.tables.document("small")
    rows = json.loads(gzip.decompress(measured.content))["rows"]
    assert [(row["id"], row["run_id"], row["cells"]["total"][0]) for row in rows] == [("m", report.run.id, 1.0)]
    rows_of_site = (ReferenceRow("x", (Given("total", 0.5),)),)
    await world.references.add_table(ReferenceTable("small", "site", "1", "f", "d", rows=rows_of_site), replace=False)
    assert [row.id for row in (await replica.tables.table("small")).rows] == ["m", "site~x"]


async def test_an_unknown_board_is_refused_with_those_that_come_near(world: Any) -> None:
    world.shelf.known_boards["small"] = BOARD
    with pytest.raises(ShinsaError, match="did you mean 'small'") as refused:
        await world.replica().tables.document("smal")
    assert refused.value.reason is Reason.NOT_FOUND
