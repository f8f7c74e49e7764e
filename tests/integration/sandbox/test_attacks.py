"""The attack corpus against the real jail: the right verdict for each, and nothing left behind."""

from __future__ import annotations

import pytest
from integration.sandbox.corpus import CASES, HACKS, Case
from integration.sandbox.jails import run
from shinsa_sandbox.domain.execution import Execution, Verdict
from shinsa_sandbox.domain.runtime import Capabilities
from shinsa_sandbox.outbound.jail.executor import JailExecutor

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]


def describe(case: Case, execution: Execution) -> str:
    said = execution.stderr.content[-300:].decode("utf-8", "replace")
    return f"{case.name}: {execution.verdict.value} ({execution.reason}), expected {sorted(case.expected)}\n{said}"


async def test_the_corpus_is_large_and_named_apart() -> None:
    assert len(CASES) >= 100
    assert len({case.name for case in CASES}) >= len(CASES) - 1
    assert all(Verdict.PASS not in case.expected for case in HACKS)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name.replace(" ", "-"))
async def test_attack(case: Case, jailed: tuple[JailExecutor, Capabilities]) -> None:
    executor, shown = jailed
    execution = await executor.run(case.job())
    assert execution.verdict in case.right(shown.tier), describe(case, execution)


async def test_the_slots_serve_on_after_the_corpus(jailed: tuple[JailExecutor, Capabilities]) -> None:
    executor, _ = jailed
    for _ in range(4):
        assert (await run(executor, "print('fine')")).stdout.content == b"fine\n"
