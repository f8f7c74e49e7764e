"""Finds benchmarks, suites and boards by their files, and checks that they fit together."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Protocol, TypeVar, cast

from shinsa_benchmarks.benchmark import Benchmark
from shinsa_benchmarks.boards import Board, Leaf, read_board
from shinsa_benchmarks.documents import DocumentError
from shinsa_benchmarks.manifest import Manifest, read_manifest
from shinsa_benchmarks.near_names import did_you_mean
from shinsa_benchmarks.sources.files import specimen_folder
from shinsa_benchmarks.suites import Suite, read_suite

__all__ = ["benchmarks", "boards", "further_boards", "manifests", "specimen_folder", "suites", "unmeasurable"]

_HOME = Path(__file__).resolve().parent
_CATALOG = _HOME / "catalog"


class _Catalog(Mapping[str, Benchmark]):
    """Imports a benchmark's code when it is asked for."""

    def __init__(self, ids: Iterable[str]) -> None:
        self._ids = tuple(ids)

    def __getitem__(self, benchmark_id: str) -> Benchmark:
        if benchmark_id not in self._ids:
            raise KeyError(benchmark_id)
        task = importlib.import_module(f"shinsa_benchmarks.catalog.{benchmark_id}.task")
        return cast(Benchmark, task.BENCHMARK)

    def __iter__(self) -> Iterator[str]:
        return iter(self._ids)

    def __len__(self) -> int:
        return len(self._ids)


def benchmarks() -> Mapping[str, Benchmark]:
    """Every benchmark of the catalog by id. Code is imported on access, so listing ids is cheap."""
    return _Catalog(manifests())


@cache
def manifests() -> Mapping[str, Manifest]:
    """Every manifest of the catalog by id, without importing a benchmark's code.

    Raises ``DocumentError`` for a broken manifest and where an id differs from its folder, which keeps ids unique.
    """
    found: dict[str, Manifest] = {}
    for path in sorted(_CATALOG.glob("*/manifest.toml")):
        manifest = read_manifest(path)
        if manifest.id != path.parent.name:
            raise DocumentError(f"{path}: id {manifest.id!r} must be the folder's name {path.parent.name!r}")
        found[manifest.id] = manifest
    return MappingProxyType(found)


@cache
def suites() -> Mapping[str, Suite]:
    """Every suite by id. Raises ``DocumentError`` where one names what the catalog or the boards do not have."""
    found = _read_all(_HOME / "suites", read_suite)
    for suite in found.values():
        _check_suite(suite)
    return found


@cache
def boards() -> Mapping[str, Board]:
    """Every board by id. Raises ``DocumentError`` where a leaf that is not planned names a benchmark, shot count or
    metric that is unknown."""
    return _checked_boards(_HOME / "boards")


def further_boards(folder: Path) -> Mapping[str, Board]:
    """Boards of an operator's own by id, from the files ``ID.toml`` of ``folder``; other files are left alone.

    Raises ``DocumentError`` that names the file and what is wrong with it, also where a board of ours has the id.
    """
    found = _checked_boards(folder)
    if taken := sorted(found.keys() & boards().keys()):
        raise DocumentError(f"{folder / taken[0]}.toml: {taken[0]!r} is a board of the catalog; take another id")
    return found


def _checked_boards(folder: Path) -> Mapping[str, Board]:
    found = _read_all(folder, read_board)
    for board in found.values():
        _check_board(board)
    return found


class _Named(Protocol):
    @property
    def id(self) -> str: ...


_Read = TypeVar("_Read", bound=_Named)


def _read_all(folder: Path, read: Callable[[Path], _Read]) -> Mapping[str, _Read]:
    found: dict[str, _Read] = {}
    for path in sorted(folder.glob("*.toml")):
        value = read(path)
        if value.id != path.stem:
            raise DocumentError(f"{path}: id {value.id!r} must be the file's name {path.stem!r}")
        found[value.id] = value
    return MappingProxyType(found)


def _check_suite(suite: Suite) -> None:
    where = f"suite {suite.id!r}"
    if suite.board and suite.board not in boards():
        raise DocumentError(f"{where}: unknown board {suite.board!r}{did_you_mean(suite.board, boards())}")
    for entry in suite.benchmarks:
        manifest = _manifest(where, entry.id)
        if any(shots > manifest.most_shots or shots < 0 for shots in entry.shots):
            raise DocumentError(f"{where}: {entry.id} takes 0 to {manifest.most_shots} shots, not {entry.shots}")
        try:
            manifest.settings_with(dict(entry.settings))
        except KeyError as error:
            name = str(error.args[0])
            raise DocumentError(
                f"{where}: {entry.id} has no setting {name!r}{did_you_mean(name, manifest.settings)}"
            ) from error


def unmeasurable(board: Board) -> Mapping[str, str]:
    """Leaves that the catalog cannot measure (yet), each with the reason."""
    return {node.id: problem for node in board.nodes if node.score and (problem := _misfit(board, node.score))}


def _check_board(board: Board) -> None:
    for node in board.nodes:
        if node.score is not None and not node.score.planned and (problem := _misfit(board, node.score)):
            raise DocumentError(f"board {board.id!r}, node {node.id!r}: {problem}")


def _misfit(board: Board, leaf: Leaf) -> str:
    """Why the catalog cannot measure a leaf; empty where it can."""
    manifest = manifests().get(leaf.benchmark)
    if manifest is None:
        return f"unknown benchmark {leaf.benchmark!r}{did_you_mean(leaf.benchmark, manifests())}"
    names = [metric.name for metric in manifest.metrics]
    metric = leaf.metric.split("/")[0]
    if metric and metric not in names:
        return f"{manifest.id} has no metric {metric!r}{did_you_mean(metric, names)}"
    if max([leaf.shots] if leaf.shots is not None else board.shots) > manifest.most_shots:
        return f"{manifest.id} takes at most {manifest.most_shots} shots"
    return ""


def _manifest(where: str, benchmark_id: str) -> Manifest:
    if benchmark_id not in manifests():
        raise DocumentError(f"{where}: unknown benchmark {benchmark_id!r}{did_you_mean(benchmark_id, manifests())}")
    return manifests()[benchmark_id]
