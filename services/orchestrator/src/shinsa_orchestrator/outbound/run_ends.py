"""The ends of runs in the results store: who ends one, and how."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Update, exists, or_, select, update

from shinsa_orchestrator.application.unbroken import unbroken
from shinsa_orchestrator.domain.progress import Progress
from shinsa_orchestrator.domain.report import Score
from shinsa_orchestrator.domain.run import RunState
from shinsa_orchestrator.outbound import documents
from shinsa_orchestrator.outbound.database import Database, now
from shinsa_orchestrator.outbound.results_tables import runs, shards
from shinsa_orchestrator.outbound.run_rows import ACTIVE_STATES, locked
from shinsa_orchestrator.outbound.score_rows import replace_scores
from shinsa_orchestrator.ports.runs import NO_VERSIONS


class SqlRunEnds:
    """The part of ``RunStore`` that is about runs with nothing left to do."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @unbroken
    async def finishable(self) -> Sequence[str]:
        unfinished = exists().where(shards.c.run_id == runs.c.id, ~shards.c.done)
        query = select(runs.c.id).where(runs.c.state.in_(ACTIVE_STATES), ~unfinished).order_by(runs.c.id)
        async with self._database.reading() as connection:
            return (await connection.execute(query)).scalars().all()

    @unbroken
    async def pausable(self) -> Sequence[str]:
        waiting = exists().where(shards.c.run_id == runs.c.id, shards.c.parked)
        query = (
            select(runs.c.id).where(runs.c.state.in_(ACTIVE_STATES), waiting, ~_to_do(runs.c.id)).order_by(runs.c.id)
        )
        async with self._database.reading() as connection:
            return (await connection.execute(query)).scalars().all()

    @unbroken
    async def pause(self, run_id: str, round_: int, problem: str) -> bool:
        change = (
            update(runs)
            .where(runs.c.id == run_id, runs.c.round == round_, runs.c.state.in_(ACTIVE_STATES), ~_to_do(run_id))
            .values(state=RunState.PAUSED.value, problem=problem, finished_at=now())
        )
        async with self._database.writing() as connection:
            return (await connection.execute(change)).rowcount == 1

    @unbroken
    async def finish(
        self,
        run_id: str,
        round_: int,
        state: RunState,
        progress: Progress,
        found: Sequence[Score],
        versions: Mapping[str, str] = NO_VERSIONS,
    ) -> bool:
        unfinished = exists().where(shards.c.run_id == run_id, ~shards.c.done)
        change = (
            update(runs)
            .where(runs.c.id == run_id, runs.c.round == round_, runs.c.state.in_(ACTIVE_STATES), ~unfinished)
            .values(state=state.value, progress=documents.dump(progress), finished_at=now())
        )
        async with self._database.writing() as connection:
            if (await connection.execute(change)).rowcount != 1:
                return False
            await connection.execute(_end_of(run_id).values(owner="", lease_until=0.0))
            await replace_scores(connection, run_id, found, versions)
            return True

    @unbroken
    async def claim_end(self, run_id: str, owner: str, seconds: float) -> bool:
        free = or_(shards.c.owner == owner, shards.c.lease_until < now())
        claim = _end_of(run_id).where(free).values(owner=owner, lease_until=now() + seconds)
        async with self._database.writing() as connection:
            run = (await connection.execute(locked(run_id))).one_or_none()
            return run is not None and run.state in ACTIVE_STATES and (await connection.execute(claim)).rowcount == 1

    @unbroken
    async def release_end(self, run_id: str, owner: str) -> None:
        release = _end_of(run_id).where(shards.c.owner == owner).values(owner="", lease_until=0.0)
        async with self._database.writing() as connection:
            await connection.execute(release)


def _end_of(run_id: str) -> Update:
    """Who ends a run holds its first shard once more, which is done by then."""
    return update(shards).where(shards.c.run_id == run_id, shards.c.number == 0, shards.c.done)


def _to_do(run_id: Any) -> Any:
    """Whether a run has a shard that is neither done nor parked."""
    return exists().where(shards.c.run_id == run_id, ~shards.c.done, ~shards.c.parked)
