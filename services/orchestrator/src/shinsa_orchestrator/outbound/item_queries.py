"""Items of the sample log as they are listed, tallied and counted."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from shinsa_benchmarks.vocabulary import Status
from sqlalchemy import Select, exists, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from shinsa_orchestrator.domain.item import FinishedItem, ItemFilter, OutcomeRow, StatusCount
from shinsa_orchestrator.outbound.database import cleaned
from shinsa_orchestrator.outbound.sample_log_readings import finished_item
from shinsa_orchestrator.outbound.sample_log_tables import items, steps


async def listed(connection: AsyncConnection, wanted: ItemFilter, *, after: int, limit: int) -> list[FinishedItem]:
    """Those with a position greater than ``after``, in order of position."""
    # What is greater than a column can hold is in none of its rows.
    query = select(items).where(items.c.run_id == wanted.run_id, items.c.position > min(after, 2**62))
    rows = await connection.execute(_filtered(query, wanted).order_by(items.c.position).limit(limit))
    return [finished_item(row) for row in rows]


def _filtered(query: Select[Any], wanted: ItemFilter) -> Select[Any]:
    if wanted.benchmark:
        query = query.where(items.c.benchmark == wanted.benchmark)
    if wanted.status is not None:
        query = query.where(items.c.status == wanted.status.value)
    if wanted.category:
        query = query.where(items.c.category == wanted.category)
    if wanted.wrong_only:
        query = query.where(items.c.wrong)
    if wanted.disagreed_only:
        mine = (steps.c.run_id == items.c.run_id, steps.c.shard == items.c.shard, steps.c.item_id == items.c.id)
        query = query.where(exists().where(*mine, steps.c.disagreed))
    if wanted.reason:
        query = query.where(items.c.reason == wanted.reason)
    if wanted.shots is not None:
        query = query.where(items.c.shots == min(wanted.shots, 2**31 - 1))
    if wanted.sample_id:
        query = query.where(items.c.sample_id == cleaned(wanted.sample_id))
    return query


async def outcomes(
    connection: AsyncConnection, run_id: str, positions: range, *, limit: int
) -> tuple[range, list[OutcomeRow]]:
    """The first outcomes at these positions, in the order of the plan, and the positions that are left after them."""
    columns = (items.c.position, items.c.sample_id, items.c.repetition, items.c.category)
    query = select(*columns, items.c.status, items.c.metrics).order_by(items.c.position).limit(limit)
    # Said with the bounds of a line and not with its number: so the index gives its items alone.
    query = query.where(items.c.run_id == run_id, items.c.position.between(positions.start, positions.stop - 1))
    rows = (await connection.execute(query)).all()
    found = [OutcomeRow(row[1], row[2], row[3], Status(row[4]), _metrics(row[5])) for row in rows]
    return range(rows[-1][0] + 1 if rows else positions.stop, positions.stop), found


@lru_cache(4096)
def _metrics(text: str) -> Mapping[str, float]:
    """Few outcomes of a benchmark differ in their values."""
    return MappingProxyType(json.loads(text))


async def by_status(connection: AsyncConnection, run_id: str) -> list[StatusCount]:
    """How the items of each line ended."""
    group = (items.c.line, items.c.benchmark, items.c.status, items.c.reason)
    query = select(*group, func.count()).where(items.c.run_id == run_id).group_by(*group).order_by(*group)
    return [StatusCount(r[0], r[1], Status(r[2]), r[3], r[4]) for r in await connection.execute(query)]
