"""JMMLU robustness: is the same question answered alike when the format of the answer changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import combinations
from pathlib import Path

from shinsa_benchmarks.benchmark import Dataset, Steps
from shinsa_benchmarks.catalog.jmmlu_robustness.formats import FORMATS, Format
from shinsa_benchmarks.examination import all_together, fault, sampling
from shinsa_benchmarks.examination.catalog_folder import CatalogFolder
from shinsa_benchmarks.extraction.answers import ends_at_blank_line
from shinsa_benchmarks.prompting import Prompts, prompt
from shinsa_benchmarks.sources.jmmlu import jmmlu_samples
from shinsa_benchmarks.sources.loading import load_dataset
from shinsa_benchmarks.vocabulary import Item, Message, Outcome, Reply

# Nejumi 4's score by the number of equal pairs among three answers; two pairs cannot be equal without the third.
SCORES = {0: 0.0, 1: 0.5, 3: 1.0}


class Robustness(CatalogFolder):
    """Every question is asked in three formats at once. Whether the answers are right does not matter to the score."""

    @cached_property
    def _prompts(self) -> Mapping[str, Prompts]:
        home, language = self.folder / "prompts", self.manifest.prompt_language
        return {shape.name: Prompts(home / shape.folder, language) for shape in FORMATS}

    def load(self, folder: Path, origin: str = "specimen") -> Dataset:
        return load_dataset(self.manifest, folder, origin, jmmlu_samples)

    async def examine(self, item: Item, steps: Steps) -> Outcome:
        replies = await all_together(
            [steps.generate(self._asked(shape, item), sampling(item.settings)) for shape in FORMATS]
        )
        problems = [_problem(shape, reply) for shape, reply in zip(FORMATS, replies, strict=True)]
        if all(problems) and problems[0]:
            return problems[0]
        texts = [_text(reply) for reply in replies]
        shown = "\n".join(shape.answer(text) for shape, text in zip(FORMATS, texts, strict=True))
        choices = [
            None if problem else shape.choice(text)
            for shape, problem, text in zip(FORMATS, problems, texts, strict=True)
        ]
        return Outcome.scored(scores(choices, texts, item.sample.fields["answer"]), shown)

    def _asked(self, shape: Format, item: Item) -> Sequence[Message] | str:
        shaped = replace(
            item, sample=shape.sample(item.sample), examples=tuple(shape.sample(example) for example in item.examples)
        )
        return prompt(self._prompts[shape.name], shaped)


def scores(choices: Sequence[str | None], texts: Sequence[str], gold: str) -> dict[str, float]:
    """Every metric, from the choices that the valid answers name and from the answers' texts."""
    valid = [choice for choice in choices if choice is not None]
    covered = len(valid) == len(FORMATS)
    robustness = _agreement(valid) if covered else 0.0
    metrics = {
        "robustness": robustness,
        "coverage": float(covered),
        "parity": _agreement([shape.parity(text) for shape, text in zip(FORMATS, texts, strict=True)]),
        "accuracy": sum(choice == gold for choice in choices) / len(choices),
    }
    return metrics | ({"robustness_of_valid": robustness} if covered else {})


def _agreement(answers: Sequence[str]) -> float:
    return SCORES[sum(first == second for first, second in combinations(answers, 2))]


def _problem(shape: Format, reply: Reply) -> Outcome | None:
    """Why a reply holds no whole answer, if so."""
    if outcome := fault(reply):
        return outcome
    if reply.truncated and not ends_at_blank_line(reply.text) and not shape.choice(reply.text):
        return Outcome.model_error("truncated", "the reply was cut off before its answer was complete", reply.text)
    return None


def _text(reply: Reply) -> str:
    return reply.text if reply.choices else ""


BENCHMARK = Robustness(Path(__file__).parent)
