"""What a jail leaves behind: nothing, whatever ran in it."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress

import pytest
from integration.sandbox.corpus import CASES, HACKS
from integration.sandbox.jails import jail, program, run, traces
from shinsa_chassis.errors import Reason, ShinsaError
from shinsa_sandbox.domain.checks import TestScript
from shinsa_sandbox.domain.limits import DEFAULTS
from shinsa_sandbox.domain.runtime import Job

HOSTILE = [case for case in CASES if "bomb" in case.name or "daemon" in case.name or "orphan" in case.name]


async def test_nothing_is_left_behind() -> None:
    before = traces()
    async with jail() as (executor, _):
        await asyncio.gather(*(executor.run(case.job()) for case in (*HOSTILE, *HACKS[:8])))
    for kind, found in traces().items():
        assert not found - before[kind], kind


async def test_a_cancelled_job_is_gone() -> None:
    before = traces()
    async with jail(slots=1) as (executor, _):
        job = asyncio.create_task(run(executor, "import time; time.sleep(1000)"))
        await asyncio.sleep(0.2)
        job.cancel()
        assert isinstance((await asyncio.gather(job, return_exceptions=True))[0], asyncio.CancelledError)
        assert (await asyncio.wait_for(run(executor, "print(1)"), 60)).stdout.content == b"1\n"
    for kind, found in traces().items():
        assert not found - before[kind], kind


async def test_warm_interpreters_are_renewed() -> None:
    before = traces()
    async with jail(slots=1, recycle_after=2) as (executor, _):
        for _ in range(5):
            assert (await run(executor, "print(1)")).stdout.content == b"1\n"
    for kind, found in traces().items():
        assert not found - before[kind], kind


def kill_interpreters() -> None:
    """From the top: their jails, which are among them, must not seem to have died first."""
    for pid in sorted(map(int, traces()["processes"])):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


async def test_a_slot_that_died_is_made_anew() -> None:
    async with jail(slots=1) as (executor, _):
        kill_interpreters()
        await asyncio.sleep(0.2)
        with pytest.raises(ShinsaError) as caught:
            await run(executor, "print(1)")
        assert (caught.value.reason, caught.value.retryable) == (Reason.INTERNAL, True)
        assert (await run(executor, "print(2)")).stdout.content == b"2\n"


@pytest.mark.parametrize("checks", [None, TestScript("assert f() == 1", ("f",))], ids=["script", "function"])
async def test_an_interpreter_that_dies_under_a_job_is_not_the_jobs_fault(checks: TestScript | None) -> None:
    source = "import time\nprint('running', flush=True)\ntime.sleep(20)"
    async with jail(slots=1) as (executor, _):
        running = asyncio.Event()
        job = asyncio.create_task(executor.run(Job(program(source), DEFAULTS, checks), lambda *_: running.set()))
        await asyncio.wait_for(running.wait(), 60)
        kill_interpreters()
        with pytest.raises(ShinsaError) as caught:
            await asyncio.wait_for(job, 60)
        assert (caught.value.reason, caught.value.retryable) == (Reason.INTERNAL, True)
