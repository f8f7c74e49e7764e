"""Analyses of boards: checks what is asked, picks rows and columns, and writes what was found."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence

from shinsa_benchmarks.analyses import SIZES, Dropped, Observation
from shinsa_benchmarks.boards import Board
from shinsa_benchmarks.boards.model import Node
from shinsa_chassis.errors import Reason, ShinsaError

from shinsa_orchestrator.application.analysis_data import Finding, Question, find
from shinsa_orchestrator.application.board_tables import BoardTables
from shinsa_orchestrator.application.refusals import unknown
from shinsa_orchestrator.domain.analysis import GROUPINGS, METHODS, AnalysisKind, AnalysisRequest
from shinsa_orchestrator.domain.board_table import BoardTable, TableRow


class AnalysisRoom:
    """Analyses what the tables of boards show at the moment."""

    def __init__(self, tables: BoardTables) -> None:
        self._tables = tables

    async def analyse(self, asked: AnalysisRequest) -> bytes:
        """JSON, or CSV with ``asked.csv``. Raises ``ShinsaError`` that names the field."""
        _check(asked)
        table = await self._tables.table(asked.board)
        return await asyncio.to_thread(analysed, table, asked)


def analysed(table: BoardTable, asked: AnalysisRequest) -> bytes:
    """As ``AnalysisRoom.analyse``."""
    columns = _columns(table.board, asked.columns)
    rows = _rows(table, asked)
    # A value of which a part is missing is no value here.
    observations = [observation(row) for row in rows]
    fixed = {column: shots for column in columns for shots in _only_shots(table.board, table.board.by_id[column])}
    try:
        finding = find(Question(asked, observations, columns, fixed))
    except ValueError as error:
        raise ShinsaError(Reason.FAILED_PRECONDITION, f"{asked.kind}: {error}", field="rows") from error
    return _csv(finding) if asked.csv else _json(asked, finding)


def observation(row: TableRow) -> Observation:
    """A row of a board's table as analyses take it."""
    return Observation(
        row=row.id,
        model=row.model,
        values={cell.node: cell.value for cell in row.cells if cell.complete},
        shots=row.shots,
        size_b=row.card.size_b,
        architecture=row.card.architecture,
        type=row.card.type,
    )


def _check(asked: AnalysisRequest) -> None:
    kinds = [kind.value for kind in AnalysisKind]
    if asked.kind not in kinds:
        error = unknown("kind", "analysis", asked.kind, kinds)
        raise ShinsaError(Reason.NOT_FOUND, error.message, field="kind", near_matches=error.near_matches)
    for field, word, words in (("by", asked.by, GROUPINGS), ("method", asked.method, METHODS)):
        if word and word not in words:
            raise unknown(field, field, word, words)


def _columns(board: Board, wanted: Sequence[str]) -> list[str]:
    for name in wanted:
        if name not in board.by_id:
            raise unknown("columns", "column", name, board.by_id)
    below = [node.id for node in board.children(board.root.id) if node.weight]
    return list(dict.fromkeys(wanted)) or below or [board.root.id]


def _rows(table: BoardTable, asked: AnalysisRequest) -> Iterable[TableRow]:
    wanted = dict.fromkeys(asked.rows)
    known = {row.id: row for row in table.rows}
    for name in wanted:
        if name not in known:
            raise unknown("rows", "row", name, known)
    counts = {str(shots) for shots in table.board.shots}
    if asked.shots and asked.shots not in counts:
        raise unknown("shots", "shot count", asked.shots, counts)
    rows = [known[name] for name in wanted] or list(table.rows)
    return [row for row in rows if not asked.shots or str(row.shots) == asked.shots]


def _only_shots(board: Board, node: Node) -> Iterator[int]:
    """The one shot count at which everything below a node is measured, if there is one and rows have others too."""
    found = {leaf.score.shots if leaf.score else None for leaf in _leaves(board, node)}
    if len(board.shots) > 1 and len(found) == 1:
        yield from (shots for shots in found if shots is not None)


def _leaves(board: Board, node: Node) -> Iterator[Node]:
    if node.score is not None:
        yield node
    for _, part in board.parts(node):
        yield from _leaves(board, part)


def _json(asked: AnalysisRequest, finding: Finding) -> bytes:
    document = {
        "kind": asked.kind,
        "board": asked.board,
        "n_rows": len(finding.selection.kept),
        "dropped": [_dropped(one) for one in finding.selection.dropped],
        "data": finding.data,
    }
    return json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def _harmless(value: object) -> object:
    """Text that a spreadsheet would run as a formula begins with an apostrophe."""
    if not isinstance(value, str) or value in SIZES:
        return value
    return f"'{value}" if value[:1] in ("=", "+", "-", "@", "\t", "\r") else value


def _dropped(one: Dropped) -> dict[str, str]:
    return {"row": one.row, "why": one.why}


def _csv(finding: Finding) -> bytes:
    """With a byte order mark, without which spreadsheets misread Japanese."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(finding.records[0]) if finding.records else [], lineterminator="\r\n")
    writer.writeheader()
    writer.writerows({name: _harmless(value) for name, value in record.items()} for record in finding.records)
    return text.getvalue().encode("utf-8-sig")
