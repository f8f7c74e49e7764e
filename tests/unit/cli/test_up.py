"""`shinsa up` with the real NATS server and stand-ins for the five services."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from shinsa_cli.mesh.launch import stop
from shinsa_cli.mesh.processes import processes_of_mesh, start_ticks
from shinsa_cli.mesh.state import ChildRecord, StateDir
from unit.cli.program import Shinsa
from waiting import block_until

# Speaks just enough HTTP/2 (RFC 9113) to answer every gRPC call with a health check's "serving": importing gRPC in each
# of the many processes that these tests start would take most of their time.
GRPC_SERVICE = """
import os, signal, socketserver, sys, threading

if os.environ.get("{PREFIX}BROKEN"):
    sys.stderr.write("{PREFIX}BROKEN is no setting of this service\\n")
    sys.exit(2)
if sys.argv[1:] == ["migrate"]:
    print("migrating", os.environ["{PREFIX}RESULTS_URL"], flush=True)
    sys.exit("nobody" in os.environ["{PREFIX}RESULTS_URL"])

HEADERS, SETTINGS, PING, ACK, END_STREAM, END_HEADERS = 1, 4, 6, 1, 1, 4

def frame(kind, flags, stream, body=b""):
    return len(body).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + body

def literal(name, value):
    return bytes([0, len(name)]) + name + bytes([len(value)]) + value

OK = bytes([0x88]) + literal(b"content-type", b"application/grpc")
MESSAGE = bytes([0, 0, 0, 0, 2, 8, 1])

class Connection(socketserver.StreamRequestHandler):
    def handle(self):
        self.rfile.read(24)
        self.wfile.write(frame(SETTINGS, 0, 0))
        while header := self.rfile.read(9):
            kind, flags, stream = header[3], header[4], int.from_bytes(header[5:], "big")
            body = self.rfile.read(int.from_bytes(header[:3], "big"))
            if kind in (SETTINGS, PING) and not flags & ACK:
                self.wfile.write(frame(kind, ACK, 0, body if kind == PING else b""))
            if kind == HEADERS:
                self.wfile.write(frame(HEADERS, END_HEADERS, stream, OK) + frame(0, 0, stream, MESSAGE))
                trailers = literal(b"grpc-status", b"0")
                self.wfile.write(frame(HEADERS, END_HEADERS | END_STREAM, stream, trailers))

class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True

stop = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stop.set())
server = Server(("127.0.0.1", int(os.environ["{PREFIX}GRPC_PORT"])), Connection)
threading.Thread(target=server.serve_forever, daemon=True).start()
print("serving", os.environ["{PREFIX}NATS_URL"], flush=True)
stop.wait()
print("drained", flush=True)
"""
GATEWAY = """
import http.server, os, signal, sys

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"{}")

signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
http.server.HTTPServer(("127.0.0.1", int(os.environ["SHINSA_GATEWAY_HTTP_PORT"])), Handler).serve_forever()
"""
SERVICES = ("orchestrator", "inference", "sandbox", "judge", "gateway")


@pytest.fixture(scope="module")
def stand_ins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of modules that take the services' names."""
    folder = tmp_path_factory.mktemp("stand-ins")
    for name in SERVICES:
        program = GATEWAY if name == "gateway" else GRPC_SERVICE.replace("{PREFIX}", f"SHINSA_{name.upper()}_")
        (folder / f"shinsa_{name}.py").write_text(textwrap.dedent(program))
    return folder


class Mesh:
    """The command line on one state directory, with stand-ins."""

    def __init__(self, state: Path, stand_ins: Path) -> None:
        self.state = state
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("SHINSA_")}
        self.env = {**inherited, "PYTHONPATH": str(stand_ins), "SHINSA_STATE": str(state), "COLUMNS": "400"}

    def shinsa(self, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
        command = [str(Path(sys.executable).with_name("shinsa")), *words]
        return subprocess.run(command, env={**self.env, **env}, capture_output=True, text=True, timeout=60)

    def up(self, *words: str) -> dict[str, Any]:
        up = self.shinsa("up", "--port", "0", "--json", *words)
        assert up.returncode == 0, up.stderr
        started = json.loads(up.stdout)
        assert isinstance(started, dict)
        return started

    def child(self, name: str) -> ChildRecord:
        record = StateDir(self.state).read()
        assert record is not None
        return next(child for child in record.children if child.name == name)


@pytest.fixture
def mesh(tmp_path: Path, stand_ins: Path) -> Iterator[Mesh]:
    one = Mesh(tmp_path / "mesh", stand_ins)
    yield one
    stop(StateDir(one.state))


def test_files_in_the_current_folder_are_not_taken_for_libraries(mesh: Mesh, tmp_path: Path) -> None:
    for library in ("h11", "httpx", "grpc", "shinsa_judge"):
        (tmp_path / f"{library}.py").write_text("raise RuntimeError('not this one')")
    with contextlib.chdir(tmp_path):
        assert mesh.up()["state"] == "healthy"


def test_two_meshes_start_side_by_side_heal_and_stop(mesh: Mesh, stand_ins: Path, tmp_path: Path) -> None:
    started = mesh.up("--database-url", "postgresql://me@there/db")
    assert started["state"] == "healthy"
    assert [child["name"] for child in started["children"]] == ["nats", *SERVICES]
    assert "nats_token" not in started
    assert started["nats_url"] in (mesh.state / "logs" / "inference.log").read_text()
    migrated, served = (mesh.state / "logs" / "orchestrator.log").read_text().splitlines()
    assert migrated == "migrating postgresql+asyncpg://me@there/db"
    assert served.startswith("serving")

    # A second mesh on the same directory is told who has it; one elsewhere runs beside it.
    second = mesh.shinsa("up", "--port", "0")
    assert second.returncode == 2
    assert str(started["supervisor_pid"]) in second.stderr
    assert started["gateway_url"] in second.stderr
    other = Mesh(tmp_path / "other", stand_ins)
    beside = other.up()
    addresses = [child["address"] for record in (started, beside) for child in record["children"]]
    assert len(set(addresses)) == len(addresses)

    # A killed child comes back under the same address, and is counted.
    judge = mesh.child("judge")
    assert judge.pid is not None
    os.kill(judge.pid, signal.SIGKILL)
    block_until(lambda: (again := mesh.child("judge")).restarts == 1 and again.state == "healthy")
    assert mesh.child("judge").address == judge.address

    # No child outlives its supervisor.
    os.kill(beside["supervisor_pid"], signal.SIGKILL)
    block_until(lambda: not any(start_ticks(child["pid"]) for child in beside["children"]))
    killed = other.shinsa("status", "--json")
    assert killed.returncode == 3
    assert json.loads(killed.stdout)["state"] == "killed"

    # What was killed can be started again; in the foreground a signal stops it.
    command = [sys.executable, "-m", "shinsa_cli", "up", "--foreground", "--port", "0"]
    with subprocess.Popen(command, env=other.env, stderr=subprocess.PIPE, text=True) as up:
        assert up.stderr is not None
        while "healthy" not in up.stderr.readline():
            pass
        up.send_signal(signal.SIGINT)
        rest = up.stderr.read()
    assert up.returncode == 0
    assert "stopped" in rest

    down = mesh.shinsa("down", "--json")
    assert json.loads(down.stdout)["was_running"] is True
    assert (mesh.state / "logs" / "judge.log").read_text().rstrip().endswith("drained")
    assert list(processes_of_mesh(started["mesh_id"])) == []
    status = mesh.shinsa("status", "--json")
    assert status.returncode == 3
    assert json.loads(status.stdout)["state"] == "stopped"


def test_a_service_that_cannot_start_is_named_with_the_end_of_its_log(mesh: Mesh) -> None:
    up = mesh.shinsa("up", "--port", "0", SHINSA_SANDBOX_BROKEN="1")
    assert up.returncode == 1
    assert "sandbox could not be started: exit status 2" in up.stderr
    assert "SHINSA_SANDBOX_BROKEN is no setting of this service" in up.stderr
    assert "Traceback" not in up.stderr
    assert mesh.shinsa("status").returncode == 3


def test_a_database_that_cannot_be_used_is_told_before_anything_starts(mesh: Mesh) -> None:
    up = mesh.shinsa("up", "--port", "0", "--database-url", "postgresql://nobody@there/db")
    assert up.returncode == 1
    assert "the database could not be brought up to date" in up.stderr
    assert "migrating postgresql+asyncpg://nobody@there/db" in up.stderr
    assert StateDir(mesh.state).read() is None


def test_a_taken_port_is_refused_before_anything_starts(shinsa: Shinsa) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        up = shinsa("up", "--port", str(port))
    assert up.code == 2
    assert f"port {port} is in use" in up.err
    assert "--port 0" in up.err


def test_without_a_mesh_commands_say_how_to_start_one(shinsa: Shinsa, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SHINSA_SERVER")
    for words in (("status",), ("runs",)):
        answer = shinsa(*words)
        assert answer.code == 3
        assert "shinsa up" in answer.err
    assert shinsa("down").code == 0
