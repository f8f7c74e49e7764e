"""A child process is started, watched, restarted and stopped, and dies with its supervisor."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from shinsa_cli.mesh.child import Child, ChildSpec, Probe, RestartPolicy, describe_exit
from shinsa_cli.mesh.processes import MESH_MARK, is_same_process, kill_leftovers, processes_of_mesh, start_ticks
from shinsa_cli.mesh.state import ChildRecord, ChildState
from waiting import until

QUICK = RestartPolicy(first_delay=0.02, longest_delay=0.1, probe_fast=0.02, probe_slow=0.05)
SLEEP = "import time; time.sleep(60)"
# Waits for its stop signal, and says that it got it.
POLITE = (
    "import signal, sys, time; signal.signal(signal.SIGTERM, lambda *_: (print('bye'), sys.exit(0)));"
    " print('polite', flush=True); time.sleep(60)"
)
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"


async def _well() -> str:
    return ""


def probe_saying(answers: Callable[[], str]) -> Probe:
    async def probe() -> str:
        return answers()

    return probe


def spec(folder: Path, program: str, *, name: str = "dummy", probe: Probe = _well, **more: object) -> ChildSpec:
    return ChildSpec(
        name=name,
        argv=(sys.executable, "-c", program),
        env={"PATH": os.environ["PATH"], **more.pop("env", {})},  # type: ignore[arg-type, dict-item]
        log=folder / f"{name}.log",
        address="nowhere",
        probe=probe,
        rank=0,
        **more,  # type: ignore[arg-type]
    )


class Kept:
    """A child under its keeper, with every state it went through."""

    def __init__(self, child_spec: ChildSpec, policy: RestartPolicy = QUICK) -> None:
        self.seen: list[ChildRecord] = []
        self.child = Child(child_spec, policy, self.seen.append)

    async def __aenter__(self) -> Kept:
        self.task = asyncio.create_task(self.child.keep())
        return self

    async def __aexit__(self, *_: object) -> None:
        self.child.kill()
        await self.task

    @property
    def now(self) -> ChildRecord:
        return self.child.record


async def test_a_probe_that_breaks_is_told_of_and_asked_again(tmp_path: Path) -> None:
    answers = iter([False])

    async def probe() -> str:
        if next(answers, True):
            return ""
        raise ImportError("no module named h2")

    async with Kept(spec(tmp_path, SLEEP, probe=probe)) as kept:
        await kept.child.came_up.wait()
    problems = [record.problem for record in kept.seen if record.state is ChildState.STARTING and record.problem]
    assert problems == ["the check of its health failed: ImportError: no module named h2"]


async def test_a_child_comes_up_when_its_probe_says_so(tmp_path: Path) -> None:
    answers = iter(["not yet", "not yet"])
    async with Kept(spec(tmp_path, SLEEP, probe=probe_saying(lambda: next(answers, "")))) as kept:
        await kept.child.came_up.wait()
        assert kept.now.state is ChildState.HEALTHY
        assert is_same_process(kept.now.pid or 0, kept.now.start_ticks)
        assert "not yet" in [record.problem for record in kept.seen]


async def test_a_killed_child_is_started_again_and_counted(tmp_path: Path) -> None:
    async with Kept(spec(tmp_path, SLEEP)) as kept:
        await kept.child.came_up.wait()
        first = kept.now.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        await until(lambda: kept.now.restarts == 1 and kept.now.state is ChildState.HEALTHY)
        assert kept.now.pid != first
        assert kept.now.last_exit == "killed by SIGKILL"


async def test_a_child_that_only_a_new_start_helps_is_started_anew(tmp_path: Path) -> None:
    answers = iter(["", "slow", "store: write error"])
    stuck = spec(
        tmp_path, SLEEP, probe=probe_saying(lambda: next(answers, "")), stuck=lambda said: "write error" in said
    )
    async with Kept(stuck) as kept:
        await until(lambda: kept.now.restarts == 1 and kept.now.state is ChildState.HEALTHY)
        assert kept.now.last_exit == "killed by SIGTERM"
        assert {"slow", "store: write error"} <= {record.problem for record in kept.seen}


async def test_what_a_dead_child_left_behind_is_killed_before_it_starts_again(tmp_path: Path) -> None:
    leaves_one = (
        "import subprocess, sys; print(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']).pid)"
    )
    async with Kept(spec(tmp_path, leaves_one)) as kept:
        await until(lambda: kept.now.restarts >= 1)
        left = int((tmp_path / "dummy.log").read_text().split()[0])
        await until(lambda: start_ticks(left) is None)


async def test_a_child_that_never_comes_up_is_given_up_after_some_tries(tmp_path: Path) -> None:
    kept = Kept(spec(tmp_path, "raise SystemExit(7)", probe=probe_saying(lambda: "no")))
    async with asyncio.timeout(60):
        await kept.child.keep()
    assert kept.child.gave_up.is_set()
    assert kept.now.state is ChildState.FAILED
    assert kept.now.last_exit == "exit status 7"
    assert kept.now.restarts == QUICK.start_tries - 1


async def test_wrong_settings_are_not_tried_again(tmp_path: Path) -> None:
    kept = Kept(spec(tmp_path, "raise SystemExit(2)", probe=probe_saying(lambda: "no")))
    async with asyncio.timeout(60):
        await kept.child.keep()
    assert kept.now.state is ChildState.FAILED
    assert kept.now.restarts == 0


async def test_a_stopped_child_may_finish_what_it_does(tmp_path: Path) -> None:
    kept = Kept(spec(tmp_path, POLITE))
    task = asyncio.create_task(kept.child.keep())
    log = tmp_path / "dummy.log"
    await until(lambda: log.exists() and "polite" in log.read_text())
    kept.child.stop()
    await task
    assert kept.now.state is ChildState.STOPPED
    assert kept.now.last_exit == "exit status 0"
    assert log.read_text() == "polite\nbye\n"


async def test_a_child_that_does_not_stop_is_killed_after_its_time(tmp_path: Path) -> None:
    kept = Kept(spec(tmp_path, DEAF, stop_seconds=0.2))
    task = asyncio.create_task(kept.child.keep())
    await until(lambda: (tmp_path / "dummy.log").exists() and "deaf" in (tmp_path / "dummy.log").read_text())
    kept.child.stop()
    await task
    assert kept.now.last_exit == "killed by SIGKILL"


async def test_a_child_can_be_stopped_while_its_restart_is_due(tmp_path: Path) -> None:
    slow = RestartPolicy(first_delay=60, probe_fast=0.02)
    kept = Kept(spec(tmp_path, "raise SystemExit(1)"), slow)
    task = asyncio.create_task(kept.child.keep())
    await until(lambda: kept.now.state is ChildState.BACKING_OFF)
    kept.child.stop()
    async with asyncio.timeout(30):
        await task
    assert kept.now.state is ChildState.STOPPED


async def test_a_child_that_stops_answering_is_shown_as_unhealthy(tmp_path: Path) -> None:
    well = True
    async with Kept(spec(tmp_path, SLEEP, probe=probe_saying(lambda: "" if well else "deaf"))) as kept:
        await kept.child.came_up.wait()
        well = False
        await until(lambda: kept.now.state is ChildState.UNHEALTHY)
        assert kept.now.problem == "deaf"


def test_the_delay_between_restarts_doubles_up_to_its_limit() -> None:
    policy = RestartPolicy(first_delay=0.5, longest_delay=30)
    assert [policy.delay(endings) for endings in (1, 2, 3, 4)] == [0.5, 1, 2, 4]
    assert policy.delay(50) == 30


@pytest.mark.parametrize(
    ("code", "words"), [(0, "exit status 0"), (-15, "killed by SIGTERM"), (-99, "killed by signal 99")]
)
def test_exit_statuses_are_said_in_words(code: int, words: str) -> None:
    assert describe_exit(code) == words


SUPERVISOR = """
import asyncio, os, sys
from pathlib import Path
from shinsa_cli.mesh.child import Child, ChildSpec, RestartPolicy

async def well():
    return ""

async def main():
    folder = Path(sys.argv[1])
    argv = (sys.executable, "-c", "import time; time.sleep(60)")
    spec = ChildSpec("dummy", argv, dict(os.environ), folder / "dummy.log", "nowhere", well, 0)
    child = Child(spec, RestartPolicy(), lambda record: None)
    asyncio.get_running_loop().create_task(child.keep())
    await child.came_up.wait()
    print(child.record.pid, flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


def test_children_die_with_a_supervisor_that_is_killed(tmp_path: Path) -> None:
    supervisor = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(SUPERVISOR), str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    with supervisor:
        assert supervisor.stdout is not None
        child = int(supervisor.stdout.readline())
        assert start_ticks(child) is not None
        supervisor.kill()
    deadline = time.monotonic() + 60
    while start_ticks(child) is not None:
        assert time.monotonic() < deadline, "the child outlived its supervisor"
        time.sleep(0.01)


def test_leftovers_of_a_mesh_are_found_by_their_mark_and_killed() -> None:
    marked = subprocess.Popen(
        [sys.executable, "-c", SLEEP], env={**os.environ, MESH_MARK: "left-over"}, start_new_session=True
    )
    other = subprocess.Popen([sys.executable, "-c", SLEEP], env={**os.environ, MESH_MARK: "left-over-2"})
    with marked, other:
        while marked.pid not in processes_of_mesh("left-over"):  # until it has become the program
            time.sleep(0.01)
        assert kill_leftovers("left-over") == 1
        assert marked.wait(60) == -signal.SIGKILL
        assert other.poll() is None
        other.kill()
    assert kill_leftovers("left-over") == 0


async def test_a_fault_in_looking_on_ends_the_child_and_does_not_pass_unseen(tmp_path: Path) -> None:
    def fails(_problem: str) -> bool:
        raise LookupError("no such store")

    kept = Kept(spec(tmp_path, SLEEP, probe=probe_saying(lambda: "its store is full"), stuck=fails))
    with pytest.raises(LookupError, match="no such store"):
        async with asyncio.timeout(60):
            await kept.child.keep()
    (pid,) = {record.pid for record in kept.seen if record.pid}
    assert start_ticks(pid) is None
