"""One program in a container of its own, from its creation to the evidence."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from shinsa_chassis.errors import Reason, ShinsaError

from shinsa_sandbox.domain.checks import FunctionCalls, TestScript
from shinsa_sandbox.domain.evidence import Ending, Finding, Stop
from shinsa_sandbox.domain.execution import Execution
from shinsa_sandbox.domain.kept import Kept
from shinsa_sandbox.domain.limits import MIB
from shinsa_sandbox.domain.runtime import Job
from shinsa_sandbox.outbound.docker import bundle
from shinsa_sandbox.outbound.docker.engine import Box, Engine
from shinsa_sandbox.outbound.docker.guest_link import BrokenLinkError, GuestLink, open_link, reported
from shinsa_sandbox.outbound.docker.judges import MOST_PROCESSES, Judges
from shinsa_sandbox.outbound.jail.handover import candidate_start
from shinsa_sandbox.outbound.jail.inside.stage import JOB_FOLDER
from shinsa_sandbox.outbound.jail.link import pack_payload
from shinsa_sandbox.outbound.jail.outcome import Observed, ending_of, execution_of
from shinsa_sandbox.ports import OutputListener, Stream

# How long a program that has been judged may take to end by itself.
_GRACE_SECONDS = 0.5
_START_SECONDS = 60.0
# Beyond the job's own limits, what a container may live if everybody has forgotten it.
_LEASE_MARGIN = 120.0
# The keeper and an empty interpreter; not the program's doing.
_OVERHEAD_BYTES = 24 * MIB
_INODES = 4096


@dataclass(frozen=True, slots=True)
class Place:
    """Where a run takes place; ``user`` is the slot's own."""

    image: str
    user: int
    processors: float
    tier: int
    environment: dict[str, str]


class ContainerRun:
    """Make it, await `perform` once, then `close`."""

    def __init__(
        self, engine: Engine, place: Place, job: Job, judges: Judges | None, listener: OutputListener | None
    ) -> None:
        self._engine = engine
        self._place = place
        self._job = job
        self._judges = judges
        self._listener = listener
        self._kept = {stream: Kept.of(job, stream) for stream in ("stdout", "stderr")}
        self._container = ""
        self._link: GuestLink | None = None
        self._decided = asyncio.Event()
        self._judged = asyncio.Event()
        self._stop: Stop | None = None
        self._ending: Ending | None = None
        self._oom_kills = 0
        self._refused_forks = 0
        self._finding: Finding | None = None
        self._error: ShinsaError | None = None
        self._program_started = time.monotonic()
        self._helpers: list[asyncio.Task[None]] = []
        self._starting: asyncio.Task[None] | None = None

    async def perform(self) -> Execution:
        """What came of the job. Raises ``ShinsaError`` where it could not be run."""
        began = time.time()
        await self._start()
        try:
            await self._decided.wait()
        finally:
            for helper in self._helpers:
                helper.cancel()
        if self._error is not None:
            raise self._error
        seconds = time.monotonic() - self._program_started
        if self._ending is None and self._stop is None:
            self._oom_kills += await self._engine.ran_out_of_memory(self._container, began)
        return self._outcome(seconds)

    async def _start(self) -> None:
        self._container = await self._engine.create(self._box(), "program")
        link = self._link = await open_link(await self._engine.attach(self._container))
        self._spawn(self._listen(link))
        await self._engine.start(self._container)
        self._starting = self._spawn(self._end_after(_START_SECONDS, None))
        with suppress(OSError):  # the container is gone already; `_listen` sees it, and why
            await link.send(bundle.opening(bundle.CANDIDATE) + self._orders())

    def _box(self) -> Box:
        limits, user = self._job.limits, self._place.user
        options = f"rw,nosuid,nodev,mode=0700,uid={user},gid={user},size={limits.disk_bytes},nr_inodes={_INODES}"
        return Box(
            image=self._place.image,
            command=bundle.COMMAND,
            user=f"{user}:{user}",
            memory_bytes=limits.memory_bytes + _OVERHEAD_BYTES,
            pids=limits.pids + 1,
            processors=self._place.processors,
            lease_seconds=limits.wall_seconds + _START_SECONDS + _LEASE_MARGIN,
            tmpfs=dict.fromkeys((JOB_FOLDER, "/tmp", "/dev/shm"), options),  # noqa: S108 - in the container
        )

    def _orders(self) -> bytes:
        job, judged = self._job, self._judges is not None
        start = candidate_start(job, grouped=True, judged=judged, inodes=_INODES)
        content = {
            **start,
            "ceilings": {**start["ceilings"], "processes": MOST_PROCESSES},
            "cpu_seconds": job.limits.cpu_seconds,
            "environment": self._place.environment,
        }
        payload = pack_payload((file.path, file.content) for file in job.program.files)
        return bundle.orders(content, payload, job.program.stdin)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        helper = asyncio.create_task(work)
        helper.add_done_callback(self._helper_ended)
        self._helpers.append(helper)
        return helper

    def _helper_ended(self, helper: asyncio.Task[None]) -> None:
        """One that breaks decides the job: else the clock would, and the program would be blamed."""
        error = None if helper.cancelled() else helper.exception()
        if isinstance(error, ShinsaError):
            self._fail(error)
        elif isinstance(error, BrokenLinkError):
            self._fail(_broken(str(error)))
        elif error is not None:
            self._fail(_broken(f"{type(error).__name__}: {error}"))

    async def _end_after(self, seconds: float, stop: Stop | None) -> None:
        await asyncio.sleep(seconds)
        if stop is None:
            self._fail(_broken(f"the container did not start within {seconds:g} s"))
        self._end(stop)

    def _end(self, stop: Stop | None) -> None:
        if not self._decided.is_set():
            self._stop = self._stop or stop
            self._decided.set()

    def _fail(self, error: ShinsaError) -> None:
        if not self._decided.is_set():
            self._error = error
            self._decided.set()

    async def _listen(self, link: GuestLink) -> None:
        """Everything the container sends, until it is gone."""
        async for letter, content in link.records():
            if letter == b"c" and self._judges is not None:
                await self._judges.pass_on(content)
            elif letter == b"r":
                self._hear(*reported(content))
            elif letter in (b"o", b"e"):
                self._take("stdout" if letter == b"o" else "stderr", content)
        await self._gone(link)

    def _take(self, name: Stream, content: bytes) -> None:
        part = self._kept[name].add(content)
        if part and self._listener is not None:
            self._listener(name, part)
        if self._kept[name].flooded:
            self._end(Stop.OUTPUT)

    def _hear(self, kind: str, said: Any) -> None:
        if kind == "started":
            if self._starting is not None:
                self._starting.cancel()
            self._program_started = time.monotonic()
            self._spawn(self._end_after(self._job.limits.wall_seconds, Stop.WALL))
            if self._judges is not None and self._link is not None:
                self._spawn(self._be_judged(self._judges, self._link))
        elif kind == "problem":
            self._fail(_broken(str(said)))
        elif kind == "stop":
            self._oom_kills += said == "memory"
            self._refused_forks += said == "pids"
            self._end(Stop.CPU if said == "cpu" else None)
        elif kind == "ending":
            self._oom_kills += said["oom_kills"]
            self._refused_forks += said["refused_forks"]
            self._ending = ending_of(said)

    async def _gone(self, link: GuestLink) -> None:
        """The container's end: with a judge its word is wanted too."""
        if self._ending is None and link.last_words:
            self._fail(_broken(link.last_words.rpartition("\n")[2]))
        if self._judges is not None and self._ending is not None:
            await self._judges.candidate_gone()
            await self._judged.wait()
        self._decided.set()

    async def _be_judged(self, judges: Judges, link: GuestLink) -> None:
        checks = self._job.checks
        assert isinstance(checks, FunctionCalls | TestScript)
        said = await judges.decide(self._job, checks, link)
        if isinstance(said, ShinsaError):
            self._fail(said)
        else:
            self._finding = said
        self._judged.set()
        with suppress(OSError):  # it may be gone already
            await link.record(b"c")
        await asyncio.sleep(_GRACE_SECONDS)
        self._end(None)

    def _outcome(self, seconds: float) -> Execution:
        ending = self._ending
        observed = Observed(
            seconds=seconds,
            cpu_seconds=ending.cpu_seconds if ending else 0.0,
            memory_bytes=0,
            oom_kills=self._oom_kills,
            refused_forks=self._refused_forks,
            stop=self._stop,
            ending=ending,
            finding=self._finding,
        )
        return execution_of(self._job, observed, self._kept, self._place.tier, "docker")

    async def close(self) -> None:
        """Kills the container and waits until it is gone."""
        for helper in self._helpers:
            helper.cancel()
        if self._link is not None:
            self._link.close()
        if self._container:
            await self._engine.remove(self._container)


def _broken(detail: str) -> ShinsaError:
    return ShinsaError(Reason.INTERNAL, f"the container did not work: {detail}"[:500], origin="sandbox")
