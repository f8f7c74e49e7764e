"""Publishing to JetStream."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import pytest
from prometheus_client import REGISTRY
from shinsa_chassis import publisher as publishing_module
from shinsa_chassis.publisher import Publisher
from shinsa_chassis.readiness import Readiness
from waiting import until


class Broker:
    """Keeps what is published until it is told to acknowledge."""

    max_payload = 1000
    is_connected = True

    def __init__(self) -> None:
        self.unacknowledged: list[str] = []
        self._hear: Callable[[Any], Awaitable[None]] | None = None

    def new_inbox(self) -> str:
        return "_INBOX.x"

    async def subscribe(self, _subject: str, *, cb: Callable[[Any], Awaitable[None]], **_limits: int) -> None:
        self._hear = cb

    async def publish(self, _subject: str, _payload: bytes, *, reply: str, headers: dict[str, str] | None) -> None:
        self.unacknowledged.append(reply)

    async def acknowledge(self) -> None:
        assert self._hear is not None
        await self._hear(SimpleNamespace(subject=self.unacknowledged.pop(0), data=b'{"stream": "S", "seq": 1}'))


@pytest.fixture
async def broker() -> Broker:
    return Broker()


@pytest.fixture
async def publisher(broker: Any, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Publisher]:
    monkeypatch.setattr(publishing_module, "_SWEEP_SECONDS", 0.05)
    made = Publisher(broker, Readiness())
    await made.start()
    yield made
    await made.stop()


def measured() -> float:
    return REGISTRY.get_sample_value("shinsa_queue_publish_seconds_count") or 0.0


async def test_the_time_until_a_message_is_stored_is_measured(publisher: Publisher, broker: Broker) -> None:
    before = measured()
    publishing = asyncio.create_task(publisher.publish("subject", b"payload", None))
    await until(lambda: broker.unacknowledged)
    assert measured() == before
    await broker.acknowledge()
    await publishing
    assert measured() == before + 1


async def test_what_is_not_acknowledged_is_sent_again_whatever_goes_wrong_once(
    publisher: Publisher, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publishing_module, "ACK_PATIENCE_SECONDS", 0.0)
    faults: list[Exception] = [RuntimeError("the transport is closed")]
    send = broker.publish

    async def faulty(*arguments: Any, **options: Any) -> None:
        if broker.unacknowledged and faults:
            raise faults.pop()
        await send(*arguments, **options)

    monkeypatch.setattr(broker, "publish", faulty)
    publishing = asyncio.create_task(publisher.publish("subject", b"payload", None))
    # Sent once, then in vain, then again.
    await until(lambda: len(broker.unacknowledged) >= 2)
    assert not faults
    await broker.acknowledge()
    await publishing
