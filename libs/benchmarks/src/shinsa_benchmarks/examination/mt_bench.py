"""MT-bench: open questions of eight categories in two turns, each turn graded by a judge (Zheng et al. 2023)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shinsa_benchmarks.benchmark import Dataset, Steps
from shinsa_benchmarks.examination.catalog_folder import CatalogFolder
from shinsa_benchmarks.examination.judged_answer import unreadable
from shinsa_benchmarks.examination.replies import chosen_temperature, fault, together
from shinsa_benchmarks.sources.loading import load_dataset
from shinsa_benchmarks.sources.records import Record, json_lines
from shinsa_benchmarks.sources.splits import in_turn
from shinsa_benchmarks.vocabulary import Case, Item, Outcome, Reply, Sample, Sampling, Verdict, messages

ROLE = "mt-bench"
CATEGORIES = ("writing", "roleplay", "extraction", "math", "coding", "reasoning", "stem", "humanities")
# Judged against a reference answer.
REFERENCE_CATEGORIES = ("math", "reasoning", "coding")


def samples(files: Mapping[str, Path]) -> tuple[Sequence[Sample], Iterator[Sample]]:
    """One question of each category after the other, so that the first few show all of them."""
    references = {_id(record): _reference(record) for record in json_lines(files["references"])}
    return in_turn(_sample(record, references) for record in json_lines(files["test"])), iter(())


def _sample(record: Record, references: Mapping[str, tuple[str, str]]) -> Sample:
    identifier, category = _id(record), record.one_of("category", CATEGORIES)
    fields: dict[str, Any] = {"turns": _two(record, "turns")}
    if category in REFERENCE_CATEGORIES:
        if identifier not in references:
            raise record.fault(f"question {identifier} of category {category} needs a reference answer; there is none")
        fields["references"] = references[identifier]
    gold = "\n\n".join(fields.get("references", ()))
    return Sample(identifier, fields, gold=gold, category=category)


def _reference(record: Record) -> tuple[str, str]:
    return _two(record.records("choices", at_least=1)[0], "turns")


def _two(record: Record, name: str) -> tuple[str, str]:
    turns = record.texts(name)
    if len(turns) != 2 or not all(turn.strip() for turn in turns):
        raise record.fault(f"field {name!r} must hold two non-empty turns")
    return turns[0], turns[1]


def _id(record: Record) -> str:
    return str(record.integer("question_id", 0))


def first_case(language: str, sample: Sample, answer: str) -> Case:
    """The case of turn 1; ``language`` ends the ids of rubrics of another language than Japanese."""
    question, _ = sample.fields["turns"]
    fields = {"question": question, "answer": answer}
    if "references" not in sample.fields:
        return Case(f"mt_bench_single{language}", fields)
    return Case(f"mt_bench_single_reference{language}", fields | {"reference": sample.fields["references"][0]})


def second_case(language: str, sample: Sample, answers: tuple[str, str]) -> Case:
    """The case of turn 2, which shows the whole conversation."""
    questions = sample.fields["turns"]
    fields = {f"question_{turn}": question for turn, question in enumerate(questions, start=1)}
    fields |= {f"answer_{turn}": answer for turn, answer in enumerate(answers, start=1)}
    if "references" not in sample.fields:
        return Case(f"mt_bench_multi_turn{language}", fields)
    references = enumerate(sample.fields["references"], start=1)
    return Case(
        f"mt_bench_multi_turn_reference{language}", fields | {f"reference_{turn}": text for turn, text in references}
    )


def sampling_for(item: Item) -> Sampling:
    """The category's own temperature, unless ``temperature`` is set to 0 or more."""
    temperature = chosen_temperature(item.settings["temperature"])
    if temperature is None:
        temperature = chosen_temperature(item.settings[f"temperature_{item.sample.category}"])
    return Sampling(temperature=temperature, max_tokens=int(item.settings["max_tokens"]))


@dataclass(frozen=True)
class MtBench(CatalogFolder):
    """Turn 1 is judged while turn 2 is still being generated. An answer that was cut off is judged as it stands.

    ``language`` is what the ids of its four rubrics end with: nothing for Japanese, "_en" for English.
    """

    language: str = ""

    def load(self, folder: Path, origin: str = "specimen") -> Dataset:
        return load_dataset(self.manifest, folder, origin, samples)

    async def examine(self, item: Item, steps: Steps) -> Outcome:
        ask, sampling = item.sample.fields["turns"], sampling_for(item)
        first = await steps.generate(messages(("user", ask[0])), sampling)
        if outcome := fault(first):
            return outcome
        conversation = messages(("user", ask[0]), ("assistant", first.text), ("user", ask[1]))
        verdict_1, second = await together(
            steps.judge(ROLE, first_case(self.language, item.sample, first.text)),
            steps.generate(conversation, sampling),
        )
        if outcome := fault(second):
            return outcome
        verdict_2 = await steps.judge(ROLE, second_case(self.language, item.sample, (first.text, second.text)))
        return self._outcome((first, second), (verdict_1, verdict_2))

    def _outcome(self, replies: tuple[Reply, Reply], verdicts: tuple[Verdict, Verdict]) -> Outcome:
        answer = "\n\n".join(f"[{turn}] {reply.text}" for turn, reply in enumerate(replies, start=1))
        values = []
        for turn, verdict in enumerate(verdicts, start=1):
            if problem := unreadable(self.manifest.primary, verdict):
                return Outcome.infra_error("judge_unreadable", f"turn {turn}: {problem}", answer)
            values.append(verdict.value or 0.0)
        metrics = {"score": sum(values) / 2, "turn_1": values[0], "turn_2": values[1]}
        return Outcome.scored(metrics, answer)
