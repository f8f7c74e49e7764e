"""Why steps were asked or delivered more than once, noted and counted in the sample log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import and_, case, func, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from shinsa_orchestrator.domain.repeat import HANDED_BACK, Repeat, RepeatCause, RepeatCount
from shinsa_orchestrator.outbound.sample_log_tables import repeats, steps


async def note(connection: AsyncConnection, found: Sequence[Repeat]) -> None:
    """Each once, however often it is told."""
    kind: Any = sqlite if connection.dialect.name == "sqlite" else postgresql
    rows = [{**asdict(one), "cause": one.cause.value} for one in found]
    await connection.execute(kind.insert(repeats).on_conflict_do_nothing(), rows)


async def counts(connection: AsyncConnection, run_id: str) -> Sequence[RepeatCount]:
    """By cause and reason, without what was given back only after its result had been sent."""
    by_worker = repeats.c.cause.in_(sorted(HANDED_BACK))
    before_the_result = and_(repeats.c.attempt == steps.c.attempt, repeats.c.number < steps.c.deliveries)
    of_no_result = or_(steps.c.id.is_(None), steps.c.deliveries < 1, repeats.c.attempt < steps.c.attempt)
    told = func.sum(case((and_(by_worker, before_the_result), 1), else_=0))
    group = (repeats.c.cause, repeats.c.reason)
    query = (
        select(*group, func.count(), told)
        .outerjoin_from(repeats, steps, steps.c.id == repeats.c.step_id)
        .where(repeats.c.run_id == run_id, or_(~by_worker, of_no_result, before_the_result))
    )
    rows: Any = await connection.execute(query.group_by(*group).order_by(*group))
    return [RepeatCount(RepeatCause(row[0]), row[1], row[2], int(row[3])) for row in rows]
