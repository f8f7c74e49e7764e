"""Registered models in the results store."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from shinsa.inference.v1 import model_pb2
from shinsa_chassis.endpoint_presets import COMMON_FIELDS, PRESETS
from sqlalchemy import delete, insert, select
from sqlalchemy.exc import IntegrityError

from shinsa_orchestrator.application.unbroken import unbroken
from shinsa_orchestrator.domain.model import ModelCard, ModelEntry
from shinsa_orchestrator.outbound.board_changes import note_change
from shinsa_orchestrator.outbound.database import Database, now
from shinsa_orchestrator.outbound.model_version import version_of
from shinsa_orchestrator.outbound.results_tables import models

_COLUMNS = (models.c.name, models.c.engine, models.c.entry, models.c.card)


class SqlModelStore:
    """``ModelStore``. What is read back lacks what was only checked when it was registered."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @unbroken
    async def model(self, name: str) -> ModelEntry | None:
        async with self._database.reading() as connection:
            row = (await connection.execute(select(*_COLUMNS).where(models.c.name == name))).one_or_none()
        return None if row is None else _entry(row)

    @unbroken
    async def models(self) -> Sequence[ModelEntry]:
        async with self._database.reading() as connection:
            rows = (await connection.execute(select(*_COLUMNS).order_by(models.c.name))).all()
        return [_entry(row) for row in rows]

    @unbroken
    async def save_model(self, entry: ModelEntry, *, replace: bool) -> bool:
        row = {
            "name": entry.name,
            "engine": entry.engine,
            "entry": entry.document,
            "created_at": now(),
            "card": json.dumps(asdict(entry.card)),
        }
        try:
            async with self._database.writing() as connection:
                if replace:
                    await connection.execute(delete(models).where(models.c.name == entry.name))
                await connection.execute(insert(models).values(row))
                await note_change(connection)
        except IntegrityError:
            return False
        return True

    @unbroken
    async def remove_model(self, name: str) -> bool:
        async with self._database.writing() as connection:
            removed = bool((await connection.execute(delete(models).where(models.c.name == name))).rowcount)
            if removed:
                await note_change(connection)
            return removed


def _entry(row: Any) -> ModelEntry:
    """Entries of before there were cards have none."""
    card = ModelCard(**json.loads(row.card)) if row.card else ModelCard()
    entry = model_pb2.ModelEntry.FromString(row.entry)
    return ModelEntry(
        row.name,
        row.engine,
        row.entry,
        accepts=_accepts(entry.openai) if row.engine == "openai" else (),
        card=card,
        special_tokens=_special_tokens(entry.vllm) if row.engine == "vllm" else None,
        version=version_of(entry),
    )


def _special_tokens(engine: model_pb2.VllmEngine) -> bool | None:
    return engine.add_special_tokens if engine.HasField("add_special_tokens") else None


def _accepts(engine: model_pb2.OpenAiEngine) -> tuple[str, ...]:
    """What an endpoint takes: as its entry says, else as its provider's preset does, else what is common to all."""
    preset = PRESETS.get(engine.preset)
    return tuple(engine.accepts) or (preset.accepts if preset else COMMON_FIELDS)
