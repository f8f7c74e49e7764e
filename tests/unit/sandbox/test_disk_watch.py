"""The watch over what a container writes, where the engine does not always answer."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from integration.sandbox.repositories import GOLD, LIMITS, Instance
from shinsa_chassis.errors import Reason, ShinsaError
from shinsa_sandbox.domain.execution import Verdict
from shinsa_sandbox.domain.repository import RepositoryTests
from shinsa_sandbox.outbound.docker import repository_run
from shinsa_sandbox.outbound.docker.repository_run import RepositoryRun
from shinsa_sandbox.outbound.repository.examination import Ended, Place


class Shell:
    """In a container that has written more than it may, by an engine that fails when it is first asked."""

    def __init__(self) -> None:
        self.asked = 0

    async def written_bytes(self) -> int:
        self.asked += 1
        if self.asked == 1:
            raise ShinsaError(Reason.UNAVAILABLE, "the engine does not answer")
        return LIMITS.disk_bytes + 1


async def test_an_engine_that_fails_once_does_not_end_the_watch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repository_run, "_MEASURE_SECONDS", 0.01)
    shell: Any = Shell()
    job = Instance("shop:1").job(GOLD)
    assert isinstance(job.checks, RepositoryTests)
    run = RepositoryRun(shell, job, job.checks, Place("shop:1", "10001:10001", 2, "docker"))
    with pytest.raises(Ended) as ended:
        async with asyncio.timeout(60), run._watched():
            await asyncio.sleep(3600)
    assert ended.value.verdict is Verdict.DISK
    assert shell.asked == 2
