"""The warm interpreter that jails are forked from.

Started by the supervisor with one descriptor. It builds the root directory, enters namespaces of its own and then only
forks: it never sees a job. Commands come over the descriptor, one socket with each, on which the new jail reports.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
from contextlib import suppress
from typing import Any, NoReturn, TypedDict

from . import confine, jail, kernel, landlock, namespaces, program, seccomp, stage
from .rehearsal import rehearse

# What answers to benchmark questions import most: paid for once, here.
PRELOADED = """
abc array ast base64 bisect calendar cmath collections contextlib copy csv dataclasses datetime decimal enum fractions
functools hashlib heapq inspect io itertools json math operator os queue random re secrets statistics string struct sys
textwrap threading time traceback types typing unicodedata uuid
"""
_JOB_NAMESPACES = (
    kernel.CLONE_NEWUSER | kernel.CLONE_NEWNS | kernel.CLONE_NEWPID | kernel.CLONE_NEWIPC | kernel.CLONE_NEWUTS
)


class ZygoteConfig(TypedDict):
    """``role`` is "candidate" or "judge".

    ``outside_uid`` is the host's user for it, or -1 for the service's own; ``become_first`` says to turn into that user
    at once, where being root does not help.
    """

    role: str
    stage: str
    binds: list[str]
    masks: list[str]
    links: dict[str, str]
    library: dict[str, str]
    outside_uid: int
    become_first: bool
    fresh_network: bool
    disk_bytes: int
    inodes: int


def main(descriptor: int) -> NoReturn:
    """Never returns. Problems on the way are told over the descriptor as JSON."""
    control = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET, 0, descriptor)
    step = "start"
    try:
        kernel.die_with_parent()
        config: ZygoteConfig = json.loads(control.recv(65536))
        for name in PRELOADED.split():
            importlib.import_module(name)
        step = "rehearsal"
        rehearse()
        step = "user and mount namespaces"
        lent = namespaces.detach_from_host(config["outside_uid"], config["become_first"])
        step = "root directory"
        stage.build(config["stage"], config["binds"], config["masks"], config["links"], config["library"])
        step = "namespaces"
        child = namespaces.enter(lent)
        if child == 0:
            step = "process file system and root"
            stage.enter(config["stage"])
            _settle()
            step = "system call filter"
            walls = _walls(config["role"])
            pidfd = os.pidfd_open(os.getpid())
            ready = {"ready": True, "landlock": walls.landlock_version}
            socket.send_fds(control, [json.dumps(ready).encode()], [pidfd])
            os.close(pidfd)
            _fork_on_demand(control, config, walls)
    except Exception as error:  # noqa: BLE001 - nobody else could report it
        control.send(json.dumps({"problem": step, "detail": f"{type(error).__name__}: {error}"[:500]}).encode())
        os._exit(1)
    control.close()
    os.waitpid(child, 0)
    os._exit(0)


def _settle() -> None:
    kernel.die_with_parent()
    socket.sethostname("jail")
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.umask(0o077)
    program.add_exit_builtins()
    sys.path[:] = [path for path in sys.path if path.startswith(sys.base_prefix)]
    gc.collect()
    gc.disable()
    gc.freeze()


def _walls(role: str) -> jail.Walls:
    """What children will be confined with. A judge's need none of its privileges, so it gives them up once for all."""
    walls = jail.Walls(seccomp.assemble(seccomp.this_architecture()), landlock.version())
    if role == "judge":
        kernel.set_dumpable(False)
        kernel.drop_bounding_set()
        confine.give_up_privileges(walls.instructions)
    return walls


def _fork_on_demand(control: socket.socket, config: ZygoteConfig, walls: jail.Walls) -> NoReturn:
    if config["role"] == "judge":
        _fork_judges(control)
    _fork_candidates(control, config, walls)


def _fork_candidates(control: socket.socket, config: ZygoteConfig, walls: jail.Walls) -> NoReturn:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps
    flags = _JOB_NAMESPACES | (kernel.CLONE_NEWNET if config["fresh_network"] else 0)
    while True:
        link = _next_link(control)
        try:
            child = kernel.clone(flags)
        except OSError as error:
            _tell(link, {"problem": "clone", "detail": str(error)})
            continue
        if child == 0:
            os.close(control.detach())
            jail.enter_candidate(link, config["disk_bytes"], config["inodes"], walls)
        os.close(link)


def _fork_judges(control: socket.socket) -> NoReturn:
    """One judge at a time. Whatever a test started besides is killed before its end is reported."""
    while True:
        link = _next_link(control)
        child = kernel.clone()
        if child == 0:
            os.close(control.detach())
            jail.enter_judge(link)
        if not _ends_before(child, control):
            os._exit(0)
        _, status, used = os.wait4(child, 0)
        _kill_the_rest()
        _tell(
            link, {"status": status, "cpu_seconds": used.ru_utime + used.ru_stime, "peak_bytes": 0, "disk_full": False}
        )


def _ends_before(child: int, control: socket.socket) -> bool:
    """Waits until the child ends; false if the supervisor goes first."""
    pidfd = os.pidfd_open(child)
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    poll.register(control, select.POLLHUP)
    ended = any(descriptor == pidfd for descriptor, _ in poll.poll())
    os.close(pidfd)
    return ended


def _kill_the_rest() -> None:
    try:
        os.kill(-1, signal.SIGKILL)
    except ProcessLookupError:
        return
    while True:
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def _next_link(control: socket.socket) -> int:
    message, descriptors, _, _ = socket.recv_fds(control, 64, 1)
    if not message:
        os._exit(0)
    return descriptors[0]


def _tell(link: int, message: dict[str, Any]) -> None:
    supervisor = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET, 0, link)
    with suppress(OSError):  # the supervisor may have given the jail up
        supervisor.send(json.dumps(message).encode())
    supervisor.close()
