"""Named entities of eight kinds."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from pathlib import Path

from shinsa_benchmarks.examination import ShortAnswer
from shinsa_benchmarks.extraction.answers import ends_at_blank_line, short_answer
from shinsa_benchmarks.metrics.sets import multiset_f1, set_f1_published
from shinsa_benchmarks.sources.annotated_corpus import samples_with_gold
from shinsa_benchmarks.sources.knp import BasePhrase, Document
from shinsa_benchmarks.vocabulary import Sample

KINDS = {
    "ORGANIZATION": "組織名",
    "PERSON": "人名",
    "LOCATION": "地名",
    "ARTIFACT": "固有物名",
    "DATE": "日付表現",
    "TIME": "時刻表現",
    "MONEY": "金額表現",
    "PERCENT": "割合表現",
}
# An entity may hold spaces, so that only the kind after it tells where it ends.
_KIND = re.compile(rf"\((?P<kind>{'|'.join(KINDS.values())})\)")
_BETWEEN = re.compile(r"[\s、,]*")


def samples(files: Mapping[str, Path]) -> tuple[Iterator[Sample], ...]:
    return samples_with_gold(files, _sample)


def _sample(document: Document) -> Sample:
    phrases = [phrase for sentence in document.sentences for phrase in sentence.base_phrases]
    entities = [
        f"{text}（{KINDS[category]}）"
        for phrase in phrases
        for category, text in phrase.entities
        if category in KINDS and _is_words(text, phrase)
    ]
    return Sample(document.id, {"text": document.text}, gold=" ".join(entities))


def _is_words(text: str, phrase: BasePhrase) -> bool:
    """Whether an entity is a run of whole words up to the phrase that it is tagged at; a few tags cut words in two."""
    words = [word.surface for part in phrase.sentence.base_phrases[: phrase.index + 1] for word in part.morphemes]
    return any(text == "".join(words[start:end]) for end in range(len(words) + 1) for start in range(end))


def entities_in(text: str) -> list[tuple[str, str]]:
    """Entities with their kinds in a text like "A（人名） B（地名）", whatever white space or commas part them."""
    normal = unicodedata.normalize("NFKC", text)
    found, start = [], 0
    for kind in _KIND.finditer(normal):
        begin = _BETWEEN.match(normal, start).end()  # type: ignore[union-attr]
        if entity := normal[begin : kind.start()].rstrip():
            found.append((entity, kind["kind"]))
            start = kind.end()
    return found


def score(sample: Sample, answer: str) -> Mapping[str, float]:
    line = unicodedata.normalize("NFKC", sample.gold)
    return {
        "entity_f1": multiset_f1(entities_in(answer), entities_in(line)),
        "set_f1_published": set_f1_published(answer.split("\n"), [line]),
    }


BENCHMARK = ShortAnswer(
    folder=Path(__file__).parent,
    samples=samples,
    answer=short_answer,
    settled=ends_at_blank_line,
    score=score,
)
