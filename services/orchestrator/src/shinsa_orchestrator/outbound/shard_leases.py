"""Leases of shards in the results store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import func, select, update

from shinsa_orchestrator.application.unbroken import unbroken
from shinsa_orchestrator.domain.progress import Progress
from shinsa_orchestrator.domain.run import RunState
from shinsa_orchestrator.domain.shard import Lease
from shinsa_orchestrator.outbound import documents
from shinsa_orchestrator.outbound.database import Database, now
from shinsa_orchestrator.outbound.results_tables import runs, shards
from shinsa_orchestrator.outbound.run_rows import ACTIVE_STATES, read_run
from shinsa_orchestrator.ports.runs import Pulse, ShardKey


class SqlShardLeases:
    """The part of ``RunStore`` that is about shards, and who examines them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @unbroken
    async def lease_shard(self, owner: str, seconds: float, *, not_of: Sequence[str]) -> Lease | None:
        free = (
            select(shards.c.run_id, shards.c.number, shards.c.epoch, shards.c.progress)
            .join(runs, runs.c.id == shards.c.run_id)
            .where(runs.c.state.in_(ACTIVE_STATES), ~shards.c.done, ~shards.c.parked, shards.c.lease_until < now())
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
                async with self._database.reading() as connection:
                    run = await read_run(connection, candidate.run_id)
                assert run is not None
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

    @unbroken
    async def shard_progress(self, run_id: str) -> Mapping[int, Progress]:
        query = select(shards.c.number, shards.c.progress).where(shards.c.run_id == run_id)
        async with self._database.reading() as connection:
            return {number: documents.progress(text) for number, text in await connection.execute(query)}
