"""One delivery of a task: what the server's own words about it say, and the words with which it is answered."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass, field
from typing import Self

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

_ACK = b"+ACK"
_IN_PROGRESS = b"+WPI"
_BACK = b"-NAK"


@dataclass(slots=True, eq=False)
class Delivery:
    """A task that we hold: neither acknowledged nor handed back.

    ``number`` counts its deliveries from 1; ``sequence`` names it within its stream; ``published_at`` is by the
    server's clock, in seconds since the epoch; ``behind`` tasks lay in the queue when it was sent to us.
    """

    message: Msg
    client: Client
    number: int
    sequence: str
    published_at: float
    behind: int
    pinged_at: float = field(default_factory=time.monotonic)
    job: asyncio.Task[None] | None = None

    @classmethod
    def of(cls, message: Msg, client: Client) -> Self:
        """Raises ``ValueError`` for a message that did not come from a consumer."""
        # $JS ACK <stream> <consumer> <delivered> <stream seq> <consumer seq> <time> <pending>, or with domain and
        # account before the stream.
        tokens = message.reply.split(".")
        delivered, sequence, _, published, behind = tokens[4:9] if len(tokens) < 11 else tokens[6:11]
        return cls(message, client, int(delivered), sequence, int(published) / 1e9, int(behind))

    @property
    def body(self) -> bytes:
        return self.message.data

    async def acknowledge(self) -> None:
        """It is done: nobody gets it again."""
        await self._tell(_ACK)

    async def still_working(self) -> None:
        """Its time to be acknowledged begins anew."""
        self.pinged_at = time.monotonic()
        await self._tell(_IN_PROGRESS)

    async def hand_back(self, delay: float | None = None) -> None:
        """Whoever is next gets it, at once or after so many seconds."""
        await self._tell(_BACK if delay is None else b'-NAK {"delay": %d}' % int(delay * 1e9))

    async def refuse(self, why: str) -> None:
        """Nobody gets it again."""
        await self._tell(f"+TERM {why}".encode())

    async def _tell(self, word: bytes) -> None:
        # A word that does not arrive only means that the task comes again, and then asks first.
        with contextlib.suppress(NatsError, OSError):
            await self.client.publish(self.message.reply, word)
