"""What a board of 1,000 models at two shot counts costs, when a run has finished and when it is read.

From one SQLite store, through the orchestrator's own rooms and the gateway's own application, in one process without a
network: (1) the table made whole against the table brought up to date after one more run, with the longest time that
the event loop stood still meanwhile; (2) readers of the table's document against readers of the board row by row, one
after the other, 200 at once, and 200 while a table is in the making.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import httpx
import structlog
from shinsa_benchmarks.discovery import boards
from shinsa_chassis.lifecycle import Drain
from shinsa_gateway.domain.access import Keyring
from shinsa_gateway.domain.board import Board
from shinsa_gateway.domain.board_table import TableDocument
from shinsa_gateway.inbound.http.app import HttpLimits, create_app
from shinsa_gateway.inbound.http.dependencies import Streaming
from shinsa_gateway.outbound.wire.catalog import read_board
from shinsa_gateway.ports.services import Services
from shinsa_orchestrator.application.board_tables import BoardTables
from shinsa_orchestrator.application.boards import BoardRoom
from shinsa_orchestrator.domain.progress import Progress
from shinsa_orchestrator.domain.report import Score
from shinsa_orchestrator.domain.run import Plan, PlannedBenchmark, Run, RunSpec, RunState
from shinsa_orchestrator.inbound import report_messages
from shinsa_orchestrator.outbound.database import Database, open_database
from shinsa_orchestrator.outbound.installed_catalog import InstalledCatalog
from shinsa_orchestrator.outbound.migrations.upgrade import RESULTS, migrate
from shinsa_orchestrator.outbound.model_store import SqlModelStore
from shinsa_orchestrator.outbound.reference_store import SqlReferenceStore
from shinsa_orchestrator.outbound.run_store import SqlRunStore

BOARD = "open-ja"


def leaves() -> list[str]:
    return sorted({node.score.benchmark for node in boards()[BOARD].nodes if node.score})


async def add(store: SqlRunStore, number: int) -> None:
    """A complete run with a score for every leaf at both shot counts."""
    lines = [PlannedBenchmark(name, "1", shots, 1, 1, "specimen", "d", ()) for name in leaves() for shots in (0, 4)]
    run = Run(f"r{number:05}", RunSpec(f"model-{number:04}"), Plan(tuple(lines), {}, 100, 8), created_at=1.0)
    measured = ((number % 97) / 97, 0.01, 0.1, 0.9, 1, 0, 0, 1, None, None, "0-1")
    scores = [Score(line.benchmark, line.shots, "accuracy", True, *measured) for line in lines]
    await store.add_run(run, [Progress()], "")
    await store.release("", (run.id, 0), Progress(), done=True)
    await store.finish(run.id, 1, RunState.COMPLETE, Progress(), scores, {"shinsa": "1.0"})


class Behind:
    """The orchestrator's rooms as the gateway's port has them, messages included."""

    def __init__(self, tables: BoardTables, room: BoardRoom) -> None:
        self._tables, self._room = tables, room

    async def get_board_table(self, board: str, *, known_digest: str = "") -> TableDocument:
        found = await self._tables.document(board)
        return TableDocument(found.digest, b"" if found.digest == known_digest else found.content)

    async def get_board(self, board: str) -> Board:
        message = report_messages.board(*await self._room.board(board))
        return read_board(type(message).FromString(message.SerializeToString()))


async def timed(client: httpx.AsyncClient, path: str) -> tuple[float, httpx.Response]:
    began = time.perf_counter()
    answer = await client.get(path)
    assert answer.status_code == 200, answer.text[:200]
    return time.perf_counter() - began, answer


@dataclass
class Pulse:
    """The longest time for which the event loop stood still, in seconds."""

    longest: float = 0.0

    async def beat(self) -> None:
        while True:
            before = time.perf_counter()
            await asyncio.sleep(0.001)
            self.longest = max(self.longest, time.perf_counter() - before)


@contextlib.asynccontextmanager
async def pulse() -> AsyncIterator[Pulse]:
    measured = Pulse()
    beating = asyncio.create_task(measured.beat())
    await asyncio.sleep(0.01)
    try:
        yield measured
    finally:
        beating.cancel()


async def made(tables: BoardTables) -> tuple[float, float]:
    """Seconds until the table is there, and the longest standstill."""
    async with pulse() as measured:
        began = time.perf_counter()
        await tables.document(BOARD)
        return time.perf_counter() - began, measured.longest


async def after_a_run(database: Database, arguments: argparse.Namespace) -> BoardTables:
    """Prints what one more run costs; the tables that were kept."""
    runs = SqlRunStore(database)
    stores = InstalledCatalog(None), runs, SqlModelStore(database), SqlReferenceStore(database)
    kept = BoardTables(*stores, patience=600)
    first, stood = await made(kept)
    print(f"the first table                 {first:8.3f} s, event loop stood still for at most {stood * 1000:.0f} ms")
    changed, whole = [], []
    for number in range(arguments.repeat):
        await add(runs, arguments.models + number)
        changed.append(await made(kept))
        whole.append(await made(BoardTables(*stores, patience=600)))
    for name, times in (("brought up to date", changed), ("made whole", whole)):
        spent, stood = (statistics.median(column) for column in zip(*times, strict=True))
        print(f"after one more run: {name:<18}{spent:8.3f} s, stood still for at most {stood * 1000:.0f} ms")
    ratio = statistics.median(a[0] / b[0] for a, b in zip(whole, changed, strict=True))
    print(f"ratio, whole to up to date      {ratio:.1f}")
    return kept


async def read(database: Database, tables: BoardTables, arguments: argparse.Namespace) -> None:
    # Of the gateway's services only the one is asked.
    services = SimpleNamespace(orchestrator=Behind(tables, BoardRoom(InstalledCatalog(None), tables)))
    app = create_app(cast("Services", services), Keyring(), HttpLimits(1 << 20), Streaming(15, Drain().wait))
    path = f"/v1/boards/{BOARD}"
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as client:
        _, answer = await timed(client, f"{path}/table")
        table = answer.json()
        print(f"rows {len(table['rows'])}, columns {len(table['columns'])}, JSON {len(answer.content):,} bytes")
        row_by_row = statistics.median([(await timed(client, path))[0] for _ in range(arguments.repeat)])
        kept = statistics.median([(await timed(client, f"{path}/table"))[0] for _ in range(arguments.repeat)])
        print(f"one reader                      table {kept:8.3f} s   row by row {row_by_row:8.3f} s")
        print(f"ratio, row by row to table      {row_by_row / kept:.0f}")
        print(f"200 at once, unpacked by each   {await p95(client, path):.3f} s p95")
        await asyncio.sleep(1.1)  # So long a table counts as fresh for the gateway.
        await add(SqlRunStore(database), arguments.models + arguments.repeat)
        print(f"200 after one more run          {await p95(client, path):.3f} s p95")
        tag = {"If-None-Match": (await client.get(f"{path}/table")).headers["etag"]}
        began = time.perf_counter()
        unchanged = await asyncio.gather(*(client.get(f"{path}/table", headers=tag) for _ in range(200)))
        assert {one.status_code for one in unchanged} == {304}
        print(f"200 who have it already         {time.perf_counter() - began:.3f} s together")


async def p95(client: httpx.AsyncClient, path: str) -> float:
    times = [spent for spent, _ in await asyncio.gather(*(timed(client, f"{path}/table") for _ in range(200)))]
    return statistics.quantiles(times, n=20)[-1]


async def main() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=int, default=1000)
    parser.add_argument("--repeat", type=int, default=3)
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite+aiosqlite:///{Path(folder) / 'results.sqlite3'}"
        async with open_database("results store", url, setting="results_url") as database:
            await migrate(database, RESULTS)
            arguments = parser.parse_args()
            for number in range(arguments.models):
                await add(SqlRunStore(database), number)
            await read(database, await after_a_run(database, arguments), arguments)


if __name__ == "__main__":
    asyncio.run(main())
