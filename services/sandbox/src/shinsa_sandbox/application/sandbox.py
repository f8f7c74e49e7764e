"""The one way to a running program, whichever door the request came through."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from shinsa_chassis.errors import Reason, ShinsaError

from shinsa_sandbox.application.admission import Admission, Need, Room
from shinsa_sandbox.application.isolation import prove
from shinsa_sandbox.domain.execution import Execution
from shinsa_sandbox.domain.limits import DEFAULTS, REPOSITORY_DEFAULTS, Limits
from shinsa_sandbox.domain.runtime import REPOSITORY, Capabilities, Job, Refusal, RuntimeStatus
from shinsa_sandbox.ports import Executor, OutputListener, Telemetry

_RETRY_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Policy:
    """What the operator decided.

    ``waiting_per_slot`` bounds the queue in front of an executor, ``memory_bytes`` what all programs of one may take
    together (0: no bound). Programs with more than ``long_seconds`` of processor time hold half of the slots at most.
    ``optional`` runtimes may be unavailable in a healthy sandbox.
    """

    ceilings: Limits
    tier_required: int
    waiting_per_slot: int = 4
    repository: Limits = REPOSITORY_DEFAULTS
    memory_bytes: int = 0
    long_seconds: float = 30.0
    optional: frozenset[str] = frozenset()

    def room(self, runtime: str, slots: int) -> Room:
        """Every program of the repository runtime is long: there they keep nobody waiting but their like."""
        long_seconds = math.inf if runtime == REPOSITORY else self.long_seconds
        return Room(slots, self.memory_bytes, long_seconds)


class Sandbox:
    """Knows the runtimes and which of them have proved themselves; nothing runs on one that has not."""

    def __init__(self, executors: Mapping[str, Executor], policy: Policy, telemetry: Telemetry | None = None) -> None:
        self._executors = executors
        self._policy = policy
        self._telemetry = telemetry
        self._proofs: dict[str, Capabilities | Refusal] = {}
        self._doors = {name: Admission(policy.room(name, executor.slots)) for name, executor in executors.items()}
        self._changed = asyncio.Event()

    async def prove(self, runtimes: Collection[str] = ()) -> None:
        """Proves the named runtimes anew, or all. Before its first proof, and after a failed one, none is available."""
        for name in runtimes or self._executors:
            self._proofs[name] = await prove(self._executors[name], name, self._policy.tier_required)
            self._changed.set()
            self._changed = asyncio.Event()

    def problem(self, runtime: str) -> str:
        """Why a runtime is unavailable; empty if it is not. ``ShinsaError`` (NOT_FOUND) for an unknown name."""
        if runtime not in self._executors:
            known = sorted(self._executors)
            raise ShinsaError(
                Reason.NOT_FOUND,
                f"There is no runtime {runtime!r}; this sandbox has {', '.join(known)}.",
                field="program.runtime",
                near_matches=get_close_matches(runtime, known),
                origin="sandbox",
            )
        proof = self._proofs.get(runtime)
        if proof is None:
            return "it has not proved its isolation yet"
        return str(proof) if isinstance(proof, Refusal) else ""

    @property
    def healthy(self) -> bool:
        """Whether every runtime is available that is not optional."""
        return all(not self.problem(name) for name in self._executors if name not in self._policy.optional)

    async def tried(self, runtime: str) -> None:
        """Returns once the runtime has been proved, or has failed to prove itself, for the first time."""
        while runtime not in self._proofs:
            await self._changed.wait()

    async def until(self, runtime: str, available: bool) -> None:
        """Returns once a runtime is, or is no longer, available."""
        while (not self.problem(runtime)) is not available:
            await self._changed.wait()

    async def execute(
        self, job: Job, listener: OutputListener | None = None, *, owner: str = "", patient: bool = False
    ) -> Execution:
        """Runs one job when it is its turn. Raises ``ShinsaError``: NOT_FOUND, ISOLATION_MISSING, OVERLOADED, or the
        executor's own.

        Owners, such as runs, take turns. Whoever is ``patient`` waits however many wait already.
        """
        name = job.program.runtime
        self._refuse_unproved(name)
        if not patient:
            self._refuse_overload(name)
        door, began = self._doors[name], time.monotonic()
        try:
            async with door.admitted(Need(owner, job.limits.memory_bytes, job.limits.cpu_seconds)):
                self._tell_waited(name, time.monotonic() - began)
                # It may have failed a proof meanwhile.
                self._refuse_unproved(name)
                execution = await self._executors[name].run(job, listener)
        finally:
            self._tell_occupied(name)
        if self._telemetry is not None:
            self._telemetry.executed(name, execution.verdict)
        return execution

    def _refuse_unproved(self, name: str) -> None:
        if problem := self.problem(name):
            message = f"Runtime {name!r} cannot isolate programs here and runs none: {problem}"
            raise ShinsaError(Reason.ISOLATION_MISSING, message, field="program.runtime", origin="sandbox")

    def _refuse_overload(self, name: str) -> None:
        door, most = self._doors[name], self._executors[name].slots * (1 + self._policy.waiting_per_slot)
        if door.running + door.waiting >= most:
            message = f"{most} programs are running or waiting here; ask again, or ask another replica."
            raise ShinsaError(Reason.OVERLOADED, message, retry_after=_RETRY_SECONDS, origin="sandbox")

    def _tell_waited(self, name: str, seconds: float) -> None:
        if self._telemetry is not None:
            self._telemetry.waited(name, seconds)
        self._tell_occupied(name)

    def _tell_occupied(self, name: str) -> None:
        if self._telemetry is not None:
            self._telemetry.occupied(name, self._doors[name].running, self._doors[name].waiting)

    def runtimes(self) -> list[RuntimeStatus]:
        return [self._status(name, executor) for name, executor in self._executors.items()]

    def _status(self, name: str, executor: Executor) -> RuntimeStatus:
        proof, problem = self._proofs.get(name), self.problem(name)
        shown = proof if isinstance(proof, Capabilities) else Capabilities(0, "")
        long = name == REPOSITORY
        defaults, ceilings = (
            (REPOSITORY_DEFAULTS, self._policy.repository) if long else (DEFAULTS, self._policy.ceilings)
        )
        return RuntimeStatus(name, executor.name, shown.version, defaults, ceilings, shown.tier, not problem, problem)
