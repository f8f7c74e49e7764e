"""Reads what a program writes, and ends an endless flood."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

from shinsa_sandbox.domain.kept import Kept

_PIECE = 1 << 16


class Capture:
    """Reads one stream of a job as it comes. Give `far_end` to the job, then `close_far_end`."""

    def __init__(self, kept: Kept, on_piece: Callable[[bytes], None], on_flood: Callable[[], None]) -> None:
        self._near, self.far_end = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(self._near, False)
        self.kept = kept
        self._on_piece = on_piece
        self._on_flood = on_flood
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._near, self._read)

    def close_far_end(self) -> None:
        if self.far_end >= 0:
            os.close(self.far_end)
            self.far_end = -1

    def _read(self) -> bool:
        """Takes one piece; false if there is none now."""
        try:
            piece = os.read(self._near, _PIECE)
        except BlockingIOError:
            return False
        if not piece:
            self._loop.remove_reader(self._near)
            return False
        if part := self.kept.add(piece):
            self._on_piece(part)
        if self.kept.flooded:
            self._loop.remove_reader(self._near)
            self._on_flood()
            return False
        return True

    def drain(self) -> None:
        """Takes what lies in the pipe, waiting for nothing."""
        while not self.kept.flooded and self._read():
            pass

    def close(self) -> None:
        self.close_far_end()
        if self._near >= 0:
            self._loop.remove_reader(self._near)
            os.close(self._near)
            self._near = -1
