"""Who is told of what happens."""

from __future__ import annotations

from typing import Protocol

from shinsa_gateway.domain.access import Caller
from shinsa_gateway.domain.webhook import Delivery, DeliveryPage, DeliveryState, NewWebhook, Webhook, WebhookOrder


class Webhooks(Protocol):
    """Who is told of what happens."""

    async def create(self, order: WebhookOrder, caller: Caller) -> NewWebhook: ...

    async def listing(self) -> tuple[Webhook, ...]: ...

    async def delete(self, webhook_id: str) -> None: ...

    async def deliveries(
        self, webhook_id: str, states: tuple[DeliveryState, ...], *, page_size: int, cursor: str
    ) -> DeliveryPage: ...

    async def retry(self, delivery_id: str) -> Delivery: ...
