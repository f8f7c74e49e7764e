"""What counts as a database that is away for a while, and what does not."""

from __future__ import annotations

import asyncio
import socket
import struct
from pathlib import Path

import pytest
import uvloop
from shinsa_chassis.errors import Reason, ShinsaError
from shinsa_orchestrator.outbound.database import Database, open_database
from sqlalchemy.exc import DBAPIError


class ServerError(Exception):
    def __init__(self, sqlstate: str) -> None:
        super().__init__(f"state {sqlstate}")
        self.sqlstate = sqlstate


async def failing_with(error: Exception, folder: Path) -> None:
    async with (
        open_database(
            "results store", f"sqlite+aiosqlite:///{folder / 'x.sqlite3'}", setting="results_url"
        ) as database,
        database.reading(),
    ):
        raise error


@pytest.mark.parametrize("sqlstate", ["57P01", "57P02", "57P03", "08003", "08006", "40P01", "53200"])
async def test_a_server_that_is_away_or_busy_is_unavailable(sqlstate: str, tmp_path: Path) -> None:
    for error in (ServerError(sqlstate), DBAPIError("SELECT 1", {}, ServerError(sqlstate))):
        with pytest.raises(ShinsaError) as caught:
            await failing_with(error, tmp_path)
        assert (caught.value.reason, caught.value.retryable) == (Reason.UNAVAILABLE, True)


def test_a_connection_that_closes_while_it_is_written_to_is_unavailable(tmp_path: Path) -> None:
    """By uvloop, as services run: it refuses with another error than asyncio to write to what is closed."""

    async def write_to_closed() -> None:
        async with await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0) as server:
            _reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            writer.transport.abort()
            await asyncio.sleep(0)
            writer.write(b"x")

    with pytest.raises(RuntimeError) as closed:
        uvloop.run(write_to_closed())
    with pytest.raises(ShinsaError) as caught:
        asyncio.run(failing_with(closed.value, tmp_path))
    assert (caught.value.reason, caught.value.retryable) == (Reason.UNAVAILABLE, True)


@pytest.mark.parametrize("error", [ServerError("42601"), RuntimeError("a bug")])
async def test_another_error_is_no_absence(error: Exception, tmp_path: Path) -> None:
    with pytest.raises(type(error)):
        await failing_with(error, tmp_path)


async def _write(database: Database, pages: int) -> None:
    """A large row, where SQLite may take so many pages: beyond its own bound it fails as on a disk without room."""
    async with database.writing() as connection:
        await connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
        await connection.exec_driver_sql("INSERT INTO kept VALUES (2, zeroblob(1000000))")


async def test_a_full_disk_is_said_and_nothing_recorded_is_lost(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'full.sqlite3'}"
    async with open_database("results store", url, setting="x") as database:
        async with database.writing() as connection:
            await connection.exec_driver_sql("CREATE TABLE kept (number INTEGER, filling BLOB)")
            await connection.exec_driver_sql("INSERT INTO kept VALUES (1, zeroblob(10))")
        with pytest.raises(ShinsaError, match="has no room") as refused:
            await _write(database, 4)
        assert refused.value.retryable
        await _write(database, 100_000)
        async with database.reading() as connection:
            rows = (await connection.exec_driver_sql("SELECT number FROM kept ORDER BY number")).scalars().all()
    assert list(rows) == [1, 2]


@pytest.mark.parametrize("reset", [False, True])
async def test_a_server_that_hangs_up_while_it_is_greeted_is_unavailable(reset: bool) -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(8)
        # It has no TLS; then comes the greeting.
        writer.write(b"N")
        await reader.read(1)
        if reset:
            linger = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        url = f"postgresql+asyncpg://nobody@127.0.0.1:{server.sockets[0].getsockname()[1]}/none"
        async with open_database("results store", url, setting="results_url") as database:
            with pytest.raises(ShinsaError, match="the results store cannot be reached") as refused:
                async with database.reading():
                    pass
    assert (refused.value.reason, refused.value.retryable) == (Reason.UNAVAILABLE, True)
