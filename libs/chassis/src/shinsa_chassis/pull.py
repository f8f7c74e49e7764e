"""Pulling from a JetStream consumer with few requests and no timer a message.

The client library's ``fetch`` sends a request and waits for it, over and over. Here requests are kept outstanding: as
messages arrive, credit is spent, and a new request is sent when enough room has come free.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import time
from collections.abc import Awaitable, Callable

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.errors import Error as NatsError

EXPIRES_SECONDS = 20.0
# For the server's word that nothing more is on its way. Where it says none, others get that later.
_STOP_SECONDS = 2.0

_STATUS = "Status"


class Puller:
    """Keeps up to ``room()`` messages requested from one consumer and hands each to ``on_message``.

    ``on_lost`` is called when the server says that the consumer does not exist (any more).
    """

    def __init__(
        self,
        client: Client,
        stream: str,
        consumer: str,
        on_message: Callable[[Msg], Awaitable[None]],
        room: Callable[[], int],
        on_lost: Callable[[str], None],
    ) -> None:
        self._client = client
        self._next = f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer}"
        self._on_message = on_message
        self._room = room
        self._on_lost = on_lost
        self._numbers = itertools.count()
        # Outstanding requests: number -> (messages still owed, when it runs out).
        self._requests: dict[int, tuple[int, float]] = {}
        self._inbox = ""
        self._subscription: Subscription | None = None
        self._paused = False

    async def start(self) -> None:
        """Asks for messages; also again, after ``stop``."""
        self._paused = False
        self._inbox = self._client.new_inbox()
        self._subscription = await self._client.subscribe(
            f"{self._inbox}.*", cb=self._receive, pending_msgs_limit=-1, pending_bytes_limit=-1
        )
        await self.pull()

    async def stop(self) -> None:
        """Stops asking. What is on its way is handed over before this returns, unless the server is silent."""
        self._paused = True
        subscription, self._subscription = self._subscription, None
        if subscription is None:
            return
        with contextlib.suppress(NatsError, OSError, TimeoutError):
            if not self._client.is_connected:
                await subscription.unsubscribe()
                return
            async with asyncio.timeout(_STOP_SECONDS):
                await subscription.drain()  # type: ignore[no-untyped-call]

    def forget_requests(self) -> None:
        """After a reconnection no request is outstanding any more."""
        self._requests.clear()

    @property
    def credit(self) -> int:
        return sum(owed for owed, _ in self._requests.values())

    async def pull(self) -> None:
        """Asks for as many messages as there is room for, unless enough is asked for already."""
        if self._paused or not self._client.is_connected:
            return
        self._expire()
        room = self._room()
        credit = self.credit
        wanted = room - credit
        # Ask again only when the standing credit has become small against the room: fewer, larger requests.
        if wanted <= 0 or credit > wanted:
            return
        number = next(self._numbers)
        self._requests[number] = (wanted, time.monotonic() + EXPIRES_SECONDS + 2)
        request = json.dumps({"batch": wanted, "expires": int(EXPIRES_SECONDS * 1e9)}).encode()
        try:
            await self._client.publish(self._next, request, reply=f"{self._inbox}.{number}")
        except (NatsError, OSError):
            self._requests.pop(number, None)

    def _expire(self) -> None:
        now = time.monotonic()
        for number in [n for n, (_, until) in self._requests.items() if until < now]:
            del self._requests[number]

    async def _receive(self, message: Msg) -> None:
        # The server's own words come to our inbox; what comes under another name is a message, whatever it says.
        if message.headers and _STATUS in message.headers and message.subject.startswith(f"{self._inbox}."):
            await self._status(message)
            return
        self._spend()
        await self._on_message(message)

    def _spend(self) -> None:
        for number, (owed, until) in self._requests.items():
            if owed <= 1:
                del self._requests[number]
            else:
                self._requests[number] = (owed - 1, until)
            return

    async def _status(self, message: Msg) -> None:
        headers = message.headers or {}
        code = headers.get(_STATUS, "")
        number = int(message.subject.rsplit(".", 1)[1])
        if code == "100":
            return
        self._requests.pop(number, None)
        description = str(headers.get("Description", ""))
        if code == "503" or (
            code in ("404", "409") and "consumer" in description.lower() and "deleted" in description.lower()
        ):
            self._on_lost(description or code)
            await asyncio.sleep(0.2)
        elif code == "409":
            await asyncio.sleep(0.05)
        await self.pull()
