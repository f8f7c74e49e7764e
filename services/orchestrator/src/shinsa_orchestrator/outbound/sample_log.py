"""Items, steps and outcomes in the sample log."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from shinsa_orchestrator.application.unbroken import unbroken
from shinsa_orchestrator.domain.item import (
    CompletionSums,
    FinishedItem,
    ItemFilter,
    JudgeTotals,
    LatencyTotals,
    OutcomeRow,
    StatusCount,
    StepDetail,
    StepTotals,
)
from shinsa_orchestrator.domain.repeat import Repeat, RepeatCount
from shinsa_orchestrator.domain.step import KnownStep, StepRecord, StepResult, StoredResult
from shinsa_orchestrator.outbound import completion_totals, item_queries, repeat_rows, step_totals
from shinsa_orchestrator.outbound.database import Database, cleaned
from shinsa_orchestrator.outbound.packing import pack, unpack
from shinsa_orchestrator.outbound.sample_log_readings import finished_item, step_detail, step_result
from shinsa_orchestrator.outbound.sample_log_rows import insert_items, insert_steps, item_row, step_row
from shinsa_orchestrator.outbound.sample_log_tables import ASKABLE, items, steps

# Rows of a piece of `outcomes`, and ids in one IN list.
PIECE = 1000


class SqlSampleLog:
    """``SampleLog`` over SQLite or PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._insert_steps = insert_steps(database.engine.dialect)
        self._insert_items = insert_items(database.engine.dialect)

    # --- writing ---

    @unbroken
    async def record(
        self, step_records: Sequence[StepRecord], finished: Sequence[FinishedItem], repeats: Sequence[Repeat] = ()
    ) -> set[str]:
        refused: set[str] = set()
        async with self._database.writing() as connection:
            if step_records:
                rows = [step_row(record) for record in step_records]
                done = await connection.exec_driver_sql(self._insert_steps, rows)
                # SQLite counts the rows it took; PostgreSQL does not tell, there we look.
                if done.rowcount != len(rows):
                    refused = await _refused(connection, step_records)
            if finished:
                await connection.exec_driver_sql(self._insert_items, [item_row(item) for item in finished])
            if repeats:
                await repeat_rows.note(connection, repeats)
        return refused

    @unbroken
    async def fill_request(self, step_id: str, kind: str, request: bytes, question: str = "") -> None:
        change = update(steps).where(steps.c.id == step_id, steps.c.request.is_(None))
        reusable = and_(steps.c.greedy, ~steps.c.failed, ~steps.c.adopted)
        asked = case((reusable, question), else_="")
        async with self._database.writing() as connection:
            await connection.execute(change.values(kind=kind, request=pack(request), question=asked))

    @unbroken
    async def forget(self, run_id: str, shard: int) -> None:
        emptied = update(steps).where(steps.c.run_id == run_id, steps.c.shard == shard, steps.c.body != b"")
        blank = update(items).where(items.c.run_id == run_id, items.c.shard == shard)
        async with self._database.writing() as connection:
            await connection.execute(emptied.values(request=None, body=b"", message="", question=""))
            await connection.execute(blank.values(answer="", gold="", detail=""))

    # --- for whoever examines ---

    @unbroken
    async def known_steps(self, run_id: str, shard: int) -> Mapping[str, KnownStep]:
        query = select(
            steps.c.id,
            steps.c.kind,
            steps.c.attempt,
            steps.c.round,
            steps.c.failed,
            steps.c.reason,
            steps.c.request.is_not(None),
            steps.c.adopted,
            steps.c.prompt_tokens + steps.c.completion_tokens,
            func.coalesce(steps.c.cost, 0.0),
            case((steps.c.adopted, ""), else_=steps.c.engine),
        ).where(steps.c.run_id == run_id, steps.c.shard == shard)
        async with self._database.reading() as connection:
            rows: Any = await connection.execute(query)
            return {row[0]: KnownStep(*row[1:]) for row in rows}

    @unbroken
    async def finished(self, run_id: str, shard: int) -> Mapping[int, tuple[str, int, int]]:
        query = select(items.c.position, items.c.status, items.c.round, items.c.line)
        async with self._database.reading() as connection:
            rows = await connection.execute(query.where(items.c.run_id == run_id, items.c.shard == shard))
            return {row[0]: (row[1], row[2], row[3]) for row in rows}

    @unbroken
    async def results(self, step_ids: Sequence[str]) -> Mapping[str, StoredResult]:
        query = select(steps.c.id, steps.c.body, steps.c.failed, steps.c.reason, steps.c.message)
        async with self._database.reading() as connection:
            rows = await _by_ids(connection, query, step_ids)
        return {row[0]: StoredResult(unpack(row[1]), row[2], row[3], row[4]) for row in rows}

    @unbroken
    async def successes(self, step_ids: Sequence[str]) -> set[str]:
        async with self._database.reading() as connection:
            return {row[0] for row in await _by_ids(connection, select(steps.c.id).where(~steps.c.failed), step_ids)}

    @unbroken
    async def copies(self, step_ids: Sequence[str]) -> Mapping[str, StepResult]:
        async with self._database.reading() as connection:
            rows = await _by_ids(connection, select(steps), step_ids)
        return {row.id: step_result(row) for row in rows}

    @unbroken
    async def answers_of(self, questions: Sequence[str], *, engine: str, not_of: str) -> Mapping[str, StepResult]:
        query = select(steps.c.question, steps.c.id).order_by(steps.c.finished_at, steps.c.id)
        # Said in the words of the index, which is taken only then.
        query = query.where(ASKABLE, steps.c.engine == engine, steps.c.run_id != not_of)
        first: dict[str, str] = {}
        async with self._database.reading() as connection:
            for question, step_id in await _by_ids(connection, query, questions, of=steps.c.question):
                first.setdefault(question, step_id)
            rows = await _by_ids(connection, select(steps), list(first.values()))
        found = {row.id: step_result(row) for row in rows}
        return {question: found[step_id] for question, step_id in first.items() if step_id in found}

    # --- for tallies and reports ---

    async def outcomes(self, run_id: str, positions: range) -> AsyncIterator[Sequence[OutcomeRow]]:
        while positions:
            positions, rows = await self._first_outcomes(run_id, positions)
            if rows:
                yield rows

    @unbroken
    async def _first_outcomes(self, run_id: str, positions: range) -> tuple[range, Sequence[OutcomeRow]]:
        async with self._database.reading() as connection:
            return await item_queries.outcomes(connection, run_id, positions, limit=PIECE)

    @unbroken
    async def status_counts(self, run_id: str) -> Sequence[StatusCount]:
        async with self._database.reading() as connection:
            return await item_queries.by_status(connection, run_id)

    @unbroken
    async def step_totals(self, run_id: str) -> Sequence[StepTotals]:
        async with self._database.reading() as connection:
            return await step_totals.by_kind(connection, run_id)

    @unbroken
    async def repeat_counts(self, run_id: str) -> Sequence[RepeatCount]:
        async with self._database.reading() as connection:
            return await repeat_rows.counts(connection, run_id)

    @unbroken
    async def judge_totals(self, run_id: str) -> Sequence[JudgeTotals]:
        async with self._database.reading() as connection:
            return await step_totals.by_judge(connection, run_id)

    @unbroken
    async def completion_sums(self, run_id: str) -> Sequence[CompletionSums]:
        async with self._database.reading() as connection:
            return await completion_totals.sums(connection, run_id)

    @unbroken
    async def latency_totals(self, run_id: str) -> LatencyTotals | None:
        async with self._database.reading() as connection:
            return await completion_totals.latency(connection, run_id)

    @unbroken
    async def origins(self, run_id: str) -> Mapping[str, Sequence[str]]:
        query = select(steps.c.kind, steps.c.origin).where(steps.c.run_id == run_id, steps.c.origin != "").distinct()
        found: dict[str, list[str]] = {}
        async with self._database.reading() as connection:
            for kind, origin in await connection.execute(query):
                found.setdefault(kind, []).append(origin)
        return {kind: sorted(origins) for kind, origins in found.items()}

    # --- for people ---

    @unbroken
    async def items(self, wanted: ItemFilter, *, after: int, limit: int) -> Sequence[FinishedItem]:
        async with self._database.reading() as connection:
            return await item_queries.listed(connection, wanted, after=after, limit=limit)

    @unbroken
    async def item(self, item_id: str) -> FinishedItem | None:
        async with self._database.reading() as connection:
            row = (await connection.execute(select(items).where(items.c.id == item_id))).one_or_none()
        return None if row is None else finished_item(row)

    @unbroken
    async def steps(self, item: FinishedItem) -> Sequence[StepDetail]:
        query = (
            select(steps)
            .where(steps.c.run_id == item.run_id, steps.c.shard == item.shard, steps.c.item_id == item.id)
            .order_by(steps.c.started_at, steps.c.id)
        )
        async with self._database.reading() as connection:
            return [step_detail(row) for row in await connection.execute(query)]


async def _refused(connection: AsyncConnection, records: Sequence[StepRecord]) -> set[str]:
    """Those of the steps for which the log holds another result."""
    query = select(steps.c.id, steps.c.attempt, steps.c.worker, steps.c.finished_at)
    rows = await _by_ids(connection, query, [record.result.step_id for record in records])
    held = {row[0]: (row[1], row[2], row[3]) for row in rows}
    results = [record.result for record in records]
    return {
        result.step_id
        for result in results
        if held[result.step_id] != (result.attempt, cleaned(result.worker), result.finished_at)
    }


async def _by_ids(
    connection: AsyncConnection, query: Any, ids: Sequence[str], *, of: ColumnElement[str] = steps.c.id
) -> list[Any]:
    found: list[Any] = []
    for start in range(0, len(ids), PIECE):
        found += (await connection.execute(query.where(of.in_(ids[start : start + PIECE])))).all()
    return found
