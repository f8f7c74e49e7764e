"""`shinsa judge-eval` against a running judge service: known judges get the figures that they deserve."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from integration.judge.conftest import Judging, Shinsa

JUDGES = r"""
# Reads the grade that the answer itself tells.
[profiles.told]
kind = "scripted"
structured = "text"
rules = [{ pattern = '点は(\d+)', reply = '読んだ。\n[[\1]]' }]
otherwise = "[[5]]"
price = { prompt = 1.0, completion = 1.0, per_tokens = 1, currency = "JPY" }

# Whatever stands first.
[profiles.first]
kind = "scripted"
structured = "text"
otherwise = "[[A]]"

[profiles.thrice]
kind = "panel"
members = ["told"]
repeats = 3

[profiles.mute]
kind = "scripted"
structured = "text"
otherwise = "わかりません。"

[profiles.nowhere]
kind = "inference"
model = "none"
"""


@pytest.fixture
async def shinsa(judging: Judging) -> AsyncIterator[Shinsa]:
    """`shinsa judge-eval`, told where the judge of this test listens."""
    async with judging(JUDGES) as command:

        async def run(*words: str, addressed: bool = True) -> tuple[int, str, str]:
            return await command("judge-eval", *words, addressed=addressed)

        yield run


@pytest.fixture
def ratings(tmp_path: Path) -> Path:
    """Thirty answers that tell a grade, and what a person gave them: two above for every third."""
    folder = tmp_path / "ratings"
    folder.mkdir()
    rows = [
        {
            "id": f"q{number % 10}",
            "rubric": "mt_bench_single",
            "fields": {"question": f"問い{number % 10}", "answer": f"点は{1 + number % 8}、{number}番です。"},
            "judge": "Tanaka",
            "value": 1 + number % 8 + 2 * (number % 3 == 0),
        }
        for number in range(30)
    ]
    rows.append({**rows[0], "fields": {"question": "問い", "answer": " "}})
    (folder / "own.jsonl").write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), "utf-8")
    return folder


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    folder = tmp_path / "pairs"
    folder.mkdir()
    rows = [
        {
            "input": f"task {number}",
            "output_1": f"one {number}",
            "output_2": f"two, longer {number}",
            "label": 1 + number % 2,
        }
        for number in range(12)
    ]
    (folder / "dataset.json").write_text(json.dumps(rows), "utf-8")
    return folder


def figures(report: dict[str, Any]) -> dict[str, float]:
    (subset,) = report["subsets"]
    return {name: figure["value"] for name, figure in subset["figures"].items()}


async def test_ratings(shinsa: Shinsa, ratings: Path) -> None:
    code, out, err = await shinsa("--profile", "told", "--data", str(ratings), "--json")
    assert code == 0, err
    report = json.loads(out)
    found = figures(report)
    assert (report["asked"], report["without_answer"], report["failed"], report["unreadable"]) == (30, 1, {}, {})
    assert found["accuracy"] == pytest.approx(20 / 30)
    assert (found["mae"], found["bias"]) == (pytest.approx(20 / 30), pytest.approx(-20 / 30))
    assert 0 < found["spearman"] < 1
    (subset,) = report["subsets"]
    assert (subset["compared"], subset["questions"]) == (30, 10)
    assert {one["reference"] - one["measured"] for one in report["disagreements"]} == {2}
    assert len(report["disagreements"]) == 10
    usage = report["usage"]
    assert usage["asks"] == 30
    assert usage["cost"] == {"amount": usage["prompt_tokens"] + usage["completion_tokens"], "currency": "JPY"}
    assert report["judge"]["engines"] == [{"engine": "scripted", "model": "scripted"}]
    assert len(report["judge"]["profile_digests"]) == len(report["judge"]["rubric_digests"]) == 1


async def test_a_judge_that_likes_the_first_place(shinsa: Shinsa, pairs: Path) -> None:
    code, out, err = await shinsa("--profile", "first", "--data", str(pairs), "--json")
    assert code == 0, err
    found = figures(json.loads(out))
    told = {name: found[name] for name in ("accuracy", "ties", "accuracy_by_order", "position_consistency")}
    assert told == {"accuracy": 0.0, "ties": 1.0, "accuracy_by_order": 0.5, "position_consistency": 0.0}
    assert found["first_place_share"] == 1.0
    assert found["kappa"] == pytest.approx(0.0)


@pytest.mark.parametrize("arguments", [("--profile", "thrice"), ("--profile", "told", "--repeats", "3")])
async def test_repeats(shinsa: Shinsa, ratings: Path, arguments: tuple[str, ...]) -> None:
    code, out, err = await shinsa(*arguments, "--data", str(ratings), "--limit", "5", "--json")
    assert code == 0, err
    report = json.loads(out)
    found = figures(report)
    assert (found["self_agreement"], found["self_deviation"]) == (1.0, 0.0)
    assert (report["asked"], report["usage"]["asks"]) == (5, 15)


async def test_what_cannot_be_read_has_no_value(shinsa: Shinsa, ratings: Path) -> None:
    code, out, _ = await shinsa("--profile", "mute", "--data", str(ratings), "--json")
    report = json.loads(out)
    assert (code, report["unreadable"]) == (0, {"no_marker": 30})
    (subset,) = report["subsets"]
    assert (subset["compared"], subset["without_value"], subset["figures"]) == (0, 30, {})


async def test_an_interrupted_measurement_goes_on(shinsa: Shinsa, ratings: Path, tmp_path: Path) -> None:
    journal = tmp_path / "verdicts.jsonl"
    told = ("--profile", "told", "--data", str(ratings), "--verdicts", str(journal), "--json")
    whole = json.loads((await shinsa(*told))[1])
    lines = journal.read_text("utf-8").splitlines()
    assert len(lines) == 30
    journal.write_text("\n".join(lines[:10]) + "\n" + lines[10][:50], "utf-8")
    again = json.loads((await shinsa(*told))[1])
    assert again.pop("created_at") >= whole.pop("created_at")
    assert again == whole
    # The line that was cut off stays where it was; its case was asked anew.
    assert len(journal.read_text("utf-8").splitlines()) == 30
    code, _, err = await shinsa("--profile", "mute", "--data", str(ratings), "--verdicts", str(journal))
    assert code == 2
    assert "verdicts of different judges do not compare" in err


async def test_a_table_and_a_page_for_people(shinsa: Shinsa, ratings: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    code, out, err = await shinsa("--profile", "told", "--data", str(ratings), "--html", str(page))
    assert code == 0, err
    assert "told against Tanaka" in page.read_text("utf-8")
    assert "told against Tanaka" in out
    assert "own: 30 cases of 10 questions" in out
    assert "kappa_quadratic" in out
    assert "asked 30 times about 30 cases" in out


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("--profile", "tld"), 2, "told"),
        (("--profile", "nowhere"), 2, "is not available"),
        (("--profile", "told", "--against", "Tanak"), 2, "Tanaka"),
        (("--recorded", "Suzuki"), 2, "no judgement by 'Suzuki'"),
        (("--recorded", "Tanaka"), 2, "say whose judgements count"),
        (
            ("--recorded", "Tanaka", "--judge-address", "127.0.0.1:9"),
            2,
            "--judge-address means nothing with --recorded",
        ),
        ((), 2, "say whom to measure"),
        (("--profile", "told", "--html", "/nowhere/page.html"), 2, "there is no folder /nowhere"),
        (("--profile", "told", "--recorded", "Tanaka"), 2, "say whom to measure"),
    ],
)
async def test_bad_input(shinsa: Shinsa, ratings: Path, arguments: tuple[str, ...], code: int, told: str) -> None:
    found, out, err = await shinsa(*arguments, "--data", str(ratings), addressed="--profile" in arguments)
    assert (found, out) == (code, "")
    assert told in err
