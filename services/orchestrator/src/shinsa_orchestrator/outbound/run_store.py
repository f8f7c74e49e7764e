"""Runs, shards and scores in the results store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import exists, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from shinsa_orchestrator.application.unbroken import unbroken
from shinsa_orchestrator.domain.board_table import ScoredRun
from shinsa_orchestrator.domain.progress import Progress
from shinsa_orchestrator.domain.report import Score
from shinsa_orchestrator.domain.run import OVER, Plan, Run, RunSpec, RunState
from shinsa_orchestrator.outbound import documents
from shinsa_orchestrator.outbound.board_changes import change_number, note_change
from shinsa_orchestrator.outbound.database import Database, now
from shinsa_orchestrator.outbound.results_tables import runs, shards
from shinsa_orchestrator.outbound.run_ends import SqlRunEnds
from shinsa_orchestrator.outbound.run_rows import ACTIVE_STATES, locked, read_run, run_row, shard_row, with_progress
from shinsa_orchestrator.outbound.score_rows import replace_scores, scored_runs, scores_of
from shinsa_orchestrator.outbound.shard_leases import SqlShardLeases
from shinsa_orchestrator.ports.runs import NO_VERSIONS

_OVER = [state.value for state in OVER]


class SqlRunStore(SqlShardLeases, SqlRunEnds):
    """``RunStore`` over SQLite or PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # --- runs ---

    @unbroken
    async def add_run(self, run: Run, shard_progress: Sequence[Progress], idempotency_key: str) -> Run | None:
        try:
            async with self._database.writing() as connection:
                if not await _adoptable(connection, run.adopts):
                    return None
                await connection.execute(insert(runs).values(run_row(run, idempotency_key)))
                await connection.execute(
                    insert(shards), [shard_row(run.id, n, progress) for n, progress in enumerate(shard_progress)]
                )
        except IntegrityError:
            earlier = await self.run_of_key(idempotency_key) if idempotency_key else None
            if earlier is None:
                raise
            return earlier
        stored = await self.run(run.id)
        assert stored is not None
        return stored

    @unbroken
    async def run_of_key(self, idempotency_key: str) -> Run | None:
        query = select(runs.c.id).where(runs.c.idempotency_key == idempotency_key)
        async with self._database.reading() as connection:
            run_id = (await connection.execute(query)).scalar_one_or_none()
        return None if run_id is None else await self.run(run_id)

    @unbroken
    async def run(self, run_id: str) -> Run | None:
        async with self._database.reading() as connection:
            return await read_run(connection, run_id)

    @unbroken
    async def runs(self, *, model: str, before: str, limit: int) -> Sequence[Run]:
        query = select(runs).order_by(runs.c.id.desc()).limit(limit)
        if model:
            query = query.where(runs.c.model == model)
        if before:
            query = query.where(runs.c.id < before)
        async with self._database.reading() as connection:
            return await with_progress(connection, (await connection.execute(query)).all())

    @unbroken
    async def board_changes(self) -> int:
        async with self._database.reading() as connection:
            return await change_number(connection)

    @unbroken
    async def active_runs(self) -> Sequence[Run]:
        query = select(runs).where(runs.c.state.in_(ACTIVE_STATES)).order_by(runs.c.id)
        async with self._database.reading() as connection:
            return await with_progress(connection, (await connection.execute(query)).all())

    @unbroken
    async def state_counts(self) -> Mapping[RunState, int]:
        query = select(runs.c.state, func.count()).group_by(runs.c.state)
        async with self._database.reading() as connection:
            return {RunState(state): count for state, count in await connection.execute(query)}

    @unbroken
    async def scored_runs(self) -> Sequence[ScoredRun]:
        async with self._database.reading() as connection:
            return await scored_runs(connection)

    @unbroken
    async def change_state(self, run_id: str, state: RunState, *, of: Sequence[RunState], problem: str = "") -> bool:
        change = update(runs).where(runs.c.id == run_id, runs.c.state.in_([one.value for one in of]))
        values: dict[str, Any] = {"state": state.value, "problem": problem}
        if not state.active:
            values["finished_at"] = now()
        async with self._database.writing() as connection:
            return (await connection.execute(change.values(values))).rowcount == 1

    @unbroken
    async def resume(
        self, run_id: str, *, of: Sequence[RunState], spec: RunSpec | None = None, plan: Plan | None = None
    ) -> bool:
        anew: dict[str, Any] = {"state": RunState.PENDING.value, "problem": "", "progress": None, "finished_at": None}
        if spec is not None:
            anew["spec"] = documents.dump(spec)
        if plan is not None:
            anew["plan"] = documents.dump(plan)
        change = (
            update(runs)
            .where(runs.c.id == run_id, runs.c.state.in_([one.value for one in of]))
            .where(runs.c.samples_forgotten_at.is_(None))
            .values(round=runs.c.round + 1, **anew)
        )
        adopts = select(runs.c.adopts).where(runs.c.id == run_id)
        async with self._database.writing() as connection:
            if not await _adoptable(connection, (await connection.execute(adopts)).scalar_one_or_none() or ""):
                return False
            if (await connection.execute(change)).rowcount != 1:
                return False
            await note_change(connection)
            # Who still examines for the round before must not say how a shard of this one ended.
            opened = update(shards).where(shards.c.run_id == run_id).values(parked=False, owner="", lease_until=0.0)
            await connection.execute(opened)
            done = select(shards.c.number, shards.c.progress).where(shards.c.run_id == run_id, shards.c.done)
            again = [n for n, text in await connection.execute(done) if documents.progress(text).infra_errors]
            if again:
                mine = shards.c.run_id == run_id, shards.c.number.in_(again)
                await connection.execute(update(shards).where(*mine).values(done=False))
            return True

    # --- samples that are no longer kept ---

    @unbroken
    async def forgettable(self, seconds: float) -> Sequence[str]:
        query = select(runs.c.id).where(_keeps_samples(), runs.c.finished_at < now() - seconds).order_by(runs.c.id)
        async with self._database.reading() as connection:
            return (await connection.execute(query)).scalars().all()

    @unbroken
    async def forgotten(self, seconds: float) -> Sequence[str]:
        query = select(runs.c.id).where(runs.c.samples_forgotten_at > now() - seconds).order_by(runs.c.id)
        async with self._database.reading() as connection:
            return (await connection.execute(query)).scalars().all()

    @unbroken
    async def note_forgotten(self, run_id: str) -> bool:
        change = update(runs).where(runs.c.id == run_id, _keeps_samples()).values(samples_forgotten_at=now())
        async with self._database.writing() as connection:
            # Whoever is about to adopt it is waited for, and seen by the statement after this one.
            await connection.execute(locked(run_id))
            return (await connection.execute(change)).rowcount == 1

    # --- scores ---

    @unbroken
    async def save_scores(self, run_id: str, found: Sequence[Score], versions: Mapping[str, str] = NO_VERSIONS) -> None:
        async with self._database.writing() as connection:
            await replace_scores(connection, run_id, found, versions)

    @unbroken
    async def scores(self, run_ids: Sequence[str]) -> Mapping[str, Sequence[Score]]:
        async with self._database.reading() as connection:
            return await scores_of(connection, run_ids)


async def _adoptable(connection: AsyncConnection, run_id: str) -> bool:
    """Whether the samples of a run are kept, as long as the transaction lasts; so are those of no run."""
    if not run_id:
        return True
    await connection.execute(locked(run_id))
    kept = select(runs.c.id).where(runs.c.id == run_id, runs.c.samples_forgotten_at.is_(None))
    return (await connection.execute(kept)).scalar_one_or_none() is not None


def _keeps_samples() -> Any:
    """Runs that are over and whose samples are there, needed by no run that still goes on."""
    other = runs.alias()
    adopted = exists().where(other.c.adopts == runs.c.id, other.c.state.in_([*ACTIVE_STATES, RunState.PAUSED.value]))
    return runs.c.state.in_(_OVER) & runs.c.samples_forgotten_at.is_(None) & ~adopted
