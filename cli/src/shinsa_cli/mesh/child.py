"""One child process: started, watched, restarted with growing delay, stopped."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from shinsa_cli.mesh import guard
from shinsa_cli.mesh.processes import start_ticks
from shinsa_cli.mesh.state import ChildRecord, ChildState, now

# Answers "" when the child is healthy, else why it is not.
Probe = Callable[[], Awaitable[str]]

# What our services exit with when a setting is wrong: starting them again cannot help.
EXIT_BAD_SETTINGS = 2


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """What to run. Children of a low ``rank`` are started first and stopped last; ``address`` is for people."""

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(repr=False)
    log: Path
    address: str
    probe: Probe
    rank: int
    # How long it may take to stop by itself, in seconds.
    stop_seconds: float = 20.0
    # Whether nothing but a new start helps against what the probe has told.
    stuck: Callable[[str], bool] = lambda _problem: False


@dataclass(frozen=True, slots=True)
class RestartPolicy:
    """All in seconds but ``start_tries``: how often a child may end before it was healthy once."""

    first_delay: float = 0.5
    longest_delay: float = 30.0
    # A child that was healthy this long starts again with the first delay.
    calm: float = 60.0
    start_tries: int = 3
    probe_fast: float = 0.2
    probe_slow: float = 2.0

    def delay(self, endings: int) -> float:
        """How long to wait after this many endings in a row."""
        return min(self.longest_delay, self.first_delay * 2.0 ** max(0, endings - 1))


class Child:
    """Keeps one program running until it is told to stop."""

    def __init__(self, spec: ChildSpec, policy: RestartPolicy, report: Callable[[ChildRecord], None]) -> None:
        self.spec = spec
        self.record = ChildRecord(spec.name, spec.address, str(spec.log))
        # Set once it has been healthy for the first time.
        self.came_up = asyncio.Event()
        # Set when it is not tried any more.
        self.gave_up = asyncio.Event()
        self._policy = policy
        self._report = report
        self._stop = asyncio.Event()
        self._endings_in_a_row = 0

    async def keep(self) -> None:
        """Runs the program again and again, until ``stop`` or until it proves hopeless."""
        while not self._stop.is_set():
            code = await self._run_once()
            if self._stop.is_set():
                break
            if self._is_hopeless(code):
                self._note(state=ChildState.FAILED, pid=None)
                self.gave_up.set()
                return
            await self._back_off()
        self._note(state=ChildState.STOPPED, pid=None, problem="")

    def stop(self) -> None:
        """Asks ``keep`` to end the program and return."""
        self._stop.set()

    def kill(self) -> None:
        """Ends the program and whatever it started at once."""
        self._stop.set()
        if self.record.pid is not None:
            kill_group(self.record.pid)

    async def _run_once(self) -> int:
        process = await self._spawn()
        ended = asyncio.create_task(process.wait())
        stopping = asyncio.create_task(self._stop.wait())
        health = asyncio.create_task(self._watch_health(process))
        await asyncio.wait({ended, stopping, health}, return_when=asyncio.FIRST_COMPLETED)
        if not ended.done():
            await self._terminate(process, ended)
        for task in (health, stopping):
            task.cancel()
        _, health_end = await asyncio.gather(stopping, health, return_exceptions=True)
        code = await ended
        kill_group(process.pid)  # whatever it left behind
        if isinstance(health_end, Exception):
            raise health_end  # it looks on until it is called off; a fault of ours must not pass unseen
        self._note(last_exit=describe_exit(code))
        return code

    async def _spawn(self) -> asyncio.subprocess.Process:
        process = await start_program(self.spec.argv, self.spec.env, self.spec.log)
        ticks = start_ticks(process.pid)
        self._note(state=ChildState.STARTING, pid=process.pid, start_ticks=ticks, started_at=now(), problem="")
        return process

    async def _terminate(self, process: asyncio.subprocess.Process, ended: asyncio.Task[int]) -> None:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        done, _ = await asyncio.wait({ended}, timeout=self.spec.stop_seconds)
        if not done:
            kill_group(process.pid)

    async def _watch_health(self, process: asyncio.subprocess.Process) -> None:
        healthy_since: float | None = None
        clock = asyncio.get_running_loop().time
        pause = self._policy.probe_fast
        while True:
            problem = await self._probed()
            if problem:
                healthy_since = None
                unfit = ChildState.UNHEALTHY if self.came_up.is_set() else ChildState.STARTING
                self._note(state=unfit, problem=problem)
                if self.spec.stuck(problem):
                    with contextlib.suppress(ProcessLookupError):
                        process.terminate()
            else:
                healthy_since = clock() if healthy_since is None else healthy_since
                self._note(state=ChildState.HEALTHY, problem="")
                self.came_up.set()
                if clock() - healthy_since >= self._policy.calm:
                    self._endings_in_a_row = 0
            # A probe leaves a line in the log of a service that is not ready yet.
            pause = min(pause * 1.3, self._policy.probe_slow) if problem else self._policy.probe_slow
            await asyncio.sleep(pause)

    async def _probed(self) -> str:
        try:
            return await self.spec.probe()
        except Exception as error:  # noqa: BLE001 - whatever breaks the check must not end it in silence
            return f"the check of its health failed: {type(error).__name__}: {error}"

    def _is_hopeless(self, code: int) -> bool:
        """Only at the start: what has once been healthy is tried for ever."""
        self._endings_in_a_row += 1
        tried_enough = self._endings_in_a_row >= self._policy.start_tries
        return not self.came_up.is_set() and (code == EXIT_BAD_SETTINGS or tried_enough)

    async def _back_off(self) -> None:
        delay = self._policy.delay(self._endings_in_a_row)
        self._note(
            state=ChildState.BACKING_OFF,
            pid=None,
            restarts=self.record.restarts + 1,
            problem=f"ended ({self.record.last_exit}); starts again in {delay:g} s",
        )
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), delay)

    def _note(self, **changes: object) -> None:
        changed = replace(self.record, **changes)  # type: ignore[arg-type]
        if changed != self.record:
            self.record = changed
            self._report(changed)


async def start_program(argv: Sequence[str], environment: Mapping[str, str], log: Path) -> asyncio.subprocess.Process:
    """Starts a program in a session of its own that dies with this process; what it says goes to the end of ``log``."""
    with log.open("ab") as output:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", guard.__file__, str(os.getpid()), *argv),
            env=dict(environment),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )


def kill_group(pid: int) -> None:
    """Kills the process group that the child leads, if anything of it is left."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def describe_exit(code: int) -> str:
    """An exit status as a person would say it."""
    if code >= 0:
        return f"exit status {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"
