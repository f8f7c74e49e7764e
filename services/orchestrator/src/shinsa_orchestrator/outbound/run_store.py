"""Runs, shards and scores in the results store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Select, Update, exists, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from shinsa_orchestrator.application.unbroken import unbroken
from shinsa_orchestrator.domain.board_table import ScoredRun
from shinsa_orchestrator.domain.progress import Progress
from shinsa_orchestrator.domain.report import Score
from shinsa_orchestrator.domain.run import ACTIVE, OVER, Plan, Run, RunSpec, RunState
from shinsa_orchestrator.domain.shard import Lease
from shinsa_orchestrator.outbound import documents
from shinsa_orchestrator.outbound.board_changes import change_number, note_change
from shinsa_orchestrator.outbound.database import Database, now
from shinsa_orchestrator.outbound.results_tables import runs, shards
from shinsa_orchestrator.outbound.run_rows import run_row, shard_row, with_progress
from shinsa_orchestrator.outbound.score_rows import replace_scores, scored_runs, scores_of
from shinsa_orchestrator.ports.runs import NO_VERSIONS, Pulse, ShardKey

_ACTIVE = [state.value for state in ACTIVE]
_OVER = [state.value for state in OVER]


class SqlRunStore:
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
        return await self._existing(run.id)

    @unbroken
    async def run_of_key(self, idempotency_key: str) -> Run | None:
        query = select(runs.c.id).where(runs.c.idempotency_key == idempotency_key)
        async with self._database.reading() as connection:
            run_id = (await connection.execute(query)).scalar_one_or_none()
        return None if run_id is None else await self.run(run_id)

    @unbroken
    async def run(self, run_id: str) -> Run | None:
        async with self._database.reading() as connection:
            row = (await connection.execute(select(runs).where(runs.c.id == run_id))).one_or_none()
            return None if row is None else (await with_progress(connection, [row]))[0]

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
        query = select(runs).where(runs.c.state.in_(_ACTIVE)).order_by(runs.c.id)
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

    @unbroken
    async def finishable(self) -> Sequence[str]:
        unfinished = exists().where(shards.c.run_id == runs.c.id, ~shards.c.done)
        query = select(runs.c.id).where(runs.c.state.in_(_ACTIVE), ~unfinished).order_by(runs.c.id)
        async with self._database.reading() as connection:
            return (await connection.execute(query)).scalars().all()

    @unbroken
    async def pausable(self) -> Sequence[str]:
        waiting = exists().where(shards.c.run_id == runs.c.id, shards.c.parked)
        query = select(runs.c.id).where(runs.c.state.in_(_ACTIVE), waiting, ~_to_do(runs.c.id)).order_by(runs.c.id)
        async with self._database.reading() as connection:
            return (await connection.execute(query)).scalars().all()

    @unbroken
    async def pause(self, run_id: str, round_: int, problem: str) -> bool:
        change = (
            update(runs)
            .where(runs.c.id == run_id, runs.c.round == round_, runs.c.state.in_(_ACTIVE), ~_to_do(run_id))
            .values(state=RunState.PAUSED.value, problem=problem, finished_at=now())
        )
        async with self._database.writing() as connection:
            return (await connection.execute(change)).rowcount == 1

    @unbroken
    async def shard_progress(self, run_id: str) -> Mapping[int, Progress]:
        query = select(shards.c.number, shards.c.progress).where(shards.c.run_id == run_id)
        async with self._database.reading() as connection:
            return {number: documents.progress(text) for number, text in await connection.execute(query)}

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
            .where(runs.c.id == run_id, runs.c.round == round_, runs.c.state.in_(_ACTIVE), ~unfinished)
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
            run = (await connection.execute(_locked(run_id))).one_or_none()
            return run is not None and run.state in _ACTIVE and (await connection.execute(claim)).rowcount == 1

    @unbroken
    async def release_end(self, run_id: str, owner: str) -> None:
        release = _end_of(run_id).where(shards.c.owner == owner).values(owner="", lease_until=0.0)
        async with self._database.writing() as connection:
            await connection.execute(release)

    async def _existing(self, run_id: str) -> Run:
        run = await self.run(run_id)
        assert run is not None
        return run

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
            await connection.execute(_locked(run_id))
            return (await connection.execute(change)).rowcount == 1

    # --- leases ---

    @unbroken
    async def lease_shard(self, owner: str, seconds: float, *, not_of: Sequence[str]) -> Lease | None:
        free = (
            select(shards.c.run_id, shards.c.number, shards.c.epoch, shards.c.progress)
            .join(runs, runs.c.id == shards.c.run_id)
            .where(runs.c.state.in_(_ACTIVE), ~shards.c.done, ~shards.c.parked, shards.c.lease_until < now())
            .order_by(shards.c.run_id, shards.c.number)
            .limit(1)
        )
        if not_of:
            free = free.where(shards.c.run_id.not_in(list(not_of)))
        while True:
            async with self._database.reading() as connection:
                candidate = (await connection.execute(free)).one_or_none()
            if candidate is None:
                return None
            if await self._take(owner, seconds, candidate):
                run = await self._existing(candidate.run_id)
                return Lease(run, candidate.number, candidate.epoch + 1, documents.progress(candidate.progress))

    async def _take(self, owner: str, seconds: float, candidate: Any) -> bool:
        """False if somebody else was quicker, which its epoch betrays."""
        this = (shards.c.run_id == candidate.run_id, shards.c.number == candidate.number)
        take = (
            update(shards)
            .where(*this, shards.c.epoch == candidate.epoch, ~shards.c.done, ~shards.c.parked)
            .values(owner=owner, epoch=shards.c.epoch + 1, lease_until=now() + seconds)
        )
        start = (
            update(runs)
            .where(runs.c.id == candidate.run_id, runs.c.state == RunState.PENDING.value)
            .values(state=RunState.RUNNING.value, started_at=func.coalesce(runs.c.started_at, now()))
        )
        async with self._database.writing() as connection:
            if (await connection.execute(take)).rowcount != 1:
                return False
            await connection.execute(start)
            return True

    @unbroken
    async def renew(self, owner: str, seconds: float, held: Mapping[ShardKey, Progress]) -> Mapping[ShardKey, Pulse]:
        async with self._database.writing() as connection:
            for (run_id, number), progress in held.items():
                await connection.execute(
                    update(shards)
                    .where(shards.c.run_id == run_id, shards.c.number == number, shards.c.owner == owner)
                    .values(lease_until=now() + seconds, progress=documents.dump(progress))
                )
            query = (
                select(shards.c.run_id, shards.c.number, runs.c.state, runs.c.round)
                .join(runs, runs.c.id == shards.c.run_id)
                .where(shards.c.owner == owner, ~shards.c.done)
            )
            rows = (await connection.execute(query)).all()
        return {(row.run_id, row.number): Pulse(RunState(row.state), row.round) for row in rows}

    @unbroken
    async def release(self, owner: str, lease: Lease, progress: Progress, *, done: bool, parked: bool = False) -> bool:
        change = (
            update(shards)
            .where(shards.c.run_id == lease.run.id, shards.c.number == lease.number)
            .where(shards.c.owner == owner, shards.c.epoch == lease.epoch)
            .values(owner="", lease_until=0.0, done=done, parked=parked, progress=documents.dump(progress))
        )
        async with self._database.writing() as connection:
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


def _locked(run_id: str) -> Select[tuple[str]]:
    """The state of a run, which nobody else changes before the end of the transaction."""
    return select(runs.c.state).where(runs.c.id == run_id).with_for_update()


async def _adoptable(connection: AsyncConnection, run_id: str) -> bool:
    """Whether the samples of a run are kept, as long as the transaction lasts; so are those of no run."""
    if not run_id:
        return True
    await connection.execute(_locked(run_id))
    kept = select(runs.c.id).where(runs.c.id == run_id, runs.c.samples_forgotten_at.is_(None))
    return (await connection.execute(kept)).scalar_one_or_none() is not None


def _end_of(run_id: str) -> Update:
    """Who ends a run holds its first shard once more, which is done by then."""
    return update(shards).where(shards.c.run_id == run_id, shards.c.number == 0, shards.c.done)


def _keeps_samples() -> Any:
    """Runs that are over and whose samples are there, needed by no run that still goes on."""
    other = runs.alias()
    adopted = exists().where(other.c.adopts == runs.c.id, other.c.state.in_([*_ACTIVE, RunState.PAUSED.value]))
    return runs.c.state.in_(_OVER) & runs.c.samples_forgotten_at.is_(None) & ~adopted


def _to_do(run_id: Any) -> Any:
    """Whether a run has a shard that is neither done nor parked."""
    return exists().where(shards.c.run_id == run_id, ~shards.c.done, ~shards.c.parked)
