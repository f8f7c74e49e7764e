"""Webhooks and deliveries in the results store, which is also where what happened is read from."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row, delete, func, insert, select, tuple_, union_all, update
from sqlalchemy.dialects import postgresql, sqlite

from shinsa_orchestrator.application.unbroken import unbroken
from shinsa_orchestrator.domain.webhook import Delivery, DeliveryState, Happening, Webhook
from shinsa_orchestrator.outbound.database import Database, cleaned, now
from shinsa_orchestrator.outbound.results_tables import runs
from shinsa_orchestrator.outbound.submission_tables import submission_events, submissions
from shinsa_orchestrator.outbound.webhook_tables import webhook_deliveries, webhooks

_WAITING, _DELIVERED, _DEAD = (
    state.value for state in (DeliveryState.WAITING, DeliveryState.DELIVERED, DeliveryState.DEAD)
)
# Of a run, to which something happens at each.
_MOMENTS = runs.c.created_at, runs.c.started_at, runs.c.finished_at


class SqlWebhookStore:
    """``WebhookStore`` over SQLite or PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @unbroken
    async def add(self, webhook: Webhook) -> None:
        row = {
            "id": webhook.id,
            "url": webhook.url,
            "events": ",".join(webhook.events),
            "secret": webhook.secret,
            "created_by": cleaned(webhook.created_by),
            "created_at": webhook.created_at,
        }
        async with self._database.writing() as connection:
            await connection.execute(insert(webhooks).values(row))

    @unbroken
    async def webhooks(self) -> Sequence[Webhook]:
        dead = (
            select(func.count())
            .select_from(webhook_deliveries)
            .where(webhook_deliveries.c.webhook_id == webhooks.c.id, webhook_deliveries.c.state == _DEAD)
            .scalar_subquery()
        )
        query = select(webhooks, dead.label("dead_deliveries")).order_by(webhooks.c.id.desc())
        async with self._database.reading() as connection:
            return [_webhook(row) for row in await connection.execute(query)]

    @unbroken
    async def delete(self, webhook_id: str) -> bool:
        async with self._database.writing() as connection:
            found = await connection.execute(delete(webhooks).where(webhooks.c.id == cleaned(webhook_id)))
            return found.rowcount == 1

    @unbroken
    async def happenings(self, since: float) -> Sequence[Happening]:
        # One query a moment, as SQLite reads the whole table for an OR of them.
        lately = union_all(*(select(runs.c.id).where(moment > since) for moment in _MOMENTS))
        of_runs = select(
            runs.c.id,
            runs.c.model,
            runs.c.state,
            runs.c.round,
            runs.c.problem,
            *_MOMENTS,
        ).where(runs.c.id.in_(lately))
        of_submissions = (
            select(submission_events, submissions.c.model, submissions.c.state, submissions.c.run_id)
            .join(submissions, submissions.c.id == submission_events.c.submission_id)
            .where(submission_events.c.at > since)
        )
        async with self._database.reading() as connection:
            found = [one for row in await connection.execute(of_runs) for one in _of_run(row) if one.at > since]
            found += [_of_submission(row) for row in await connection.execute(of_submissions)]
        return sorted(found, key=lambda one: one.at)

    @unbroken
    async def enqueue(self, deliveries: Sequence[Delivery]) -> int:
        dialect = sqlite if self._database.embedded else postgresql
        statement = dialect.insert(webhook_deliveries).on_conflict_do_nothing(index_elements=["id"])
        stored = 0
        async with self._database.writing() as connection:
            for one in deliveries:
                stored += (await connection.execute(statement.values(_delivery_row(one)))).rowcount
        return stored

    @unbroken
    async def take(self, seconds: float, *, of: Sequence[str]) -> Delivery | None:
        due = (webhook_deliveries.c.state == _WAITING, webhook_deliveries.c.next_attempt_at <= now())
        known = webhook_deliveries.c.webhook_id.in_(list(of))
        query = select(webhook_deliveries).where(*due, known).order_by(webhook_deliveries.c.next_attempt_at).limit(1)
        if not self._database.embedded:
            query = query.with_for_update(skip_locked=True)
        async with self._database.writing() as connection:
            row = (await connection.execute(query)).one_or_none()
            if row is None:
                return None
            this = webhook_deliveries.c.id == row.id
            await connection.execute(update(webhook_deliveries).where(this).values(next_attempt_at=now() + seconds))
        return _delivery(row)

    @unbroken
    async def settle(self, delivery: Delivery) -> None:
        values = {name: value for name, value in _delivery_row(delivery).items() if name not in ("id", "payload")}
        async with self._database.writing() as connection:
            # Whoever was slower than it was his may find that another has delivered it.
            this = (webhook_deliveries.c.id == delivery.id, webhook_deliveries.c.state != _DELIVERED)
            await connection.execute(update(webhook_deliveries).where(*this).values(values))

    @unbroken
    async def deliveries(
        self, webhook_id: str, states: Sequence[DeliveryState], *, after: str, limit: int
    ) -> Sequence[Delivery]:
        order = (webhook_deliveries.c.created_at, webhook_deliveries.c.id)
        query = select(webhook_deliveries).where(webhook_deliveries.c.webhook_id == cleaned(webhook_id)).limit(limit)
        if states:
            query = query.where(webhook_deliveries.c.state.in_([state.value for state in states]))
        if after:
            at, _, last = cleaned(after).partition(" ")
            query = query.where(tuple_(*order) < (float(at), last))
        async with self._database.reading() as connection:
            rows = await connection.execute(query.order_by(*(column.desc() for column in order)))
            return [_delivery(row) for row in rows]

    @unbroken
    async def retry(self, delivery_id: str) -> Delivery | None:
        this = webhook_deliveries.c.id == cleaned(delivery_id)
        undelivered = webhook_deliveries.c.state.in_((_WAITING, _DEAD))
        change = update(webhook_deliveries).where(this, undelivered)
        async with self._database.writing() as connection:
            values = {"state": _WAITING, "attempts": 0, "next_attempt_at": now()}
            if (await connection.execute(change.values(values))).rowcount != 1:
                return None
            return _delivery((await connection.execute(select(webhook_deliveries).where(this))).one())


def _webhook(row: Row[Any]) -> Webhook:
    return Webhook(**{**row._mapping, "events": tuple(filter(None, row.events.split(",")))})


def _delivery_row(one: Delivery) -> dict[str, Any]:
    return {**asdict(one), "state": one.state.value, "last_problem": cleaned(one.last_problem)[:1000]}


def _delivery(row: Row[Any]) -> Delivery:
    return Delivery(**{**row._mapping, "state": DeliveryState(row.state)})


def _of_run(row: Any) -> Iterator[Happening]:
    moments = [("created", row.created_at), ("started", row.started_at), (row.state, row.finished_at)]
    for word, at in moments:
        if at is None:
            continue
        # A run that is resumed ends again: its rounds have ends of their own.
        key = f"run {row.id} {word}" + (f" {row.round}" if word == row.state else "")
        what = {"id": row.id, "model": row.model, "state": row.state, "problem": row.problem}
        yield _happening(key, f"run.{word}", at, run=what)


def _of_submission(row: Row[Any]) -> Happening:
    what = {
        "id": row.submission_id,
        "model": row.model,
        "state": row.state,
        "run_id": row.run_id,
        "actor": row.actor,
        "detail": row.detail,
    }
    key = f"submission {row.submission_id} {row.number}"
    return _happening(key, f"submission.{row.action}", row.at, submission=what)


def _happening(key: str, event: str, at: float, **what: Any) -> Happening:
    document = {"event": event, "at": datetime.fromtimestamp(at, UTC).isoformat(), **what}
    return Happening(key, event, at, json.dumps(document, ensure_ascii=False, separators=(",", ":")))
