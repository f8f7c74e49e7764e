"""Runs and shards as rows, and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, Select, select
from sqlalchemy.ext.asyncio import AsyncConnection

from shinsa_orchestrator.domain.progress import Progress, total
from shinsa_orchestrator.domain.run import ACTIVE, Run, RunState
from shinsa_orchestrator.outbound import documents
from shinsa_orchestrator.outbound.results_tables import runs, shards
from shinsa_orchestrator.outbound.score_rows import versions_read

ACTIVE_STATES = [state.value for state in ACTIVE]


def run_row(run: Run, idempotency_key: str) -> dict[str, object]:
    return {
        "id": run.id,
        "idempotency_key": idempotency_key or None,
        "model": run.spec.model,
        "state": run.state.value,
        "round": run.round,
        "adopts": run.adopts,
        "problem": run.problem,
        "spec": documents.dump(run.spec),
        "plan": documents.dump(run.plan),
        "created_at": run.created_at,
    }


def shard_row(run_id: str, number: int, progress: Progress) -> dict[str, object]:
    return {
        "run_id": run_id,
        "number": number,
        "done": False,
        "owner": "",
        "lease_until": 0.0,
        "epoch": 0,
        "progress": documents.dump(progress),
    }


def locked(run_id: str) -> Select[tuple[str]]:
    """The state of a run, which nobody else changes before the end of the transaction."""
    return select(runs.c.state).where(runs.c.id == run_id).with_for_update()


async def read_run(connection: AsyncConnection, run_id: str) -> Run | None:
    """With its progress; None where there is no such run."""
    row = (await connection.execute(select(runs).where(runs.c.id == run_id))).one_or_none()
    return None if row is None else (await with_progress(connection, [row]))[0]


async def with_progress(connection: AsyncConnection, rows: Sequence[Row[Any]]) -> list[Run]:
    """Runs with the progress stored at their end, or else the sum over their shards."""
    open_runs = [row.id for row in rows if row.progress is None]
    parts: dict[str, list[Progress]] = {run_id: [] for run_id in open_runs}
    if open_runs:
        query = select(shards.c.run_id, shards.c.progress).where(shards.c.run_id.in_(open_runs))
        for run_id, text in await connection.execute(query):
            parts[run_id].append(documents.progress(text))
    return [
        _run(row, documents.progress(row.progress) if row.progress is not None else total(parts[row.id]))
        for row in rows
    ]


def _run(row: Row[Any], progress: Progress) -> Run:
    return Run(
        id=row.id,
        spec=documents.spec(row.spec),
        plan=documents.plan(row.plan),
        state=RunState(row.state),
        round=row.round,
        adopts=row.adopts,
        problem=row.problem,
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        progress=progress,
        versions=versions_read(row.versions),
        samples_forgotten_at=row.samples_forgotten_at,
    )
