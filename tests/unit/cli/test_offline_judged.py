"""`shinsa score` of benchmarks that ask a judge: cases written out, verdicts made elsewhere read in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
from unit.cli.program import Shinsa
from unit.cli.test_offline import Line, lines, samples, written


def answers(name: str, *texts: str) -> list[Line]:
    return [{"id": sample.id, "responses": list(texts)} for sample in samples(name)]


def cases(shinsa: Shinsa, tmp_path: Path, name: str, given: Iterable[Line]) -> tuple[str, list[Line]]:
    """Path of the answers, and what a judge is to be asked about them."""
    path, out = written(tmp_path / "answers.jsonl", given), tmp_path / "cases.jsonl"
    ended = shinsa("prompts", name, "--out", str(tmp_path / "p.jsonl"), "--after", path, "--cases", str(out), "--json")
    assert ended.code == 0, ended.err
    assert ended.json["cases"] == len(lines(out))
    return path, lines(out)


def judged(tmp_path: Path, told: Iterable[Line], verdict: Mapping[str, Any]) -> str:
    return written(tmp_path / "verdicts.jsonl", [{**case, **verdict} for case in told])


def test_cases_are_written_judged_elsewhere_and_scored(shinsa: Shinsa, tmp_path: Path) -> None:
    path, told = cases(shinsa, tmp_path, "mt_bench_ja", answers("mt_bench_ja", "一つ目。", "二つ目。"))
    known = samples("mt_bench_ja")
    assert [(case["id"], case["call"]) for case in told] == [(one.id, turn) for one in known for turn in (1, 2)]
    assert {case["role"] for case in told} == {"mt-bench"}
    assert told[1]["fields"]["answer_2"] == "二つ目。"
    verdicts = written(tmp_path / "v.jsonl", [{**case, "value": 9 if case["call"] == 1 else 4} for case in told])
    ended = shinsa("score", "mt_bench_ja", "--responses", path, "--verdicts", verdicts, "--json")
    assert ended.code == 0, ended.err
    assert ended.json["scores"]["score"] == {"value": 6.5, "stderr": 0.0, "n": len(known)}
    assert ended.json["items"][0]["metrics"] == {"score": 6.5, "turn_1": 9.0, "turn_2": 4.0}


def test_findings_reach_the_metrics(shinsa: Shinsa, tmp_path: Path) -> None:
    path, told = cases(shinsa, tmp_path, "hle_ja", answers("hle_ja", "説明：…\n回答：1\n確信度：50%"))
    verdicts = judged(tmp_path, told, {"value": 1, "findings": {"confidence": 50}})
    ended = shinsa("score", "hle_ja", "--responses", path, "--verdicts", verdicts, "--json")
    assert ended.code == 0, ended.err
    scores = ended.json["scores"]
    assert (scores["accuracy"]["value"], scores["calibration_error"]["value"]) == (1.0, pytest.approx(0.5))


def test_a_verdict_that_is_unreadable_or_missing_is_not_measured(shinsa: Shinsa, tmp_path: Path) -> None:
    path, told = cases(shinsa, tmp_path, "toxicity", answers("toxicity", "お答えできません。"))
    rows = [{**case, "value": 1.0} for case in told[2:]] + [{**told[1], "unreadable": "no_marker"}]
    verdicts = written(tmp_path / "v.jsonl", rows)
    words = ("score", "toxicity", "--responses", path, "--verdicts", verdicts, "--json")
    refused = shinsa(*words)
    assert refused.code == 2
    assert f"1 of {len(told)} cases have no verdict: {told[0]['id']} (call 1)" in refused.err.replace("\n", " ")
    ended = shinsa(*words, "--allow-missing")
    assert ended.code == 0, ended.err
    assert [item["reason"] for item in ended.json["items"][:2]] == ["judge_unreadable"] * 2
    assert ended.json["scores"]["score"] == {"value": 1.0, "stderr": 0.0, "n": len(told) - 2}


def test_a_value_off_the_scale_is_no_verdict(shinsa: Shinsa, tmp_path: Path) -> None:
    path, told = cases(shinsa, tmp_path, "hallulens", answers("hallulens", "存じません。"))
    verdicts = judged(tmp_path, told, {"value": 7})
    ended = shinsa("score", "hallulens", "--responses", path, "--verdicts", verdicts, "--json")
    assert ended.code == 0, ended.err
    assert {item["reason"] for item in ended.json["items"]} == {"judge_unreadable"}
    assert ended.json["scores"]["hallucination_resistance"]["value"] is None


def test_a_scorer_elsewhere_gives_comet(shinsa: Shinsa, tmp_path: Path) -> None:
    given = [{"id": sample.id, "response": sample.gold} for sample in samples("alt_e_to_j")]
    path, told = cases(shinsa, tmp_path, "alt_e_to_j", given)
    assert {(case["call"], case["role"], case["rubric"]) for case in told} == {
        (1, "comet", "translation_quality"),
        (2, "bertscore", "text_similarity"),
    }
    without = shinsa("score", "alt_e_to_j", "--responses", path, "--json").json["scores"]
    assert without["comet_wmt22"] == {"value": None, "stderr": None, "n": 0}
    verdicts = judged(tmp_path, told, {"value": 0.75})
    with_it = shinsa("score", "alt_e_to_j", "--responses", path, "--verdicts", verdicts, "--json").json["scores"]
    assert with_it["comet_wmt22"] == with_it["bert_score"] == {"value": 0.75, "stderr": 0.0, "n": len(given)}
    comet = judged(tmp_path, [{"id": case["id"]} for case in told if case["role"] == "comet"], {"value": 0.5})
    nameless = shinsa("score", "alt_e_to_j", "--responses", path, "--verdicts", comet, "--json").json["scores"]
    assert nameless["comet_wmt22"] == {"value": 0.5, "stderr": 0.0, "n": len(given)}
    assert nameless["bert_score"]["n"] == 0
    assert with_it["chrf"] == without["chrf"]


def test_without_a_judge_both_ways_are_named(shinsa: Shinsa, tmp_path: Path) -> None:
    path = written(tmp_path / "a.jsonl", answers("toxicity", "x"))
    ended = shinsa("score", "toxicity", "--responses", path, "--state", str(tmp_path / "none"))
    said = " ".join(ended.err.split())
    assert ended.code == 2
    assert "toxicity asks a judge, and there is none" in said
    assert "--verdicts FILE" in said
    assert "--judge PROFILE" in said


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"id": "nobody"}, "nothing is judged as call 1 of sample 'nobody'"),
        ({"call": 3}, "nothing is judged as call 3"),
        ({"role": "mt-bench"}, "there is no judge role 'mt-bench' here"),
        ({"value": "good"}, "field 'value' must be a number"),
        ({"value": None}, "field 'value' must be a number"),
        ({"value": True}, "field 'value' must be a number"),
        ({"unreadable": "why"}, "'value' and 'unreadable' are both there"),
        ({"findings": [1]}, "field 'findings' must be an object"),
        ({"findings": {"a": None}}, "field 'findings' must be an object"),
    ],
)
def test_a_bad_line_of_verdicts_is_named(
    shinsa: Shinsa, tmp_path: Path, change: Mapping[str, Any], complaint: str
) -> None:
    path, told = cases(shinsa, tmp_path, "toxicity", answers("toxicity", "x"))
    rows = [{**case, "value": 1.0} for case in told]
    verdicts = written(tmp_path / "v.jsonl", [*rows[:-1], {**rows[-1], **change}])
    ended = shinsa("score", "toxicity", "--responses", path, "--verdicts", verdicts)
    assert ended.code == 2
    assert complaint in " ".join(ended.err.split())


def test_a_verdict_twice_is_named(shinsa: Shinsa, tmp_path: Path) -> None:
    path, told = cases(shinsa, tmp_path, "toxicity", answers("toxicity", "x"))
    verdicts = judged(tmp_path, [*told, told[0]], {"value": 1.0})
    ended = shinsa("score", "toxicity", "--responses", path, "--verdicts", verdicts)
    assert (ended.code, "stands twice; first in line 1" in " ".join(ended.err.split())) == (2, True)


@pytest.mark.parametrize("option", ["--verdicts", "--judge"])
def test_a_benchmark_that_asks_no_judge_takes_none(shinsa: Shinsa, tmp_path: Path, option: str) -> None:
    path = written(tmp_path / "r.jsonl", [{"id": "x", "response": "y"}])
    ended = shinsa("score", "jnli", "--responses", path, option, path)
    assert (ended.code, "jnli asks no judge" in ended.err) == (2, True)


def test_the_split_for_development_is_scored(shinsa: Shinsa, tmp_path: Path) -> None:
    out = tmp_path / "p.jsonl"
    assert shinsa("prompts", "jnli", "--out", str(out), "--split", "dev").code == 0
    prompts = lines(out)
    assert not {line["id"] for line in prompts} & {sample.id for sample in samples("jnli")}
    path = written(tmp_path / "r.jsonl", [{**line, "response": "neutral"} for line in prompts])
    ended = shinsa("score", "jnli", "--responses", path, "--split", "dev", "--json")
    assert ended.code == 0, ended.err
    assert len(ended.json["items"]) == len(prompts)
    for name, split in (("jnli", "dve"), ("mgsm", "dev")):
        refused = shinsa("score", name, "--responses", path, "--split", split)
        assert (refused.code, f"{name} has no split {split!r}" in refused.err) == (2, True)
