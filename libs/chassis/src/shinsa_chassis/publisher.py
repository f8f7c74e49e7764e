"""JetStream publishing at a low price: one inbox for all acknowledgements, no timer a message, sent again if lost."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import time
from dataclasses import dataclass

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.errors import Error as NatsError

from shinsa_chassis.errors import Reason, ShinsaError
from shinsa_chassis.logging import get_logger
from shinsa_chassis.metrics import QUEUE_PUBLISH_SECONDS
from shinsa_chassis.readiness import Readiness

log = get_logger(__name__)

ACK_PATIENCE_SECONDS = 5.0
_SWEEP_SECONDS = 1.0
# JetStream API errors that no repetition mends: message too large, no such stream, malformed.
_FINAL_CODES = frozenset({400, 404, 413})
_STORE = "jetstream_store"


@dataclass(slots=True)
class _Pending:
    subject: str
    payload: bytes
    headers: dict[str, str] | None
    done: asyncio.Future[bool]
    sent_at: float
    sendings: int = 0
    # How often it was sent, and nothing came back that says what has become of it.
    unheard: int = 0


class Publisher:
    """Publishes to JetStream and waits for the server's word, for as long as it takes."""

    def __init__(self, client: Client, readiness: Readiness) -> None:
        self._client = client
        self._readiness = readiness
        self._pending: dict[str, _Pending] = {}
        self._numbers = itertools.count()
        self._prefix = ""
        # Of what is pending, that which the server did not store when it was sent last.
        self._refused: set[str] = set()
        self._subscription: Subscription | None = None
        self._sweeper: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._prefix = self._client.new_inbox()
        self._subscription = await self._client.subscribe(
            f"{self._prefix}.*", cb=self._acknowledged, pending_msgs_limit=-1, pending_bytes_limit=-1
        )
        self._sweeper = asyncio.create_task(self._sweep(), name="publisher-sweeper")

    async def stop(self) -> None:
        if self._sweeper is not None:
            self._sweeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._sweeper
        for pending in self._pending.values():
            pending.done.cancel()
        self._pending.clear()

    async def publish(self, subject: str, payload: bytes, headers: dict[str, str] | None) -> bool:
        """Returns when the message is stored. Raises ``ShinsaError`` only for what no repetition can mend.

        True: the server had one of this id already, and not because we sent it twice.
        """
        # The client library counts the payload alone; the server closes the connection, over and over.
        size = len(payload) + _header_bytes(headers)
        if size > self._client.max_payload:
            raise ShinsaError(
                Reason.INVALID_ARGUMENT,
                f"a message of {size} bytes exceeds the {self._client.max_payload} bytes that NATS takes",
                field="payload",
            )
        number = str(next(self._numbers))
        done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        began = time.monotonic()
        pending = _Pending(subject, payload, headers, done, began)
        self._pending[number] = pending
        try:
            await self._send(number, pending)
            known = await done
            QUEUE_PUBLISH_SECONDS.observe(time.monotonic() - began)
            return known
        finally:
            self._pending.pop(number, None)
            self._refused.discard(number)
            if not self._refused:
                self._readiness.note(_STORE, "")

    async def _send(self, number: str, pending: _Pending) -> None:
        pending.sent_at = time.monotonic()
        pending.sendings += 1
        try:
            await self._client.publish(
                pending.subject, pending.payload, reply=f"{self._prefix}.{number}", headers=pending.headers
            )
        except (NatsError, OSError) as error:
            # Not sent; the sweeper or the reconnection sends it again.
            log.debug("publish_deferred", problem=repr(error))

    async def _acknowledged(self, message: Msg) -> None:
        number = message.subject[len(self._prefix) + 1 :]
        pending = self._pending.get(number)
        if pending is None or pending.done.done():
            return
        # An empty message with status 503 means "nobody listens": the stream is not there (yet). The sweeper helps.
        if not message.data:
            return
        if b'"error"' not in message.data:
            pending.done.set_result(pending.sendings == 1 and b'"duplicate"' in message.data)
            return
        error = json.loads(message.data).get("error", {})
        if error.get("code") in _FINAL_CODES:
            pending.done.set_exception(
                ShinsaError(Reason.INTERNAL, f"JetStream refused a message: {error.get('description', error)}")
            )
            return
        # A store without room, a leader being chosen: the sweeper sends it again until there is.
        self._not_stored(number, str(error.get("description", error)))

    def _not_stored(self, number: str, problem: str) -> None:
        self._refused.add(number)
        remedy = "make room for it, see docs/runbooks/ShinsaJetStreamFull.md; nothing is lost meanwhile"
        self._readiness.note(_STORE, f"NATS does not store what is published ({problem}): {remedy}")

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(_SWEEP_SECONDS)
            late = time.monotonic() - ACK_PATIENCE_SECONDS
            try:
                await self._resend([n for n, pending in self._pending.items() if pending.sent_at < late])
            except Exception:
                log.exception("publisher_sweep_failed")

    def resend_unacknowledged(self) -> None:
        """After a reconnection: what was on the wire may be lost."""
        for pending in self._pending.values():
            pending.sent_at, pending.unheard = 0.0, 0

    async def _resend(self, numbers: list[str]) -> None:
        if not self._client.is_connected:
            return
        for number in numbers:
            pending = self._pending.get(number)
            if pending is not None and not pending.done.done():
                pending.unheard += 1
                # A server whose disk is full may not answer at all; one that is busy, not at once.
                if pending.unheard > 1:
                    self._not_stored(number, "it does not answer")
                await self._send(number, pending)


def _header_bytes(headers: dict[str, str] | None) -> int:
    """As they go over the wire: a line for each, after one with the version and before an empty one."""
    if not headers:
        return 0
    return len("NATS/1.0\r\n\r\n") + sum(len(f"{name}: {value}\r\n".encode()) for name, value in headers.items())
