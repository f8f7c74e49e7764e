"""Boards as tables: kept, and brought up to date behind the backs of those who read them."""

from __future__ import annotations

import asyncio
import operator
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import structlog
from shinsa_benchmarks.boards import Board
from shinsa_chassis.errors import Reason, ShinsaError

from shinsa_orchestrator.application.board_document import Document, Writer
from shinsa_orchestrator.application.board_rows import board_table, reference_rows
from shinsa_orchestrator.application.measured_rows import MeasuredRows
from shinsa_orchestrator.application.refusals import unknown
from shinsa_orchestrator.domain.board_table import BoardTable, TableRow
from shinsa_orchestrator.domain.model import ModelCard, ModelEntry
from shinsa_orchestrator.domain.reference import ReferenceTable
from shinsa_orchestrator.ports.catalog import Catalog
from shinsa_orchestrator.ports.models import ModelStore
from shinsa_orchestrator.ports.references import ReferenceStore
from shinsa_orchestrator.ports.runs import RunStore

log = structlog.get_logger(__name__)

# How long a table may be in the making before readers get the one before. Seconds.
PATIENCE = 2.0


@dataclass(frozen=True, slots=True)
class _Kept:
    """A table, which shows all that had changed when the store's number of changes was ``changes``."""

    changes: int
    table: BoardTable
    document: Document


@dataclass(frozen=True, slots=True)
class _Described:
    """A measured row, what was known of its model, and the row with that."""

    bare: TableRow
    model: tuple[str, ModelCard, bool | None]
    row: TableRow


class BoardTables:
    """The tables of boards. Each is made in the background, by one task however many wait for it.

    Readers wait for it for ``patience`` (seconds) from its beginning; after that they get the one before.
    """

    def __init__(
        self,
        catalog: Catalog,
        runs: RunStore,
        models: ModelStore,
        references: ReferenceStore,
        *,
        patience: float = PATIENCE,
    ) -> None:
        self._catalog = catalog
        self._runs = runs
        self._models = models
        self._references = references
        self._patience = patience
        self._keepers: dict[str, _Keeper] = {}

    def board(self, name: str) -> Board:
        """Raises ``ShinsaError`` (not_found) with near matches."""
        boards = self._catalog.boards()
        if name not in boards:
            error = unknown("board", "board", name, boards)
            raise ShinsaError(Reason.NOT_FOUND, error.message, field="board", near_matches=error.near_matches)
        return boards[name]

    async def table(self, name: str) -> BoardTable:
        return (await self._current(name)).table

    async def document(self, name: str) -> Document:
        return (await self._current(name)).document

    async def _current(self, name: str) -> _Kept:
        return await self._keeper(self.board(name)).current(await self._runs.board_changes(), self._patience)

    def _keeper(self, board: Board) -> _Keeper:
        """Of this very definition of the board."""
        known = self._keepers.get(board.id)
        if known is None or known.board != board:
            known = self._keepers[board.id] = _Keeper(board, self._runs, self._models, self._references)
        return known


class _Keeper:
    """One board's table."""

    def __init__(self, board: Board, runs: RunStore, models: ModelStore, references: ReferenceStore) -> None:
        self.board = board
        self._runs = runs
        self._models = models
        self._references = references
        self._measured = MeasuredRows(board, runs)
        self._described: dict[str, _Described] = {}
        self._published: tuple[Sequence[ReferenceTable], list[TableRow]] = ((), [])
        self._rows: list[TableRow] = []
        self._writer = Writer()
        self._kept: _Kept | None = None
        self._making: asyncio.Task[None] | None = None
        self._begun = 0.0

    async def current(self, changes: int, patience: float) -> _Kept:
        """The table with at least so many changes, or the one before if this one is long in the making."""
        while self._kept is None or self._kept.changes < changes:
            making = self._make()
            left = None if self._kept is None else self._begun + patience - time.monotonic()
            await asyncio.wait({making}, timeout=left)
            if making.done():
                # Whoever failed to make it says why to all who waited.
                making.result()
            elif self._kept is not None:
                break
        return self._kept

    def _make(self) -> asyncio.Task[None]:
        if self._making is None:
            self._begun = time.monotonic()
            self._making = asyncio.create_task(self._made(), name=f"board_{self.board.id}")
            self._making.add_done_callback(self._ended)
        return self._making

    def _ended(self, making: asyncio.Task[None]) -> None:
        self._making = None
        if not making.cancelled() and (error := making.exception()) is not None:
            log.warning("board_not_made", board=self.board.id, problem=str(error))

    async def _made(self) -> None:
        # Read first: what changes while the table is made is seen by the next who asks.
        changes = await self._runs.board_changes()
        measured = await self._measured.current()
        models = {entry.name: entry for entry in await self._models.models()}
        editions = await self._references.tables(self.board.id)
        shown = await self._references.shown(self.board.id) if editions != self._published[0] else None
        self._kept = await asyncio.to_thread(self._written, changes, measured, models, editions, shown)

    def _written(
        self,
        changes: int,
        measured: Sequence[TableRow],
        models: dict[str, ModelEntry],
        editions: Sequence[ReferenceTable],
        shown: Sequence[ReferenceTable] | None,
    ) -> _Kept:
        if shown is not None:
            self._published = (editions, reference_rows(self.board, shown))
        self._described = {row.id: self._with_model(row, models.get(row.model)) for row in measured}
        rows = [*(one.row for one in self._described.values()), *self._published[1]]
        if self._kept is not None and shown is None and _same(rows, self._rows):
            return replace(self._kept, changes=changes)
        self._rows = rows
        table = board_table(self.board, rows, _latest(editions))
        return _Kept(changes, table, self._writer.document(table))

    def _with_model(self, bare: TableRow, entry: ModelEntry | None) -> _Described:
        """The same object as the last time where nothing of it has changed, so that it is not written anew."""
        engine, card, tokens = (entry.engine, entry.card, entry.special_tokens) if entry else ("", ModelCard(), None)
        known = self._described.get(bare.id)
        if known is not None and known.bare is bare and known.model == (engine, card, tokens):
            return known
        settings = {} if tokens is None else {"add_special_tokens": str(tokens)}
        row = replace(bare, engine=engine, card=card, versions={**bare.versions, **settings})
        return _Described(bare, (engine, card, tokens), row)


def _same(rows: Sequence[TableRow], others: Sequence[TableRow]) -> bool:
    """Whether they are the same objects."""
    return len(rows) == len(others) and all(map(operator.is_, rows, others))


def _latest(editions: Sequence[ReferenceTable]) -> list[ReferenceTable]:
    """Of each source the one imported last, which comes first."""
    found: dict[str, ReferenceTable] = {}
    for edition in editions:
        found.setdefault(edition.source, edition)
    return list(found.values())
