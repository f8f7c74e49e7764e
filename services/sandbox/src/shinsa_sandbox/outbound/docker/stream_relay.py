"""A stream of the engine's as a plain socket of ours, also where it goes through TLS, or its beginning was read.

asyncio cannot close one direction of a TLS connection, and that is how a command in a container learns that its input
is over. OpenSSL can: its `close_notify` ends what we send, and what comes is still taken.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import ssl
import threading
from typing import Any

from shinsa_chassis.errors import Reason, ShinsaError

_PIECE = 1 << 16
_ROOM = 1 << 18
_GONE = select.POLLHUP | select.POLLERR | select.POLLNVAL


def own_socket(file: Any) -> socket.socket:
    """The socket below the client's file object, to be owned and closed by us; the end of a relay where it has TLS."""
    below = getattr(file, "_sock", file)
    if not isinstance(below, socket.socket):
        text = "the Docker engine is reached in a way that attached streams do not support; use its socket or tcp"
        raise ShinsaError(Reason.UNAVAILABLE, text, origin="docker")
    early = _read_already(file, below)
    if early or isinstance(below, ssl.SSLSocket):
        return plain_end(below, early, file)
    mine = below.dup()
    file.close()
    mine.settimeout(None)
    return mine


def _read_already(file: Any, below: socket.socket) -> bytes:
    """What the HTTP client read together with the head of the answer, where the container spoke at once."""
    response = getattr(file, "_response", None)
    if response is None:
        return b""
    below.setblocking(False)
    try:
        return bytes(response.raw._fp.fp.peek())
    except (BlockingIOError, ssl.SSLWantReadError):
        return b""


def plain_end(stream: socket.socket, early: bytes, owner: object) -> socket.socket:
    """Our end of a relay to ``stream``, which the relay owns from now on, and closes.

    ``early`` was read from it already. ``owner`` is kept alive meanwhile, since it would close the stream.
    """
    near, far = socket.socketpair()
    relay = _Relay(stream, far, early, owner)
    threading.Thread(target=relay.run, name="docker-stream", daemon=True).start()
    return near


class _Relay:
    def __init__(self, engine: socket.socket, ours: socket.socket, early: bytes, owner: object) -> None:
        self._engine, self._ours, self._owner = engine, ours, owner
        self._down, self._up = bytearray(early), bytearray()
        self._engine_speaks = self._we_speak = True
        self._ended_input = False

    def run(self) -> None:
        self._engine.setblocking(False)
        self._ours.setblocking(False)
        try:
            while (self._engine_speaks or self._down) and self._wait():
                self._from_engine()
                self._from_us()
        except OSError:
            pass
        finally:
            self._ours.close()
            self._engine.close()
            self._owner = None

    def _wait(self) -> bool:
        """False once we closed our end for good and all that we said has been passed on."""
        poll = select.poll()
        hungry = self._engine_speaks and len(self._down) < _ROOM
        poll.register(self._engine, (select.POLLIN if hungry else 0) | (select.POLLOUT if self._up else 0))
        listening = self._we_speak and len(self._up) < _ROOM
        poll.register(self._ours, (select.POLLIN if listening else 0) | (select.POLLOUT if self._down else 0))
        events = dict(poll.poll(0 if hungry and _pending(self._engine) else None))
        gone = events.get(self._ours.fileno(), 0) & _GONE
        return not (gone and not self._we_speak and not self._up)

    def _from_engine(self) -> None:
        if self._engine_speaks and len(self._down) < _ROOM:
            piece = _received(self._engine)
            self._engine_speaks = piece != b""
            self._down += piece or b""
        if self._down:
            del self._down[: _sent(self._ours, self._down)]

    def _from_us(self) -> None:
        if self._we_speak and len(self._up) < _ROOM:
            piece = _received(self._ours)
            self._we_speak = piece != b""
            self._up += piece or b""
        if self._up:
            del self._up[: _sent(self._engine, self._up)]
        if not self._we_speak and not self._up and not self._ended_input:
            self._ended_input = True
            self._take_unread()
            _end_input(self._engine)

    def _take_unread(self) -> None:
        """What TLS has deciphered and nobody has read yet would be lost."""
        while _pending(self._engine):
            self._down += _received(self._engine) or b""


def _pending(engine: socket.socket) -> bool:
    return isinstance(engine, ssl.SSLSocket) and engine.pending() > 0


def _received(source: socket.socket) -> bytes | None:
    """What is there; ``None`` for nothing yet, empty for the end."""
    try:
        return source.recv(_PIECE)
    except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
        return None
    except ssl.SSLEOFError:
        return b""


def _sent(target: socket.socket, data: bytearray) -> int:
    try:
        return target.send(memoryview(data)[:_PIECE])
    except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
        return 0


def _end_input(engine: socket.socket) -> None:
    if isinstance(engine, ssl.SSLSocket):
        _write_out(engine.fileno(), _close_notify(engine))
    else:
        engine.shutdown(socket.SHUT_WR)


def _close_notify(engine: ssl.SSLSocket) -> bytes:
    """The record that ends our direction.

    Python goes on to wait for the other side's, and OpenSSL throws away what it meets meanwhile. So it is shown a line
    on which nothing lies.
    """
    silent, written = socket.socketpair()
    with silent, written:
        silent.setblocking(False)
        written.setblocking(False)
        line = os.dup(engine.fileno())
        try:
            os.dup2(silent.fileno(), engine.fileno(), inheritable=False)
            with contextlib.suppress(ssl.SSLError):
                engine.unwrap()
        finally:
            os.dup2(line, engine.fileno(), inheritable=False)
            os.close(line)
        try:
            return written.recv(_PIECE)
        except BlockingIOError:
            return b""


def _write_out(line: int, data: bytes) -> None:
    poll = select.poll()
    poll.register(line, select.POLLOUT)
    while data:
        poll.poll()
        data = data[os.write(line, data) :]
