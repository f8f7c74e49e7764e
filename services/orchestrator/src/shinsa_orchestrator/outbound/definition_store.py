"""Kept definitions in the results store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite

from shinsa_orchestrator.application.unbroken import unbroken
from shinsa_orchestrator.outbound.database import Database
from shinsa_orchestrator.outbound.results_tables import definitions


class SqlDefinitionStore:
    """``DefinitionStore``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @unbroken
    async def keep(self, documents: Mapping[str, bytes]) -> None:
        rows = [{"digest": digest, "document": document} for digest, document in sorted(documents.items())]
        if not rows:
            return
        dialect: Any = sqlite if self._database.embedded else postgresql
        async with self._database.writing() as connection:
            await connection.execute(dialect.insert(definitions).values(rows).on_conflict_do_nothing())

    @unbroken
    async def kept(self, digests: Sequence[str]) -> Mapping[str, bytes]:
        query = select(definitions.c.digest, definitions.c.document).where(definitions.c.digest.in_(list(digests)))
        async with self._database.reading() as connection:
            return {row.digest: row.document for row in await connection.execute(query)}
