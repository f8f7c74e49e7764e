"""Recorded judgements are read as they were published; what cannot be compared is not."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from shinsa_cli.judge_eval.judgement import Case
from shinsa_cli.judge_eval.measuring import Journal, chosen
from shinsa_cli.judge_eval.readers import read_recorded
from shinsa_cli.judge_eval.report import report_of_recorded
from shinsa_cli.judge_eval.service import Verdict
from shinsa_cli.problem import Problem


def put(path: Path, *rows: object, as_list: bool = False) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    path.write_text("[" + ",".join(lines) + "]" if as_list else "\n".join(lines) + "\n", "utf-8")


def test_llmbar(tmp_path: Path) -> None:
    rows = [{"input": "指示", "output_1": "一", "output_2": "二つ", "label": label} for label in (1, 2)]
    put(tmp_path / "Dataset" / "LLMBar" / "Natural" / "dataset.json", *rows, as_list=True)
    found = read_recorded(tmp_path)
    assert (found.judges, found.formats) == (("people",), ["llmbar"])
    first = found.judgements[0]
    assert first.case.rubric == "preference_en"
    assert first.case.fields == {"instruction": "指示", "output_a": "一", "output_b": "二つ"}
    assert (first.case.subset, first.case.answers) == ("LLMBar/Natural", ("一", "二つ"))
    assert [one.value for one in found.judgements] == [1.0, 0.0]


def shaberi(score: object, answer: str | None = "答え", **more: str) -> dict[str, object]:
    return {"Question": "問い", "ModelAnswer": answer, "score": score, **more}


def test_shaberi(tmp_path: Path) -> None:
    folder = tmp_path / "judgements"
    odd = "改行に見える\u2028文字"
    rows = [shaberi(7.0), shaberi(None, odd), shaberi({"score": 3, "judge_output": "長い"}, "別"), shaberi(2, None)]
    put(folder / "judge_one" / "ja-mt-bench" / "m.json", *rows)
    put(folder / "judge_two" / "elyza" / "m.json", shaberi(4, eval_aspect="観点", output="手本"))
    found = read_recorded(tmp_path)
    assert (found.judges, found.formats) == (("one", "two"), ["shaberi"])
    assert [one.value for one in found.judgements] == [7.0, None, 3.0, 2.0, 4.0]
    assert [one.case.can_be_judged for one in found.judgements] == [True, True, True, False, True]
    task = found.judgements[-1].case
    assert task.rubric == "task_rating"
    assert task.fields == {"question": "問い", "answer": "答え", "reference": "手本", "aspects": "観点"}


def test_only_the_same_answer_is_compared(tmp_path: Path) -> None:
    for judge, answer in (("one", "答え"), ("two", "ほかの答え")):
        put(tmp_path / f"judge_{judge}" / "set" / "m.json", shaberi(5, "同じ"), shaberi(7, answer))
    report = report_of_recorded(read_recorded(tmp_path), "one", "two")
    assert (report["judged_by_both"], report["subsets"][0]["compared"]) == (1, 1)


def fastchat(tmp_path: Path) -> Path:
    bench = tmp_path / "bench"
    put(bench / "question.jsonl", {"question_id": 1, "category": "math", "turns": ["一?", "二?"]})
    put(bench / "model_answer" / "m.jsonl", {"question_id": 1, "model_id": "org/m", "choices": [{"turns": ["1", "2"]}]})
    put(bench / "reference_answer" / "gpt.jsonl", {"question_id": 1, "choices": [{"turns": ["壱", "弐"]}]})
    rows = [
        {"question_id": number, "model": "org/m", "judge": ["j", prompt], "score": score, "turn": turn, "judgment": ""}
        for number, prompt, score, turn in (
            (1, "single-math-v1", 8, 1),
            ("1", "single-v1-multi-turn", 3, 2),
            (1, "single-math-v1-multi-turn", -1, 2),
            (2, "single-v1", 9, 1),
        )
    ]
    put(bench / "model_judgment" / "j_single.jsonl", *rows)
    return bench


def test_fastchat(tmp_path: Path) -> None:
    found = read_recorded(fastchat(tmp_path).parent).judgements
    assert [(one.case.rubric, one.value) for one in found] == [
        ("mt_bench_single_reference", 8.0),
        ("mt_bench_multi_turn", 3.0),
        ("mt_bench_multi_turn_reference", None),
    ]
    assert found[0].case.fields == {"question": "一?", "answer": "1", "reference": "壱"}
    assert found[2].case.fields["reference_2"] == "弐"
    assert found[1].case.answers == ("2",)


@pytest.mark.parametrize(
    ("winners", "value"),
    [
        (("model_1", "model_1"), 1.0),
        (("model_2", "model_2"), 0.0),
        (("model_1", "model_2"), 0.5),
        (("tie", "tie"), 0.5),
        (("model_1", "error"), None),
    ],
)
def test_fastchat_pairs(tmp_path: Path, winners: tuple[str, str], value: float | None) -> None:
    row = {"question_id": 1, "question": "?", "answer_1": "一", "answer_2": "二", "judge_model": "gpt-4"}
    put(tmp_path / "p.jsonl", row | {"g1_winner": winners[0], "g2_winner": winners[1]})
    (one,) = read_recorded(tmp_path).judgements
    assert (one.judge, one.value, one.case.rubric) == ("gpt-4", value, "mt_bench_pairwise")


def test_ones_own(tmp_path: Path) -> None:
    fields = {"prompt": "?", "reply": "!", "criteria": "短い"}
    rows = [
        {"id": "1", "rubric": "freeform_rating", "fields": fields, "judge": "Tanaka", "value": 7, "subset": "mail"},
        {
            "id": "2",
            "rubric": "mt_bench_pairwise",
            "fields": {"answer_a": "x", "answer_b": "yy"},
            "judge": "Sato",
            "label": "B",
        },
    ]
    put(tmp_path / "own.jsonl", *rows)
    first, second = read_recorded(tmp_path / "own.jsonl").judgements
    assert (first.case.subset, first.case.cluster, first.case.answers, first.value) == ("mail", "1", ("!",), 7.0)
    assert (second.case.is_pair, second.value) == (True, 0.0)


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("x.jsonl", '{"a": 1}\n{', r"x\.jsonl:2: no line of JSON"),
        ("x.json", '[{"a": 1}]', "no recorded judgement below"),
        ("x.json", '[{"input": "", "output_1": "", "output_2": "", "label": 3}]', "label is 3; it must be 1 or 2"),
        ("x.jsonl", '{"rubric": "r", "fields": [], "judge": "j"}', "fields must be an object of texts"),
        ("x.txt", "x", "no recorded judgement below"),
    ],
)
def test_files_at_fault(tmp_path: Path, name: str, text: str, told: str) -> None:
    (tmp_path / name).write_text(text, "utf-8")
    with pytest.raises(Problem, match=told):
        read_recorded(tmp_path)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="there is no folder"):
        read_recorded(tmp_path / "none")


def test_a_configuration_beside_the_data_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"a": 1}, indent=2), "utf-8")
    put(tmp_path / "p.json", {"input": "", "output_1": "", "output_2": "", "label": 1}, as_list=True)
    assert read_recorded(tmp_path).formats == ["llmbar"]


def cases(count: int, subset: str = "s") -> list[Case]:
    return [Case(f"{subset}/{n}", subset, str(n), "r", {}, ("x",)) for n in range(count)]


def test_a_limit_chooses_the_same_cases_whatever_their_order() -> None:
    told = cases(50) + cases(5, "t")
    some = chosen(told, 10)
    assert (len(some), len(chosen(told, 0))) == (15, 55)
    assert chosen(list(reversed(told)), 10) == some
    assert {case.id for case in chosen(told, 5)} < {case.id for case in some}


def test_a_journal_goes_on_where_it_was(tmp_path: Path) -> None:
    path, (first, second) = tmp_path / "j.jsonl", cases(2)
    journal = Journal(path, "p", "digest")
    verdict = Verdict(True, 7.0, tokens=(3, 4), cost=(0.5, "JPY"), orders=("A", "B"), engine={"model": "m"})
    journal.add(first, 0, verdict)
    journal.add(second, 0, Verdict(failure="unavailable: gone"))
    with path.open("a", encoding="utf-8") as file:
        file.write('{"profile": "p", "dig')
    # What failed is asked again, what was cut off is forgotten.
    assert Journal(path, "p", "digest").known == {(first.id, 0): verdict}
    with pytest.raises(Problem, match="is of profile p digest, not other"):
        Journal(path, "p", "other")
    (tmp_path / "notes.txt").write_text("hello\n")
    with pytest.raises(Problem, match="is no journal of verdicts"):
        Journal(tmp_path / "notes.txt", "p", "digest")


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("folder", "judges", "count", "rubrics"),
    [
        ("llmbar", {"people"}, 497, {"preference_en"}),
        ("ja_vicuna_qa", {"gpt-4"}, 384, {"mt_bench_pairwise"}),
        ("mt_bench_ja/shisa", {"gpt-4o", "gpt-4.1-2025-04-14", "gpt-4.1-mini-2025-04-14"}, 768, None),
    ],
)
def test_published_judgements(folder: str, judges: set[str], count: int, rubrics: set[str] | None) -> None:
    upstream = os.environ.get("SHINSA_UPSTREAM_DATA", "")
    if not upstream:
        pytest.skip("set SHINSA_UPSTREAM_DATA to a folder with upstream files")
    found = read_recorded(Path(upstream) / folder)
    assert (set(found.judges), len(found.judgements)) == (judges, count)
    every = {one.case.rubric for one in found.judgements}
    assert every == (
        rubrics or {f"mt_bench_{turn}{way}" for turn in ("single", "multi_turn") for way in ("", "_reference")}
    )
    assert all(one.value is not None and one.case.can_be_judged for one in found.judgements)
