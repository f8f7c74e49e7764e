"""The rows of a board that were measured here, each computed once for as long as its run's scores stay."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass

from shinsa_benchmarks.boards import Board

from shinsa_orchestrator.application.board_rows import fill, rows_of
from shinsa_orchestrator.domain.board_table import ScoredRun, TableRow
from shinsa_orchestrator.domain.report import Score
from shinsa_orchestrator.ports.runs import RunStore

# Runs whose scores are read and computed together: no step of it keeps others waiting for long.
AT_ONCE = 16

_RunRows = list[tuple[ScoredRun, list[TableRow]]]


@dataclass(frozen=True, slots=True)
class _Weight:
    """Of a row that a run could give: how many places of the board it fills, from how many items."""

    fill: int
    items: int


class MeasuredRows:
    """Of every run it is kept what its rows weigh; rows are kept of those runs alone that are shown."""

    def __init__(self, board: Board, runs: RunStore) -> None:
        self._board = board
        self._runs = runs
        # Of runs whose rows have been weighed: their ``change`` at that time.
        self._changes: dict[str, int] = {}
        # By id of the row and id of the run.
        self._weights: dict[str, dict[str, _Weight]] = {}
        self._shown: dict[str, TableRow] = {}

    async def current(self) -> list[TableRow]:
        """One row for each id, as the store has it now. Not to be called while a call is under way."""
        runs = {run.id: run for run in await self._runs.scored_runs()}
        self._forget({known for known, change in self._changes.items() if _is_stale(change, runs.get(known))})
        async for run, rows in self._computed([run for run in runs.values() if run.id not in self._changes]):
            self._changes[run.id] = run.change
            for row in rows:
                self._weights.setdefault(row.id, {})[run.id] = _Weight(fill(row), row.items)
                self._show(row)
        await self._restore(runs)
        return list(self._shown.values())

    def _forget(self, gone: Collection[str]) -> None:
        if gone:
            self._changes = {run_id: change for run_id, change in self._changes.items() if run_id not in gone}
            kept = ((row_id, _without(weights, gone)) for row_id, weights in self._weights.items())
            self._weights = {row_id: weights for row_id, weights in kept if weights}
            self._shown = {row_id: row for row_id, row in self._shown.items() if row.run_id not in gone}

    def _show(self, row: TableRow) -> None:
        if _best(self._weights[row.id]) == row.run_id:
            self._shown[row.id] = row

    async def _restore(self, runs: Mapping[str, ScoredRun]) -> None:
        """Where the run that was shown is gone, the next best one's row is computed again."""
        best = ((self._shown.get(row_id), _best(weights)) for row_id, weights in self._weights.items())
        lacking = {run_id for shown, run_id in best if shown is None or shown.run_id != run_id}
        async for _run, rows in self._computed([run for run in runs.values() if run.id in lacking]):
            for row in rows:
                self._show(row)

    async def _computed(self, runs: Sequence[ScoredRun]) -> AsyncIterator[tuple[ScoredRun, list[TableRow]]]:
        for start in range(0, len(runs), AT_ONCE):
            some = runs[start : start + AT_ONCE]
            scores = await self._runs.scores([run.id for run in some])
            for found in await asyncio.to_thread(_rows, self._board, some, scores):
                yield found


def _best(weights: Mapping[str, _Weight]) -> str:
    """The newest run of those that fill most of the row, and not from less than half of the items that another has.

    So a run of a few samples, to see that all works, does not take the place of a whole one.
    """
    fullest = max(weight.fill for weight in weights.values())
    full = {run_id: weight.items for run_id, weight in weights.items() if weight.fill == fullest}
    most = max(full.values())
    return max(run_id for run_id, items in full.items() if 2 * items >= most)


def _without(weights: Mapping[str, _Weight], gone: Collection[str]) -> dict[str, _Weight]:
    return {run_id: weight for run_id, weight in weights.items() if run_id not in gone}


def _is_stale(change: int, run: ScoredRun | None) -> bool:
    return run is None or run.change != change


def _rows(board: Board, runs: Sequence[ScoredRun], scores: Mapping[str, Sequence[Score]]) -> _RunRows:
    return [(run, rows_of(board, run, scores.get(run.id, ()))) for run in runs]
