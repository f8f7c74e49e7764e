"""Predicate-argument structure: predicates with their arguments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from shinsa_benchmarks.examination.line_set import line_set
from shinsa_benchmarks.sources.annotated_corpus import samples_with_gold
from shinsa_benchmarks.sources.knp import BasePhrase, Document, phrase_text, trimmed
from shinsa_benchmarks.vocabulary import Sample

# In the order in which a line names them, and how.
CASES = {
    "ガ": "ガ",
    "デ": "デ",
    "ト": "ト",
    "ニ": "ニ",
    "ヘ": "ヘ",
    "ヲ": "ヲ",
    "カラ": "カラ",
    "ガ２": "ガ",
    "マデ": "マデ",
    "ヨリ": "ヨリ",
}
# The target of a tag that says: the arguments of this case named before are optional.
OPTIONAL = "なし"


def samples(files: Mapping[str, Path]) -> tuple[Iterator[Sample], ...]:
    return samples_with_gold(files, _sample)


def _sample(document: Document) -> Sample:
    phrases = [phrase for sentence in document.sentences for phrase in sentence.base_phrases]
    lines = [line for phrase in phrases if (line := _structure(document, phrase))]
    return Sample(document.id, {"text": document.text}, gold="\n".join(lines))


def _structure(document: Document, predicate: BasePhrase) -> str:
    arguments = _arguments(document, predicate)
    named = [
        f"{label}：{phrase_text(argument)}"
        for case, label in CASES.items()
        for argument in arguments[case]
        if argument.bunsetsu is not predicate.bunsetsu
    ]
    return " ".join([trimmed(predicate.bunsetsu.morphemes, ("助詞", "特殊")), *named]) if named else ""


def _arguments(document: Document, predicate: BasePhrase) -> dict[str, list[BasePhrase]]:
    """The arguments within the text by case, each once; optional ones are left out."""
    found: dict[str, list[BasePhrase]] = {case: [] for case in CASES}
    optional: set[tuple[str, BasePhrase]] = set()
    for relation in predicate.relations:
        case = relation.type.replace("2", "２")
        if case not in CASES:
            continue
        argument = document.base_phrase(relation)
        if relation.index is None and relation.target == OPTIONAL:
            optional |= {(case, earlier) for earlier in found[case]}
        elif argument is not None and argument not in found[case]:
            found[case].append(argument)
    return {case: [one for one in phrases if (case, one) not in optional] for case, phrases in found.items()}


BENCHMARK = line_set(Path(__file__).parent, samples)
