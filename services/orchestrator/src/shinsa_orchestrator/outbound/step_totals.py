"""How many steps of a run were asked and what they used up, counted in the sample log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Integer, case, cast, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from shinsa_orchestrator.domain.item import JudgeTotals, StepTotals
from shinsa_orchestrator.outbound.sample_log_tables import steps

_TOKENS_AND_COST = (
    func.sum(steps.c.prompt_tokens),
    func.sum(steps.c.completion_tokens),
    func.sum(func.coalesce(steps.c.cost, 0.0)),
)


async def by_kind(connection: AsyncConnection, run_id: str) -> Sequence[StepTotals]:
    """Of all steps, each kind apart."""
    failed, adopted = (func.sum(cast(column, Integer)) for column in (steps.c.failed, steps.c.adopted))
    asks = func.sum(case((steps.c.adopted, 0), else_=steps.c.attempt))
    # A failure of the orchestrator's own making was delivered by nobody.
    ours = steps.c.adopted | (steps.c.deliveries < 1)
    deliveries = func.sum(case((ours, 0), else_=steps.c.deliveries - 1))
    query = select(steps.c.kind, func.count(), failed, adopted, asks, deliveries, *_TOKENS_AND_COST)
    query = query.where(steps.c.run_id == run_id).group_by(steps.c.kind).order_by(steps.c.kind)
    rows: Any = await connection.execute(query)
    return [StepTotals(row[0], *_sums(row[1:])) for row in rows]


async def by_judge(connection: AsyncConnection, run_id: str) -> Sequence[JudgeTotals]:
    """Of the verdicts, each profile and currency apart."""
    judge = (steps.c.origin, steps.c.currency)
    unreadable, disagreed = (func.sum(cast(column, Integer)) for column in (steps.c.unreadable, steps.c.disagreed))
    query = select(*judge, func.count(), unreadable, disagreed, *_TOKENS_AND_COST)
    query = query.where(steps.c.run_id == run_id, steps.c.kind == "judge", ~steps.c.failed)
    rows: Any = await connection.execute(query.group_by(*judge).order_by(*judge))
    # A judge's identity begins with the name of its profile.
    return [JudgeTotals(row[0].partition(" ")[0], row[1], *_sums(row[2:])) for row in rows]


def _sums(numbers: Sequence[Any]) -> list[Any]:
    """Counts and, last, a cost; PostgreSQL's sums are decimals."""
    return [*map(int, numbers[:-1]), float(numbers[-1])]
