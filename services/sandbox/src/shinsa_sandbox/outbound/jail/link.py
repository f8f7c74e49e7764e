"""Descriptors and messages between the supervisor and what it has started."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import socket
import struct
from collections.abc import Callable, Iterable, Sequence
from typing import Any

_MESSAGE = 1 << 18
_SEALS = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE

Message = dict[str, Any]


class Link:
    """The supervisor's end of a socket on which a process reports; every message is one JSON object.

    ``on_message`` is called with each, and with ``None`` once the other side is gone; until it is set, messages wait.
    Descriptors that came along are kept in ``received``.
    """

    def __init__(self) -> None:
        self._socket, self._far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket.setblocking(False)
        self._waiting: list[Message | None] = []
        self._listener: Callable[[Message | None], None] | None = None
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._socket.fileno(), self._readable)
        self.received: list[int] = []

    def give_far_end(self) -> socket.socket:
        """The other end, to be passed to a process and then closed here."""
        return self._far

    def listen(self, listener: Callable[[Message | None], None]) -> None:
        self._listener = listener
        waiting, self._waiting = self._waiting, []
        for message in waiting:
            listener(message)

    async def next(self, within: float) -> Message | None:
        """The next message; ``None`` if the other side is gone. ``TimeoutError`` if neither happens in time."""
        future: asyncio.Future[Message | None] = self._loop.create_future()

        def take(message: Message | None) -> None:
            if future.done():
                self._waiting.append(message)
            else:
                future.set_result(message)

        self.listen(take)
        try:
            # Not `wait_for`: in Python 3.11 it can swallow a cancellation.
            async with asyncio.timeout(within):
                return await future
        finally:
            self._listener = None

    def send(self, message: Message, descriptors: Sequence[int] = ()) -> None:
        """``OSError`` if the other side is gone."""
        socket.send_fds(self._socket, [json.dumps(message).encode()], list(descriptors))

    def _readable(self) -> None:
        try:
            data, descriptors, _, _ = socket.recv_fds(self._socket, _MESSAGE, 1)
        except BlockingIOError:
            return
        except OSError:
            data, descriptors = b"", []
        self.received += descriptors
        if not data:
            self._loop.remove_reader(self._socket.fileno())
        message = json.loads(data) if data else None
        if self._listener is None:
            self._waiting.append(message)
        else:
            self._listener(message)

    def close(self) -> None:
        if self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket.fileno())
        self._socket.close()
        self._far.close()
        while self.received:
            os.close(self.received.pop())


def sealed(content: bytes) -> int:
    """A descriptor of an unnamed file that nobody can change any more, at its beginning."""
    descriptor = os.memfd_create("job", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    left = memoryview(content)
    while left:
        left = left[os.write(descriptor, left) :]
    os.lseek(descriptor, 0, os.SEEK_SET)
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, _SEALS)
    return descriptor


def pack_payload(files: Iterable[tuple[str, bytes]]) -> bytes:
    """Paths and contents, each after its length in four bytes."""
    parts = []
    for path, content in files:
        for field in (path.encode(), content):
            parts += [struct.pack("<I", len(field)), field]
    return b"".join(parts)
