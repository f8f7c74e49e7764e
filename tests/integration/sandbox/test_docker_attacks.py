"""The attack corpus against containers of a real engine: no false pass, and nothing left behind.

CI runs the part of it that is `chosen`; ``SHINSA_WHOLE_CORPUS=1`` runs all of it.
"""

from __future__ import annotations

import asyncio
import os

import pytest
from integration.sandbox.corpus import CASES, HACKS, Case
from integration.sandbox.docker_rig import containers, of_this_process
from shinsa_sandbox.application.isolation import prove
from shinsa_sandbox.domain.execution import Execution, Verdict
from shinsa_sandbox.domain.runtime import Capabilities

pytestmark = [pytest.mark.docker, pytest.mark.timeout(1800)]
_SLOTS = 3
# Right verdicts in a root that holds an image instead of nothing: its files can be seen, and searched for long.
IN_AN_IMAGE = {"the host's files": {Verdict.FAIL}, "expected value in a file": {Verdict.FAIL, Verdict.TIMEOUT}}


def chosen() -> list[Case]:
    if os.environ.get("SHINSA_WHOLE_CORPUS"):
        return CASES
    return [*HACKS[::6], *[case for case in CASES if case not in HACKS][::9]]


def wrong(case: Case, execution: Execution) -> str:
    if execution.verdict in IN_AN_IMAGE.get(case.name, case.right(2)):
        return ""
    said = execution.stderr.content[-200:].decode("utf-8", "replace")
    return f"{case.name}: {execution.verdict.value} ({execution.reason}), expected {sorted(case.expected)}: {said}"


async def test_the_corpus_finds_no_way_out(docker_url: str, docker_image: str) -> None:
    async with containers(docker_url, docker_image, _SLOTS) as executor:
        gate = asyncio.Semaphore(_SLOTS)

        async def attack(case: Case) -> str:
            async with gate:
                return wrong(case, await executor.run(case.job()))

        found = list(filter(None, await asyncio.gather(*map(attack, chosen()))))
        assert not found, "\n".join(found)
        assert (await executor.run(CASES[0].job())).verdict in CASES[0].right(2)
    assert not of_this_process(docker_url)


async def test_the_executor_withstands_its_own_attacks(docker_url: str, docker_image: str) -> None:
    async with containers(docker_url, docker_image) as executor:
        shown = await prove(executor, "python", 2)
        assert isinstance(shown, Capabilities), shown
        assert (shown.tier, shown.root) == (2, "image")
    assert not of_this_process(docker_url)


def test_every_hack_that_is_chosen_must_fail() -> None:
    assert len(chosen()) >= 20
    assert all(Verdict.PASS not in case.expected for case in chosen() if case in HACKS)
