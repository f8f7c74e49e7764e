"""`shinsa score` of programs: answers made elsewhere, run in a sandbox of the command's own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from integration.sandbox.jails import jail
from shinsa_benchmarks.discovery import benchmarks, specimen_folder
from shinsa_benchmarks.vocabulary import Sample


@pytest.fixture(autouse=True)
async def jailed() -> None:
    async with jail(slots=1):
        pass


def scored(name: str, folder: Path, answers: Mapping[str, str], *options: str) -> subprocess.CompletedProcess[str]:
    path = folder / "responses.jsonl"
    rows = [json.dumps({"id": identifier, "response": answer}) for identifier, answer in answers.items()]
    path.write_text("\n".join(rows) + "\n", "utf-8")
    data = str(specimen_folder(name))
    command = [sys.executable, "-m", "shinsa_cli", "score", name, "--responses", str(path), "--data", data, "--json"]
    return subprocess.run([*command, *options], capture_output=True, text=True, check=False, timeout=300)


def samples(name: str) -> list[Sample]:
    return list(benchmarks()[name].load(specimen_folder(name)).test)


@pytest.mark.parametrize("name", ["humaneval", "jhumaneval", "mbpp"])
def test_programs_are_run_and_scored(tmp_path: Path, name: str) -> None:
    """Canonical solutions pass; `pass`, a constant and nothing at all do not; each of them stands for itself."""
    wrong = ("", "pass", "def solution(*_):\n    return 0\n")
    known = samples(name)
    answers = {one.id: one.gold for one in known}
    answers |= {one.id: text for one, text in zip(known, wrong, strict=False)}
    ended = scored(name, tmp_path, answers)
    assert ended.returncode == 0, ended.stderr
    told: Any = json.loads(ended.stdout)
    assert [item["metrics"].get("pass@1") for item in told["items"]] == [None, None, 0.0, *[1.0] * (len(known) - 3)]
    assert [item["status"] for item in told["items"][:3]] == ["model_error", "model_error", "scored"]
    assert told["scores"]["pass@1"]["value"] == pytest.approx(1 - 3 / len(known))
    assert told["scores"]["pass@1"]["n"] == len(known)


def test_a_sandbox_that_cannot_isolate_is_an_error_and_no_zero(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHINSA_SANDBOX_INTERPRETER", "/nowhere/python")
    known = samples("mbpp")
    ended = scored("mbpp", tmp_path, {one.id: one.gold for one in known})
    assert ended.returncode != 0
    assert "could not be run" in ended.stderr
    assert ended.stdout == ""
