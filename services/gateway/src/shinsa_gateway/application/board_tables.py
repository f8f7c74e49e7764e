"""Board tables for many readers: one question to the orchestrator serves all who ask in the same moment."""

from __future__ import annotations

import asyncio
import gzip
import json
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shinsa_gateway.domain.board_table import TableDocument
from shinsa_gateway.ports.orchestrator import Orchestrator

# What a reader sees may be so much older than the orchestrator's. Seconds.
FRESH_SECONDS = 1.0
_MOST_BOARDS = 32


@dataclass(frozen=True, slots=True)
class RowFilter:
    """Which rows: empty fields do not filter; ``model`` is part of a name, several with ";" (any of them)."""

    shots: str = ""
    source: str = ""
    model: str = ""

    def takes(self, row: Mapping[str, Any]) -> bool:
        terms = [term.strip().casefold() for term in self.model.split(";") if term.strip()]
        name = str(row["model"]).casefold()
        return (
            self.shots in ("", row["shots"])
            and self.source in ("", row["source"], row["source_name"])
            and (not terms or any(term in name for term in terms))
        )


@dataclass(slots=True)
class _Kept:
    document: TableDocument
    asked_at: float


class BoardTables:
    """Keeps the documents that were asked for last."""

    def __init__(self, orchestrator: Orchestrator, *, fresh_seconds: float = FRESH_SECONDS) -> None:
        self.orchestrator = orchestrator
        self._fresh_seconds = fresh_seconds
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._asking: dict[str, asyncio.Task[TableDocument]] = {}

    async def document(self, board: str) -> TableDocument:
        """The board's table. Raises ``ShinsaError`` (not_found) for an unknown board."""
        kept = self._kept.get(board)
        if kept is not None and time.monotonic() - kept.asked_at < self._fresh_seconds:
            return kept.document
        if board not in self._asking:
            task = self._asking[board] = asyncio.create_task(self._ask(board))
            task.add_done_callback(lambda _: self._asking.pop(board, None))
        # One reader who goes away must not take the answer from the others.
        return await asyncio.shield(self._asking[board])

    async def _ask(self, board: str) -> TableDocument:
        asked_at = time.monotonic()
        kept = self._kept.get(board)
        answer = await self.orchestrator.get_board_table(board, known_digest=kept.document.digest if kept else "")
        document = kept.document if kept and answer.digest == kept.document.digest else answer
        self._kept[board] = _Kept(document, asked_at)
        self._kept.move_to_end(board)
        if len(self._kept) > _MOST_BOARDS:
            self._kept.popitem(last=False)
        return document


def filtered(document: TableDocument, wanted: RowFilter) -> bytes:
    """The table's JSON with the rows that are wanted."""
    table = json.loads(gzip.decompress(document.content))
    table["rows"] = [row for row in table["rows"] if wanted.takes(row)]
    return json.dumps(table, ensure_ascii=False, separators=(",", ":")).encode()
