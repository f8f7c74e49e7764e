"""The supervisor's handle on a zygote and on the jails forked from it."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

from shinsa_sandbox.outbound.jail.cgroup import Group
from shinsa_sandbox.outbound.jail.inside.zygote import ZygoteConfig
from shinsa_sandbox.outbound.jail.interpreter import ENVIRONMENT, FLAGS, Interpreter
from shinsa_sandbox.outbound.jail.link import Link, Message

_BOOT = "import sys; sys.path.insert(0, sys.argv[1]); from inside.zygote import main; main(int(sys.argv[2]))"
_START_SECONDS = 30.0
_PREPARE_SECONDS = 10.0
_GONE_SECONDS = 10.0


class ZygoteFailedError(Exception):
    """A zygote or a jail could not be made; ``step`` is what did not work."""

    def __init__(self, step: str, detail: str) -> None:
        super().__init__(f"{step}: {detail}")
        self.step = step
        self.detail = detail


class Processes:
    """A process and all that live and die with it, by its pidfd: the first process of a pid namespace."""

    def __init__(self, pidfd: int) -> None:
        self._pidfd = pidfd
        self._gone = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(pidfd, self._ended)

    @property
    def pid(self) -> int:
        """The first process as the host numbers it; 0 once it is gone."""
        for line in Path(f"/proc/self/fdinfo/{self._pidfd}").read_text().splitlines():
            if line.startswith("Pid:"):
                return max(int(line.split()[1]), 0)
        return 0

    def kill(self) -> None:
        try:
            signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
        except ProcessLookupError:
            return

    async def gone(self, within: float) -> None:
        """Returns when none of them exists any more. ``TimeoutError`` if that takes too long."""
        async with asyncio.timeout(within):
            await self._gone.wait()

    def _ended(self) -> None:
        self._loop.remove_reader(self._pidfd)
        self._gone.set()

    def close(self) -> None:
        """Kills what is left and lets the descriptor go."""
        if self._pidfd >= 0:
            self.kill()
            self._loop.remove_reader(self._pidfd)
            os.close(self._pidfd)
            self._pidfd = -1


class Jail:
    """A prepared jail that waits for its job. ``link`` reports, ``processes`` are its reaper and all below it."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self.processes = Processes(link.received.pop())

    def start(self, message: Message, descriptors: Sequence[int]) -> None:
        """Hands the job over. ``ZygoteFailedError`` if nobody is there to take it."""
        try:
            self.link.send(message, descriptors)
        except OSError as error:
            raise ZygoteFailedError("handing the job over", str(error)) from error

    def close(self) -> None:
        self.processes.close()
        self.link.close()


class Zygote:
    """One warm interpreter. Make it with `start_zygote`."""

    def __init__(self, process: subprocess.Popen[bytes], control: Link) -> None:
        self._process = process
        self._control = control
        self._processes: Processes | None = None
        # Of the kernel; 0 where it has none.
        self.landlock_version = 0

    def is_alive(self) -> bool:
        return self._process.poll() is None

    async def ready(self) -> None:
        """Waits until it can fork."""
        message = await _ready(self._control, "starting the interpreter", _START_SECONDS)
        self.landlock_version = int(message.get("landlock", 0))
        self._processes = Processes(self._control.received.pop())

    async def prepare(self) -> Jail:
        """A new jail, ready for a job. ``ZygoteFailedError`` if it cannot be made."""
        link = Link()
        far = link.give_far_end()
        try:
            self._control.send({}, [far.fileno()])
        except OSError as error:
            link.close()
            raise ZygoteFailedError("asking the zygote for a jail", str(error)) from error
        far.close()
        try:
            await _ready(link, "preparing a jail", _PREPARE_SECONDS)
            return Jail(link)
        except BaseException:
            link.close()
            raise

    async def close(self) -> None:
        """Ends the zygote and everything it has forked."""
        processes, self._processes = self._processes, None
        if processes is None:
            self._process.kill()
        else:
            processes.kill()
            await processes.gone(_GONE_SECONDS)
            processes.close()
        self._control.close()
        await asyncio.to_thread(self._process.wait)


async def start_zygote(config: ZygoteConfig, interpreter: Interpreter, group: Group | None) -> Zygote:
    """Starts a zygote in its control group and waits until it can fork. ``ZygoteFailedError`` names what is missing."""
    control = Link()
    far = control.give_far_end()
    command = [interpreter.executable, *FLAGS, "-c", _BOOT, str(Path(__file__).parent), str(far.fileno())]
    process = subprocess.Popen(  # noqa: S603, ASYNC220 - starting a process takes no time; its parent must be this thread
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=ENVIRONMENT,
        cwd="/",
        pass_fds=(far.fileno(),),
        start_new_session=True,
    )
    far.close()
    zygote = Zygote(process, control)
    try:
        if group is not None:
            group.add(process.pid)
        control.send(dict(config))
        await zygote.ready()
    except OSError as error:
        await zygote.close()
        raise ZygoteFailedError("starting the interpreter", str(error)) from error
    except BaseException:
        await zygote.close()
        raise
    return zygote


async def _ready(link: Link, step: str, within: float) -> Message:
    try:
        message = await link.next(within)
    except TimeoutError:
        raise ZygoteFailedError(step, f"no answer in {within:g} s") from None
    if message is None:
        raise ZygoteFailedError(step, "it ended without a word")
    if "problem" in message:
        raise ZygoteFailedError(message["problem"], message["detail"])
    return message
