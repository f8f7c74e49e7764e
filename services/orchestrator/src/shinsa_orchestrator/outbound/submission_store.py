"""Submissions in the results store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from shinsa_chassis.errors import Reason, ShinsaError
from sqlalchemy import delete, func, insert, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from shinsa_orchestrator.application.submission_orders import duplicate_words
from shinsa_orchestrator.application.unbroken import unbroken
from shinsa_orchestrator.domain.submission import Submission, SubmissionEvent, SubmissionFilter, SubmissionState
from shinsa_orchestrator.outbound.database import Database, cleaned, now
from shinsa_orchestrator.outbound.submission_rows import examines, submission, submission_row
from shinsa_orchestrator.outbound.submission_tables import submission_events, submission_votes, submissions
from shinsa_orchestrator.ports.submissions import SubmitterLimits

_DAY = 86400.0
# Whoever counts before they write waits for each other: any number that nobody else takes.
_LOCK = 7_461_873_202
_PENDING, _RUNNING = SubmissionState.PENDING.value, SubmissionState.RUNNING.value
_IN_TURN = (submissions.c.priority.desc(), submissions.c.votes.desc(), submissions.c.id)


class SqlSubmissionStore:
    """``SubmissionStore`` over SQLite or PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @unbroken
    async def add(self, new: Submission, limits: SubmitterLimits) -> None:
        event = SubmissionEvent(new.created_at, new.submitter, "submitted")
        try:
            async with self._database.writing() as connection:
                await self._one_at_a_time(connection)
                await _check_limits(connection, new, limits)
                await connection.execute(insert(submissions).values(**submission_row(new), votes=0))
                await _write_event(connection, new.id, event)
        except IntegrityError as error:
            raise await self._duplicate(new) from error

    async def _duplicate(self, new: Submission) -> ShinsaError:
        twin = await self.twin(new.duplicate_key)
        detail = duplicate_words(twin) if twin is not None else "another submission examines the same; ask again"
        return ShinsaError(Reason.ALREADY_EXISTS, f"model: {detail}", field="model")

    @unbroken
    async def twin(self, duplicate_key: str) -> Submission | None:
        query = select(submissions).where(submissions.c.examines == examines(duplicate_key))
        async with self._database.reading() as connection:
            row = (await connection.execute(query)).one_or_none()
        return None if row is None else submission(row)

    @unbroken
    async def submission(self, submission_id: str) -> Submission | None:
        query = select(submissions).where(submissions.c.id == cleaned(submission_id))
        async with self._database.reading() as connection:
            row = (await connection.execute(query)).one_or_none()
        return None if row is None else submission(row)

    @unbroken
    async def submissions(self, wanted: SubmissionFilter, *, before: str, limit: int) -> Sequence[Submission]:
        query = select(submissions).order_by(submissions.c.id.desc()).limit(limit)
        if wanted.states:
            query = query.where(submissions.c.state.in_([state.value for state in wanted.states]))
        if wanted.submitter:
            query = query.where(submissions.c.submitter == cleaned(wanted.submitter))
        if wanted.search:
            query = query.where(submissions.c.model.icontains(cleaned(wanted.search), autoescape=True))
        if before:
            query = query.where(submissions.c.id < before)
        async with self._database.reading() as connection:
            return [submission(row) for row in await connection.execute(query)]

    @unbroken
    async def counts(self) -> Mapping[SubmissionState, int]:
        query = select(submissions.c.state, func.count()).group_by(submissions.c.state)
        async with self._database.reading() as connection:
            found = {SubmissionState(state): int(count) for state, count in await connection.execute(query)}
        return {state: found.get(state, 0) for state in SubmissionState}

    @unbroken
    async def pending(self) -> Sequence[str]:
        query = select(submissions.c.id).where(submissions.c.state == _PENDING).order_by(*_IN_TURN)
        async with self._database.reading() as connection:
            return (await connection.execute(query)).scalars().all()

    @unbroken
    async def running(self) -> Sequence[Submission]:
        query = select(submissions).where(submissions.c.state == _RUNNING).order_by(submissions.c.started_at)
        async with self._database.reading() as connection:
            return [submission(row) for row in await connection.execute(query)]

    @unbroken
    async def claim(self, at_once: int) -> Submission | None:
        running = select(func.count()).select_from(submissions).where(submissions.c.state == _RUNNING)
        upcoming = (
            select(submissions)
            .where(submissions.c.state == _PENDING, submissions.c.approved)
            .order_by(*_IN_TURN)
            .limit(1)
        )
        async with self._database.writing() as connection:
            await self._one_at_a_time(connection)
            if (await connection.execute(running)).scalar_one() >= at_once:
                return None
            row = (await connection.execute(upcoming)).one_or_none()
            if row is None:
                return None
            started = (await connection.execute(select(now()))).scalar_one()
            change = update(submissions).where(submissions.c.id == row.id, submissions.c.state == _PENDING)
            if (await connection.execute(change.values(state=_RUNNING, started_at=started))).rowcount != 1:
                return None
        return replace(submission(row), state=SubmissionState.RUNNING, started_at=started)

    @unbroken
    async def change(
        self,
        seen: Submission,
        changed: Submission,
        event: SubmissionEvent,
        *,
        of: Sequence[SubmissionState],
        unmoved: bool = False,
    ) -> bool:
        before, after = submission_row(seen), submission_row(changed)
        # What others changed in the meantime stays: only this much is ours.
        own = {name: value for name, value in after.items() if value != before[name]}
        change = update(submissions).where(
            submissions.c.id == changed.id, submissions.c.state.in_([state.value for state in of])
        )
        if unmoved:
            change = change.where(submissions.c.attempts == seen.attempts, submissions.c.run_id == seen.run_id)
        try:
            async with self._database.writing() as connection:
                if (await connection.execute(change.values(id=changed.id, **own))).rowcount != 1:
                    return False
                await _write_event(connection, changed.id, event)
                return True
        except IntegrityError as error:
            raise await self._duplicate(changed) from error

    @unbroken
    async def vote(self, submission_id: str, voter: str, *, retract: bool) -> bool:
        mine = (submission_votes.c.submission_id == submission_id, submission_votes.c.voter == cleaned(voter))
        pending = (submissions.c.id == submission_id, submissions.c.state == _PENDING)
        async with self._database.writing() as connection:
            await self._one_at_a_time(connection)
            if (await connection.execute(select(submissions.c.id).where(*pending))).one_or_none() is None:
                return False
            await connection.execute(delete(submission_votes).where(*mine))
            if not retract:
                row = {"submission_id": submission_id, "voter": cleaned(voter), "at": now()}
                await connection.execute(insert(submission_votes).values(row))
            voices = (
                select(func.count())
                .select_from(submission_votes)
                .where(submission_votes.c.submission_id == submission_id)
                .scalar_subquery()
            )
            await connection.execute(update(submissions).where(*pending).values(votes=voices))
            return True

    @unbroken
    async def events(self, submission_id: str) -> Sequence[SubmissionEvent]:
        query = (
            select(submission_events)
            .where(submission_events.c.submission_id == submission_id)
            .order_by(submission_events.c.number)
        )
        async with self._database.reading() as connection:
            return [
                SubmissionEvent(row.at, row.actor, row.action, row.detail) for row in await connection.execute(query)
            ]

    @unbroken
    async def recent_durations(self, limit: int) -> Sequence[float]:
        query = (
            select(submissions.c.finished_at - submissions.c.started_at)
            .where(submissions.c.state == SubmissionState.FINISHED.value)
            .order_by(submissions.c.finished_at.desc())
            .limit(limit)
        )
        async with self._database.reading() as connection:
            return [float(seconds) for seconds in (await connection.execute(query)).scalars()]

    async def _one_at_a_time(self, connection: AsyncConnection) -> None:
        """SQLite's write lock does it by itself."""
        if not self._database.embedded:
            await connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _LOCK})


async def _write_event(connection: AsyncConnection, submission_id: str, event: SubmissionEvent) -> None:
    mine = submission_events.c.submission_id == submission_id
    last = select(func.coalesce(func.max(submission_events.c.number), 0)).where(mine)
    row = {
        "submission_id": submission_id,
        "number": (await connection.execute(last)).scalar_one() + 1,
        "at": event.at,
        "actor": cleaned(event.actor),
        "action": event.action,
        "detail": cleaned(event.detail),
    }
    await connection.execute(insert(submission_events).values(row))


async def _check_limits(connection: AsyncConnection, new: Submission, limits: SubmitterLimits) -> None:
    mine = submissions.c.submitter == cleaned(new.submitter)
    count = select(func.count()).select_from(submissions)
    waiting = (await connection.execute(count.where(mine, submissions.c.state == _PENDING))).scalar_one()
    if limits.pending and waiting >= limits.pending:
        message = f"{waiting} of your submissions are waiting already, which is the most; wait, or withdraw one"
        raise ShinsaError(Reason.RATE_LIMITED, message, field="submitter", retryable=False)
    first = select(func.min(submissions.c.created_at)).where(mine, submissions.c.created_at > new.created_at - _DAY)
    today = (await connection.execute(count.where(mine, submissions.c.created_at > new.created_at - _DAY))).scalar_one()
    if limits.per_day and today >= limits.per_day:
        oldest = (await connection.execute(first)).scalar_one()
        wait = max(1.0, oldest + _DAY - new.created_at)
        message = f"{today} submissions in a day are the most; submit again later"
        raise ShinsaError(Reason.RATE_LIMITED, message, field="submitter", retry_after=wait)
