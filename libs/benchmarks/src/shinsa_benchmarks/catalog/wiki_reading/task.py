"""Reading: text to be written in hiragana."""

from __future__ import annotations

import string
from collections.abc import Iterator, Mapping
from pathlib import Path

from shinsa_benchmarks.examination import ShortAnswer
from shinsa_benchmarks.examination.short_string import string_scores
from shinsa_benchmarks.extraction.answers import ends_at_blank_line, short_answer
from shinsa_benchmarks.sources.annotated_corpus import samples_with_gold
from shinsa_benchmarks.sources.knp import Document, Morpheme
from shinsa_benchmarks.vocabulary import Sample

_NAMES = (
    "えー びー しー でぃー いー えふ じー えいち あい じぇー けー える えむ "
    "えぬ おー ぴー きゅー あーる えす てぃー ゆー ぶい だぶりゅー えっくす わい ぜっと"
)
LETTERS = dict(zip(string.ascii_uppercase, _NAMES.split(), strict=True))


def samples(files: Mapping[str, Path]) -> tuple[Iterator[Sample], ...]:
    return samples_with_gold(files, _sample)


def _sample(document: Document) -> Sample:
    readings = [reading(morpheme) for sentence in document.plain_sentences for morpheme in sentence.morphemes]
    return Sample(document.id, {"text": document.plain_text}, gold="".join(readings).strip())


def reading(morpheme: Morpheme) -> str:
    """The first of several readings; capital letters are spelt out; within a word read as a whole the later parts have
    a blank one."""
    if not morpheme.reading.strip() and morpheme.surface.strip():
        return ""
    first = morpheme.reading.split("/")[0]
    return "".join(LETTERS[letter] for letter in first) if first and set(first) <= set(LETTERS) else first


BENCHMARK = ShortAnswer(
    folder=Path(__file__).parent,
    samples=samples,
    answer=short_answer,
    settled=ends_at_blank_line,
    score=string_scores,
)
