"""`shinsa board compute`: boards from values of their nodes."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path

import pytest
from unit.cli.program import Shinsa

CATEGORIES = ("NLI", "QA", "RC", "MC", "EL", "FA", "MR", "MT", "HE", "CG", "SUM")


def scores(path: Path, value: object) -> str:
    path.write_text(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False), "utf-8")
    return str(path)


def test_a_row_is_computed_from_published_columns(shinsa: Shinsa, tmp_path: Path) -> None:
    given = {name: {"value": number / 20, "stderr": 0.01} for number, name in enumerate(CATEGORIES)}
    file = scores(tmp_path / "s.json", given)
    for name in ("open-ja", "open_ja", "Open-JA"):
        ended = shinsa("board", "compute", "--board", name, "--scores", file, "--json")
        assert ended.code == 0, ended.err
        assert set(ended.json) == {"board", "nodes"}
        average = ended.json["nodes"]["average"]
        assert average["value"] == pytest.approx(sum(range(11)) / 20 / 11)
        assert average["stderr"] == pytest.approx(0.01 / 11**0.5)
        assert (average["complete"], average["published_names"]) == (True, ["AVG"])
    jamp = ended.json["nodes"]["jamp"]
    assert (jamp["value"], jamp["stderr"], jamp["complete"]) == (None, None, False)


def test_incomplete_rows_say_what_is_missing(shinsa: Shinsa, tmp_path: Path) -> None:
    file = scores(tmp_path / "s.csv", "model,NLI,QA\nm1,0.5,0.25\nm2,,0.5\n")
    ended = shinsa("board", "compute", "--board", "open-ja", "--scores", file, "--json")
    assert [row["model"] for row in ended.json["rows"]] == ["m1", "m2"]
    assert all(row["nodes"]["average"]["value"] is None for row in ended.json["rows"])
    assert "2 of 2 rows have no complete total; missing: jsquad" in ended.err

    partial = shinsa("board", "compute", "--board", "open-ja", "--scores", file, "--allow-partial", "--json")
    average = partial.json["rows"][0]["nodes"]["average"]
    assert average["value"] == pytest.approx(0.75 / 10)
    assert average["complete"] is False
    shown = shinsa("board", "compute", "--board", "open-ja", "--scores", file, "--allow-partial").out
    assert "m1" in shown
    assert "0.075 *" in shown


def test_what_is_computed_anew_is_named(shinsa: Shinsa, tmp_path: Path) -> None:
    given = dict.fromkeys(CATEGORIES, 0.5) | {"AVG": 0.75}
    ended = shinsa("board", "compute", "--board", "open-ja", "--scores", scores(tmp_path / "s", given), "--json")
    assert (ended.json["nodes"]["average"]["value"], ended.json["nodes"]["average"]["given"]) == (0.5, 0.75)
    assert "computed anew from what was given below: average; largest difference 0.25" in ended.err
    back = shinsa("board", "compute", "--board", "open-ja", "--scores", scores(tmp_path / "b", ended.json), "--json")
    assert back.json["nodes"]["average"]["value"] == 0.5


@pytest.mark.parametrize(
    ("board", "content", "complaint"),
    [
        ("nejumi", {}, "did you mean: nejumi4"),
        ("nejumi4", {"GLP_推論": 0.5}, "did you mean 'GLP_推論能力'"),
        ("nejumi4", {"total": 79.2}, "--percent"),
        ("nejumi4", "total\n0.5,1\n", "s:2: 1 columns expected, not 2"),
    ],
)
def test_bad_input_is_named(shinsa: Shinsa, tmp_path: Path, board: str, content: object, complaint: str) -> None:
    ended = shinsa("board", "compute", "--board", board, "--scores", scores(tmp_path / "s", content))
    assert ended.code == 2
    assert complaint in ended.err


@pytest.mark.shared_data
def test_the_published_table_of_nejumi_4(shinsa: Shinsa) -> None:
    """Values are printed with 10 decimals, so what is computed from them may differ by 1e-10."""
    upstream = os.environ.get("SHINSA_UPSTREAM_DATA")
    if not upstream:
        pytest.skip("SHINSA_UPSTREAM_DATA names no folder of upstream files")
    (path,) = (Path(upstream) / "results_nejumi4").glob("*.csv")
    ended = shinsa("board", "compute", "--board", "nejumi4", "--scores", str(path), "--json")
    assert ended.code == 0, ended.err
    assert "columns that no node stands for: JA, model_size_category, model_size, model_release_date" in ended.err
    with path.open(encoding="utf-8-sig", newline="") as file:
        published = list(csv.DictReader(file))
    assert [row["model"] for row in ended.json["rows"]] == [row["model_name"] for row in published]
    for row, wanted in zip(ended.json["rows"], published, strict=True):
        by_column = {name: node for node in row["nodes"].values() for name in node["published_names"]}
        columns = [name for name in wanted if name.startswith(("GLP_", "ALT_")) or name.endswith(")_AVG")]
        assert len(columns) == 25
        for name in [*columns, "TOTAL_SCORE"]:
            assert by_column[name]["complete"]
            assert by_column[name]["value"] == pytest.approx(float(wanted[name]), abs=1e-9)


OWN = """
id = "own"
title = "Own"
nodes = [
    { id = "total", title = "Total", includes = { a = 3, WHERE = 1 } },
    { id = "parts", title = "Parts", parent = "total", weight = 0 },
    { id = "a", title = "A", parent = "parts", score = { benchmark = "jnli" } },
    { id = "b", title = "B", parent = "parts", score = { benchmark = "mawps" } },
]
"""


def test_a_board_of_ones_own(shinsa: Shinsa, tmp_path: Path) -> None:
    file = scores(tmp_path / "s.json", {"a": 0.5, "b": 0.1})
    own = tmp_path / "own.toml"
    own.write_text(OWN.replace("WHERE", "b"))
    ended = shinsa("board", "compute", "--board", str(own), "--scores", file, "--json")
    assert ended.code == 0, ended.err
    assert ended.json["nodes"]["total"]["value"] == pytest.approx(0.4)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (OWN.replace("WHERE", "bb"), "node 'total': includes unknown node 'bb'; did you mean 'b'"),
        (
            OWN.replace("WHERE", "b").replace("b = 1", "b = -1"),
            "'total': includes: b: should be greater than 0",
        ),
        (
            OWN.replace("WHERE", "b").replace(
                'parent = "parts", score = { benchmark = "mawps"', 'parent = "part", score = { benchmark = "mawps"'
            ),
            "unknown parent 'part'",
        ),
        (OWN.replace("WHERE", "b").replace("b = 1", "b = nan"), "includes: b: should be"),
        (OWN.replace("WHERE", "b").replace("b = 1", "b = inf"), "node 'total': includes: b: should be a finite"),
        ("nodes = 3", "; nodes: should be a valid list"),
        (None, "cannot be read"),
    ],
)
def test_a_broken_board_file_is_named(shinsa: Shinsa, tmp_path: Path, text: str | None, complaint: str) -> None:
    own = tmp_path / "own.toml"
    if text is not None:
        own.write_text(text)
    ended = shinsa("board", "compute", "--board", str(own), "--scores", scores(tmp_path / "s.json", {"a": 1}))
    assert ended.code == 2
    assert complaint in ended.err
    assert "pydantic" not in ended.err
    assert ended.out == ""
