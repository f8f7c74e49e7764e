"""Processes under measurement: started on a free port and stopped again, and what the kernel tells of them."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def running(*command: object, ready: Callable[[], object], **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """The process once ``ready`` raises no ``OSError``; it is stopped at the end."""
    parts = [str(part) for part in command]
    process = subprocess.Popen(
        parts, env=os.environ | environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                ready()
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"{command[1:3]} did not start") from None
                time.sleep(0.05)
        yield process
    finally:
        process.terminate()
        process.wait()


def connects(port: int) -> Callable[[], object]:
    """For ``running``: somebody listens on this port."""
    return lambda: socket.create_connection(("127.0.0.1", port), 1).close()


def leave_cleanly() -> None:
    """From now on SIGTERM is a way out like any other: what was started is stopped, in the reverse order."""

    def leave(*_: object) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        sys.exit(143)

    signal.signal(signal.SIGTERM, leave)


def processes_below(root: int) -> dict[int, str]:
    """Every process of the mesh, by pid, with a readable name."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            except OSError:
                continue
    family, grew = {root}, True
    while grew:
        more = {pid for pid, parent in parents.items() if parent in family} - family
        family |= more
        grew = bool(more)
    return {pid: readable_name(pid) for pid in family}


def readable_name(pid: int) -> str:
    words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    name = next((word for word in words if "shinsa_" in word or "nats-server" in word), words[0])
    return f"{Path(name).name}:{pid}"


def cpu_seconds(pid: int) -> float:
    """Of the process and of those that it started and buried; 0 where it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    return sum(int(field) for field in fields[11:15]) / TICKS


def peak_memory(pid: int) -> int:
    """Most resident bytes since the process began, or since its peak was cleared."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")), 0)


def forget_peak(pid: int) -> None:
    # One that has ended meanwhile has no peak.
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        Path(f"/proc/{pid}/clear_refs").write_text("5")
