"""Rows as files: CSV, JSON Lines, Parquet."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from collections.abc import AsyncIterator, Iterable, Sequence
from enum import StrEnum
from importlib import import_module
from typing import Any

from shinsa_chassis.errors import Reason, ShinsaError

Row = dict[str, Any]

# What a spreadsheet would take for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class TableFormat(StrEnum):
    """How rows are written."""

    CSV = "csv"
    JSONL = "jsonl"
    PARQUET = "parquet"


MEDIA_TYPES = {
    TableFormat.CSV: "text/csv; charset=utf-8",
    TableFormat.JSONL: "application/x-ndjson",
    TableFormat.PARQUET: "application/vnd.apache.parquet",
}


def check_available(form: TableFormat) -> None:
    """Raises ``ShinsaError`` (failed_precondition) where a library is missing."""
    if form is TableFormat.PARQUET:
        _parquet()


async def written(pages: AsyncIterator[Sequence[Row]], form: TableFormat) -> AsyncIterator[bytes]:
    """The file, in pieces."""
    if form is TableFormat.PARQUET:
        tables = [await asyncio.to_thread(_arrow_table, page) async for page in pages]
        yield await asyncio.to_thread(_parquet_file, tables)
        return
    first = True
    async for page in pages:
        yield _csv(page, header=first) if form is TableFormat.CSV else _jsonl(page)
        first = False


def _jsonl(rows: Iterable[Row]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode("utf-8", "replace")


def _csv(rows: Sequence[Row], *, header: bool) -> bytes:
    if not rows:
        return b""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    if header:
        writer.writerow(rows[0])
    writer.writerows([_cell(value) for value in row.values()] for row in rows)
    return text.getvalue().encode("utf-8", "replace")


def _cell(value: object) -> object:
    """Text that a spreadsheet would run as a formula gets an apostrophe in front; JSON Lines has it as it is."""
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return value


def _arrow_table(rows: Sequence[Row]) -> Any:
    """Columns take a fraction of the room that rows do."""
    arrow, _ = _parquet()
    return arrow.Table.from_pylist([{name: _column(value) for name, value in row.items()} for row in rows])


def _parquet_file(tables: Sequence[Any]) -> bytes:
    """A column that is empty on one page and filled on another is of the other's type."""
    arrow, parquet = _parquet()
    filled = [table for table in tables if table.num_rows] or list(tables)
    sink = io.BytesIO()
    parquet.write_table(arrow.concat_tables(filled, promote_options="permissive"), sink, compression="zstd")
    return sink.getvalue()


def _column(value: object) -> object:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value


def _parquet() -> tuple[Any, Any]:
    try:
        return import_module("pyarrow"), import_module("pyarrow.parquet")
    except ImportError as error:
        message = "format: this gateway has no Parquet; install shinsa-gateway[parquet], or take csv or jsonl."
        raise ShinsaError(Reason.FAILED_PRECONDITION, message, field="format") from error
