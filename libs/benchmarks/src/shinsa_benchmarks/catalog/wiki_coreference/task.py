"""Coreference: chains of phrases that stand for the same thing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from shinsa_benchmarks.examination.line_set import line_set
from shinsa_benchmarks.sources.annotated_corpus import samples_with_gold
from shinsa_benchmarks.sources.knp import BasePhrase, Document, phrase_text
from shinsa_benchmarks.vocabulary import Sample

# Identity proper; near identity is marked with ≒ and left out, as are tags that leave a choice between several.
IDENTITY = ("=", "=構", "=役")
ALTERNATIVES = ("OR", "？")


def samples(files: Mapping[str, Path]) -> tuple[Iterator[Sample], ...]:
    return samples_with_gold(files, _sample)


def _sample(document: Document) -> Sample:
    plain = Document(document.id, tuple(document.plain_sentences))
    lines = [" ".join(map(phrase_text, chain)) for chain in chains(plain)]
    return Sample(document.id, {"text": plain.text}, gold="\n".join(lines))


def chains(document: Document) -> list[list[BasePhrase]]:
    """Phrases that identity tags connect, directly or not, in order of the text; at least two each."""
    phrases = [phrase for sentence in document.sentences for phrase in sentence.base_phrases]
    chain_of = {phrase: [phrase] for phrase in phrases}
    for phrase in phrases:
        for relation in phrase.relations:
            other = document.base_phrase(relation)
            if relation.type in IDENTITY and relation.mode not in ALTERNATIVES and other is not None:
                _join(chain_of, phrase, other)
    order = {phrase: place for place, phrase in enumerate(phrases)}
    distinct = {id(chain): sorted(chain, key=order.__getitem__) for chain in chain_of.values() if len(chain) > 1}
    return sorted(distinct.values(), key=lambda chain: order[chain[0]])


def _join(chain_of: dict[BasePhrase, list[BasePhrase]], one: BasePhrase, other: BasePhrase) -> None:
    kept, added = chain_of[one], chain_of[other]
    if kept is not added:
        kept += added
        chain_of.update(dict.fromkeys(added, kept))


BENCHMARK = line_set(Path(__file__).parent, samples)
