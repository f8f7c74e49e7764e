"""The sandbox of a command's own: whoever asks is answered, whatever becomes of it."""

from __future__ import annotations

import asyncio
import sys
import textwrap

import pytest
from shinsa_cli.execute import local
from shinsa_cli.execute.local import LocalSandbox

PROGRAM = """
import json, sys

for line in sys.stdin:
    asked = json.loads(line)
    word = asked["request"]["word"]
    if word == "garble":
        print("this is no answer", flush=True)
    elif word == "leave":
        sys.exit(3)
    elif word != "keep quiet":
        told = {"verdict": "VERDICT_PASS", "reason": word}
        print(json.dumps({"id": asked["id"], "execution": told}), flush=True)
"""


@pytest.fixture(autouse=True)
def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "_COMMAND", (sys.executable, "-S", "-c", textwrap.dedent(PROGRAM)))


async def test_programs_are_answered_each_with_its_own_result() -> None:
    async with asyncio.timeout(60), LocalSandbox(4) as sandbox:
        found = await asyncio.gather(*(sandbox.execute({"word": f"w{number}"}) for number in range(20)))
    assert [one.reason for one in found] == [f"w{number}" for number in range(20)]
    assert {one.verdict for one in found} == {"pass"}


@pytest.mark.parametrize("word", ["garble", "leave"])
async def test_whoever_waits_is_told_when_the_sandbox_fails(word: str) -> None:
    async with asyncio.timeout(60), LocalSandbox(4) as sandbox:
        waiting = asyncio.create_task(sandbox.execute({"word": "keep quiet"}))
        first = await sandbox.execute({"word": word})
        assert (first.verdict, (await waiting).verdict) == ("error", "error")
        # It is gone, and says so at once.
        assert (await sandbox.execute({"word": "w"})).verdict == "error"


async def test_an_answer_to_who_was_called_off_harms_nobody() -> None:
    async with asyncio.timeout(60), LocalSandbox(2) as sandbox:
        await sandbox.execute({"word": "it is up"})
        called_off = asyncio.create_task(sandbox.execute({"word": "late"}))
        # One turn, in which it is asked.
        await asyncio.sleep(0)
        called_off.cancel()
        assert (await sandbox.execute({"word": "next"})).reason == "next"
