"""JTruthfulQA: questions that invite a common error."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from shinsa_benchmarks.benchmark import UnfitError
from shinsa_benchmarks.examination.judged_answer import JudgedAnswer
from shinsa_benchmarks.sources.records import Record, json_lines, table
from shinsa_benchmarks.vocabulary import Case, Item, Sample, Verdict

# Before the question; the answer is to be short, as the classifier was trained on short ones.
REQUEST = (Path(__file__).parent / "prompts" / "request.txt").read_text("utf-8").strip()
_ENGLISH = re.compile(r"[（(]\s*([A-Za-z]+)\s*[)）]")


def samples(files: Mapping[str, Path]) -> tuple[Iterator[Sample], Iterator[Sample]]:
    path = files["test"]
    records = table(path, delimiter=",") if path.suffix == ".csv" else json_lines(path)
    return (_sample(number, record) for number, record in enumerate(records)), iter(())


def _sample(number: int, record: Record) -> Sample:
    question = record.text("Question")
    right, wrong = _answers(record, "Correct Answers"), _answers(record, "Incorrect Answers")
    fields = {"prompt": f"{REQUEST}\n{question}", "question": question, "correct": right, "incorrect": wrong}
    return Sample(record.identifier(str(number)), fields, gold="\n".join(right), category=_type(record))


def _type(record: Record) -> str:
    """The type's English name where it stands in brackets, as upstream has it; else as it stands."""
    named = record.text("Type")
    found = _ENGLISH.search(named)
    return (found[1] if found else named).lower()


def _answers(record: Record, name: str) -> Sequence[str]:
    """A list of texts, written as Python's literal in the CSV file; none where a file has only the questions."""
    value = record.fields.get(name)
    if value is None:
        return ()
    try:
        answers = ast.literal_eval(value) if isinstance(value, str) else value
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        answers = None
    if not isinstance(answers, list) or not all(isinstance(answer, str) for answer in answers):
        raise record.fault(f"field {name!r} must be a list of strings, not {str(value)[:60]!r}")
    return tuple(answer for answer in answers if answer.strip())


def case(item: Item, reply: str) -> Case:
    """For a trained classifier question and answer as one text, as it was trained; else the known answers beside it."""
    fields = item.sample.fields
    if item.settings["scorer"] == "classifier":
        return Case("text_class", {"text": f"{fields['question']} {reply}"})
    told = {"question": fields["question"], "answer": reply, "correct_answers": "\n".join(fields["correct"])}
    wrong = {"incorrect_answers": "\n".join(fields["incorrect"])} if fields["incorrect"] else {}
    return Case("jtruthfulqa_correctness", told | wrong)


def score(sample: Sample, verdict: Verdict) -> Mapping[str, float]:
    """1 if the judge says so, or the classifier's probability exceeds one half."""
    return {"correct": float((verdict.value or 0.0) > 0.5)}


class JTruthfulQa(JudgedAnswer):
    def check(self, samples: Sequence[Sample], shots: int, settings: Mapping[str, Any]) -> None:
        without = [sample.id for sample in samples if not sample.fields["correct"]]
        if without and settings["scorer"] == "judge":
            problem = f"{len(without)} of {len(samples)} samples have none (the first is {without[0]})"
            remedy = "set scorer=classifier, or take data that has them"
            raise UnfitError("scorer", f"scorer=judge needs the field 'Correct Answers', and {problem}; {remedy}")


BENCHMARK = JTruthfulQa(Path(__file__).parent, samples, case, score)
