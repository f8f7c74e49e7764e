"""The rows of a board that were measured here, each computed once for as long as its run's scores stay."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass

from shinsa_benchmarks.boards import Board

from shinsa_orchestrator.application.board_rows import rows_of, weight
from shinsa_orchestrator.domain.board_table import ScoredRun, TableRow
from shinsa_orchestrator.domain.report import Score
from shinsa_orchestrator.ports.runs import RunStore

# Runs whose scores are read and computed together: no step of it keeps others waiting for long.
AT_ONCE = 16

_RunRows = list[tuple[ScoredRun, list[TableRow]]]
_Rank = tuple[tuple[int, int], str]


@dataclass(frozen=True, slots=True)
class _Examined:
    """The weights of a run's rows, by their ids; holds as long as its ``change`` does."""

    change: int
    weights: Mapping[str, tuple[int, int]]


@dataclass(frozen=True, slots=True)
class _Shown:
    """The row that stands under its id at the moment."""

    run_id: str
    weight: tuple[int, int]
    row: TableRow

    @property
    def rank(self) -> _Rank:
        """What weighs more stands before what weighs less; of those that weigh as much, the newest run's."""
        return self.weight, self.run_id


class MeasuredRows:
    """Of every run it is kept what its rows weigh; rows are kept of those runs alone that are shown."""

    def __init__(self, board: Board, runs: RunStore) -> None:
        self._board = board
        self._runs = runs
        self._examined: dict[str, _Examined] = {}
        self._shown: dict[str, _Shown] = {}

    async def current(self) -> list[TableRow]:
        """One row for each id, as the store has it now. Not to be called while a call is under way."""
        runs = {run.id: run for run in await self._runs.scored_runs()}
        self._forget(run_id for run_id, known in self._examined.items() if _is_stale(known, runs.get(run_id)))
        async for run, rows in self._computed([run for run in runs.values() if run.id not in self._examined]):
            weights = {row.id: weight(row) for row in rows}
            self._examined[run.id] = _Examined(run.change, weights)
            for row in rows:
                self._offer(_Shown(run.id, weights[row.id], row))
        await self._restore(runs)
        return [shown.row for shown in self._shown.values()]

    def _forget(self, run_ids: Iterable[str]) -> None:
        gone = set(run_ids)
        if gone:
            self._examined = {run_id: known for run_id, known in self._examined.items() if run_id not in gone}
            self._shown = {row_id: shown for row_id, shown in self._shown.items() if shown.run_id not in gone}

    def _offer(self, candidate: _Shown) -> None:
        known = self._shown.get(candidate.row.id)
        if known is None or candidate.rank > known.rank:
            self._shown[candidate.row.id] = candidate

    async def _restore(self, runs: Mapping[str, ScoredRun]) -> None:
        """Where the run that was shown is gone, the next best one's row is computed again."""
        best: dict[str, _Rank] = {}
        for run_id, known in self._examined.items():
            for row_id, its in known.weights.items():
                best[row_id] = max(best.get(row_id, ((0, 0), "")), (its, run_id))
        lacking = {rank[1] for row_id, rank in best.items() if self._rank_of(row_id) != rank}
        async for run, rows in self._computed([run for run in runs.values() if run.id in lacking]):
            for row in rows:
                self._offer(_Shown(run.id, weight(row), row))

    def _rank_of(self, row_id: str) -> _Rank | None:
        shown = self._shown.get(row_id)
        return shown.rank if shown else None

    async def _computed(self, runs: Sequence[ScoredRun]) -> AsyncIterator[tuple[ScoredRun, list[TableRow]]]:
        for start in range(0, len(runs), AT_ONCE):
            some = runs[start : start + AT_ONCE]
            scores = await self._runs.scores([run.id for run in some])
            for found in await asyncio.to_thread(_rows, self._board, some, scores):
                yield found


def _is_stale(known: _Examined, run: ScoredRun | None) -> bool:
    return run is None or run.change != known.change


def _rows(board: Board, runs: Sequence[ScoredRun], scores: Mapping[str, Sequence[Score]]) -> _RunRows:
    return [(run, rows_of(board, run, scores.get(run.id, ()))) for run in runs]
