"""A container kept alive to run commands in, one after the other: for repositories and their tests."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shinsa_sandbox.outbound.docker.engine import Box, Engine
from shinsa_sandbox.outbound.docker.guest_link import GuestLink, open_link
from shinsa_sandbox.outbound.docker.stream_relay import own_socket
from shinsa_sandbox.outbound.repository.log_tail import Excerpt

# Ends when our attached stream does, and with it every process in the container.
KEEP_ALIVE = ("/bin/sh", "-c", "exec cat >/dev/null")


@dataclass(frozen=True, slots=True)
class Said:
    """How a command ended, and what it wrote to both streams in their order."""

    status: int
    output: bytes

    @property
    def text(self) -> str:
        return self.output.decode("utf-8", "replace")


class Shell:
    """Make it with `open_shell`."""

    def __init__(self, engine: Engine, container: str, alive: GuestLink, folder: str) -> None:
        self._engine = engine
        self._alive = alive
        self._folder = folder
        self.container = container

    async def run(
        self,
        command: Sequence[str],
        seconds: float,
        stdin: bytes = b"",
        into: Excerpt | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> Said:
        """Runs a command to its end. ``TimeoutError`` after ``seconds``: the container is then to be closed.

        ``into`` takes the output, and may refuse more of it by raising.
        """
        kept = into or Excerpt(1 << 17, 1 << 17)
        made = await self._engine.ask("prepare a command", lambda api: self._made(api, command, stdin, environment))
        async with asyncio.timeout(seconds):
            file = await self._engine.ask("run a command", lambda api: api.exec_start(made, socket=True))
            link = await open_link(own_socket(file))
            try:
                if stdin:
                    await link.send(stdin)
                    link.end_input()
                await link.copy(kept.add)
            finally:
                link.close()
        status = await self._engine.ask("look at a command", lambda api: api.exec_inspect(made)["ExitCode"])
        return Said(-1 if status is None else int(status), kept.content)

    def _made(self, api: Any, command: Sequence[str], stdin: bytes, environment: Mapping[str, str] | None) -> str:
        made = api.exec_create(
            self.container,
            list(command),
            stdin=bool(stdin),
            workdir=self._folder,
            environment=dict(environment or {}),
        )
        return str(made["Id"])

    async def put(self, path: str, content: bytes, seconds: float = 60.0) -> None:
        """Writes a file in the container. ``OSError`` if that does not work."""
        said = await self.run(("/bin/sh", "-c", f"cat > {path}"), seconds, content or b"\n")
        if said.status:
            raise OSError(f"{path} could not be written: {said.text[:200]}")

    async def written_bytes(self) -> int:
        """What the container has written to its own layer."""

        def measure(api: Any) -> int:
            found = api.containers(all=True, size=True, filters={"id": self.container})
            return int(found[0].get("SizeRw") or 0) if found else 0

        return await self._engine.ask("measure a container", measure)

    async def ran_out_of_memory(self, since: float) -> bool:
        return await self._engine.ran_out_of_memory(self.container, since)

    async def close(self) -> None:
        self._alive.close()
        await self._engine.remove(self.container)


async def open_shell(engine: Engine, box: Box) -> Shell:
    """Starts the container of ``box``, whose command must be `KEEP_ALIVE`."""
    container = await engine.create(box, "repository")
    try:
        alive = await open_link(await engine.attach(container))
        await engine.start(container)
        return Shell(engine, container, alive, box.folder)
    except BaseException:
        await engine.remove(container)
        raise
