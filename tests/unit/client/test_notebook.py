"""The notebook's cells run, against a gateway that answers with the examples of its own description."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from shinsa_gateway.domain.analysis import Analysis
from shinsa_gateway.domain.board import Board
from shinsa_gateway.domain.board_table import BoardTable
from shinsa_gateway.domain.gate import GateReport
from shinsa_gateway.domain.item import ItemDetail
from shinsa_gateway.domain.model import Model
from shinsa_gateway.domain.report import Report
from shinsa_gateway.domain.run import Run
from unit.cli.fake_gateway import FakeGateway, Reply

NOTEBOOK = Path(__file__).parents[3] / "docs" / "notebooks" / "client.ipynb"


def _example(model: Any, **changes: Any) -> Any:
    shown = model.model_validate(model.model_config["json_schema_extra"]["examples"][0])
    return {**json.loads(shown.model_dump_json()), **changes}


@pytest.fixture
def gateway() -> Iterator[FakeGateway]:
    fake = FakeGateway()
    run = _example(Run, id="r1")
    detail = _example(ItemDetail)
    fake.says("GET /v1/models", {"models": [_example(Model)]})
    fake.says("POST /v1/runs", Reply(run, 201))
    fake.says("GET /v1/runs/r1/events", Reply(events=[("run", run), ("run", {**run, "state": "complete"})]))
    fake.says("GET /v1/runs/r1/report", _example(Report))
    fake.says("GET /v1/runs/r1/items", {"items": [detail.get("item", detail)], "next_cursor": None})
    fake.says("GET /v1/boards", {"boards": [_example(Board)]})
    fake.says("GET /v1/boards/demo/table", _example(BoardTable))
    fake.says("GET /v1/analyses/correlation", _example(Analysis))
    fake.says("GET /v1/gate", _example(GateReport))
    yield fake
    fake.close()


def test_every_cell_runs(gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setenv("SHINSA_SERVER", gateway.url)
    cells = json.loads(NOTEBOOK.read_text("utf-8"))["cells"]
    names: dict[str, Any] = {}
    for cell in cells:
        if cell["cell_type"] == "code":
            exec(compile("".join(cell["source"]), f"{NOTEBOOK.name}:{cell['id']}", "exec"), names)
            assert cell["outputs"] == []
    assert "complete" in capsys.readouterr().out
    assert names["verdict"].verdict == "worse"
    assert {asked.path for asked in gateway.asked} >= {"/v1/runs", "/v1/gate", "/v1/boards/demo/table"}
