"""Tells webhooks of what happens to runs and submissions, until they have heard it or are given up."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import replace

import structlog
from shinsa_chassis.errors import Reason, ShinsaError

from shinsa_orchestrator.application.looking import keep_looking
from shinsa_orchestrator.application.paging import Pages, page
from shinsa_orchestrator.domain.identity import webhook_id as new_webhook_id
from shinsa_orchestrator.domain.webhook import (
    MOST_ATTEMPTS,
    Delivery,
    DeliveryState,
    Webhook,
    check_webhook,
    delivery_id,
    signature,
    wait_after,
)
from shinsa_orchestrator.ports.clock import Clock
from shinsa_orchestrator.ports.webhooks import Messenger, WebhookStore

log = structlog.get_logger(__name__)

_PAGES = Pages(50, 200)
MOST_WEBHOOKS = 100
# How far back happenings are looked for after a start, and how much of the past is looked at again each time.
LOOK_BACK_SECONDS = 86400.0
OVERLAP_SECONDS = 120.0
# A delivery that its sender did not settle by then is anybody's again.
TAKEN_SECONDS = 120.0
_SENT_AT_ONCE = 8


class WebhookDesk:
    """Where webhooks are managed."""

    def __init__(self, store: WebhookStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def create(self, url: str, events: tuple[str, ...], actor: str) -> Webhook:
        """The webhook with its signing secret."""
        check_webhook(url, events)
        if len(await self._store.webhooks()) >= MOST_WEBHOOKS:
            message = f"{MOST_WEBHOOKS} webhooks are the most; delete one first"
            raise ShinsaError(Reason.FAILED_PRECONDITION, message)
        now = self._clock.now()
        webhook = Webhook(new_webhook_id(now), url, events, "whs_" + secrets.token_urlsafe(32), actor, now)
        await self._store.add(webhook)
        log.info("webhook_created", webhook_id=webhook.id, events=events)
        return webhook

    async def listing(self) -> Sequence[Webhook]:
        return await self._store.webhooks()

    async def delete(self, webhook_id: str) -> None:
        if not await self._store.delete(webhook_id):
            raise _unknown("webhook_id", f"there is no webhook {webhook_id!r}")
        log.info("webhook_deleted", webhook_id=webhook_id)

    async def deliveries(
        self, webhook_id: str, states: Sequence[DeliveryState], *, page_size: int = 0, cursor: str = ""
    ) -> tuple[Sequence[Delivery], str]:
        """A page, newest first, and the cursor of the next ("" if there is none)."""
        if all(webhook.id != webhook_id for webhook in await self._store.webhooks()):
            raise _unknown("webhook_id", f"there is no webhook {webhook_id!r}")
        if cursor and not _is_cursor(cursor):
            message = f"cursor: {cursor!r} did not come from a page of deliveries"
            raise ShinsaError(Reason.INVALID_ARGUMENT, message, field="cursor")
        size = _PAGES.size(page_size)
        found = await self._store.deliveries(webhook_id, states, after=cursor, limit=size + 1)
        return page(found, size, cursor_of)

    async def retry(self, wanted: str) -> Delivery:
        found = await self._store.retry(wanted)
        if found is None:
            raise _unknown("delivery_id", f"there is no undelivered delivery {wanted!r}")
        return found


class WebhookSender:
    """Notices what happened, and sends it. Every replica has one; a delivery is one replica's at a time."""

    def __init__(self, store: WebhookStore, messenger: Messenger, clock: Clock, *, poll_seconds: float) -> None:
        self._store = store
        self._messenger = messenger
        self._clock = clock
        self._poll_seconds = poll_seconds
        self._seen_until = 0.0

    async def run(self) -> None:
        """Keeps going until cancelled."""
        await keep_looking(self.look, self._poll_seconds, unavailable="webhook_store_unavailable")

    async def look(self) -> None:
        """Queues what is new, and sends what is due."""
        webhooks = {webhook.id: webhook for webhook in await self._store.webhooks()}
        if not webhooks:
            return
        await self._notice(list(webhooks.values()))
        # Whoever has taken a delivery sends it, though the store may be away for others by now.
        ends = await asyncio.gather(*(self._send_due(webhooks) for _ in range(_SENT_AT_ONCE)), return_exceptions=True)
        for error in filter(None, ends):
            raise error

    async def _notice(self, webhooks: Sequence[Webhook]) -> None:
        now = self._clock.now()
        happenings = await self._store.happenings(max(self._seen_until - OVERLAP_SECONDS, now - LOOK_BACK_SECONDS))
        found = [
            Delivery(delivery_id(webhook.id, one.key), webhook.id, one.event, one.payload, now, next_attempt_at=now)
            for one in happenings
            for webhook in webhooks
            if one.at >= webhook.created_at and webhook.wants(one.event)
        ]
        if found and (queued := await self._store.enqueue(found)):
            log.info("webhook_deliveries_queued", count=queued)
        self._seen_until = now

    async def _send_due(self, webhooks: dict[str, Webhook]) -> None:
        while (delivery := await self._store.take(TAKEN_SECONDS, of=list(webhooks))) is not None:
            await self._store.settle(await self._sent(webhooks[delivery.webhook_id], delivery))

    async def _sent(self, webhook: Webhook, delivery: Delivery) -> Delivery:
        body, now = delivery.payload.encode(), self._clock.now()
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "shinsa",
            "Shinsa-Event": delivery.event,
            "Shinsa-Delivery": delivery.id,
            "Shinsa-Signature": signature(webhook.secret, delivery.id, body, now),
        }
        status, problem = 0, ""
        try:
            status = await self._messenger.send(webhook.url, headers, body)
        except ShinsaError as error:
            problem = error.message
        tried = replace(delivery, attempts=delivery.attempts + 1, last_status=status, last_problem=problem)
        if 200 <= status < 300:
            return replace(tried, state=DeliveryState.DELIVERED, delivered_at=self._clock.now())
        if tried.attempts >= MOST_ATTEMPTS:
            log.warning("webhook_delivery_dead", delivery_id=delivery.id, webhook_id=webhook.id, status=status)
            return replace(tried, state=DeliveryState.DEAD)
        return replace(tried, next_attempt_at=self._clock.now() + wait_after(tried.attempts))


def cursor_of(delivery: Delivery) -> str:
    """Where a page of deliveries ends."""
    return f"{delivery.created_at!r} {delivery.id}"


def _is_cursor(text: str) -> bool:
    at, _, last = text.partition(" ")
    return bool(last) and at.replace(".", "", 1).isdecimal()


def _unknown(field: str, message: str) -> ShinsaError:
    return ShinsaError(Reason.NOT_FOUND, message, field=field)
