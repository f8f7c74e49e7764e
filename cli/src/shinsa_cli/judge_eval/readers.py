"""Recorded judgements from files, in the formats that others publish them in.

================  ==============================================================================================
``llmbar``        a list of ``input``, ``output_1``, ``output_2``, ``label`` (1 or 2: what people preferred)
``shaberi``       ``judge_NAME/DATASET/MODEL.json``, lines of ``Question``, ``ModelAnswer``, ``score``
``fastchat``      ``model_judgment/*.jsonl`` beside ``question.jsonl``, ``model_answer/``, ``reference_answer/``
``fastchat_pair`` lines of ``model_1``, ``model_2``, ``answer_1``, ``answer_2``, ``g1_winner``, ``g2_winner``
``shinsa``        lines of ``id``, ``rubric``, ``fields``, ``judge``, ``value`` or ``label``; for one's own data
================  ==============================================================================================
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from shinsa_cli.judge_eval.judgement import WORTH, Case, Judgement, Recorded
from shinsa_cli.problem import Problem, bad_input

Row = Mapping[str, Any]

PEOPLE = "people"
_PLACES = {1: "A", 2: "B", "model_1": "A", "model_2": "B"}
_FASTCHAT_RUBRICS = {
    "single-v1": "mt_bench_single",
    "single-math-v1": "mt_bench_single_reference",
    "single-v1-multi-turn": "mt_bench_multi_turn",
    "single-math-v1-multi-turn": "mt_bench_multi_turn_reference",
}


def read_recorded(folder: Path) -> Recorded:
    """Every judgement below the folder. Raises ``Problem`` where there is none, or a row is not as it must be."""
    if not folder.exists():
        raise bad_input(f"there is no folder {folder}", field="--data")
    paths = [folder] if folder.is_file() else sorted(p for p in folder.rglob("*.json*") if p.is_file())
    judgements: list[Judgement] = []
    formats = set[str]()
    for path in paths:
        rows = _rows(path)
        name = _format(path, rows)
        if name is None:
            continue
        formats.add(name)
        try:
            judgements += _READERS[name](path, folder, rows)
        except (KeyError, IndexError, TypeError, ValueError) as error:
            told = f"{path}: a row is not as the format {name} has it ({type(error).__name__}: {error})"
            raise bad_input(told, field="--data", remedy="mend that row, or leave the file out") from error
    if not judgements:
        known = ", ".join(_READERS)
        raise bad_input(f"no recorded judgement below {folder}", field="--data", remedy=f"formats known: {known}")
    return Recorded(judgements, sorted(formats))


def _format(path: Path, rows: Sequence[Row]) -> str | None:
    keys = set(rows[0]) if rows else set()
    if {"input", "output_1", "output_2", "label"} <= keys:
        return "llmbar"
    if {"g1_winner", "g2_winner", "answer_1", "answer_2"} <= keys:
        return "fastchat_pair"
    if {"judge", "score", "question_id", "turn"} <= keys and path.parent.name == "model_judgment":
        return "fastchat"
    if {"Question", "ModelAnswer", "score"} <= keys and path.parent.parent.name.startswith("judge_"):
        return "shaberi"
    return "shinsa" if {"rubric", "fields", "judge"} <= keys else None


def _rows(path: Path) -> list[Row]:
    """A JSON list, or JSON lines whatever the file's name says; rows that are no objects are left out."""
    try:
        text = path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise bad_input(f"{path} is no UTF-8 text", field="--data", remedy="leave the file out") from error
    try:
        found = json.loads(text)
    except ValueError:
        found = _lines(path, text)
    return [row for row in (found if isinstance(found, list) else [found]) if isinstance(row, dict)]


def _lines(path: Path, text: str) -> list[object]:
    found = []
    # Not splitlines(): a text may hold other characters that count as line ends there.
    for number, line in enumerate(text.split("\n"), start=1):
        try:
            found += [json.loads(line)] if line.strip() else []
        except ValueError as error:
            raise bad_input(f"{path}:{number}: no line of JSON: {error}", field="--data") from error
    return found


def _case(subset: str, cluster: str, rubric: str, fields: Mapping[str, str], answers: Sequence[str]) -> Case:
    told = json.dumps([subset, rubric, dict(sorted(fields.items()))], ensure_ascii=False)
    digest = hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return Case(f"{subset}/{digest}", subset, cluster, rubric, fields, tuple(answers))


def _text(row: Row, key: str) -> str:
    value = row.get(key)
    return value if isinstance(value, str) else ""


# --- pairs ---


def _llmbar(path: Path, folder: Path, rows: Sequence[Row]) -> Iterator[Judgement]:
    subset = "/".join(path.parent.parts[-2:]) if path != folder else path.stem
    for row in rows:
        first, second = _text(row, "output_1"), _text(row, "output_2")
        fields = {"instruction": _text(row, "input"), "output_a": first, "output_b": second}
        label = _place(path, row, "label")
        case = _case(subset, fields["instruction"], "preference_en", fields, (first, second))
        yield Judgement(case, PEOPLE, WORTH[label])


def _fastchat_pair(path: Path, folder: Path, rows: Sequence[Row]) -> Iterator[Judgement]:
    for row in rows:
        first, second = _text(row, "answer_1"), _text(row, "answer_2")
        fields = {"question": _text(row, "question"), "answer_a": first, "answer_b": second}
        case = _case(path.stem, str(row.get("question_id")), "mt_bench_pairwise", fields, (first, second))
        winners = [row["g1_winner"], row["g2_winner"]]
        if "error" in winners:
            yield Judgement(case, str(row.get("judge_model") or path.parent.name), None)
            continue
        label = _PLACES.get(winners[0], "tie") if winners[0] == winners[1] else "tie"
        yield Judgement(case, str(row.get("judge_model") or path.parent.name), WORTH[label])


def _place(path: Path, row: Row, key: str) -> str:
    if row[key] not in _PLACES:
        raise bad_input(f"{path}: {key} is {row[key]!r}; it must be 1 or 2", field="--data")
    return _PLACES[row[key]]


# --- ratings ---


def _shaberi(path: Path, folder: Path, rows: Sequence[Row]) -> Iterator[Judgement]:
    judge, subset = path.parent.parent.name.removeprefix("judge_"), path.parent.name
    for row in rows:
        question, answer = _text(row, "Question"), _text(row, "ModelAnswer")
        if "eval_aspect" in row:
            rubric = "task_rating"
            told = {"reference": _text(row, "output"), "aspects": _text(row, "eval_aspect")}
        else:
            rubric, told = "mt_bench_single", {}
        fields = {"question": question, "answer": answer, **told}
        yield Judgement(_case(subset, question, rubric, fields, (answer,)), judge, _score(row.get("score")))


def _score(score: object) -> float | None:
    """The number; some rows hold the judge's whole reply beside it."""
    if isinstance(score, dict):
        score = score.get("score")
    if isinstance(score, bool) or not isinstance(score, int | float):
        return None
    return float(score) if score >= 0 else None


def _fastchat(path: Path, folder: Path, rows: Sequence[Row]) -> Iterator[Judgement]:
    bench = path.parent.parent
    questions = {
        str(row["question_id"]): row["turns"] for file in sorted(bench.glob("question*.jsonl")) for row in _rows(file)
    }
    answers = {(str(row["question_id"]), row["model_id"]): _turns(row) for row in _all(bench / "model_answer")}
    references = {str(row["question_id"]): _turns(row) for row in reversed(list(_all(bench / "reference_answer")))}
    for row in rows:
        number, (judge, prompt) = str(row["question_id"]), row["judge"]
        turns, said = questions.get(number), answers.get((number, row["model"]))
        rubric = _FASTCHAT_RUBRICS.get(prompt)
        if turns is None or said is None or rubric is None:
            continue
        fields = _conversation(int(row["turn"]), turns, said, references.get(number) if "math" in prompt else None)
        if fields is None:
            continue
        case = _case(bench.name, number, rubric, fields, (said[int(row["turn"]) - 1],))
        yield Judgement(case, judge, _score(row["score"]))


def _conversation(
    turn: int, questions: Sequence[str], answers: Sequence[str], references: Sequence[str] | None
) -> dict[str, str] | None:
    """The fields of the rubric for that turn; None where a turn is missing."""
    if len(questions) < turn or len(answers) < turn or (references is not None and len(references) < turn):
        return None
    if turn == 1:
        fields = {"question": questions[0], "answer": answers[0]}
        return fields if references is None else fields | {"reference": references[0]}
    fields = {}
    for number in (1, 2):
        fields[f"question_{number}"], fields[f"answer_{number}"] = questions[number - 1], answers[number - 1]
        if references is not None:
            fields[f"reference_{number}"] = references[number - 1]
    return fields


def _all(folder: Path) -> Iterator[Row]:
    return (row for file in sorted(folder.glob("*.jsonl")) for row in _rows(file))


def _turns(row: Row) -> list[str]:
    return [str(turn) for turn in row["choices"][0]["turns"]]


# --- one's own ---


def _own(path: Path, folder: Path, rows: Sequence[Row]) -> Iterator[Judgement]:
    for number, row in enumerate(rows, start=1):
        fields = row["fields"]
        if not isinstance(fields, dict) or not all(isinstance(value, str) for value in fields.values()):
            raise bad_input(f"{path}: row {number}: fields must be an object of texts", field="--data")
        label = str(row.get("label") or "")
        answers = _judged_texts(fields)
        value = row.get("value", WORTH.get(label))
        subset = str(row.get("subset") or path.stem)
        case = _case(subset, str(row.get("cluster") or row.get("id") or number), str(row["rubric"]), fields, answers)
        yield Judgement(case, str(row["judge"]), _score(value))


def _judged_texts(fields: Mapping[str, str]) -> tuple[str, ...]:
    """The texts that a rubric of ours judges, by the names of its fields."""
    for first, second in (("answer_a", "answer_b"), ("output_a", "output_b"), ("answer_a_2", "answer_b_2")):
        if first in fields and second in fields:
            return fields[first], fields[second]
    named = ("answer_2", "answer", "reply", "response", "text", "translation", "candidate")
    return (next((fields[name] for name in named if name in fields), ""),)


_READERS: Mapping[str, Callable[[Path, Path, Sequence[Row]], Iterator[Judgement]]] = {
    "llmbar": _llmbar,
    "shaberi": _shaberi,
    "fastchat": _fastchat,
    "fastchat_pair": _fastchat_pair,
    "shinsa": _own,
}


def unknown_judge(judge: str, recorded: Recorded, option: str) -> Problem:
    """Nobody of the name that ``option`` gives has judged."""
    import difflib

    near = difflib.get_close_matches(judge, recorded.judges, n=3)
    remedy = f"the data has {', '.join(recorded.judges)}"
    return bad_input(f"no judgement by {judge!r}", field=option, near_matches=near, remedy=remedy)
