"""The rows of a board: what a run measured of it, and what others published."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from shinsa_benchmarks.boards import Board, Cell, Measurement, compute, shot_counts
from shinsa_benchmarks.tallies.intervals import error_or_of_interval

from shinsa_orchestrator.domain.board_table import BoardTable, ScoredRun, TableRow
from shinsa_orchestrator.domain.reference import ReferenceRow, ReferenceTable
from shinsa_orchestrator.domain.report import Score

_URL_SAFE = re.compile(r"[A-Za-z0-9._-]+")


def board_table(board: Board, rows: Iterable[TableRow], references: Sequence[ReferenceTable]) -> BoardTable:
    """Rows in the order in which they are shown; ``references`` are those that ``rows`` holds rows of."""
    sources = tuple(replace(table, rows=()) for table in references)
    return BoardTable(board, tuple(sorted(rows, key=_rank(board))), sources)


def rows_of(board: Board, run: ScoredRun, scores: Sequence[Score]) -> list[TableRow]:
    """A row for each shot count of the board at which the run measured anything; nothing is said of its model."""
    measurements = measured(scores)
    found = (
        TableRow(
            id=_row_id("", run.model, shots if len(board.shots) > 1 else None),
            model=run.model,
            cells=(cells := compute(board, measurements, shots=shots, allow_partial=True)),
            missing=_missing(board, cells),
            shots=shots if len(board.shots) > 1 else None,
            run_id=run.id,
            finished_at=run.finished_at,
            versions=run.versions,
            items=_items(board, scores, shots),
        )
        for shots in shot_counts(board, measurements)
    )
    return [row for row in found if fill(row)]


def fill(row: TableRow) -> int:
    """How many places of the board it fills."""
    return sum(cell.value is not None and cell.complete for cell in row.cells)


def measured(scores: Sequence[Score]) -> list[Measurement]:
    """Scores as they are placed on a board."""
    return [
        Measurement(
            benchmark=score.benchmark,
            shots=score.shots,
            metric=score.metric,
            value=score.value,
            stderr=error_or_of_interval(score.stderr, score.low, score.high),
            primary=score.primary,
        )
        for score in scores
    ]


def reference_rows(board: Board, references: Iterable[ReferenceTable]) -> list[TableRow]:
    """Rows that others published. Values of nodes that the board does not have any more are left out."""
    return [_reference(board, table, row) for table in references for row in table.rows]


def _reference(board: Board, table: ReferenceTable, row: ReferenceRow) -> TableRow:
    given = [one for one in row.given if one.node in board.by_id]
    cells = compute(board, given=given, shots=row.shots, allow_partial=True)
    shots = row.shots if len(board.shots) > 1 else None
    return TableRow(
        id=_row_id(table.source, row.model, shots),
        model=row.model,
        cells=cells,
        missing=_missing(board, cells),
        shots=shots,
        source=table.source,
        version=table.version,
        day=row.day,
        card=row.card,
    )


def _items(board: Board, scores: Sequence[Score], shots: int) -> int:
    """Over the leaves of a row that a run measured."""
    leaves = {(one.benchmark, shots if one.shots is None else one.shots) for node in board.nodes if (one := node.score)}
    return sum(
        score.items
        for score in scores
        if score.primary and "/" not in score.metric and (score.benchmark, score.shots) in leaves
    )


def _missing(board: Board, cells: Iterable[Cell]) -> tuple[str, ...]:
    return next(cell.missing for cell in cells if cell.node == board.root.id)


def _row_id(source: str, model: str, shots: int | None) -> str:
    """Model names of others may hold anything: where that needs escaping, a digest keeps the id unique."""
    name = model
    if not _URL_SAFE.fullmatch(model):
        words = "-".join(_URL_SAFE.findall(model))[:80]
        name = f"{words}.{hashlib.sha256(model.encode('utf-8', 'replace')).hexdigest()[:8]}"
    return "~".join(part for part in (source, name, "" if shots is None else str(shots)) if part)


def _rank(board: Board) -> Callable[[TableRow], tuple[bool, bool, float, str]]:
    place = next(number for number, node in enumerate(board.nodes) if node is board.root)

    def rank(row: TableRow) -> tuple[bool, bool, float, str]:
        total = row.cells[place]
        return (total.value is None, not total.complete, -(total.value or 0.0), row.id)

    return rank
