"""Looking after JetStream, for as long as the process lives."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from shinsa_chassis import jetstream_watch
from shinsa_chassis.jetstream_watch import JetStreamWatch
from shinsa_chassis.readiness import Readiness
from structlog.testing import capture_logs
from waiting import until


async def test_a_look_that_fails_is_told_and_not_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jetstream_watch, "WATCH_SECONDS", 0.01)
    looks: list[int] = []

    class JetStream:
        async def account_info(self) -> None:
            looks.append(1)
            raise KeyError("limits")

    client: Any = SimpleNamespace(is_connected=True)
    jetstream: Any = JetStream()
    settings: Any = SimpleNamespace(nats_url="nats://h")
    with capture_logs() as logs:
        watching = asyncio.create_task(JetStreamWatch(client, jetstream, settings, Readiness()).run())
        await until(lambda: len(looks) >= 2)
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
    assert {line["event"] for line in logs} == {"jetstream_watch_failed"}
