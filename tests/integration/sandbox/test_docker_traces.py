"""What the docker executor leaves behind: no container, whatever dies."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress

import docker
import docker.errors
import pytest
from integration.sandbox.docker_rig import containers, of_this_process, ours
from integration.sandbox.jails import program, run
from shinsa_sandbox.domain.checks import ExpectedOutput, FunctionCall, FunctionCalls
from shinsa_sandbox.domain.execution import Trust, Verdict
from shinsa_sandbox.domain.limits import DEFAULTS
from shinsa_sandbox.domain.runtime import Job, Refusal
from shinsa_sandbox.outbound.docker.engine import EngineSettings
from shinsa_sandbox.outbound.docker.executor import DockerExecutor, DockerSettings
from shinsa_sandbox.outbound.ownership import MARK, labels_of, this_process
from waiting import until

pytestmark = [pytest.mark.docker, pytest.mark.timeout(600)]

# Runs a program and its judge for ever, as a process of its own.
SERVICE = """
import asyncio, sys
from shinsa_sandbox.domain.checks import TestScript
from shinsa_sandbox.domain.limits import DEFAULTS
from shinsa_sandbox.domain.program import File, Program
from shinsa_sandbox.domain.runtime import Job
from shinsa_sandbox.outbound.docker.engine import EngineSettings
from shinsa_sandbox.outbound.docker.executor import DockerExecutor, DockerSettings

async def main():
    executor = DockerExecutor(DockerSettings(EngineSettings(sys.argv[1]), sys.argv[2], 1))
    print(await executor.probe(), flush=True)
    files = (File("s.py", b"import time\\ndef f():\\n    time.sleep(30)"),)
    await executor.run(Job(Program("python", files, "s.py"), DEFAULTS, TestScript("f()", ("f",))))

asyncio.run(main())
"""


def of(url: str, pid: int, state: str = "") -> list[str]:
    mine = [one for one in ours(url) if f"/{pid}/" in one["Labels"][f"{MARK}.owner"]]
    return [one["Id"] for one in mine if state in ("", one["State"])]


async def test_a_killed_service_leaves_no_container(docker_url: str, docker_image: str) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", SERVICE, docker_url, docker_image]
    service = await asyncio.create_subprocess_exec(*command, env=environment, stdout=subprocess.DEVNULL)
    try:
        await until(lambda: len(of(docker_url, service.pid, "running")) == 2)
    finally:
        service.send_signal(signal.SIGKILL)
        await service.wait()
    # Each ends when nobody holds its input any more, with no reaper about.
    await until(lambda: not of(docker_url, service.pid))


async def test_the_reaper_takes_what_the_dead_and_the_late_left(docker_url: str, docker_image: str) -> None:
    api = docker.APIClient(base_url=docker_url, version="auto", timeout=60)
    dead = labels_of(this_process(), "test", time.time() + 1000)
    dead[f"{MARK}.owner"] = dead[f"{MARK}.owner"].rpartition("/")[0] + "/1"
    wanted = {
        "dead": dead,
        "late": labels_of(this_process(), "test", time.time() - 1),
        "kept": labels_of(this_process(), "test", time.time() + 1000),
        "not ours": {"someone": "else"},
    }
    made = {
        name: api.create_container(docker_image, ["sleep", "1000"], labels=labels)["Id"]
        for name, labels in wanted.items()
    }
    try:
        async with containers(docker_url, docker_image, 1):
            left = {one["Id"] for one in api.containers(all=True)}
            assert {name for name, container in made.items() if container in left} == {"kept", "not ours"}
    finally:
        for container in made.values():
            with suppress(docker.errors.NotFound):
                api.remove_container(container, force=True)
        api.close()


async def test_every_kind_of_check(docker_url: str, docker_image: str) -> None:
    async with containers(docker_url, docker_image, 2) as executor:
        source = "import sys\ndef f(x): return sorted(x)\nprint(input() + '!')"
        calls = FunctionCalls("f", (FunctionCall("([2, 1],)", "{}", "[1, 2]"), FunctionCall("([],)", "{}", "[]")))
        kinds = (
            (calls, Verdict.CRASH, Trust.SPLIT),  # `input` has nothing to read while it is loaded
            (ExpectedOutput(b"hello!"), Verdict.PASS, Trust.SPLIT),
            (ExpectedOutput(b"hello?"), Verdict.FAIL, Trust.SPLIT),
            (None, Verdict.PASS, Trust.EXIT_STATUS),
        )
        for checks, verdict, trust in kinds:
            stdin = b"" if isinstance(checks, FunctionCalls) else b"hello\n"
            execution = await run(executor, source, checks, stdin=stdin)  # type: ignore[arg-type]
            assert (execution.verdict, execution.trust) == (verdict, trust), (checks, execution)
            assert (execution.executor, execution.tier) == ("docker", "2")
        good = await run(executor, "def f(x): return sorted(x)", calls)  # type: ignore[arg-type]
        assert (good.verdict, [check.passed for check in good.checks]) == (Verdict.PASS, [True, True])
        bad = await run(executor, "def f(x): return x", calls)  # type: ignore[arg-type]
        assert bad.verdict is Verdict.FAIL
        assert "[2, 1], expected [1, 2]" in bad.reason
    assert not of_this_process(docker_url)


async def test_a_cancelled_program_is_gone_and_its_slot_free(docker_url: str, docker_image: str) -> None:
    async with containers(docker_url, docker_image, 1) as executor:
        running = asyncio.Event()
        source = "import time\nprint('on', flush=True)\ntime.sleep(100)"
        job = asyncio.create_task(executor.run(Job(program(source), DEFAULTS), lambda *_: running.set()))
        await asyncio.wait_for(running.wait(), 60)
        job.cancel()
        assert isinstance((await asyncio.gather(job, return_exceptions=True))[0], asyncio.CancelledError)
        assert (await run(executor, "print(1)")).stdout.content == b"1\n"  # type: ignore[arg-type]
        await until(lambda: not of_this_process(docker_url))


@pytest.mark.parametrize(
    ("url", "image", "runtime", "said"),
    [
        ("unix:///nowhere.sock", "x", "", "does not answer"),
        ("", "shinsa-no-such-image:1", "", "There is no image"),
        ("", "", "no-such-runtime", "knows no runtime"),
        ("", "", "", "no image is set"),
    ],
)
async def test_what_is_missing_is_refused_by_name(
    docker_url: str, docker_image: str, url: str, image: str, runtime: str, said: str
) -> None:
    named = image or (docker_image if runtime else "")
    executor = DockerExecutor(DockerSettings(EngineSettings(url or docker_url, runtime), named, 1))
    try:
        shown = await executor.probe()
        assert isinstance(shown, Refusal)
        assert said in str(shown)
    finally:
        await executor.drain()
