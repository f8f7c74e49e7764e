"""HLE-JA: questions at the edge of what people know, in Japanese; is the answer right, and is the confidence honest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from shinsa_benchmarks.examination.judged_answer import JudgedAnswer
from shinsa_benchmarks.sources.records import Record, json_lines
from shinsa_benchmarks.vocabulary import Case, Item, Sample, Verdict

_FORM = (Path(__file__).parent / "prompts" / "form.txt").read_text("utf-8").strip()


def samples(files: Mapping[str, Path]) -> tuple[Iterator[Sample], ...]:
    return _questions(files["test"]), iter(()), _questions(files["dev"]) if "dev" in files else iter(())


def _questions(path: Path) -> Iterator[Sample]:
    """Questions with a picture are left out: nobody here could see it."""
    return (_sample(record) for record in json_lines(path) if not record.fields.get("image"))


def _sample(record: Record) -> Sample:
    question, answer = record.text("question"), record.text("answer")
    fields = {"prompt": f"{_FORM}\n\n{question}", "question": question, "answer": answer}
    category = record.fields.get("category")
    return Sample(record.text("id"), fields, gold=answer, category=category if isinstance(category, str) else "")


def case(item: Item, reply: str) -> Case:
    fields = item.sample.fields
    return Case(
        "hle_equivalence", {"question": fields["question"], "response": reply, "correct_answer": fields["answer"]}
    )


def score(sample: Sample, verdict: Verdict) -> Mapping[str, float]:
    """Right or wrong; and the confidence that the response states (0 to 1), where the judge tells it in percent."""
    right = float(verdict.value or 0.0)
    confidence = verdict.findings.get("confidence")
    if isinstance(confidence, bool) or not isinstance(confidence, int | float) or not 0 <= confidence <= 100:
        return {"accuracy": right}
    return {"accuracy": right, "right": right, "confidence": float(confidence) / 100}


BENCHMARK = JudgedAnswer(Path(__file__).parent, samples, case, score)
