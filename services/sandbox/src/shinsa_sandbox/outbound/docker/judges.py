"""The container in which checks are held against answers: it never sees a byte of a candidate but plain data.

It is kept from job to job, since only the test's author is trusted with it; each job has a process of its own there.
"""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

from shinsa_chassis.errors import Reason, ShinsaError
from shinsa_chassis.logging import get_logger

from shinsa_sandbox.domain.checks import FunctionCalls, TestScript
from shinsa_sandbox.domain.evidence import Finding
from shinsa_sandbox.domain.limits import MIB
from shinsa_sandbox.domain.runtime import Job
from shinsa_sandbox.outbound.docker import bundle
from shinsa_sandbox.outbound.docker.engine import Box, Engine
from shinsa_sandbox.outbound.docker.guest_link import BrokenLinkError, GuestLink, open_link, reported
from shinsa_sandbox.outbound.jail.handover import checks_request
from shinsa_sandbox.outbound.jail.inside.confine import Ceilings
from shinsa_sandbox.outbound.jail.outcome import ending_of, finding_of, finding_without_verdict

_log = get_logger(__name__)

_MEMORY = 768 * MIB
_JUDGE_BYTES = 512 * MIB
_OPEN_FILES = 64
_PIDS = 64
# The kernel counts them by user for the whole machine: never the first limit met.
MOST_PROCESSES = 1 << 15
_START_SECONDS = 60.0
_REST_SECONDS = 10.0
# The lease of a container that is kept; the first job after half of it gets another container.
_LEASE_SECONDS = 6 * 3600.0


class Judges:
    """One slot's container for judges. One job at a time."""

    def __init__(self, engine: Engine, image: str, user: int) -> None:
        self._engine = engine
        self._image = image
        self._user = user
        self._container = ""
        self._renewed_at = 0.0
        self._link: GuestLink | None = None
        self._listener: asyncio.Task[None] | None = None
        self._candidate: GuestLink | None = None
        self._heard: asyncio.Queue[tuple[str, Any] | None] = asyncio.Queue()
        self._limit = 0.0
        self._busy = False

    async def open(self) -> None:
        """Starts the container if there is none, or none for much longer. ``ShinsaError`` if that does not work."""
        if self._link is not None and time.monotonic() < self._renewed_at:
            return
        await self.close()
        self._renewed_at = time.monotonic() + _LEASE_SECONDS / 2
        self._heard = asyncio.Queue()
        self._container = await self._engine.create(self._box(), "judges")
        try:
            self._link = await open_link(await self._engine.attach(self._container))
            await self._engine.start(self._container)
            await self._link.send(bundle.opening(bundle.JUDGE))
            self._listener = asyncio.create_task(self._listen(self._link), name="judges")
            async with asyncio.timeout(_START_SECONDS):
                if await self._heard.get() != ("started", True):
                    raise self._broken("they did not start")
        except (OSError, TimeoutError) as error:
            await self.close()
            raise self._broken(str(error) or "they did not start in time") from error
        except BaseException:
            await self.close()
            raise

    def _box(self) -> Box:
        return Box(
            image=self._image,
            command=bundle.COMMAND,
            user=f"{self._user}:{self._user}",
            memory_bytes=_MEMORY,
            pids=_PIDS,
            processors=1.0,
            lease_seconds=_LEASE_SECONDS,
        )

    async def _listen(self, link: GuestLink) -> None:
        try:
            async for letter, content in link.records():
                if letter == b"c" and self._candidate is not None:
                    await self._candidate.record(b"c", content)
                elif letter == b"r":
                    self._heard.put_nowait(reported(content))
        except (BrokenLinkError, OSError):
            pass
        except Exception:  # noqa: BLE001 - whatever it is, whoever waits for a verdict must hear that none comes
            _log.exception("judges_misheard")
        self._heard.put_nowait(None)

    async def decide(self, job: Job, checks: FunctionCalls | TestScript, candidate: GuestLink) -> Finding | ShinsaError:
        """The finding, or what is wrong with the checks. Raises ``ShinsaError`` if the judges themselves broke."""
        assert self._link is not None
        self._candidate = candidate
        self._limit = job.limits.cpu_seconds
        self._busy = True
        ceilings = Ceilings(
            cpu_seconds=job.limits.cpu_seconds,
            memory_bytes=_JUDGE_BYTES,
            processes=MOST_PROCESSES,
            file_bytes=0,
            open_files=_OPEN_FILES,
        )
        orders = {"ceilings": ceilings, "checks": checks_request(checks)}
        try:
            await self._link.record(b"j", json.dumps(orders).encode())
        except OSError as error:
            raise self._broken(str(error)) from error
        finding: Finding | ShinsaError | None = None
        while True:
            heard = await self._heard.get()
            if heard is None:
                raise self._broken("they ended")
            kind, said = heard
            if kind == "verdict":
                finding = finding_of(said)
            elif kind == "judge_ended":
                return finding or self._died(said)

    def _died(self, said: dict[str, Any]) -> Finding | ShinsaError:
        found = finding_without_verdict(ending_of(said), self._limit, out_of_memory=bool(said["oom_kills"]))
        return found or self._broken("a judge was killed")

    async def pass_on(self, content: bytes) -> None:
        """What the candidate says to its judge."""
        if self._link is not None:
            try:
                await self._link.record(b"c", content)
            except OSError:
                return  # `decide` hears of it

    async def candidate_gone(self) -> None:
        await self.pass_on(b"")

    async def rest(self) -> None:
        """After a job: ends its judge. A container that does not answer is given up."""
        self._candidate = None
        busy, self._busy = self._busy, False
        if self._link is None or not busy:
            return
        try:
            await self._link.record(b"k")
            async with asyncio.timeout(_REST_SECONDS):
                while (heard := await self._heard.get()) != ("rested", True):
                    if heard is None:
                        raise BrokenLinkError("ended")
        except (OSError, TimeoutError, BrokenLinkError):
            await self.close()

    async def close(self) -> None:
        if self._listener is not None:
            self._listener.cancel()
            self._listener = None
        if self._link is not None:
            self._link.close()
            self._link = None
        if self._container:
            await self._engine.remove(self._container)
            self._container = ""

    def _broken(self, detail: str) -> ShinsaError:
        words = self._link.last_words if self._link is not None else ""
        text = f"the judges' container did not work: {words.rpartition(chr(10))[2] or detail}"
        return ShinsaError(Reason.INTERNAL, text[:500], origin="sandbox")
