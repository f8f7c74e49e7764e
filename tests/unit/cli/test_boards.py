"""`shinsa board import`, `references`, `forget` and `shinsa analyse`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from unit.cli.fake_gateway import FakeGateway, Reply
from unit.cli.program import Shinsa

ROUTE = "/v1/boards/nejumi4/references"


def _imported(**changes: Any) -> dict[str, Any]:
    table = {
        "board": "nejumi4",
        "source": "nejumi",
        "version": "v",
        "format": "nejumi",
        "note": "",
        "imported_at": None,
    }
    return {"table": table, "rows": 48, "unknown_columns": ["JA"], "skipped": [], "stored": True, **changes}


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "table.csv"
    path.write_bytes("\ufeffmodel_name,総合\na,0.5\n".encode())
    return path


def test_a_table_is_imported_and_what_was_not_taken_is_said(shinsa: Shinsa, gateway: FakeGateway, table: Path) -> None:
    gateway.says(f"POST {ROUTE}", _imported())
    ended = shinsa("boards", "import", str(table), "--board", "nejumi4", "--format", "nejumi")
    assert ended.code == 0
    assert "48 rows for nejumi4, stored" in ended.out
    assert "columns not taken: JA" in ended.out
    [asked] = gateway.requests(f"POST {ROUTE}")
    assert asked.body["content"] == "model_name,総合\na,0.5\n"
    assert (asked.body["source"], asked.body["format"], asked.body["replace"]) == ("nejumi", "nejumi", False)
    assert asked.body["version"].startswith("sha256-")
    shinsa("board", "import", str(table), "--board", "nejumi4", "--format", "table", "--source", "s", "--version", "2")
    again = gateway.requests(f"POST {ROUTE}")[1].body
    assert (again["source"], again["version"], again["format"]) == ("s", "2", "table")


def test_an_import_that_changed_nothing_says_so(shinsa: Shinsa, gateway: FakeGateway, table: Path) -> None:
    gateway.says(f"POST {ROUTE}", _imported(stored=False))
    words = ("board", "import", str(table), "--board", "nejumi4", "--format", "nejumi")
    assert "there already" in shinsa(*words).out
    assert "nothing stored" in shinsa(*words, "--dry-run").out
    assert shinsa(*words, "--json").json["rows"] == 48


def test_results_of_llm_jp_eval_go_together(shinsa: Shinsa, gateway: FakeGateway, tmp_path: Path) -> None:
    gateway.says("POST /v1/boards/open-ja/references", _imported())
    for name in "ab":
        (tmp_path / name).write_text(json.dumps({"scores": {name: 1}}))
    files = [str(tmp_path / name) for name in "ab"]
    assert shinsa("board", "import", *files, "--board", "open-ja", "--format", "llm-jp-eval").code == 0
    [asked] = gateway.requests("POST /v1/boards/open-ja/references")
    assert json.loads(asked.body["content"]) == [{"scores": {"a": 1}}, {"scores": {"b": 1}}]
    ended = shinsa("board", "import", *files, "--board", "open-ja", "--format", "swallow")
    assert (ended.code, "is one file" in ended.err) == (2, True)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("missing.csv", "--format", "table"), "cannot read missing.csv"),
        (("missing.csv", "--format", "xls"), "there is no format 'xls'"),
    ],
)
def test_what_cannot_be_read_is_refused_before_anything_is_asked(
    shinsa: Shinsa, gateway: FakeGateway, words: Any, said: str
) -> None:
    ended = shinsa("board", "import", *words, "--board", "nejumi4")
    assert ended.code == 2
    assert said in ended.err
    assert gateway.asked == []


def test_a_refused_table_is_said_by_row_and_column(shinsa: Shinsa, gateway: FakeGateway, table: Path) -> None:
    gateway.refuses(
        f"POST {ROUTE}", 422, "content: line 2 (a), column '総合': 'x' is no finite number", field="content"
    )
    ended = shinsa("board", "import", str(table), "--board", "nejumi4", "--format", "nejumi")
    assert ended.code == 2
    assert "line 2 (a), column '総合'" in ended.err


def test_tables_are_listed_and_forgotten(shinsa: Shinsa, gateway: FakeGateway) -> None:
    gateway.says(f"GET {ROUTE}", {"tables": [{**_imported()["table"], "imported_at": "2026-01-31T09:00:00Z"}]})
    assert "2026-01-31" in shinsa("board", "references", "nejumi4").out
    assert shinsa("board", "references", "nejumi4", "--json").json["tables"][0]["source"] == "nejumi"
    gateway.says(f"DELETE {ROUTE}/nejumi/v%2F1", Reply(b"", 204))
    assert shinsa("board", "forget", "nejumi4", "nejumi", "v/1").code == 0


BOX = {"n": 2, "mean": 0.5, "median": 0.5, "q1": 0.4, "q3": 0.6, "low": 0.3, "high": 0.7, "outliers": []}
DATA: dict[str, Any] = {
    "statistics": {
        "rows": 2,
        "models": 3,
        "groups": {"type": [{"group": "merged", "n": 2, "share": 2 / 3}]},
        "unknown": {"type": 1},
    },
    "shots": {"columns": [{"column": "nli", "boxes": [{"shots": "4", "box": BOX}]}]},
    "size-trend": {"by": "size", "columns": [{"column": "nli", "boxes": [{"group": "-3B", "box": BOX, "weak": True}]}]},
    "groups": {"by": "type", "columns": [{"column": "nli", "boxes": [{"group": "merged", "box": BOX, "weak": True}]}]},
    "correlation": {"columns": ["nli", "qa"], "matrix": [[1, 0.25], [0.25, None]], "mean_off_diagonal": [0.25, None]},
    "pca": {"columns": ["nli", "qa"], "ratios": [0.75, 0.25], "weights": [[0.9, 0.1], [0.1, 0.9]]},
}
SHOWN = {
    "statistics": ("merged", "67%", "?"),
    "shots": ("4-shot", "0.500"),
    "size-trend": ("-3B", "0.700"),
    "groups": ("merged", "0.400"),
    "correlation": ("0.250", "-"),
    "pca": ("75.0%", "0.9"),
}


@pytest.mark.parametrize("kind", list(DATA))
def test_an_analysis_is_shown_with_the_rows_that_took_no_part(shinsa: Shinsa, gateway: FakeGateway, kind: str) -> None:
    dropped = [{"row": "m~4", "why": "has no value for nli"}]
    answer = {"kind": kind, "board": "b", "n_rows": 2, "dropped": dropped, "data": DATA[kind]}
    gateway.says(f"GET /v1/analyses/{kind}", answer)
    ended = shinsa("analyse", kind, "--board", "b", "--columns", "nli,qa", "--shots", "4")
    assert ended.code == 0
    assert all(word in ended.out for word in (*SHOWN[kind], "2 rows took part, 1 did not", "m~4: has no value for nli"))
    [asked] = gateway.requests(f"GET /v1/analyses/{kind}")
    assert asked.query == {"board": "b", "rows": "all", "columns": "nli,qa", "shots": "4"}
    assert shinsa("analyse", kind, "--board", "b", "--json").json == answer


def test_an_analysis_is_written_as_a_table(shinsa: Shinsa, gateway: FakeGateway, tmp_path: Path) -> None:
    gateway.says("GET /v1/analyses/pca", Reply(b"\xef\xbb\xbfcomponent\r\n"))
    assert shinsa("analyse", "pca", "--board", "b", "--standardize", "--csv", str(tmp_path / "t.csv")).code == 0
    assert (tmp_path / "t.csv").read_bytes() == b"\xef\xbb\xbfcomponent\r\n"
    assert gateway.asked[0].query["format"] == "csv"
    assert gateway.asked[0].query["standardize"] == "true"


def test_an_unknown_analysis_is_refused(shinsa: Shinsa, gateway: FakeGateway) -> None:
    ended = shinsa("analyse", "means", "--board", "b")
    assert (ended.code, gateway.asked) == (2, [])
    assert "statistics, shots" in ended.err
