"""A board's table as the document that browsers and scripts read."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from shinsa_benchmarks.boards import Board, Cell
from shinsa_benchmarks.boards.model import Node

from shinsa_orchestrator.domain.board_table import BoardTable, TableRow
from shinsa_orchestrator.domain.reference import ReferenceTable

# Beyond the sixth decimal there is nothing to see on a scale from 0 to 1, and the document grows by half.
DECIMALS = 6
# Level 9, the default, takes several times as long for a few per cent.
_GZIP_LEVEL = 5

Json = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Document:
    """JSON, compressed with gzip; ``digest`` is of the text."""

    digest: str
    content: bytes


class Writer:
    """Writes a table again and again; a row that is the same object as the last time is not written anew."""

    def __init__(self) -> None:
        self._written: dict[str, tuple[TableRow, bytes]] = {}

    def document(self, table: BoardTable) -> Document:
        """The same table gives the same bytes."""
        self._written = {row.id: (row, self._text(row)) for row in table.rows}
        head = _text({"board": table.board.id, "title": table.board.titled(), "columns": list(_columns(table.board))})
        rows = b",".join(text for _, text in self._written.values())
        sources = _text([_source(source) for source in table.sources])
        text = b"".join((head[:-1], b',"rows":[', rows, b'],"sources":', sources, b"}"))
        return Document(hashlib.sha256(text).hexdigest()[:32], gzip.compress(text, _GZIP_LEVEL, mtime=0))

    def _text(self, row: TableRow) -> bytes:
        known = self._written.get(row.id)
        return known[1] if known is not None and known[0] is row else _text(_row(row))


def _text(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _columns(board: Board) -> Iterator[Json]:
    for node in board.nodes:
        yield {
            "id": node.id,
            "name": node.titled(),
            "published_names": node.published_names,
            "parent": node.parent,
            "depth": _depth(board, node),
            "kind": "total" if not node.parent else "leaf" if node.score is not None else "category",
            "scale": 100 if node.highest > 1 else 1,
            "weight": node.weight,
        }


def _depth(board: Board, node: Node) -> int:
    return 1 + _depth(board, board.by_id[node.parent]) if node.parent else 0


def _row(row: TableRow) -> Json:
    return {
        "id": row.id,
        "model": row.model,
        "source": "reference" if row.source else "run",
        "source_name": row.source,
        "source_version": row.version,
        "run_id": row.run_id,
        "shots": "" if row.shots is None else str(row.shots),
        "complete": not row.missing,
        "missing": row.missing,
        "finished_at": row.day or _stamp(row.finished_at),
        "meta": _meta(row),
        "cells": {cell.node: _cell(cell) for cell in row.cells},
    }


def _meta(row: TableRow) -> Json:
    card = row.card
    return {
        "type": card.type or None,
        "precision": card.precision or None,
        "size_b": card.size_b,
        "architecture": card.architecture or None,
        "licence": card.licence or None,
        "hub_id": card.hub_id or None,
        "revision": card.revision or None,
        "engine": row.engine or None,
        "versions": row.versions,
    }


def _cell(cell: Cell) -> list[object]:
    return [_rounded(cell.value), _rounded(cell.stderr), cell.complete]


def _rounded(number: float | None) -> float | None:
    return None if number is None else round(number, DECIMALS)


def _source(table: ReferenceTable) -> Json:
    return {
        "name": table.source,
        "version": table.version,
        "format": table.format,
        "note": table.note,
        "imported_at": _stamp(table.imported_at),
    }


def _stamp(seconds: float | None) -> str:
    return "" if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
