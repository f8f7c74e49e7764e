"""Dependencies between bunsetsu."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from shinsa_benchmarks.examination.line_set import line_set
from shinsa_benchmarks.sources.annotated_corpus import samples_with_gold
from shinsa_benchmarks.sources.knp import Document, Sentence
from shinsa_benchmarks.vocabulary import Sample


def samples(files: Mapping[str, Path]) -> tuple[Iterator[Sample], ...]:
    return samples_with_gold(files, _sample)


def _sample(document: Document) -> Sample:
    lines = [line for sentence in document.plain_sentences for line in _dependencies(sentence)]
    return Sample(document.id, {"text": document.plain_text}, gold="\n".join(lines))


def _dependencies(sentence: Sentence) -> Iterator[str]:
    for bunsetsu in sentence.bunsetsu:
        if bunsetsu.parent >= 0:
            yield f"{bunsetsu.text} -> {sentence.bunsetsu[bunsetsu.parent].text}"


BENCHMARK = line_set(Path(__file__).parent, samples)
