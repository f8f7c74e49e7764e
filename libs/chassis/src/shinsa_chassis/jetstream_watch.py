"""Looks from time to time whether JetStream is still on and our clock still right, and says so where it is not."""

from __future__ import annotations

import asyncio
import time

from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.errors import NoRespondersError
from nats.js import JetStreamContext
from nats.js.errors import NoStreamResponseError, ServiceUnavailableError

from shinsa_chassis import metrics
from shinsa_chassis.logging import get_logger
from shinsa_chassis.readiness import Readiness
from shinsa_chassis.settings import ServiceSettings
from shinsa_chassis.streams import read_clock
from shinsa_chassis.subjects import RESULTS_STREAM, WORKER_SERVICES, work_stream

_log = get_logger(__name__)

WATCH_SECONDS = 10.0
# A reading that took longer tells less than what is known already.
_WORST_MARGIN = 1.0


class JetStreamWatch:
    """Of one connection. A problem is over when a later look no longer finds it."""

    def __init__(
        self, client: Client, jetstream: JetStreamContext, settings: ServiceSettings, readiness: Readiness
    ) -> None:
        self._client = client
        self._jetstream = jetstream
        self._settings = settings
        self._readiness = readiness
        # The server's time at a moment of the clock that nobody sets.
        self._moment = (time.time(), time.monotonic())

    def now(self) -> float:
        """The server's time, seconds since the epoch, whatever becomes of ours; ours before the first reading."""
        theirs, at = self._moment
        return theirs + time.monotonic() - at

    async def run(self) -> None:
        """Looks until cancelled; a lost connection is the client's own matter."""
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            if not self._client.is_connected:
                continue
            try:
                await self.look()
            except Exception:  # noqa: BLE001 - whatever it is: nobody else looks, nor would tell that nobody does
                _log.exception("jetstream_watch_failed")

    async def look(self) -> None:
        """One look. What cannot be learned now leaves everything as it was."""
        try:
            await self._jetstream.account_info()
        except (TimeoutError, NatsError, OSError) as error:
            if _is_off(error):
                self._readiness.note("jetstream", jetstream_problem(error, self._settings.nats_url))
            return
        self._readiness.note("jetstream", "")
        if (problem := await self.clock_problem()) is not None:
            self._readiness.note("clock", problem)

    async def clock_problem(self) -> str | None:
        """Empty if our clock and the server's agree; ``None`` if the server does not tell."""
        service = self._settings.service_name()
        reading = await read_clock(self._client, work_stream(service) if service in WORKER_SERVICES else RESULTS_STREAM)
        if reading is None:
            return None
        if reading.margin < _WORST_MARGIN:
            self._moment = (time.time() - reading.offset, time.monotonic())
        metrics.CLOCK_OFFSET.set(reading.offset)
        most = self._settings.clock_skew_seconds
        if abs(reading.offset) - reading.margin <= most:
            return ""
        direction = "ahead of" if reading.offset > 0 else "behind"
        return (
            f"this machine's clock is {direction} NATS's by more than {most:g} s; synchronise both (NTP), or raise "
            f"{self._settings.env_name('clock_skew_seconds')}"
        )


# A server that stands alone, and a cluster that is too small.
_TOO_FEW_SERVERS = ("replicas > 1 not supported", "no suitable peers", "insufficient resources")


def jetstream_problem(error: Exception, url: str) -> str:
    """What keeps JetStream from us, and the remedy where there is one."""
    text = str(error) or type(error).__name__
    if _is_off(error):
        return (
            f"NATS at {url} answers, JetStream does not: give the server a `jetstream` block with a store_dir, make "
            f"room for it and restart the server if its disk was full, or wait until it is up ({text})"
        )
    if "insufficient storage" in text:
        return f"{text}: NATS lacks the room for our streams; give its store more, dead letters alone reserve 256 MiB"
    if any(words in text for words in _TOO_FEW_SERVERS):
        remedy = "lower nats_replicas, or give NATS more servers"
        return f"{text}: each stream shall have more copies than there are servers; {remedy}"
    return text


def _is_off(error: Exception) -> bool:
    silent = isinstance(error, ServiceUnavailableError | NoRespondersError | NoStreamResponseError)
    return silent or "not enabled" in str(error)
