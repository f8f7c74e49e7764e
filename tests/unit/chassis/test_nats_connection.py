"""Whoever waits for NATS can be told to stop."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from shinsa_chassis.nats_connection import NatsConnection
from shinsa_chassis.settings import ServiceSettings


class Torn(NatsConnection):
    """Its second attempt fails in the moment in which it is cancelled, as one may that is refused just then."""

    tries = 0

    async def _connect_to_server(self, server: Any) -> None:
        self.tries += 1
        task = asyncio.current_task()
        assert task is not None
        if self.tries == 2:
            task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(0)
        raise OSError("refused")


async def test_an_attempt_that_fails_while_it_is_cancelled_is_the_last() -> None:
    async def reconnected() -> None: ...

    connection = Torn(ServiceSettings(grpc_port=0))
    entering = asyncio.create_task(connection.enter(reconnected))
    await asyncio.wait({entering}, timeout=60)
    assert entering.cancelled()
    assert connection.tries == 2
