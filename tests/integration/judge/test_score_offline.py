"""`shinsa score` of a judged benchmark: answers made elsewhere, verdicts of a running judge service."""

from __future__ import annotations

import json
from pathlib import Path

from integration.judge.conftest import Judging
from shinsa_benchmarks.discovery import benchmarks, specimen_folder

JUDGES = r"""
# Reads the grade that the answer itself tells.
[profiles.told]
kind = "scripted"
structured = "text"
rules = [{ pattern = '点は(\d+)', reply = '読んだ。\n[[\1]]' }]

[roles]
mt-bench = "told"
"""


async def test_answers_are_judged_and_verdicts_kept(judging: Judging, tmp_path: Path) -> None:
    samples = benchmarks()["mt_bench_ja"].load(specimen_folder("mt_bench_ja")).test
    answers, verdicts = tmp_path / "answers.jsonl", tmp_path / "verdicts.jsonl"
    lines = [{"id": one.id, "responses": ["点は8です。", "点は8です。"]} for one in samples]
    answers.write_text("\n".join(map(json.dumps, lines)), "utf-8")
    words = ("score", "mt_bench_ja", "--responses", str(answers), "--json")
    async with judging(JUDGES) as shinsa:
        code, said, errors = await shinsa(*words)
        assert code == 0, errors
        told = json.loads(said)
        assert told["scores"]["score"] == {"value": 8.0, "stderr": 0.0, "n": len(samples)}
        assert {item["status"] for item in told["items"]} == {"scored"}

        verdicts.write_text(json.dumps({"id": samples[0].id, "call": 1, "value": 2}) + "\n", "utf-8")
        code, said, errors = await shinsa(*words, "--judge", "told", "--verdicts", str(verdicts))
        assert code == 0, errors
        kept = [json.loads(line) for line in verdicts.read_text("utf-8").splitlines()]
        assert len(kept) == 2 * len(samples)
        assert {item["id"]: item["metrics"]["turn_1"] for item in json.loads(said)["items"]}[samples[0].id] == 2

        code, _, errors = await shinsa(*words, "--judge", "tolt")
        assert (code, "did you mean: told" in errors) == (2, True)
    again = await _without_service(shinsa, *words, "--verdicts", str(verdicts))
    assert json.loads(again)["items"] == json.loads(said)["items"]


async def _without_service(shinsa: object, *words: str) -> str:
    """The verdicts that were kept are enough."""
    code, said, errors = await shinsa(*words, addressed=False)  # type: ignore[operator]
    assert code == 0, errors
    return str(said)
