"""The `repository` executor: patches and the tests of their repositories, an image and a container for each."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass

from shinsa_chassis.errors import Reason, ShinsaError
from shinsa_chassis.logging import get_logger

from shinsa_sandbox.domain.execution import Execution
from shinsa_sandbox.domain.repository import RepositoryTests
from shinsa_sandbox.domain.runtime import Capabilities, Job, Refusal
from shinsa_sandbox.outbound.docker.engine import Box, Engine, EngineSettings
from shinsa_sandbox.outbound.docker.images import Images
from shinsa_sandbox.outbound.docker.reaper import Reaper
from shinsa_sandbox.outbound.docker.repository_run import RepositoryRun
from shinsa_sandbox.outbound.docker.requirements import check_engine, tier_of
from shinsa_sandbox.outbound.docker.shell import KEEP_ALIVE, Shell, open_shell
from shinsa_sandbox.outbound.ownership import this_process
from shinsa_sandbox.outbound.repository.examination import Place
from shinsa_sandbox.outbound.repository.request import image_name, tests_of
from shinsa_sandbox.outbound.repository.steps import OFFLINE, TMP_BYTES
from shinsa_sandbox.ports import OutputListener

_log = get_logger(__name__)

# Most of what an instance needs beyond its tests: starting, applying, grading.
_LEASE_MARGIN = 900.0


@dataclass(frozen=True, slots=True)
class RepositorySettings:
    """``namespace`` is put before an image's name that has none, such as ``registry.example/swebench``.

    ``user`` owns the repository in images made for it; where another does, root without any capability takes its place.
    ``slots`` 0 is one for every two processors. ``budget_bytes`` bounds what is pulled; 0 is no bound.
    """

    engine: EngineSettings
    namespace: str = ""
    pull: bool = False
    budget_bytes: int = 0
    slots: int = 0
    processors: float = 2.0
    user: int = 10_001
    reap_seconds: float = 60.0


class RepositoryExecutor:
    """Tests patches. `probe` first; it may be asked again later."""

    name = "repository"

    def __init__(self, settings: RepositorySettings) -> None:
        self._settings = settings
        self._engine: Engine | None = None
        self._images: Images | None = None
        self._reaper: Reaper | None = None
        self._version = ""
        self._users: dict[str, str] = {}
        self._gate = asyncio.Semaphore(self.slots)
        self._closing: set[asyncio.Task[None]] = set()

    @property
    def slots(self) -> int:
        return self._settings.slots or max(1, len(os.sched_getaffinity(0)) // 2)

    async def probe(self) -> Capabilities | Refusal:
        """Connects on the first call. Each container proves itself before a patch enters it."""
        opened = self._engine is not None
        try:
            if self._engine is None:
                await self._open()
            else:
                check_engine(await self._engine.describe(), self._settings.engine.runtime)
        except ShinsaError as error:
            if not opened:
                await self._close()  # what runs under an open one may outlast this
            return Refusal("a Docker engine", error.message)
        return Capabilities(tier_of(self._settings.engine.runtime), self._version, root="repository")

    async def _open(self) -> None:
        engine = self._engine = Engine(self._settings.engine, this_process())
        info = await engine.open()
        check_engine(info, self._settings.engine.runtime)
        self._version = f"docker {info.get('ServerVersion', '')}"
        self._images = Images(engine, self._settings.budget_bytes, self._settings.pull)
        self._reaper = Reaper(engine, self._settings.reap_seconds)
        await self._reaper.start()

    async def run(self, job: Job, listener: OutputListener | None = None) -> Execution:
        """Waits for its turn, and for the image. ``ShinsaError`` (NOT_FOUND) if there is none."""
        tests = tests_of(job)
        if self._engine is None or self._images is None:
            raise ShinsaError(Reason.UNAVAILABLE, "the executor is closed; ask another replica", origin="sandbox")
        tier = tier_of(self._settings.engine.runtime)
        name = image_name(tests.image, self._settings.namespace)
        async with self._gate, self._images.in_use(name) as image:
            shell, user = await self._shell(self._engine, image, job, tests)
            try:
                return await RepositoryRun(shell, job, tests, Place(image, user, tier, "docker")).perform()
            finally:
                await self._closed(shell)

    async def _closed(self, shell: Shell) -> None:
        """The image is in use until its container is gone, whoever is no longer interested."""
        task = asyncio.create_task(_close(shell), name="close a container")
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)
        await asyncio.shield(task)

    async def _shell(self, engine: Engine, image: str, job: Job, tests: RepositoryTests) -> tuple[Shell, str]:
        """An open container of the image, run by the user to whom the repository belongs there."""
        user = self._users.get(image, f"{self._settings.user}:{self._settings.user}")
        shell = await open_shell(engine, self._box(image, job, tests, user))
        try:
            owns = await shell.run(("/bin/sh", "-c", "test -w . && test -O .git && git status -s >/dev/null"), 120)
        except BaseException:
            await self._closed(shell)
            raise
        if owns.status and user != "0:0":
            await self._closed(shell)
            _log.info("image_needs_root", image=image)
            self._users[image] = "0:0"
            return await self._shell(engine, image, job, tests)
        if owns.status:
            await self._closed(shell)
            text = f"The image {tests.image!r} holds no git repository in {tests.folder!r} that its user may change."
            raise ShinsaError(Reason.FAILED_PRECONDITION, text, field="checks.repository.folder", origin="sandbox")
        self._users[image] = user
        return shell, user

    def _box(self, image: str, job: Job, tests: RepositoryTests, user: str) -> Box:
        limits, settings = job.limits, self._settings
        uid = user.partition(":")[0]
        return Box(
            image=image,
            command=KEEP_ALIVE,
            user=user,
            memory_bytes=limits.memory_bytes,
            pids=limits.pids,
            processors=min(settings.processors, float(len(os.sched_getaffinity(0)))),
            lease_seconds=limits.wall_seconds + _LEASE_MARGIN,
            read_only=False,
            init=True,
            folder=tests.folder,
            tmpfs={"/tmp": f"rw,nosuid,nodev,exec,mode=0700,uid={uid},size={TMP_BYTES}"},  # noqa: S108
            environment=OFFLINE,
        )

    async def drain(self) -> None:
        """Removes what is left."""
        while self._closing:
            await asyncio.gather(*self._closing, return_exceptions=True)
        await self._close()

    async def _close(self) -> None:
        if self._reaper is not None:
            await self._reaper.close()
            self._reaper = None
        engine, self._engine, self._images = self._engine, None, None
        if engine is not None:
            engine.close()


async def _close(shell: Shell) -> None:
    """What was found out stands, whether or not the container goes."""
    try:
        await shell.close()
    except ShinsaError as error:
        _log.warning("container_not_removed", problem=error.message)
