"""Both stores in files, and back: every table as compressed JSON lines, whatever the database.

The results store is read first. So the sample log holds at least what the results store knows of: a run in flight goes
on from it, and what was recorded in between is found again.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from shinsa_chassis.errors import Reason, ShinsaError
from sqlalchemy import MetaData, Row, Table, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from shinsa_orchestrator.outbound import (
    access_tables,
    remark_tables,
    results_tables,
    sample_log_tables,
    submission_tables,
    webhook_tables,
)
from shinsa_orchestrator.outbound.database import Database
from shinsa_orchestrator.outbound.migrations.upgrade import RESULTS, SAMPLE_LOG, History, migrate, versions

FORMAT = 1
MANIFEST = "manifest.json"
# Rows of one insert.
_PIECE = 500
# Modules that add their tables to those of the results store.
_MORE = (access_tables, remark_tables, submission_tables, webhook_tables)
assert all(module.metadata is results_tables.metadata for module in _MORE)

_STORES: tuple[tuple[History, MetaData], ...] = (
    (RESULTS, results_tables.metadata),
    (SAMPLE_LOG, sample_log_tables.metadata),
)


async def back_up(results: Database, sample_log: Database, folder: Path) -> dict[str, int]:
    """Writes both stores to a new folder; rows by table. Each store is read as it was at one moment."""
    _make(folder)
    rows: dict[str, int] = {}
    found = {}
    for database, (history, metadata) in zip((results, sample_log), _STORES, strict=True):
        current, needed = await versions(database, history)
        if current != needed:
            raise _refused(
                f"the {database.name} is at version {current or 'none'}, this program is at {needed}; migrate it first"
            )
        found[history.folder] = current
        async with database.reading() as connection:
            if not database.embedded:
                await connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            for table in metadata.sorted_tables:
                rows[table.name] = await _dump(connection, table, folder / f"{table.name}.jsonl.gz")
    # Last, so that a folder without it is known to be half done.
    manifest = {"format": FORMAT, "versions": found, "rows": rows}
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1), "utf-8")
    return rows


def _make(folder: Path) -> None:
    if folder.exists() and any(folder.iterdir()):
        raise _refused(f"{folder} is not empty; name a new folder")
    folder.mkdir(parents=True, exist_ok=True)


async def restore(results: Database, sample_log: Database, folder: Path) -> dict[str, int]:
    """Fills two databases without rows from such a folder; rows by table."""
    manifest = _manifest(folder)
    for database, (history, metadata) in zip((results, sample_log), _STORES, strict=True):
        await migrate(database, history)
        await _check(database, history, metadata, manifest)
    for database, (_, metadata) in zip((results, sample_log), _STORES, strict=True):
        async with database.writing() as connection:
            for table in metadata.sorted_tables:
                await _load(connection, table, folder, int(manifest["rows"][table.name]))
    return dict(manifest["rows"])


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text("utf-8"))
    except OSError as error:
        raise _refused(f"{folder} holds no finished backup: {MANIFEST} is missing") from error
    if manifest.get("format") != FORMAT:
        raise _refused(f"{folder} is of format {manifest.get('format')}, this program reads {FORMAT}")
    return manifest


async def _check(database: Database, history: History, metadata: MetaData, manifest: dict[str, Any]) -> None:
    current, _ = await versions(database, history)
    written = manifest["versions"][history.folder]
    if current != written:
        raise _refused(
            f"the backup of the {database.name} is of version {written}, this program is at {current}; restore it with "
            "the program that wrote it, then migrate"
        )
    async with database.reading() as connection:
        for table in metadata.sorted_tables:
            # The one row of this table is made with it.
            count = (await connection.execute(select(func.count()).select_from(table))).scalar_one()
            if count and table is not results_tables.changes:
                raise _refused(
                    f"the {database.name} holds {count} rows in {table.name} already; restore into an empty database"
                )


async def _dump(connection: AsyncConnection, table: Table, path: Path) -> int:
    count = 0
    problem = f"{path} cannot be written"
    with _in_words(problem):
        file = gzip.open(path, "wt", compresslevel=5, encoding="utf-8")  # noqa: SIM115 - closed in words, too
    try:
        async for rows in (await connection.stream(select(table))).partitions(_PIECE):
            with _in_words(problem):
                file.writelines(map(_line, rows))
            count += len(rows)
    finally:
        with _in_words(problem):
            file.close()
    return count


def _line(row: Row[Any]) -> str:
    return json.dumps([_written(value) for value in row], ensure_ascii=False, separators=(",", ":")) + "\n"


async def _load(connection: AsyncConnection, table: Table, folder: Path, expected: int) -> None:
    await connection.execute(table.delete())
    count = 0
    for rows in _pieces(folder / f"{table.name}.jsonl.gz", [column.name for column in table.columns]):
        await connection.execute(insert(table), rows)
        count += len(rows)
    if count != expected:
        raise _refused(f"{table.name} holds {count} of {expected} rows; the backup is damaged")


def _pieces(path: Path, names: list[str]) -> Iterator[list[dict[str, Any]]]:
    rows: list[dict[str, Any]] = []
    with _in_words(f"{path} cannot be read; the backup is damaged"), gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            rows.append(dict(zip(names, map(_read, json.loads(line)), strict=True)))
            if len(rows) == _PIECE:
                yield rows
                rows = []
    if rows:
        yield rows


@contextmanager
def _in_words(problem: str) -> Iterator[None]:
    """Says of a file what would else be said of the database."""
    try:
        yield
    except (OSError, EOFError, ValueError) as error:
        raise _refused(f"{problem} ({type(error).__name__}: {error})") from error


def _written(value: object) -> object:
    return {"bytes": base64.b64encode(value).decode()} if isinstance(value, bytes) else value


def _read(value: Any) -> Any:
    return base64.b64decode(value["bytes"]) if isinstance(value, dict) else value


def _refused(message: str) -> ShinsaError:
    return ShinsaError(Reason.FAILED_PRECONDITION, message)
