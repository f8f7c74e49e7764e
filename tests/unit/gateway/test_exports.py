"""A run as a file, in every format."""

from __future__ import annotations

import csv
import io
import json
import sys
import threading
from typing import Any

import pytest
from shinsa_chassis.errors import Reason, ShinsaError
from shinsa_gateway.application.exporting import llm_jp_eval
from shinsa_gateway.domain.board_table import BoardTable
from shinsa_gateway.domain.item import ITEM_EXAMPLE, Item, ItemDetail, ItemPage
from shinsa_gateway.domain.report import SCORE_EXAMPLE, Report

HOSTILE = '=HYPERLINK("http://evil.example","x")'


def an_item(number: int, **changes: Any) -> Item:
    return Item.model_validate({**ITEM_EXAMPLE, "id": f"i{number}", "sample_id": str(number), **changes})


@pytest.fixture
def items(orchestrator: Any, monkeypatch: pytest.MonkeyPatch) -> list[Item]:
    """Three items, two pages."""
    known = [an_item(1), an_item(2, answer=HOSTILE), an_item(3, answer='改行\nと"引用"', metrics={})]

    async def list_items(run_id: str, wanted: Any, *, page_size: int, cursor: str) -> ItemPage:
        if run_id != "r1":
            raise ShinsaError(Reason.NOT_FOUND, f"There is no run {run_id!r}.", field="run_id")
        first = not cursor
        return ItemPage(items=tuple(known[:2] if first else known[2:]), next_cursor="2" if first else None)

    monkeypatch.setattr(orchestrator, "list_items", list_items)
    return known


async def test_json_lines_have_everything_as_it_is(http: Any, items: list[Item]) -> None:
    answer = await http.get("/v1/runs/r1/export/items")
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert answer.headers["content-disposition"] == 'attachment; filename="r1-items.jsonl"'
    rows = [json.loads(line) for line in answer.text.splitlines()]
    assert rows == [item.model_dump(mode="json") for item in items]


async def test_a_spreadsheet_runs_nothing_of_a_models_answer(http: Any, items: list[Item]) -> None:
    answer = await http.get("/v1/runs/r1/export/items?format=csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["id"] for row in rows] == ["i1", "i2", "i3"]
    assert rows[1]["answer"] == f"'{HOSTILE}"
    assert rows[2]["answer"] == items[2].answer
    assert json.loads(rows[0]["metrics"]) == {"accuracy": 1.0}


async def test_parquet_can_be_read_again(http: Any, items: list[Item]) -> None:
    import pyarrow.parquet as parquet

    answer = await http.get("/v1/runs/r1/export/items?format=parquet")
    rows = parquet.read_table(io.BytesIO(answer.content)).to_pylist()
    assert [row["answer"] for row in rows] == [item.answer for item in items]
    assert rows[0]["metrics"] == '{"accuracy": 1.0}'


async def test_a_large_file_is_written_while_others_are_served(
    http: Any, items: list[Item], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A column that is empty on the first page is filled on the second."""
    import pyarrow.parquet as parquet

    items[:] = [an_item(1, finished_at=None), an_item(2, finished_at=None), an_item(3)]
    threads = []
    write = parquet.write_table
    monkeypatch.setattr(
        parquet, "write_table", lambda *told, **more: (threads.append(threading.get_ident()), write(*told, **more))
    )
    answer = await http.get("/v1/runs/r1/export/items?format=parquet")
    rows = parquet.read_table(io.BytesIO(answer.content)).to_pylist()
    assert [row["finished_at"] for row in rows] == [None, None, items[2].model_dump(mode="json")["finished_at"]]
    assert threads
    assert threading.get_ident() not in threads


async def test_without_the_library_it_says_which(http: Any, items: list[Item], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    answer = await http.get("/v1/runs/r1/export/items?format=parquet")
    assert (answer.status_code, answer.json()["field"]) == (409, "format")
    assert "shinsa-gateway[parquet]" in answer.json()["detail"]


async def test_scores_keep_what_could_not_be_measured_empty(http: Any, orchestrator: Any, monkeypatch: Any) -> None:
    missing = {**SCORE_EXAMPLE, "value": None, "stderr": None}
    report = Report.model_validate({**_example(Report), "scores": [SCORE_EXAMPLE, missing]})

    async def get_report(run_id: str) -> Report:
        return report

    monkeypatch.setattr(orchestrator, "get_report", get_report)
    text = (await http.get("/v1/runs/r1/export/scores?format=csv")).text
    assert [row["value"] for row in csv.DictReader(io.StringIO(text))] == ["0.8", ""]
    lines = (await http.get("/v1/runs/r1/export/scores")).text.splitlines()
    assert json.loads(lines[1])["value"] is None


async def test_an_unknown_run_is_no_file(http: Any, items: list[Item]) -> None:
    answer = await http.get("/v1/runs/r9/export/items?format=csv")
    assert (answer.status_code, answer.json()["field"]) == (404, "run_id")
    assert (await http.get("/v1/runs/r1/export/items?format=xlsx")).json()["field"] == "format"


def _example(model: Any) -> Any:
    return model.model_config["json_schema_extra"]["examples"][0]


_STEP = {"failure": None, "worker": "w", "attempt": 1, "deliveries": 1, "started_at": None, "finished_at": None}


def _column(name: str, kind: str, parent: str, published: str, weight: float = 1.0) -> dict[str, Any]:
    names = {"en": name, "ja": name}
    published_names = [published] if published else []
    return {
        **{"id": name, "name": names, "published_names": published_names, "parent": parent, "depth": 0},
        **{"kind": kind, "scale": 1, "weight": weight},
    }


@pytest.fixture
def pages(orchestrator: Any, monkeypatch: pytest.MonkeyPatch) -> list[list[Item]]:
    """Of a run that was examined on two datasets of the board."""
    columns = [
        _column("average", "total", "", "AVG"),
        _column("mc", "category", "average", "MC"),
        _column("mt", "category", "average", "MT"),
        _column("sts", "category", "average", "STS", 0.0),
        _column("jcommonsenseqa", "leaf", "mc", "jcommonsenseqa_exact_match"),
        _column("kuci", "leaf", "mc", "kuci_exact_match"),
        _column("alt_e_to_j", "leaf", "mt", "alt-e-to-j_comet_wmt22"),
        _column("jsts", "leaf", "sts", ""),
    ]
    orchestrator.table = {**_example(BoardTable), "columns": columns, "rows": []}
    scores = [
        {**SCORE_EXAMPLE, "shots": 0, "value": 0.8},
        {**SCORE_EXAMPLE, "shots": 4, "value": 0.9},
        {**SCORE_EXAMPLE, "benchmark": "kuci", "shots": 0, "value": 40.0, "scale": "0-100"},
        {**SCORE_EXAMPLE, "benchmark": "kuci", "shots": 4, "value": None},
        {**SCORE_EXAMPLE, "benchmark": "elsewhere", "shots": 0},
    ]
    report = Report.model_validate({**_example(Report), "scores": scores})
    asked = {"model": "m", "messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "問"}]}
    step = {"id": "s1", "kind": "generate", "request": asked}
    known = [[an_item(1), an_item(2, shots=4), an_item(3, benchmark="elsewhere")]]

    async def get_report(run_id: str) -> Report:
        return report

    async def list_items(run_id: str, wanted: Any, *, page_size: int, cursor: str) -> ItemPage:
        number = int(cursor or 0)
        more = str(number + 1) if number + 1 < len(known) else None
        return ItemPage(items=tuple(known[number]), next_cursor=more)

    async def get_item(item_id: str) -> ItemDetail:
        detail = {**_example(ItemDetail), "answer": f"答 {item_id}", "steps": [{**_STEP, **step}]}
        return ItemDetail.model_validate(detail)

    monkeypatch.setattr(orchestrator, "get_report", get_report)
    monkeypatch.setattr(orchestrator, "list_items", list_items)
    monkeypatch.setattr(orchestrator, "get_item", get_item)
    return known


async def test_the_result_file_of_llm_jp_eval(http: Any, pages: list[list[Item]]) -> None:
    answer = await http.get("/v1/runs/r1/export/llm-jp-eval")
    assert answer.headers["content-type"] == "application/json"
    found = answer.json()
    assert found["scores"] == {
        "jcommonsenseqa_exact_match": 0.8,
        "kuci_exact_match": 0.4,
        "MC": pytest.approx(0.6),
        # A category without a result counts as 0; STS is not averaged.
        "AVG": pytest.approx(0.3),
    }
    gold = _example(ItemDetail)["gold"]
    assert found["outputs"] == {"jcommonsenseqa": [{"prompt": "s\n\n問", "input": "問", "pred": "答 i1", "gold": gold}]}
    assert found["config"]["metainfo"]["num_few_shots"] == 0
    four = (await http.get("/v1/runs/r1/export/llm-jp-eval?shots=4")).json()
    assert four["scores"]["MC"] == 0.9
    assert [row["pred"] for row in four["outputs"]["jcommonsenseqa"]] == ["答 i2"]


async def test_no_scores_of_another_shot_count_stand_in(orchestrator: Any, pages: list[list[Item]]) -> None:
    report, table = await orchestrator.get_report("r1"), BoardTable.model_validate(orchestrator.table)
    with pytest.raises(ShinsaError, match="no score at 7 shots; there are: 0, 4"):
        llm_jp_eval(orchestrator, report, table, 7)
    # What was shown examples is no result without them; what never is shown any stands for every count.
    scores = [{**SCORE_EXAMPLE, "shots": 4}, {**SCORE_EXAMPLE, "benchmark": "kuci", "shots": 0, "value": 0.5}]
    mixed = Report.model_validate({**_example(Report), "scores": scores})
    assert set(llm_jp_eval(orchestrator, mixed, table, 0).scores) == {"kuci_exact_match", "MC", "AVG"}
    assert set(llm_jp_eval(orchestrator, mixed, table, 4).scores) >= {"jcommonsenseqa_exact_match"}
    few = Report.model_validate({**_example(Report), "scores": scores[:1]})
    with pytest.raises(ShinsaError, match="no score at 0 shots; there are: 4"):
        llm_jp_eval(orchestrator, few, table, 0)


async def test_the_result_of_a_large_run_is_sent_page_by_page(
    http: Any, orchestrator: Any, pages: list[list[Item]]
) -> None:
    pages[:] = [
        [an_item(1), an_item(2)],
        [an_item(3), an_item(4, benchmark="elsewhere"), an_item(5, benchmark="kuci")],
        [an_item(6, benchmark="elsewhere")],
        [an_item(7, benchmark="kuci")],
    ]
    outputs = (await http.get("/v1/runs/r1/export/llm-jp-eval")).json()["outputs"]
    told = {dataset: [row["pred"] for row in rows] for dataset, rows in outputs.items()}
    assert told == {"jcommonsenseqa": ["答 i1", "答 i2", "答 i3"], "kuci": ["答 i5", "答 i7"]}
    report, table = await orchestrator.get_report("r1"), BoardTable.model_validate(orchestrator.table)
    found = llm_jp_eval(orchestrator, report, table, 0)
    _, first = await anext(found.outputs)
    assert [row["pred"] for row in first] == ["答 i1", "答 i2"]
    pages[1:] = [[]]
    assert [one async for one in found.outputs] == []


async def test_the_result_of_a_run_on_other_benchmarks_is_empty(http: Any, pages: list[list[Item]]) -> None:
    pages[:] = [[an_item(1, benchmark="elsewhere")]]
    found = (await http.get("/v1/runs/r1/export/llm-jp-eval")).json()
    assert (found["outputs"], set(found)) == ({}, {"scores", "outputs", "config"})
