"""Commands that ask a service themselves, where none listens: said in words, with an exit code of its own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from shinsa_cli import reflection
from unit.cli.program import Shinsa

# Where nobody listens: a port for those who want to throw something away.
NOBODY = "127.0.0.1:9"


@pytest.fixture(autouse=True)
def _little_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reflection, "SECONDS", 0.3)


def test_a_program_for_a_sandbox_that_is_not_there(shinsa: Shinsa, tmp_path: Path) -> None:
    program, test = tmp_path / "program.py", tmp_path / "test.py"
    program.write_text("def square(x): return x * x\n", "utf-8")
    test.write_text("def check(candidate):\n    assert candidate(2) == 4\n", "utf-8")
    words = ("--entry", "square", "--test", str(test), "--sandbox-address", NOBODY, "--json")
    ended = shinsa("execute", str(program), *words)
    assert (ended.code, ended.json["verdict"]) == (3, "error")
    assert f"no sandbox service answers at {NOBODY}" in ended.err
    assert "--sandbox-address HOST:PORT" in ended.err


def test_cases_for_a_judge_that_is_not_there(shinsa: Shinsa, tmp_path: Path) -> None:
    fields = {"question": "問い", "answer": "答え"}
    row = {"id": "q", "rubric": "mt_bench_single", "fields": fields, "judge": "Tanaka", "value": 5}
    (tmp_path / "own.jsonl").write_text(json.dumps(row, ensure_ascii=False), "utf-8")
    ended = shinsa("judge-eval", "--profile", "told", "--data", str(tmp_path), "--judge-address", NOBODY)
    assert (ended.code, ended.out) == (3, "")
    assert f"no judge service answers at {NOBODY}" in ended.err
    assert "--judge-address HOST:PORT" in ended.err
