"""What the engine's own processes last wrote to standard error: the only place where they say why they ended."""

from __future__ import annotations

import os
import re
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker

_LINES = 400
# For what a process that is ending still has to say, on a machine that gives it little time.
PATIENCE_SECONDS = 5.0
_CHUNK = 65536
# "ValueError: ...", perhaps behind a log prefix; the innermost exception is the last one before the generic wrapper.
_EXCEPTION = re.compile(r"(?:^|\s)((?:[\w.]+\.)?[A-Z]\w*(?:Error|Exception|Interrupt|Killed)): (.+)")
_GENERIC = re.compile(
    r"Engine core initialization failed|WorkerProc initialization failed|See (stack trace|root cause)"
)
_one_at_a_time = threading.Lock()


class StderrTail:
    """Processes started inside ``redirected`` write through it for as long as they live; all of it is passed on."""

    def __init__(self) -> None:
        self._lines: deque[str] = deque(maxlen=_LINES)
        self._ended = threading.Event()

    @contextmanager
    def redirected(self) -> Iterator[None]:
        """Points standard error here while the block runs. One block at a time in a process; others wait."""
        # Python's own helper lives as long as we do: it must not be among those who write here.
        resource_tracker.ensure_running()
        with _one_at_a_time:
            saved = os.dup(2)
            read, write = os.pipe()
            os.dup2(write, 2)
            os.close(write)
            threading.Thread(target=self._pass_on, args=(read, os.dup(saved)), name="stderr-tail", daemon=True).start()
            try:
                yield
            finally:
                os.dup2(saved, 2)
                os.close(saved)

    def reason(self, patience: float = PATIENCE_SECONDS) -> str:
        """The last exception that says something of its own; empty if there was none.

        Blocks until all who write here have ended and their last words are read, at most ``patience`` seconds.
        """
        self._ended.wait(patience)
        for line in reversed(list(self._lines)):
            match = _EXCEPTION.search(line)
            if match and not _GENERIC.search(line):
                return f"{match[1]}: {match[2].strip()}"
        return ""

    def _pass_on(self, source: int, target: int) -> None:
        rest = ""
        try:
            while chunk := os.read(source, _CHUNK):
                os.write(target, chunk)
                *whole, rest = (rest + chunk.decode(errors="replace")).split("\n")
                self._lines.extend(whole)
        finally:
            self._lines.append(rest)
            self._ended.set()
            os.close(source)
            os.close(target)
