"""Streams of an engine behind TLS: whole in both directions, and each direction ends by itself."""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from types import SimpleNamespace

import pytest
from shinsa_chassis.errors import ShinsaError
from shinsa_sandbox.outbound.docker.stream_relay import own_socket

SCRIPT = Path(__file__).parents[3] / "deploy/compose/certificates.sh"
SECONDS = 60.0
Talk = Callable[[socket.socket], bytes]


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("certificates")
    subprocess.run([SCRIPT, folder], check=True, capture_output=True, timeout=60)
    return folder / "nats"


class Engine:
    """One connection, of which the far end is held by ``talk`` in a thread; ``heard`` is what that returns."""

    def __init__(self, talk: Talk, certificates: Path | None) -> None:
        self.heard: Future[bytes] = Future()
        self._near, far = socket.socketpair()
        far.settimeout(SECONDS)
        self._certificates = certificates
        threading.Thread(target=self._serve, args=(far, talk), daemon=True).start()

    def stream(self) -> socket.socket:
        self._near.settimeout(SECONDS)
        if self._certificates is None:
            return self._near
        context = ssl.create_default_context(cafile=str(self._certificates / "ca.pem"))
        return context.wrap_socket(self._near, server_hostname="nats")

    def _serve(self, far: socket.socket, talk: Talk) -> None:
        try:
            if self._certificates is not None:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(self._certificates / "cert.pem", self._certificates / "key.pem")
                far = context.wrap_socket(far, server_side=True)
            with far:
                self.heard.set_result(talk(far))
        except Exception as error:  # noqa: BLE001 - told to whoever waits
            self.heard.set_exception(error)


def everything(source: socket.socket) -> bytes:
    return b"".join(iter(lambda: source.recv(1 << 16), b""))


def echo_at_the_end(far: socket.socket) -> bytes:
    """Answers only when the input is over, as ``cat`` into a file and a look at it would."""
    said = everything(far)
    far.sendall(said[::-1])
    return said


@pytest.fixture(params=["tls", "plain"])
def secured(request: pytest.FixtureRequest, certificates: Path) -> Path | None:
    return certificates if request.param == "tls" else None


def attached(stream: socket.socket, early: bytes) -> SimpleNamespace:
    """The client's file object, whose buffer holds what was read with the answer's head."""
    buffer = SimpleNamespace(peek=lambda: early)
    response = SimpleNamespace(raw=SimpleNamespace(_fp=SimpleNamespace(fp=buffer)))
    return SimpleNamespace(_sock=stream, _response=response, close=stream.close)


def test_both_directions_are_whole_and_the_input_ends_first(secured: Path | None) -> None:
    engine = Engine(echo_at_the_end, secured)
    ours = own_socket(attached(engine.stream(), b"early "))
    ours.settimeout(SECONDS)
    said = bytes(range(256)) * 8000
    ours.sendall(said)
    ours.shutdown(socket.SHUT_WR)
    assert everything(ours) == b"early " + said[::-1]
    assert engine.heard.result(SECONDS) == said
    ours.close()


def test_what_comes_while_the_input_is_open_is_there_at_once(secured: Path | None) -> None:
    def ask_back(far: socket.socket) -> bytes:
        far.sendall(b"ready")
        return everything(far)

    engine = Engine(ask_back, secured)
    ours = own_socket(attached(engine.stream(), b"-"))
    ours.settimeout(SECONDS)
    assert b"".join(ours.recv(1) for _ in range(6)) == b"-ready"
    ours.sendall(b"go")
    # Whoever closes everything ends the container's input, by which it ends.
    ours.close()
    assert engine.heard.result(SECONDS) == b"go"


def test_output_that_is_under_way_when_the_input_ends_is_not_lost(secured: Path | None) -> None:
    flood = bytes(range(256)) * 4000

    def speak_first(far: socket.socket) -> bytes:
        far.sendall(flood)
        said = everything(far)
        far.sendall(b"over")
        return said

    engine = Engine(speak_first, secured)
    ours = own_socket(attached(engine.stream(), b"-"))
    ours.settimeout(SECONDS)
    ours.sendall(b"go")
    ours.shutdown(socket.SHUT_WR)
    assert everything(ours) == b"-" + flood + b"over"
    assert engine.heard.result(SECONDS) == b"go"


def test_a_stream_that_needs_no_relay_is_taken_as_it_is() -> None:
    engine = Engine(echo_at_the_end, None)
    before = threading.active_count()
    with own_socket(attached(engine.stream(), b"")) as ours:
        assert threading.active_count() <= before
        ours.sendall(b"abc")
        ours.shutdown(socket.SHUT_WR)
        assert everything(ours) == b"cba"


def test_a_stream_that_is_no_socket_is_refused() -> None:
    with pytest.raises(ShinsaError, match="attached streams"):
        own_socket(object())
