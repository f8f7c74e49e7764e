"""A mesh without network over SQLite files."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from shinsa_orchestrator.outbound.database import Database, open_database
from shinsa_orchestrator.outbound.migrations.upgrade import RESULTS, SAMPLE_LOG, ensure_current
from shinsa_orchestrator.outbound.model_store import SqlModelStore
from shinsa_orchestrator.outbound.sample_log import SqlSampleLog
from unit.orchestrator.world import MODEL, World


@asynccontextmanager
async def _stores(folder: Path) -> AsyncIterator[tuple[Database, Database]]:
    urls = [f"sqlite+aiosqlite:///{folder / name}.sqlite3" for name in ("results", "log")]
    async with (
        open_database("results store", urls[0], setting="results_url") as results,
        open_database("sample log", urls[1], setting="sample_log_url") as sample_log,
    ):
        yield results, sample_log


@pytest.fixture(scope="session")
def empty_stores(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with both databases at their newest version; tests copy it."""
    folder = tmp_path_factory.mktemp("stores")

    async def build() -> None:
        async with _stores(folder) as (results, sample_log):
            await ensure_current(results, RESULTS)
            await ensure_current(sample_log, SAMPLE_LOG)
            await SqlModelStore(results).save_model(MODEL, replace=False)

    asyncio.run(build())
    return folder


@pytest.fixture
async def world(tmp_path: Path, empty_stores: Path) -> AsyncIterator[World]:
    folder = shutil.copytree(empty_stores, tmp_path / "stores")
    async with _stores(folder) as (results, sample_log):
        built = World(results, SqlSampleLog(sample_log))
        yield built
        await built.close()
