"""`shinsa prompts` and `shinsa score`: an examination without inference."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from shinsa_benchmarks.discovery import benchmarks, manifests, specimen_folder
from shinsa_benchmarks.vocabulary import Sample
from unit.cli.program import Shinsa

Line = dict[str, Any]


def samples(name: str) -> list[Sample]:
    return list(benchmarks()[name].load(specimen_folder(name)).test)


def lines(path: Path) -> list[Line]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def written(path: Path, records: Iterable[Line | str]) -> str:
    texts = [record if isinstance(record, str) else json.dumps(record, ensure_ascii=False) for record in records]
    path.write_text("\n".join(texts) + "\n", "utf-8")
    return str(path)


def golds(name: str) -> list[Line]:
    return [{"id": sample.id, "response": sample.gold} for sample in samples(name)]


def test_prompts_are_written_answered_and_scored(shinsa: Shinsa, tmp_path: Path) -> None:
    out = tmp_path / "prompts.jsonl"
    ended = shinsa("prompts", "jnli", "--out", str(out), "--shots", "2", "--json")
    assert ended.code == 0, ended.err
    known = samples("jnli")
    assert (ended.json["samples"], ended.json["prompts"], ended.json["shots"]) == (len(known), len(known), 2)
    prompts = lines(out)
    assert [line["id"] for line in prompts] == [sample.id for sample in known]
    roles = [message["role"] for message in prompts[0]["messages"]]
    assert roles.count("assistant") == 2
    assert known[0].fields["premise" if "premise" in known[0].fields else "sentence1"] in str(
        prompts[0]["messages"][-1]
    )
    assert prompts[0]["sampling"] == {"temperature": 0.0, "max_tokens": manifests()["jnli"].settings["max_tokens"]}

    gold = {sample.id: sample.gold for sample in known}
    wrong = known[0].id
    answered = [{**line, "response": "?" if line["id"] == wrong else gold[line["id"]]} for line in prompts]
    scored = shinsa("score", "jnli", "--responses", written(tmp_path / "r.jsonl", answered), "--shots", "2", "--json")
    assert scored.code == 0, scored.err
    value = 1 - 1 / len(known)
    assert scored.json["scores"]["exact_match"]["value"] == pytest.approx(value)
    assert scored.json["scores"]["exact_match"]["n"] == len(known)
    assert scored.json["scores"]["exact_match"]["stderr"] > 0
    items = {item["id"]: item for item in scored.json["items"]}
    assert {item["status"] for item in items.values()} == {"scored"}
    assert [items[wrong]["metrics"]["exact_match"], items[known[1].id]["metrics"]["exact_match"]] == [0.0, 1.0]
    assert scored.json["dataset"] == ended.json["dataset"]


def test_scores_are_shown_to_people(shinsa: Shinsa, tmp_path: Path) -> None:
    ended = shinsa("score", "jnli", "--responses", written(tmp_path / "r.jsonl", golds("jnli")))
    (line,) = [line for line in ended.out.splitlines() if "exact_match" in line]
    assert "1.000" in line
    assert "data: specimen" in ended.err


def test_settings_change_prompts(shinsa: Shinsa, tmp_path: Path) -> None:
    out = tmp_path / "prompts.jsonl"
    ended = shinsa("prompts", "jnli", "--out", str(out), "--set", "style=raw", "--set", "max_tokens=7", "--limit", "3")
    assert ended.code == 0, ended.err
    assert len(lines(out)) == 3
    assert isinstance(lines(out)[0]["raw"], str)
    assert "messages" not in lines(out)[0]
    assert lines(out)[0]["sampling"]["max_tokens"] == 7


def test_data_of_ones_own(shinsa: Shinsa, tmp_path: Path) -> None:
    """A folder of families, or of one benchmark's files."""
    family = tmp_path / "upstream" / manifests()["jnli"].source.folder
    shutil.copytree(specimen_folder("jnli"), family)
    for folder in (tmp_path / "upstream", family):
        ended = shinsa("prompts", "jnli", "--out", str(tmp_path / "p"), "--data", str(folder), "--json")
        assert ended.json["dataset"]["origin"] == str(family)
    ended = shinsa("prompts", "mawps", "--out", str(tmp_path / "p"), "--data", str(family))
    assert ended.code == 2
    assert "the files of mawps expected" in ended.err
    assert "--data" in ended.err


def test_questions_without_the_answers_that_a_setting_needs(shinsa: Shinsa, tmp_path: Path) -> None:
    line = {"Question": "寝ると背が伸びる？", "Category": "健康", "Type": "Fact"}
    written(tmp_path / "JTruthfulQA_all.jsonl", [line])
    asked = ("prompts", "jtruthfulqa", "--out", str(tmp_path / "p"), "--data", str(tmp_path))
    ended = shinsa(*asked)
    assert (ended.code, "--set" in ended.err, "set scorer=classifier" in ended.err) == (2, True, True)
    assert shinsa(*asked, "--set", "scorer=classifier").code == 0


def test_two_attempts_are_two_responses(shinsa: Shinsa, tmp_path: Path) -> None:
    out = tmp_path / "prompts.jsonl"
    shinsa("prompts", "arc_agi_1", "--out", str(out))
    prompts = lines(out)
    known = samples("arc_agi_1")
    assert [line["call"] for line in prompts] == [1, 2] * len(known)
    answers = lines(specimen_folder("arc_agi_1").parent / "replies.jsonl")
    right = {line["id"]: line["right"] for line in answers}
    wrong = {line["id"]: line["wrong"] for line in answers}
    together = [{"id": sample.id, "responses": [wrong[sample.id], right[sample.id]]} for sample in known]
    apart = [{**line, "response": (wrong, right)[line["call"] - 1][line["id"]]} for line in prompts]
    for answered in (together, apart):
        ended = shinsa("score", "arc_agi_1", "--responses", written(tmp_path / "r.jsonl", answered), "--json")
        assert ended.code == 0, ended.err
        assert ended.json["scores"]["solved"]["value"] == 1.0
        assert ended.json["scores"]["attempt"]["value"] == pytest.approx(0.5)


def test_later_turns_come_after_the_answers_to_earlier_ones(shinsa: Shinsa, tmp_path: Path) -> None:
    out = tmp_path / "prompts.jsonl"
    shinsa("prompts", "mt_bench_ja", "--out", str(out))
    first = lines(out)
    assert {line["call"] for line in first} == {1}
    answers = written(tmp_path / "r.jsonl", [{**line, "response": f"答え{line['id']}"} for line in first])
    shinsa("prompts", "mt_bench_ja", "--out", str(out), "--after", answers)
    second = lines(out)
    assert [line["id"] for line in second] == [line["id"] for line in first]
    assert {line["call"] for line in second} == {2}
    assert second[0]["messages"][1] == {"role": "assistant", "content": f"答え{second[0]['id']}"}


def test_what_a_model_did_itself_is_not_an_error_of_the_file(shinsa: Shinsa, tmp_path: Path) -> None:
    answers = golds("jnli")
    answers[0]["response"] = ""
    answers[1] |= {"response": "ent", "finish_reason": "length"}
    answers[2]["response"] = {"text": answers[2]["response"], "reasoning": "…", "finish_reason": "stop"}
    ended = shinsa("score", "jnli", "--responses", written(tmp_path / "r.jsonl", answers), "--json")
    assert ended.code == 0, ended.err
    told = [(item["status"], item.get("reason")) for item in ended.json["items"][:3]]
    assert told == [("model_error", "empty"), ("model_error", "truncated"), ("scored", None)]
    assert ended.json["scores"]["exact_match"]["n"] == len(answers)
    assert ended.json["scores"]["exact_match"]["value"] == pytest.approx(1 - 2 / len(answers))


def test_missing_responses_are_an_error_unless_allowed(shinsa: Shinsa, tmp_path: Path) -> None:
    answers = golds("jnli")
    path = written(tmp_path / "r.jsonl", answers[1:])
    ended = shinsa("score", "jnli", "--responses", path)
    assert ended.code == 2
    assert f"1 of {len(answers)} samples have no response: {answers[0]['id']}" in ended.err
    assert "--allow-missing" in ended.err
    allowed = shinsa("score", "jnli", "--responses", path, "--allow-missing", "--json")
    assert allowed.code == 0
    assert allowed.json["missing"] == [answers[0]["id"]]
    assert allowed.json["scores"]["exact_match"]["n"] == len(answers) - 1
    shown = shinsa("score", "jnli", "--responses", path, "--allow-missing")
    assert f"1 of {len(answers)} samples have no response" in shown.err
    assert f"{len(answers) - 1}/{len(answers)}" in shown.out


@pytest.mark.parametrize(
    ("position", "line", "complaint"),
    [
        (1, {"id": "jnli-x", "response": "a"}, "r.jsonl:2: there is no sample 'jnli-x'"),
        (2, "first", "r.jsonl:3: id 'FIRST' stands twice; first in line 1"),
        (2, '{"id": "a", "response": ', "r.jsonl:3: valid JSON expected"),
        (1, "[1]", "r.jsonl:2: a JSON object expected"),
        (1, {"response": "a"}, "r.jsonl:2: field 'id' is missing"),
        (1, {"id": True, "response": "a"}, "r.jsonl:2: field 'id' must be a sample's id"),
        (1, {"id": "a", "respose": "a"}, "r.jsonl:2: field 'response' is missing; there are: id, respose"),
        (1, {"id": "a", "response": None}, "r.jsonl:2: field 'response' must be a text"),
        (1, {"id": "a", "responses": []}, "r.jsonl:2: field 'responses' must be a list"),
        (1, {"id": "a", "response": "a", "responses": ["a"]}, "give one of them"),
        (1, {"id": "a", "call": 2, "response": "a"}, "the answer to call 1 of id 'a' is missing"),
        (1, {"id": "a", "response": {"text": "a", "finish_reason": "tired"}}, "must be one of stop, length"),
    ],
)
def test_a_broken_response_file_is_named(
    shinsa: Shinsa, tmp_path: Path, position: int, line: Line | str, complaint: str
) -> None:
    records: list[Line | str] = list(golds("jnli"))
    first = samples("jnli")[0].id
    records[position] = {"id": first, "response": "a"} if line == "first" else line
    ended = shinsa("score", "jnli", "--responses", written(tmp_path / "r.jsonl", records), "--allow-missing")
    assert ended.code == 2
    assert complaint.replace("FIRST", first) in ended.err
    assert ended.out == ""


@pytest.mark.parametrize(
    ("said", "complaint"),
    [
        ({"benchmark": "janli", "shots": 0}, "r.jsonl:2: answers janli, not jnli"),
        ({"benchmark": "jnli", "shots": 4}, "r.jsonl:2: answers a question with 4 shots, not with 0"),
    ],
)
def test_answers_to_other_questions_are_refused(shinsa: Shinsa, tmp_path: Path, said: Line, complaint: str) -> None:
    """Their ids may be the same; the lines that `shinsa prompts` writes say what they ask."""
    records = [{"benchmark": "jnli", "shots": 0, **line} for line in golds("jnli")]
    assert shinsa("score", "jnli", "--responses", written(tmp_path / "r.jsonl", records)).code == 0
    records[1] |= said
    ended = shinsa("score", "jnli", "--responses", written(tmp_path / "r.jsonl", records))
    assert (ended.code, ended.out) == (2, "")
    assert complaint in ended.err


@pytest.mark.parametrize(
    ("name", "count", "complaint"),
    [("jmmlu_robustness", 2, "too few answers"), ("arc_agi_1", 3, "too many answers"), ("jnli", 2, "too many answers")],
)
def test_the_number_of_answers_must_fit(shinsa: Shinsa, tmp_path: Path, name: str, count: int, complaint: str) -> None:
    answers = [{"id": sample.id, "responses": ["[[1]]"] * count} for sample in samples(name)]
    ended = shinsa("score", name, "--responses", written(tmp_path / "r.jsonl", answers))
    assert ended.code == 2
    assert f"r.jsonl:1: sample {answers[0]['id']!r}: {complaint}" in ended.err


def test_one_grid_a_puzzle_is_one_attempt_and_a_task_may_be_named_alone(shinsa: Shinsa, tmp_path: Path) -> None:
    known = samples("arc_agi_1")
    answers: list[Line] = [{"id": sample.alias or sample.id, "response": sample.gold} for sample in known]
    answers[1] = {"id": known[1].id, "responses": ["[[9]]", known[1].gold]}
    assert any(sample.alias for sample in known)
    ended = shinsa("score", "arc_agi_1", "--responses", written(tmp_path / "r.jsonl", answers), "--json")
    assert ended.code == 0, ended.err
    assert ended.json["scores"]["solved"]["value"] == 1.0
    assert [item["metrics"]["attempt"] for item in ended.json["items"]][:2] == [1.0, 0.5]
    first = next(sample for sample in known if sample.alias)
    twice = [*answers, {"id": first.id, "response": first.gold}]
    both = shinsa("score", "arc_agi_1", "--responses", written(tmp_path / "r.jsonl", twice))
    assert (both.code, "are the same sample" in both.err) == (2, True)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[[1, 2], [3]]", "ragged"),
        ("[[1, 259]]", ""),
        ("[[1.5]]", ""),
        ("[[1e400]]", ""),
        ("[[true]]", ""),
        (f"[[{'9' * 5000}]]", ""),
        ("[[1], []]", ""),
        ("[" * 100_000, ""),
        (str([[1] * 400] * 400), ""),
        ("no grid at all", ""),
    ],
)
def test_absurd_grids_are_the_models_error(shinsa: Shinsa, tmp_path: Path, text: str, reason: str) -> None:
    answers = [{"id": sample.id, "response": text} for sample in samples("arc_agi_2")]
    ended = shinsa("score", "arc_agi_2", "--responses", written(tmp_path / "r.jsonl", answers), "--json")
    assert ended.code == 0, ended.err
    assert {item["status"] for item in ended.json["items"]} == {"model_error"}
    assert all(item["reason"] for item in ended.json["items"])
    assert reason in str(ended.json["items"][0])
    assert ended.json["scores"]["solved"]["value"] == 0.0


@pytest.mark.parametrize("calls", ["native", "written"])
@pytest.mark.parametrize(
    "arguments", ["{not json", "", "[1]", "null", '"text"', '{"a": NaN}', "{" * 50_000, '{"a": 1e999}']
)
def test_a_tool_call_that_is_no_json_is_a_wrong_answer(
    shinsa: Shinsa, tmp_path: Path, calls: str, arguments: str
) -> None:
    call = {"text": "", "tool_calls": [{"name": "f", "arguments": arguments}]}
    reply: Any = call if calls == "native" else f"[f({arguments})]"
    answers = [{"id": sample.id, "response": reply} for sample in samples("bfcl")]
    ended = shinsa(
        "score", "bfcl", "--responses", written(tmp_path / "r.jsonl", answers), "--set", f"calls={calls}", "--json"
    )
    assert ended.code == 0, ended.err
    assert {item["status"] for item in ended.json["items"]} <= {"scored", "model_error"}
    right = [item["id"] for item in ended.json["items"] if item["metrics"].get("accuracy")]
    assert all("relevance" in one for one in right), right


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("jnlii",), "did you mean: jnli"),
        (("mt_bench_ja",), "asks a judge"),
        (("jnli", "--shots", "9"), "takes 0 to 4 shots, not 9"),
        (("jnli", "--set", "max_token=3"), "did you mean: max_tokens"),
        (("jnli", "--set", "max_tokens"), "not KEY=VALUE"),
        (("jnli", "--set", "style=loud"), "one of chat, raw"),
    ],
)
def test_what_cannot_be_scored_is_refused(
    shinsa: Shinsa, tmp_path: Path, words: tuple[str, ...], complaint: str
) -> None:
    ended = shinsa("score", *words, "--responses", written(tmp_path / "r.jsonl", golds("jnli")))
    assert ended.code == 2
    assert complaint in ended.err


def test_a_file_that_cannot_be_written_or_read_is_named(shinsa: Shinsa, tmp_path: Path) -> None:
    ended = shinsa("prompts", "jnli", "--out", str(tmp_path / "no" / "p.jsonl"))
    assert (ended.code, "cannot be written" in ended.err) == (2, True)
    ended = shinsa("score", "jnli", "--responses", str(tmp_path / "none.jsonl"))
    assert (ended.code, "none.jsonl: a readable file expected" in ended.err) == (2, True)


@pytest.mark.shared_data
def test_recorded_responses_get_the_recorded_verdicts(shinsa: Shinsa, tmp_path: Path) -> None:
    upstream = os.environ.get("SHINSA_UPSTREAM_DATA")
    if not upstream:
        pytest.skip("SHINSA_UPSTREAM_DATA names no folder of upstream files")
    home = Path(upstream) / "m_ifeval_ja"
    keys = {line["prompt"]: line["key"] for line in lines(home / "data" / "ja_input_data.jsonl")}
    recorded = lines(home / "evaluations" / "ja_input_response_data_gpt-4o-2024-08-06" / "eval_results_strict.jsonl")
    path = written(tmp_path / "r.jsonl", [{"id": keys[one["prompt"]], "response": one["response"]} for one in recorded])
    ended = shinsa("score", "m_ifeval", "--responses", path, "--data", upstream, "--json")
    assert ended.code == 0, ended.err
    verdicts = {item["id"]: item["metrics"]["prompt_strict"] for item in ended.json["items"]}
    same = sum(verdicts[str(keys[one["prompt"]])] == one["follow_all_instructions"] for one in recorded)
    assert same / len(recorded) >= 0.99


def half_a_pair(identifier: str) -> str:
    return json.dumps({"id": identifier, "response": "\ud800"}) + "\n"


def test_half_a_surrogate_pair_is_shown_escaped(shinsa: Shinsa, tmp_path: Path) -> None:
    """A model may write one; UTF-8 has no bytes for it."""
    path, first = tmp_path / "r.jsonl", samples("jnli")[0].id
    path.write_text(half_a_pair(first))
    ended = shinsa("score", "jnli", "--responses", str(path), "--allow-missing", "--json")
    assert ended.code == 0, ended.err
    assert ended.json["items"][0]["answer"] == "\ud800"
    cases = tmp_path / "cases.jsonl"
    path.write_text(half_a_pair(samples("hallulens")[0].id))
    told = shinsa(
        "prompts", "hallulens", "--out", str(tmp_path / "p.jsonl"), "--after", str(path), "--cases", str(cases)
    )
    assert told.code == 0, told.err
    assert '"text": "\\ud800"' in cases.read_text("utf-8")
