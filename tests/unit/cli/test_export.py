"""`shinsa export`: what is fetched, where it goes, and what W&B is given."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from unit.cli.documents import run_json
from unit.cli.fake_gateway import FakeGateway
from unit.cli.program import Shinsa

RUN = "r0example0000001"
SCORE = {"benchmark": "jnli", "shots": 0, "metric": "exact_match", "value": 0.5}
ITEM = {"id": "i1", "metrics": {"exact_match": 1.0}, "answer": "あ"}


@pytest.fixture(autouse=True)
def served(gateway: FakeGateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    gateway.says(f"GET /v1/runs/{RUN}", run_json(id=RUN))
    gateway.says(f"GET /v1/runs/{RUN}/export/items", ITEM)
    gateway.says(f"GET /v1/runs/{RUN}/export/scores", SCORE)
    gateway.says(f"GET /v1/runs/{RUN}/export/llm-jp-eval", {"scores": {}})


def test_items_become_a_file(gateway: FakeGateway, shinsa: Shinsa, tmp_path: Path) -> None:
    told = shinsa("export", RUN, "--format", "csv")
    assert told.code == 0, told.err
    assert gateway.requests(f"GET /v1/runs/{RUN}/export/items")[0].query == {"format": "csv"}
    assert json.loads((tmp_path / f"{RUN}-items.csv").read_text()) == ITEM


def test_a_result_file_at_a_shot_count(gateway: FakeGateway, shinsa: Shinsa, tmp_path: Path) -> None:
    target = tmp_path / "result.json"
    assert shinsa("export", RUN, "-f", "llm-jp-eval", "--shots", "4", "-o", str(target)).code == 0
    assert gateway.requests(f"GET /v1/runs/{RUN}/export/llm-jp-eval")[0].query == {"shots": "4"}
    assert json.loads(target.read_text()) == {"scores": {}}


def test_a_dash_is_standard_output(shinsa: Shinsa, tmp_path: Path) -> None:
    told = shinsa("export", RUN, "--format", "csv", "--out", "-")
    assert (told.code, told.json) == (0, ITEM)
    assert not list(tmp_path.iterdir())


def test_without_wandb_it_says_what_to_install(shinsa: Shinsa, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "wandb", None)
    told = shinsa("export", RUN, "--format", "wandb")
    assert told.code == 2
    assert "pip install wandb" in told.err


def test_wandb_is_given_tables_and_a_summary(shinsa: Shinsa, monkeypatch: pytest.MonkeyPatch) -> None:
    logged: dict[str, Any] = {}
    finished = []
    run = SimpleNamespace(
        log=logged.update, summary={}, url="https://wandb.example/r", finish=lambda: finished.append(True)
    )
    library = SimpleNamespace(init=lambda **_: run, Table=lambda columns, data: (columns, data))
    monkeypatch.setitem(sys.modules, "wandb", library)
    told = shinsa("export", RUN, "--format", "wandb", "--project", "p")
    assert told.code == 0, told.err
    assert logged["items"] == (list(ITEM), [["i1", '{"exact_match": 1.0}', "あ"]])
    assert run.summary == {"jnli/0-shot/exact_match": 0.5}
    assert finished == [True]
    assert "https://wandb.example/r" in told.err
