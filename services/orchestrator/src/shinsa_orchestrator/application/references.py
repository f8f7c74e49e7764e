"""Tables published elsewhere: imported, listed and removed."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

import structlog
from shinsa_benchmarks.boards.published import FORMATS, Published, PublishedRow, TableError, read_published
from shinsa_chassis.errors import Reason, ShinsaError

from shinsa_orchestrator.application.board_tables import BoardTables
from shinsa_orchestrator.application.refusals import unknown
from shinsa_orchestrator.domain.model import ModelCard, check_card
from shinsa_orchestrator.domain.reference import ReferenceRow, ReferenceTable
from shinsa_orchestrator.ports.references import ReferenceStore

log = structlog.get_logger(__name__)

# Both stand in the ids of rows and in paths.
_SOURCE = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


@dataclass(frozen=True, slots=True)
class Import:
    """A table to be imported; see ``ReferenceTable``. ``content`` is the file's text."""

    board: str
    source: str
    version: str
    format: str
    content: str
    note: str = ""
    percent: bool = False
    replace: bool = False
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Imported:
    """``stored`` is False where the same rows were there already, or nothing was to be stored."""

    table: ReferenceTable
    unknown_columns: tuple[str, ...]
    skipped: tuple[str, ...]
    stored: bool


class ReferenceDesk:
    """Keeps reference tables. Of each source the edition imported last is shown."""

    def __init__(self, references: ReferenceStore, boards: BoardTables) -> None:
        self._references = references
        self._boards = boards

    async def add(self, wanted: Import) -> Imported:
        """The same edition with the same rows again changes nothing; with others it must be said to ``replace``.

        Raises ``ShinsaError`` that names row and column of what cannot be taken.
        """
        _check(wanted)
        board = self._boards.board(wanted.board)
        try:
            found = await asyncio.to_thread(
                read_published, wanted.content, board, wanted.format, percent=wanted.percent
            )
        except TableError as error:
            raise ShinsaError(Reason.INVALID_ARGUMENT, f"content: {error}", field="content") from error
        table = _table(wanted, found)
        stored = False if wanted.dry_run else await self._store(table, replace_=wanted.replace)
        return Imported(table, found.ignored, found.skipped, stored)

    async def listing(self, board: str) -> Sequence[ReferenceTable]:
        return await self._references.tables(self._boards.board(board).id)

    async def remove(self, board: str, source: str, version: str) -> None:
        """Raises ``ShinsaError`` (not_found)."""
        if not await self._references.remove_table(self._boards.board(board).id, source, version):
            known = [f"{table.source} {table.version}" for table in await self._references.tables(board)]
            error = unknown("source", "reference table", f"{source} {version}", known)
            raise ShinsaError(Reason.NOT_FOUND, error.message, field="source", near_matches=error.near_matches)
        log.info("references_removed", board=board, source=source, version=version)

    async def _store(self, table: ReferenceTable, *, replace_: bool) -> bool:
        known = await self._references.table(table.board, table.source, table.version)
        if known is not None and known.digest == table.digest:
            return False
        if not await self._references.add_table(table, replace=replace_):
            raise ShinsaError(
                Reason.ALREADY_EXISTS,
                f"version: {table.source} {table.version} is imported with other rows; give the edition another "
                "version, or say `replace`",
                field="version",
            )
        log.info(
            "references_imported", board=table.board, source=table.source, version=table.version, rows=len(table.rows)
        )
        return True


def _check(wanted: Import) -> None:
    if wanted.format not in FORMATS:
        raise unknown("format", "format", wanted.format, FORMATS)
    for field, text, form in (("source", wanted.source, _SOURCE), ("version", wanted.version, _VERSION)):
        if not form.fullmatch(text):
            small = "small letters" if field == "source" else "letters"
            problem = f"{field}: {text!r} cannot name it; use {small}, digits, '.', '_' and '-'"
            raise ShinsaError(Reason.INVALID_ARGUMENT, problem, field=field)


def _table(wanted: Import, found: Published) -> ReferenceTable:
    rows = tuple(_row(row) for row in found.rows)
    text = json.dumps([asdict(row) for row in rows], sort_keys=True)
    digest = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
    bare = ReferenceTable(wanted.board, wanted.source, wanted.version, wanted.format, digest, wanted.note)
    return replace(bare, rows=rows)


def _row(row: PublishedRow) -> ReferenceRow:
    card = ModelCard(**asdict(row.known))
    check_card(card, f"content: model {row.model!r}")
    return ReferenceRow(row.model, row.given, row.shots, card)
