"""A judge service of a test's own, and the command line told where it listens."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from broker_rig import free_port
from shinsa_chassis.lifecycle import Drain
from shinsa_judge.settings import JudgeSettings
from shinsa_judge.wiring import serve

# Words of a command in, exit code, output and errors out.
Shinsa = Callable[..., Coroutine[Any, Any, tuple[int, str, str]]]
Judging = Callable[[str], AbstractAsyncContextManager[Shinsa]]


@pytest.fixture
def judging(nats: Any, tmp_path: Path) -> Judging:
    """Serves the profiles of a judges.toml while the context lasts."""

    @asynccontextmanager
    async def running(judges: str) -> AsyncIterator[Shinsa]:
        (tmp_path / "judges.toml").write_text(judges, "utf-8")
        port = free_port()
        settings = JudgeSettings(
            grpc_port=port,
            nats_url=nats.url,
            nats_token=nats.token,
            judges_file=tmp_path / "judges.toml",
            inference_address="127.0.0.1:9",
            drain_seconds=2,
        )
        drain = Drain()
        service = asyncio.create_task(serve(settings, drain))

        address = ("--judge-address", f"127.0.0.1:{port}")

        async def run(*words: str, addressed: bool = True) -> tuple[int, str, str]:
            process = await asyncio.create_subprocess_exec(
                *[sys.executable, "-m", "shinsa_cli", *words, *(address if addressed else ())],
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env={**os.environ, "SHINSA_STATE": str(tmp_path / "none")},
            )
            said = await process.communicate()
            return process.returncode or 0, said[0].decode(), said[1].decode()

        try:
            yield run
        finally:
            drain.request()
            await asyncio.wait_for(service, 60)

    return running
