"""The benchmarks, suites and boards that are installed, and the data that lies on this machine."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from shinsa_benchmarks import discovery
from shinsa_benchmarks.benchmark import Benchmark, Dataset, DatasetError
from shinsa_benchmarks.boards import Board
from shinsa_benchmarks.documents import DocumentError
from shinsa_benchmarks.sources.prepared import RECORD, dataset_for
from shinsa_benchmarks.suites import Suite
from shinsa_chassis.errors import Reason, ShinsaError

# Data sets kept in memory; those of a large leaderboard fit.
MOST_KEPT = 64

_Signature = tuple[tuple[str, int, int], ...]


class InstalledCatalog:
    """``Catalog``. A data set is read again when one of its files has changed; boards are read once.

    Raises ``ShinsaError`` for a folder of data that is not there, and one of boards that cannot be read or holds a file
    that is no board; and where a manifest, suite or board of the catalog is broken.
    """

    def __init__(self, data_dir: Path | None, boards_dir: Path | None = None) -> None:
        if data_dir is not None and not data_dir.is_dir():
            remedy = f"fill it with `shinsa data prepare --data {data_dir}`, or unset SHINSA_ORCHESTRATOR_DATA_DIR"
            raise ShinsaError(Reason.FAILED_PRECONDITION, f"there is no folder {data_dir}; {remedy}", field="data_dir")
        self._data_dir = data_dir
        self._boards = {**_boards(), **_further_boards(boards_dir)}
        self._benchmarks = discovery.benchmarks()
        self._kept: OrderedDict[tuple[str, str], tuple[_Signature, Dataset]] = OrderedDict()
        self._loading = asyncio.Lock()

    def benchmarks(self) -> Mapping[str, Benchmark]:
        return self._benchmarks

    def suites(self) -> Mapping[str, Suite]:
        return discovery.suites()

    def boards(self) -> Mapping[str, Board]:
        return self._boards

    def prepared(self, benchmark: str) -> bool:
        return self._data_dir is not None and (self._data_dir / benchmark / RECORD).is_file()

    async def dataset(self, benchmark: str, wanted: str) -> Dataset:
        async with self._loading:
            return await asyncio.to_thread(self._dataset, benchmark, wanted)

    def _dataset(self, name: str, wanted: str) -> Dataset:
        if wanted == "":
            wanted = "prepared" if self.prepared(name) else "specimen"
        folder = self._folder(name, wanted)
        signature = _signature(folder)
        kept = self._kept.get((name, wanted))
        if kept is None or kept[0] != signature:
            kept = (signature, self._load(name, wanted, folder))
            self._kept[name, wanted] = kept
        self._kept.move_to_end((name, wanted))
        while len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)
        return kept[1]

    def _folder(self, name: str, wanted: str) -> Path:
        if wanted == "specimen":
            return discovery.specimen_folder(name)
        if wanted == "prepared":
            if not self.prepared(name):
                raise ShinsaError(
                    Reason.FAILED_PRECONDITION,
                    f"{name}: no prepared data in {self._data_dir or 'data_dir (not set)'}; run `shinsa data prepare`",
                    field="spec.dataset",
                )
            assert self._data_dir is not None
            return self._data_dir / name
        return self._local_folder(name, Path(wanted))

    def _local_folder(self, name: str, folder: Path) -> Path:
        """``folder`` may hold prepared sets by benchmark, upstream data by family, or this benchmark's files."""
        if not folder.is_dir():
            raise ShinsaError(
                Reason.INVALID_ARGUMENT,
                f"dataset {str(folder)!r} is no folder of the orchestrator's machine; or say prepared or specimen",
                field="spec.dataset",
            )
        family = folder / self._benchmarks[name].manifest.source.folder
        for candidate in (folder / name, family):
            if candidate.is_dir():
                return candidate
        return folder

    def _load(self, name: str, wanted: str, folder: Path) -> Dataset:
        benchmark = self._benchmarks[name]
        try:
            if (folder / RECORD).is_file():
                return replace(dataset_for(benchmark, folder.parent), origin=wanted)
            return benchmark.load(folder, origin=wanted)
        except DatasetError as error:
            raise ShinsaError(
                Reason.FAILED_PRECONDITION, f"{name}: broken data: {error}", field="spec.dataset"
            ) from error


def _boards() -> Mapping[str, Board]:
    """The catalog's own, after a look at all of its manifests and suites."""
    try:
        discovery.suites()
        return discovery.boards()
    except DocumentError as error:
        raise ShinsaError(Reason.FAILED_PRECONDITION, f"the catalog of benchmarks is broken: {error}") from error


def _further_boards(folder: Path | None) -> Mapping[str, Board]:
    if folder is None:
        return {}
    problem = f"{folder} is no folder" if not folder.is_dir() else ""
    try:
        found = {} if problem else discovery.further_boards(folder)
    except (OSError, ValueError) as error:
        problem = str(error)
    if problem:
        remedy = "correct it, or unset SHINSA_ORCHESTRATOR_BOARDS_DIR"
        raise ShinsaError(Reason.FAILED_PRECONDITION, f"{problem}; {remedy}", field="boards_dir")
    return found


def _signature(folder: Path) -> _Signature:
    """Name, time and size of every file below: tells whether to read again."""
    files = [(path, path.stat()) for path in sorted(folder.rglob("*")) if path.is_file()]
    return tuple((str(path), stat.st_mtime_ns, stat.st_size) for path, stat in files)
