"""Rubrics and measures from folders on disk."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from shinsa_judge.domain.configuration import ConfigurationError, Fault
from shinsa_judge.domain.measure import Measure, build_measure, is_measure
from shinsa_judge.domain.rubric import Rubric, RubricSource, build_rubric
from shinsa_judge.domain.templates import SourceText


def read_shelves(shelves: Iterable[Path]) -> tuple[dict[str, Rubric], dict[str, Measure]]:
    """Every rubric and every measure below the shelves, by id.

    A rubric is a folder with ``rubric.toml``, ``system.jinja`` and ``user.jinja``; a measure has the first alone.
    Raises ``ConfigurationError`` with the faults of all of them; an id on two shelves is a fault, never an override.
    """
    rubrics: dict[str, Rubric] = {}
    measures: dict[str, Measure] = {}
    faults: list[Fault] = []
    for folder in (folder for shelf in shelves for folder in _folders(shelf)):
        try:
            found = _built(folder)
        except ConfigurationError as error:
            faults += error.faults
            continue
        if found.id in rubrics or found.id in measures:
            problem = f"rubric {found.id!r} exists already; rename the folder"
            faults.append(Fault(str(folder / "rubric.toml"), 1, problem))
        if isinstance(found, Measure):
            measures[found.id] = found
        else:
            rubrics[found.id] = found
    if faults:
        raise ConfigurationError(faults)
    return rubrics, measures


def _folders(shelf: Path) -> list[Path]:
    if not shelf.is_dir():
        raise ConfigurationError([Fault(str(shelf), 1, "no such folder of rubrics")])
    return sorted(path for path in shelf.iterdir() if path.is_dir() and path.name[0] not in "._")


def _built(folder: Path) -> Rubric | Measure:
    manifest = _text(folder / "rubric.toml")
    if is_measure(manifest.text):
        return build_measure(folder.name, manifest)
    return build_rubric(
        RubricSource(
            folder.name, manifest=manifest, system=_text(folder / "system.jinja"), user=_text(folder / "user.jinja")
        )
    )


def _text(path: Path) -> SourceText:
    try:
        return SourceText(str(path), path.read_text("utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError([Fault(str(path), 1, f"cannot be read: {error}")]) from error
