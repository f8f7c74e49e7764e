"""Ends the engine's processes when this one is killed, and what a dead engine leaves behind.

vLLM ends its processes when it is closed, but not when its owner dies without a word (SIGKILL, out of memory): the
engine would keep its gigabytes for ever. A shell that holds the other end of a pipe notices the owner's death. And when
the engine core dies, its workers, which hold the weights, have been seen to go on.
"""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import signal
import subprocess
import time
from collections.abc import Awaitable, Iterator
from pathlib import Path
from typing import TypeVar

from shinsa_inference.outbound.vllm.environment import socket_folder

T = TypeVar("T")

# Reads process ids; "done" is the good end, the end of the pipe the bad one.
_SCRIPT = """
pids=
while read -r word; do
  [ "$word" = done ] && exit
  pids="$pids $word"
done
for pid in $pids; do
  pids="$pids $(cat /proc/$pid/task/*/children 2>/dev/null)"
done
[ -z "$pids" ] || kill -9 $pids 2>/dev/null
rm -rf "$1"
"""
_LOOK_SECONDS = 0.2
# Giving gigabytes back takes the kernel a while on a busy machine.
_GONE_SECONDS = 30.0


class Guardian:
    """Watches over the processes that are started while it looks."""

    def __init__(self) -> None:
        self._before = {child.pid for child in multiprocessing.active_children()}
        # Process ids with their start times, since ids are used again.
        self._known: dict[int, str] = {}
        self._shell = subprocess.Popen(  # noqa: S603 - fixed words
            ["/bin/sh", "-c", _SCRIPT, "guardian", socket_folder()],
            stdin=subprocess.PIPE,
            text=True,
            # Signals for our process group are not for it.
            start_new_session=True,
        )

    async def during(self, work: Awaitable[T]) -> T:
        """Awaits ``work`` and takes every process under its wing that appears meanwhile, with its children."""
        task = asyncio.ensure_future(work)
        while not task.done():
            await asyncio.wait({task}, timeout=_LOOK_SECONDS)
            self._look()
        return task.result()

    def dismiss(self) -> None:
        """The engine has been closed: what is still there of it goes now. Blocks until its memory is free."""
        left = [pid for pid, started in self._known.items() if _start_time(pid) == started]
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._say("done")
        self._shell.communicate()
        deadline = time.monotonic() + _GONE_SECONDS
        while any(_start_time(pid) == self._known[pid] for pid in left) and time.monotonic() < deadline:
            time.sleep(0.05)

    def _look(self) -> None:
        for child in multiprocessing.active_children():
            if child.pid is None or child.pid in self._before:
                continue
            for pid in (child.pid, *_children(child.pid)):
                if pid not in self._known:
                    self._known[pid] = _start_time(pid)
                    self._say(str(pid))

    def _say(self, word: str) -> None:
        if self._shell.stdin is not None and self._shell.poll() is None:
            self._shell.stdin.write(word + "\n")
            self._shell.stdin.flush()


def _children(pid: int) -> Iterator[int]:
    for listing in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            yield from (int(word) for word in listing.read_text().split())


def _start_time(pid: int) -> str:
    """Clock ticks since boot at which it started (proc(5), field 22); empty if it is gone, or a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return ""
    return "" if fields[0] == "Z" else fields[19]
