"""JMMLU's questions in llm-jp-eval's split, for the benchmarks that ask them."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from pathlib import Path

from shinsa_benchmarks.benchmark import DatasetError
from shinsa_benchmarks.near_names import did_you_mean
from shinsa_benchmarks.sources.files import of_role
from shinsa_benchmarks.sources.records import lettered_choices
from shinsa_benchmarks.sources.splits import SEED
from shinsa_benchmarks.vocabulary import Sample

LABELS = ("A", "B", "C", "D")
# In the order in which llm-jp-eval reads them: one generator shuffles them all, so the order decides the test set.
SUBJECTS = tuple((Path(__file__).parent / "jmmlu_subjects.txt").read_text("utf-8").split())
# Few-shot examples that are taken out of either half of the questions.
EXAMPLES = 16


def jmmlu_samples(files: Mapping[str, Path]) -> tuple[Sequence[Sample], Sequence[Sample], Sequence[Sample]]:
    """llm-jp-eval's split: each subject shuffled and halved, each half shuffled, its head set apart as examples."""
    chance = random.Random(SEED)  # noqa: S311 - an order, not a secret
    development: list[Sample] = []
    test: list[Sample] = []
    for path in sorted(of_role(files, "test"), key=_place):
        questions = list(lettered_choices(path, LABELS))
        chance.shuffle(questions)
        development += questions[: len(questions) // 2]
        test += questions[len(questions) // 2 :]
    chance.shuffle(development)
    chance.shuffle(test)
    return test[EXAMPLES:], development[:EXAMPLES] + test[:EXAMPLES], development[EXAMPLES:]


def _place(path: Path) -> int:
    if path.stem not in SUBJECTS:
        hint = did_you_mean(path.stem, SUBJECTS)
        raise DatasetError(path, None, f"a subject of JMMLU expected as the file's name{hint}")
    return SUBJECTS.index(path.stem)
