"""Just whom a run asks: the version of its model and the digests of its judges, and what they were."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from shinsa_orchestrator.domain.definition import (
    Definitions,
    definition_digest,
    judge_definition,
)
from shinsa_orchestrator.domain.model import ModelEntry
from shinsa_orchestrator.domain.run import MODEL, Pins
from shinsa_orchestrator.ports.definitions import DefinitionStore
from shinsa_orchestrator.ports.models import ModelStore
from shinsa_orchestrator.ports.workers import JudgeOffer, JudgeProfile


async def pin_model(pins: Pins, entry: ModelEntry, store: DefinitionStore) -> Pins:
    """The pins with this entry of the model, which is kept."""
    digest = definition_digest(entry.document)
    await store.keep({digest: entry.document})
    mixed = pins.mixed or bool(pins.model and pins.model != entry.version)
    return replace(pins, model=entry.version, kept={**pins.kept, MODEL: digest}, mixed=mixed)


async def pin_judges(
    pins: Pins, judges: Iterable[str], offer: JudgeOffer, store: DefinitionStore, models: ModelStore
) -> Pins:
    """The pins with these profiles as they are offered; they, and members of panels, are kept."""
    asked = set(judges)
    profiles = list(_with_members(asked, {one.name: one for one in offer.profiles}))
    found = {one.name: one.definition for one in profiles if one.definition is not None}
    entries = [await models.model(name) for name in sorted({one.model for one in profiles if one.model})]
    versions = {entry.name: entry.version for entry in entries if entry is not None}
    documents = {name: one.document for name, one in sorted(found.items())}
    documents |= {f"{MODEL} {entry.name}": entry.document for entry in entries if entry is not None}
    digests = {name: definition_digest(document) for name, document in documents.items()}
    await store.keep({digests[name]: document for name, document in documents.items()})
    pinned = {name: one.digest for name, one in sorted(found.items()) if name in asked}
    mixed = pins.mixed or _differ(pins.judges, pinned) or _differ(pins.judge_models, versions)
    model = {name: digest for name, digest in pins.kept.items() if name == MODEL}
    return replace(pins, judges=pinned, kept={**model, **digests}, mixed=mixed, judge_models=versions)


def _differ(before: Mapping[str, str], after: Mapping[str, str]) -> bool:
    return any(before.get(name, digest) != digest for name, digest in after.items())


def _with_members(names: Iterable[str], offered: Mapping[str, JudgeProfile]) -> Iterator[JudgeProfile]:
    for name in sorted(names):
        profile = offered.get(name)
        if profile is not None:
            yield profile
            yield from _with_members(profile.members, offered)


async def definitions(pins: Pins, store: DefinitionStore) -> Definitions:
    """What was kept of a run's model and judges."""
    if not pins.kept:
        return Definitions()
    kept = await store.kept(list(pins.kept.values()))
    there = {name: kept[digest] for name, digest in sorted(pins.kept.items()) if digest in kept}
    judges = [judge_definition(one) for name, one in there.items() if not name.startswith(MODEL)]
    models = [one for name, one in there.items() if name.startswith(f"{MODEL} ")]
    return Definitions(there.get(MODEL, b""), tuple(judges), tuple(models))
