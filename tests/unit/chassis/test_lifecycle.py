from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from broker_rig import free_port
from shinsa_chassis import lifecycle
from shinsa_chassis.lifecycle import Drain, TaskKeeper, first_of
from structlog.testing import capture_logs

PROGRAM = Path(__file__).with_name("lived_service.py")


class Process:
    def __init__(self, behaviour: str, **environment: str) -> None:
        self.popen = subprocess.Popen(
            [sys.executable, str(PROGRAM), behaviour],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **environment},
        )

    def until(self, word: str) -> list[str]:
        assert self.popen.stdout is not None
        said = []
        for line in self.popen.stdout:
            said.append(line.strip())
            if said[-1] == word:
                return said
        raise AssertionError(f"ended before {word!r}: {said}, {self.popen.stderr and self.popen.stderr.read()}")

    def end(self) -> tuple[int, list[str], list[dict[str, Any]]]:
        """Exit status, words said since the last ``until``, log lines."""
        out, err = self.popen.communicate(timeout=100)
        return self.popen.returncode, out.split("\n")[:-1], [json.loads(line) for line in err.splitlines()]


@pytest.fixture
def start() -> Iterator[Callable[..., Process]]:
    started: list[Process] = []

    def begin(behaviour: str, **environment: str) -> Process:
        started.append(Process(behaviour, **environment))
        return started[-1]

    yield begin
    for process in started:
        if process.popen.poll() is None:
            process.popen.kill()
            process.popen.communicate()


def events(log: list[dict[str, Any]]) -> list[str]:
    return [line["event"] for line in log]


def test_the_first_signal_drains(start: Callable[..., Process]) -> None:
    process = start("drains")
    assert "loop uvloop" in process.until("ready")
    process.popen.send_signal(signal.SIGTERM)
    code, said, log = process.end()
    assert (code, said) == (0, ["draining", "closed", "returned"])
    assert events(log) == ["service_started", "grpc_listening", "signal_received", "service_stopped"]
    assert (log[2]["signal"], log[2]["service"]) == ("SIGTERM", "judge")


def test_the_second_signal_leaves_at_once(start: Callable[..., Process]) -> None:
    port = free_port()
    process = start("stays", SHINSA_JUDGE_METRICS_PORT=str(port))
    process.until("ready")
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
        assert b"shinsa_steps" in answer.read()
    process.popen.send_signal(signal.SIGTERM)
    process.until("draining")
    sent = time.monotonic()
    process.popen.send_signal(signal.SIGINT)
    code, said, log = process.end()
    assert (code, said) == (130, [])
    assert time.monotonic() - sent < 60
    assert [line["leaving"] for line in log if line["event"] == "signal_received"] == [False, True]


def test_it_can_be_left_even_while_its_loop_is_busy(start: Callable[..., Process]) -> None:
    process = start("blocks")
    process.until("ready")
    # Two that come while it is held up are one to it.
    ends = time.monotonic() + 50
    while process.popen.poll() is None and time.monotonic() < ends:
        process.popen.send_signal(signal.SIGINT)
        time.sleep(0.2)
    assert process.end()[0] == 130


@pytest.mark.parametrize("kind", ["cannot_start", "cannot_start_in_a_group"])
def test_a_service_that_cannot_start_says_why_in_one_line(kind: str, start: Callable[..., Process]) -> None:
    code, said, log = start(kind).end()
    assert (code, said) == (1, [])
    failed = log[-1]
    assert (failed["event"], failed["level"], failed["reason"]) == ("service_failed", "error", "isolation_missing")
    assert failed["problem"] == "No user namespaces; run the service privileged."
    assert "exception" not in failed


def test_an_unforeseen_end_shows_its_traceback(start: Callable[..., Process]) -> None:
    code, _, log = start("breaks").end()
    assert code == 1
    assert log[-1]["event"] == "service_failed"
    assert "KeyError: 'broken'" in log[-1]["exception"]


def test_a_task_that_dies_ends_the_service(start: Callable[..., Process]) -> None:
    code, _, log = start("loses_a_task").end()
    assert code == 1
    assert events(log) == ["service_started", "task_died", "service_failed"]
    assert log[1]["task"] == "thinker"
    assert "ValueError: out of ideas" in log[1]["exception"]


async def test_a_drain_that_takes_too_long_names_what_still_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lifecycle, "_DRAIN_MARGIN_SECONDS", 0.01)
    drain = Drain()
    stuck = asyncio.create_task(asyncio.sleep(1000), name="stuck")
    telling = asyncio.ensure_future(lifecycle._tell_if_overdue(drain, 0.01))
    await asyncio.sleep(0.05)
    assert not telling.done()
    drain.request()
    with capture_logs() as lines:
        await telling
    assert [(line["event"], "stuck" in line["tasks"]) for line in lines] == [("drain_overdue", True)]
    stuck.cancel()


async def test_drain_wakes_who_waits() -> None:
    drain = Drain()
    waiting = asyncio.ensure_future(drain.wait())
    await asyncio.sleep(0)
    assert (drain.requested, waiting.done()) == (False, False)
    drain.request()
    drain.request()
    await asyncio.wait_for(waiting, 30)
    assert drain.requested


async def test_tasks_end_with_their_block() -> None:
    ended: list[str] = []

    async def live(name: str) -> None:
        try:
            await asyncio.sleep(1000)
        finally:
            await asyncio.sleep(0.01)
            ended.append(name)

    async with TaskKeeper() as tasks:
        tasks.spawn("one", live("one"))
        task = tasks.spawn("two", live("two"))
        await asyncio.sleep(0)
        assert (ended, task.get_name()) == ([], "two")
    assert sorted(ended) == ["one", "two"]


async def test_a_task_may_return_and_the_block_goes_on() -> None:
    async def brief() -> None:
        return

    reached = False
    async with TaskKeeper() as tasks:
        await tasks.spawn("brief", brief())
        await asyncio.sleep(0.01)
        reached = True
    assert reached


async def test_a_death_takes_block_and_siblings_along_and_is_logged() -> None:
    reached: list[str] = []

    async def die() -> None:
        raise ValueError("out of ideas")

    async def sibling() -> None:
        try:
            await asyncio.sleep(1000)
        except asyncio.CancelledError:
            reached.append("sibling cancelled")
            raise

    async def live() -> None:
        async with TaskKeeper() as tasks:
            tasks.spawn("sibling", sibling())
            tasks.spawn("thinker", die())
            await asyncio.sleep(1000)
            reached.append("body went on")

    with capture_logs() as lines, pytest.raises(ValueError, match="out of ideas") as raised:
        await live()
    assert reached == ["sibling cancelled"]
    assert [(line["event"], line["task"], line["exc_info"]) for line in lines] == [
        ("task_died", "thinker", raised.value)
    ]
    current = asyncio.current_task()
    assert current is not None
    assert current.cancelling() == 0


async def test_the_blocks_own_error_goes_before_those_of_its_tasks() -> None:
    async def die_late() -> None:
        try:
            await asyncio.sleep(1000)
        finally:
            raise KeyError("late")

    async def live() -> None:
        async with TaskKeeper() as tasks:
            tasks.spawn("late", die_late())
            await asyncio.sleep(0)
            raise ValueError("body")

    with capture_logs() as lines, pytest.raises(ValueError, match="body"):
        await live()
    assert [line["task"] for line in lines] == ["late"]


async def test_a_cancelled_block_is_cancelled() -> None:
    async def hold() -> None:
        async with TaskKeeper() as tasks:
            tasks.spawn("sleeper", asyncio.sleep(1000))
            await asyncio.sleep(1000)

    holding = asyncio.ensure_future(hold())
    await asyncio.sleep(0.01)
    holding.cancel()
    with pytest.raises(asyncio.CancelledError):
        await holding


async def test_the_first_to_return_gives_up_what_has_no_other_owner() -> None:
    ended: list[str] = []

    async def wait(name: str, seconds: float) -> None:
        try:
            await asyncio.sleep(seconds)
        finally:
            ended.append(name)

    owned = asyncio.create_task(wait("owned", 3600))
    await first_of(wait("late", 3600), owned, wait("soon", 0))
    await asyncio.sleep(0)
    assert (sorted(ended), owned.done()) == (["late", "soon"], False)
    owned.cancel()
    await asyncio.gather(owned, return_exceptions=True)
