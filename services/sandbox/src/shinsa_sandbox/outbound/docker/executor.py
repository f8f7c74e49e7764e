"""The `docker` executor: Python programs, each in a fresh container, judged from another."""

from __future__ import annotations

import asyncio
import json
import os
from dataclasses import dataclass

from shinsa_chassis.errors import Reason, ShinsaError
from shinsa_chassis.logging import get_logger

from shinsa_sandbox.domain.checks import FunctionCalls, TestScript
from shinsa_sandbox.domain.execution import Execution
from shinsa_sandbox.domain.limits import MIB
from shinsa_sandbox.domain.runtime import Capabilities, Job, Refusal
from shinsa_sandbox.outbound.docker.engine import Box, Engine, EngineSettings
from shinsa_sandbox.outbound.docker.guest_link import open_link
from shinsa_sandbox.outbound.docker.images import Images
from shinsa_sandbox.outbound.docker.judges import Judges
from shinsa_sandbox.outbound.docker.reaper import Reaper
from shinsa_sandbox.outbound.docker.requirements import check_engine, tier_of
from shinsa_sandbox.outbound.docker.run import ContainerRun, Place
from shinsa_sandbox.outbound.jail.interpreter import ENVIRONMENT
from shinsa_sandbox.outbound.ownership import this_process
from shinsa_sandbox.ports import OutputListener

_log = get_logger(__name__)

OLDEST = (3, 11)
_INSPECTION = "import json, os, sys; print(json.dumps([list(sys.version_info[:3]), os.getuid()]))"
_INSPECTION_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class DockerSettings:
    """``image`` holds Python 3.11 or newer as ``python3``; by digest, by id, or by a name that is resolved once.

    ``slots`` 0 is one for each processor. ``uid_base`` is the first of two user ids a slot.
    """

    engine: EngineSettings
    image: str
    slots: int = 0
    uid_base: int = 63_000
    reap_seconds: float = 60.0


@dataclass(slots=True)
class _Slot:
    user: int
    judges: Judges


class DockerExecutor:
    """Runs Python programs. `probe` first; it may be asked again later."""

    name = "docker"

    def __init__(self, settings: DockerSettings) -> None:
        self._settings = settings
        self._engine: Engine | None = None
        self._reaper: Reaper | None = None
        self._place: Place | None = None
        self._version = ""
        self._free: asyncio.Queue[_Slot] = asyncio.Queue()
        self._slots: list[_Slot] = []
        self._cleaning: set[asyncio.Task[None]] = set()

    @property
    def slots(self) -> int:
        return self._settings.slots or len(os.sched_getaffinity(0))

    async def probe(self) -> Capabilities | Refusal:
        """Connects on the first call and looks again at engine and image on every one."""
        opened = self._place is not None
        try:
            if self._engine is None or self._place is None:
                await self._open()
            else:
                check_engine(await self._engine.describe(), self._settings.engine.runtime)
                await Images(self._engine, 0).identify(self._place.image)
        except ShinsaError as error:
            if not opened:
                await self._close()  # what runs under an open one may outlast this
            return Refusal("a Docker engine with the runtime's image", error.message)
        return Capabilities(tier_of(self._settings.engine.runtime), self._version, root="image")

    async def _open(self) -> None:
        if not self._settings.image:
            text = "no image is set for it; name one that holds Python 3.11 or newer (docker_image)"
            raise ShinsaError(Reason.FAILED_PRECONDITION, text, origin="docker")
        engine = self._engine = Engine(self._settings.engine, this_process())
        info = await engine.open()
        check_engine(info, self._settings.engine.runtime)
        self._reaper = Reaper(engine, self._settings.reap_seconds)
        await self._reaper.start()
        image = await Images(engine, 0).identify(self._settings.image)
        self._version = await self._inspect(engine, image)
        self._place = Place(image, 0, 1.0, tier_of(self._settings.engine.runtime), ENVIRONMENT)
        for number in range(self.slots):
            user = self._settings.uid_base + 2 * number
            self._slots.append(_Slot(user, Judges(engine, image, user + 1)))
            self._free.put_nowait(self._slots[-1])

    async def _inspect(self, engine: Engine, image: str) -> str:
        """The image's Python. ``ShinsaError`` if it has none that serves."""
        command = ("python3", "-I", "-c", _INSPECTION)
        box = Box(image, command, f"{self._settings.uid_base}", 128 * MIB, 16, 1.0, 2 * _INSPECTION_SECONDS)
        said = (await _said_by(engine, box)).splitlines()
        try:
            version, uid = json.loads(said[-1] if said else "")
        except (ValueError, TypeError) as error:
            text = f"the image {self._settings.image!r} runs no python3: {' '.join(said)[:200]}"
            raise ShinsaError(Reason.FAILED_PRECONDITION, text, origin="docker") from error
        if tuple(version) < OLDEST or uid == 0:
            text = (
                f"the image has Python {'.'.join(map(str, version))}; {'.'.join(map(str, OLDEST))} or newer is needed"
            )
            raise ShinsaError(Reason.FAILED_PRECONDITION, text, origin="docker")
        return ".".join(map(str, version))

    async def run(self, job: Job, listener: OutputListener | None = None) -> Execution:
        """Waits for a free slot and runs the job there. Answers before the container is gone."""
        if self._engine is None or self._place is None:
            raise ShinsaError(Reason.UNAVAILABLE, "the executor is closed; ask another replica", origin="sandbox")
        slot = await self._free.get()
        judged = isinstance(job.checks, FunctionCalls | TestScript)
        place = Place(self._place.image, slot.user, self._place.processors, self._place.tier, self._place.environment)
        run = ContainerRun(self._engine, place, job, slot.judges if judged else None, listener)
        try:
            if judged:
                await slot.judges.open()
            return await run.perform()
        finally:
            task = asyncio.create_task(self._clean(slot, run), name="clean a slot")
            self._cleaning.add(task)
            task.add_done_callback(self._cleaning.discard)

    async def _clean(self, slot: _Slot, run: ContainerRun) -> None:
        try:
            await run.close()
            await slot.judges.rest()
        except ShinsaError as error:
            _log.warning("container_not_removed", problem=error.message)
        finally:
            self._free.put_nowait(slot)

    async def drain(self) -> None:
        """Waits for the cleaning under way and removes every container."""
        while self._cleaning:
            await asyncio.gather(*self._cleaning, return_exceptions=True)
        await self._close()

    async def _close(self) -> None:
        slots, self._slots, self._place = self._slots, [], None
        self._free = asyncio.Queue()
        for slot in slots:
            await slot.judges.close()
        if self._reaper is not None:
            await self._reaper.close()
            self._reaper = None
        if self._engine is not None:
            self._engine.close()
            self._engine = None


async def _said_by(engine: Engine, box: Box) -> str:
    """What a short command in a container writes to either stream."""
    container = await engine.create(box, "inspection")
    try:
        link = await open_link(await engine.attach(container))
        try:
            await engine.start(container)
            async with asyncio.timeout(_INSPECTION_SECONDS):
                return (await link.everything()).decode("utf-8", "replace")
        finally:
            link.close()
    except TimeoutError:
        raise ShinsaError(Reason.TIMEOUT, f"a container of {box.image!r} does not start", origin="docker") from None
    finally:
        await engine.remove(container)
