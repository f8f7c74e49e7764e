"""Ways to run a program and its test: bare, by `docker run`, in the jail, in containers; with a split judge or none."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from private_docker import NoDockerError
from shinsa_sandbox.domain.checks import TestScript
from shinsa_sandbox.domain.execution import Verdict
from shinsa_sandbox.domain.limits import MIB, Limits
from shinsa_sandbox.domain.program import File, Program
from shinsa_sandbox.domain.runtime import Job, Refusal
from shinsa_sandbox.outbound.docker.engine import EngineSettings
from shinsa_sandbox.outbound.docker.executor import DockerExecutor, DockerSettings
from shinsa_sandbox.outbound.jail.executor import JailExecutor, JailSettings
from shinsa_sandbox.outbound.jail.interpreter import FLAGS, Interpreter
from shinsa_sandbox.ports import Executor

IMPORTS = {"trivial": "", "imports": "import json, re, math, collections\n"}
SOURCE = "{imports}def solve(x):\n    return [x + number for number in range(10)]\n"
CHECK = "def check(candidate):\n    assert candidate({n}) == list(range({n}, {n} + 10))\n"
LIMITS = Limits(10, 30, 256 * MIB, 32, 16 * MIB, 64 * 1024)
# Runs the program of this number; whether it came out as it must.
Run = Callable[[int], Awaitable[bool]]


def source(workload: str) -> str:
    return SOURCE.format(imports=IMPORTS[workload])


def whole(workload: str, number: int) -> str:
    """Program and test in one, for whoever trusts an exit status."""
    return f"{source(workload)}{CHECK.format(n=number)}check(solve)\n"


async def ends_well(command: list[str]) -> bool:
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
    )
    return await process.wait() == 0


def by_subprocess(interpreter: Interpreter, workload: str) -> Run:
    return lambda number: ends_well([interpreter.executable, "-I", *FLAGS, "-c", whole(workload, number)])


def by_docker_run(client: list[str], image: str, interpreter: Interpreter, workload: str) -> Run:
    limits = ["--network", "none", "--memory", "256m", "--pids-limit", "32", "--cap-drop", "ALL", "--read-only"]
    start = [*client, "run", "--rm", *limits, image, interpreter.executable, "-I", *FLAGS, "-c"]
    return lambda number: ends_well([*start, whole(workload, number)])


def by_executor(executor: Executor, workload: str, *, split: bool) -> Run:
    async def run(number: int) -> bool:
        content = (source(workload) if split else whole(workload, number)).encode()
        checks = TestScript(CHECK.format(n=number), ("solve",), "check") if split else None
        program = Program("python", (File("solution.py", content),), "solution.py")
        return (await executor.run(Job(program, LIMITS, checks))).verdict is Verdict.PASS

    return run


@asynccontextmanager
async def jail(at_once: int) -> AsyncIterator[JailExecutor]:
    executor = JailExecutor(JailSettings(slots=at_once))
    shown = await executor.probe()
    if isinstance(shown, Refusal):
        raise SystemExit(f"no jail here: {shown}")
    print(f"jail: tier {shown.tier}, Python {shown.version}")
    try:
        yield executor
    finally:
        await executor.drain()


@asynccontextmanager
async def docker(url: str, image: str, at_once: int) -> AsyncIterator[DockerExecutor]:
    executor = DockerExecutor(DockerSettings(EngineSettings(url, ""), image, at_once))
    shown = await executor.probe()
    if isinstance(shown, Refusal):
        raise NoDockerError(str(shown))
    try:
        yield executor
    finally:
        await executor.drain()
