"""The sandbox as a process of its own, without a mesh."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import subprocess
from asyncio.subprocess import PIPE, Process
from typing import Any, Self

from shinsa_cli.execute.result import Result, executed, failed
from shinsa_cli.own_program import own_program

# A machine of one's own may lack control groups, as `shinsa up` has it too.
_DEFAULTS = {
    "SHINSA_SANDBOX_TIER_REQUIRED": "1",
    "SHINSA_SANDBOX_SLOTS": "1",
    "SHINSA_SANDBOX_LOG_LEVEL": "error",
}
_COMMAND = own_program("shinsa_sandbox", "once")
# The longest line that either side may write.
_LINE_BYTES = 64 << 20


def execute_here(request: dict[str, Any], executor: str) -> Result:
    """Starts the sandbox, which attacks itself first, lets it run the program, and ends it."""
    question = json.dumps({"executor": executor, "request": request}).encode()
    answer = subprocess.run(  # noqa: S603 - our own service
        _COMMAND, input=question, capture_output=True, env={**_DEFAULTS, **os.environ}, check=False
    )
    try:
        return _result(json.loads(answer.stdout))
    except ValueError:
        end = answer.stderr.decode("utf-8", "replace").strip()[-1000:]
        return failed("INTERNAL", f"the sandbox ended with status {answer.returncode} and no answer: {end}")


class LocalSandbox:
    """One sandbox for many programs, ``slots`` at a time; started by the first of them, ended by ``async with``."""

    def __init__(self, slots: int) -> None:
        self._slots = slots
        self._free = asyncio.Semaphore(slots)
        self._starting = asyncio.Lock()
        self._process: Process | None = None
        self._listening: asyncio.Task[None] | None = None
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Result]] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._process is None:
            return
        assert self._process.stdin is not None
        self._process.stdin.close()
        await self._process.wait()
        if self._listening is not None:
            await self._listening

    async def execute(self, request: dict[str, Any], executor: str = "jail") -> Result:
        """Runs one program. A sandbox that is gone gives the result "error"."""
        async with self._free:
            process = await self._started()
            assert process.stdin is not None
            assert self._listening is not None
            if self._listening.done():
                return failed("INTERNAL", "the sandbox has ended")
            number = next(self._numbers)
            told: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
            self._waiting[number] = told
            question = json.dumps({"id": number, "executor": executor, "request": request}).encode()
            try:
                process.stdin.write(question + b"\n")
                await process.stdin.drain()
                return await told
            except ConnectionError:
                return failed("INTERNAL", "the sandbox has ended")
            finally:
                del self._waiting[number]

    async def _started(self) -> Process:
        async with self._starting:
            if self._process is None:
                environment = {**_DEFAULTS, "SHINSA_SANDBOX_SLOTS": str(self._slots), **os.environ}
                self._process = await asyncio.create_subprocess_exec(
                    *_COMMAND, stdin=PIPE, stdout=PIPE, env=environment, limit=_LINE_BYTES
                )
                self._listening = asyncio.create_task(self._listen(self._process))
            return self._process

    async def _listen(self, process: Process) -> None:
        """Hands answers out until the sandbox ends, or says what is none: then it is ended, and nobody waits on."""
        assert process.stdout is not None
        why = "the sandbox ended without an answer"
        try:
            while line := await process.stdout.readline():
                said = json.loads(line)
                # Whoever asked may have been called off meanwhile.
                if (told := self._waiting.get(said["id"])) is not None and not told.done():
                    told.set_result(_result(said))
        except (ValueError, KeyError, TypeError) as error:
            why = f"the sandbox said what is no answer: {error}"
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        for told in self._waiting.values():
            if not told.done():
                told.set_result(failed("INTERNAL", why))


def _result(said: dict[str, Any]) -> Result:
    if "execution" in said:
        return executed(said["execution"])
    return failed(said["failure"].get("reason", ""), said["failure"].get("message", ""))
