"""No false alarms: every reference solution of the function benchmarks passes its own tests through the split judge.

And what is no solution does not."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest
from integration.sandbox.jails import jail, program
from integration.sandbox.references import SETS, Reference, false_alarms
from shinsa_sandbox.domain.execution import Verdict
from shinsa_sandbox.domain.limits import DEFAULTS
from shinsa_sandbox.domain.runtime import Job
from shinsa_sandbox.outbound.jail.executor import JailExecutor

pytestmark = [pytest.mark.shared_data, pytest.mark.timeout(600)]


@pytest.mark.parametrize(("name", "read", "path", "least"), SETS, ids=[name for name, *_ in SETS])
async def test_references_pass(name: str, read: Any, path: str, least: int) -> None:
    root = os.environ.get("SHINSA_UPSTREAM_DATA")
    if not root or not (Path(root) / path).exists():
        pytest.skip(f"SHINSA_UPSTREAM_DATA holds no {path}: reference solutions are NOT tested")
    references = list(read(Path(root) / path))
    assert len(references) >= least
    async with jail() as (executor, _):
        assert await false_alarms(executor, references) == []


# What is no solution: nothing at all, functions that do nothing, and functions that always say the same.
EMPTY = ("", "def {name}(*given, **named):\n    pass\n", "def {name}(*given, **named):\n    return 0\n")
# Of the tasks one in so many; each costs three programs.
EVERY = 10


@pytest.mark.parametrize(("name", "read", "path", "least"), SETS, ids=[name for name, *_ in SETS])
async def test_what_is_no_solution_does_not_pass(name: str, read: Any, path: str, least: int) -> None:
    root = os.environ.get("SHINSA_UPSTREAM_DATA")
    if not root or not (Path(root) / path).exists():
        pytest.skip(f"SHINSA_UPSTREAM_DATA holds no {path}: what is no solution is NOT tested")
    tasks = list(read(Path(root) / path))[::EVERY]
    assert len(tasks) >= least // EVERY
    async with jail() as (executor, _):
        assert await passing(executor, [(task, code) for task in tasks for code in EMPTY]) == []


async def passing(executor: JailExecutor, candidates: list[tuple[Reference, str]]) -> list[str]:
    async def judged(task: Reference, template: str) -> str:
        name, _, checks = task
        code = "\n\n".join(template.format(name=function) for function in checks.functions)
        execution = await executor.run(Job(program(code), DEFAULTS, checks))
        return f"{name}: {code}" if execution.verdict is Verdict.PASS else ""

    found = await asyncio.gather(*(judged(*candidate) for candidate in candidates))
    return [one for one in found if one]
