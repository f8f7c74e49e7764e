"""One patch in one container of a Docker engine: applied, tested, graded."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from shinsa_chassis.errors import Reason, ShinsaError
from shinsa_chassis.logging import get_logger

from shinsa_sandbox.domain import patches
from shinsa_sandbox.domain.execution import Execution, Verdict
from shinsa_sandbox.domain.grading import Grade
from shinsa_sandbox.domain.repository import Attempt, RepositoryTests
from shinsa_sandbox.domain.runtime import Job
from shinsa_sandbox.outbound.docker.shell import Said, Shell
from shinsa_sandbox.outbound.repository import steps
from shinsa_sandbox.outbound.repository.examination import (
    FLOODED,
    OUT_OF_MEMORY,
    OUT_OF_TIME,
    TOUCHED_WHILE_RUNNING,
    Ended,
    Examination,
    Place,
)
from shinsa_sandbox.outbound.repository.log_tail import FloodError

_log = get_logger(__name__)

PATCH_FILE = "/tmp/shinsa.patch"  # noqa: S108 - in the container
_SCRIPT_FILE = "/tmp/shinsa-eval.sh"  # noqa: S108
_SHORT_SECONDS = 60.0
_MEASURE_SECONDS = 5.0
# Says what holds for every process of the container, before anything of the patch is in it.
_PROOF = "cat /proc/self/status /proc/net/route"


class RepositoryRun:
    """Make it for an open shell, await `perform` once."""

    def __init__(self, shell: Shell, job: Job, tests: RepositoryTests, place: Place) -> None:
        self._shell = shell
        self._job = job
        self._tests = tests
        self._place = place
        self._examination = Examination(job, tests)
        self._overflowed = False

    async def perform(self) -> Execution:
        """What came of the patch. Raises ``ShinsaError`` where that could not be found out."""
        began, started = time.time(), time.monotonic()
        found: Grade | None = None
        try:
            async with self._watched():
                found = await self._examined()
                verdict, reason = self._examination.ruled(found)
        except Ended as error:
            verdict, reason = error.verdict, error.reason
        except TimeoutError:
            verdict, reason = Verdict.TIMEOUT, OUT_OF_TIME
        except FloodError:
            verdict, reason = Verdict.OUTPUT_LIMIT, FLOODED
        if self._overflowed:
            verdict, reason = Verdict.DISK, f"disk: it wrote more than {self._job.limits.disk_bytes} bytes"
        elif verdict is not Verdict.PASS and await self._shell.ran_out_of_memory(began):
            verdict, reason = Verdict.MEMORY, OUT_OF_MEMORY
        seconds = time.monotonic() - started
        return self._examination.execution((verdict, reason), found, self._place, seconds)

    async def _examined(self) -> Grade:
        examination = self._examination
        with examination.phase("prove"):
            await self._prove()
        if examination.patch.strip():
            with examination.phase("apply"):
                await self._apply()
                await self._restore()
        with examination.phase("test"):
            await self._test()
        return await examination.graded()

    @asynccontextmanager
    async def _watched(self) -> AsyncIterator[None]:
        """Ends the work within when the container has written more than it may."""
        work = asyncio.current_task()
        assert work is not None

        async def watch() -> None:
            while True:
                await asyncio.sleep(_MEASURE_SECONDS)
                if await self._written() > self._job.limits.disk_bytes:
                    break
            self._overflowed = True
            work.cancel()

        watcher = asyncio.create_task(watch(), name="disk watch")
        try:
            yield
        except asyncio.CancelledError:
            if not self._overflowed or work.uncancel() > 0:
                raise
            raise Ended(Verdict.DISK, "") from None
        finally:
            watcher.cancel()
            with suppress(asyncio.CancelledError):
                await watcher

    async def _written(self) -> int:
        """Bytes; 0 where the engine does not tell now. It is asked again."""
        try:
            return await self._shell.written_bytes()
        except ShinsaError as error:
            _log.warning("disk_not_measured", problem=error.message)
            return 0

    async def _prove(self) -> None:
        text = (await self._sh(_PROOF)).text
        if problem := steps.unheld(text, self._place.tier):
            raise _missing(problem)
        routes = [line for line in text.splitlines() if ":\t" not in line and not line.startswith("Iface")]
        if routes:
            raise _missing(f"it has a way out: {routes[0][:80]}")

    async def _apply(self) -> None:
        examination = self._examination
        examination.refuse_unfit()
        await self._shell.put(PATCH_FILE, examination.patch)
        if await self._tried(steps.STEPS):
            return
        await self._shell.put(PATCH_FILE, patches.mended(examination.patch))
        if not await self._tried(steps.LAST_STEPS):
            raise examination.not_applied()

    async def _tried(self, ways: tuple[tuple[str, str], ...]) -> bool:
        for name, command in ways:
            said = await self._sh(command.format(patch=PATCH_FILE), steps.APPLY_SECONDS)
            worked = said.status == 0
            self._examination.attempts.append(Attempt(name, worked, "" if worked else said.text[-steps.SAID_BYTES :]))
            if worked:
                return True
            await self._sh(steps.CLEAN)
        return False

    async def _restore(self) -> None:
        """Undoes what the patch did to files that belong to the tests."""
        self._examination.restored = self._examination.of_the_tests()
        for path in self._examination.restored:
            if (await self._sh(steps.restoring(path))).status:
                raise Ended(Verdict.FAIL, f"{path} belongs to the tests and could not be restored")

    async def _test(self) -> None:
        await self._shell.put(_SCRIPT_FILE, self._tests.script.encode())
        before = await self._fingerprints()
        command = ("/bin/bash", "-c", f"exec /bin/bash {_SCRIPT_FILE} 2>&1")
        await self._shell.run(command, self._job.limits.wall_seconds, into=self._examination.log)
        if await self._fingerprints() != before:
            self._examination.suspicions.append(TOUCHED_WHILE_RUNNING)

    async def _fingerprints(self) -> str:
        command = steps.fingerprinting(self._examination.restored, self._tests.test_paths)
        return (await self._sh(command)).text if command else ""

    async def _sh(self, command: str, seconds: float = _SHORT_SECONDS) -> Said:
        return await self._shell.run(("/bin/sh", "-c", command), seconds)


def _missing(detail: str) -> ShinsaError:
    text = f"the container is not isolated as it must be: {detail}"
    return ShinsaError(Reason.ISOLATION_MISSING, text, origin="docker")
