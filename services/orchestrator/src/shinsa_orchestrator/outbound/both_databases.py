"""The two databases of an orchestrator: opened together, and waited for until they can be used."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from shinsa_chassis.errors import ShinsaError
from shinsa_chassis.readiness import Readiness

from shinsa_orchestrator.outbound.database import COMMAND_SECONDS, Database, open_database
from shinsa_orchestrator.outbound.migrations.upgrade import RESULTS, SAMPLE_LOG, ensure_current
from shinsa_orchestrator.settings import OrchestratorSettings

# Of the results store and of the sample log.
HISTORIES = (RESULTS, SAMPLE_LOG)
# Between looks at a database that cannot be used yet.
_LOOK_AGAIN_SECONDS = 1.0


@asynccontextmanager
async def both_databases(
    settings: OrchestratorSettings, *, command_seconds: float | None = COMMAND_SECONDS
) -> AsyncIterator[tuple[Database, Database]]:
    """The results store and the sample log; ``command_seconds`` as in ``open_database``."""
    opened = partial(open_database, command_seconds=command_seconds)
    async with (
        opened("results store", settings.results_store, setting="results_url") as results,
        opened("sample log", settings.sample_log_store, setting="sample_log_url") as sample_log,
    ):
        yield results, sample_log


async def until_current(results: Database, sample_log: Database) -> None:
    """Brings the databases up to date, or sees that they are.

    Waits as long as one has no room for that. A database of others is waited for besides: until it can be reached, lets
    us in and was migrated. What is waited for is told meanwhile.
    """
    readiness = Readiness()
    for about, database, history in (("results_store", results, RESULTS), ("sample_log", sample_log, SAMPLE_LOG)):
        short: list[str] = []
        database.told = short.append
        while True:
            try:
                await ensure_current(database, history)
                readiness.note(about, "")
                break
            except ShinsaError as error:
                if database.embedded and error.message not in short:
                    raise
                readiness.note(about, error.message)
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)
