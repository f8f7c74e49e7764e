"""The application: proofs, refusal, admission."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from shinsa.sandbox.v1 import program_pb2
from shinsa.step.v1 import step_pb2
from shinsa_chassis.errors import Reason, ShinsaError
from shinsa_chassis.lifecycle import Drain
from shinsa_sandbox.application.sandbox import Policy, Sandbox
from shinsa_sandbox.domain.attacks import QUICK_ATTACKS
from shinsa_sandbox.domain.execution import Execution, Verdict
from shinsa_sandbox.domain.limits import DEFAULTS
from shinsa_sandbox.domain.program import File, Program
from shinsa_sandbox.domain.runtime import Capabilities, Job, Refusal
from shinsa_sandbox.inbound.consumer import Handle, handler, serve_queue
from shinsa_sandbox.inbound.wire import Bounds
from unit.sandbox.executors import FakeExecutor, execution, right_answer
from waiting import until

FULL = Capabilities(2, "3.11.2")
BOUNDS = Bounds(DEFAULTS)


def job(runtime: str = "python") -> Job:
    return Job(Program(runtime, (File("a.py", b""),), "a.py"), DEFAULTS)


def sandbox(executor: FakeExecutor, tier: int = 2, waiting: int = 4) -> Sandbox:
    return Sandbox({"python": executor}, Policy(DEFAULTS, tier, waiting))


async def refused(box: Sandbox, wanted: Job) -> ShinsaError:
    with pytest.raises(ShinsaError) as caught:
        await box.execute(wanted)
    return caught.value


async def test_nothing_runs_before_the_proof() -> None:
    box = sandbox(FakeExecutor(FULL))
    assert (await refused(box, job())).reason is Reason.ISOLATION_MISSING
    await box.prove()
    assert (await box.execute(job())).verdict is Verdict.PASS
    assert box.healthy
    (status,) = box.runtimes()
    assert (status.available, status.tier, status.version, status.problem) == (True, 2, "3.11.2", "")


async def test_a_refusal_names_what_is_missing() -> None:
    box = sandbox(FakeExecutor(Refusal("user namespaces", "unshare: not permitted", "allow them")))
    await box.prove()
    error = await refused(box, job())
    assert error.reason is Reason.ISOLATION_MISSING
    assert not error.retryable
    for word in ("user namespaces", "unshare: not permitted", "allow them"):
        assert word in error.message
        assert word in box.runtimes()[0].problem
    assert not box.healthy
    assert not box.runtimes()[0].available


async def test_a_lower_tier_runs_only_where_it_is_accepted() -> None:
    lesser = Capabilities(1, "3.11.2", "control groups are not writable")
    strict = sandbox(FakeExecutor(lesser))
    await strict.prove()
    assert "tier 1" in (await refused(strict, job())).message
    assert "control groups are not writable" in strict.runtimes()[0].problem
    lenient = sandbox(FakeExecutor(lesser), tier=1)
    await lenient.prove()
    assert (await lenient.execute(job())).verdict is Verdict.PASS
    assert lenient.runtimes()[0].tier == 1


@pytest.mark.parametrize("attack", QUICK_ATTACKS, ids=lambda attack: attack.mechanism)
async def test_one_hole_closes_the_runtime(attack: object) -> None:
    def leaky(wanted: Job) -> Execution:
        if wanted == attack.job("python"):  # type: ignore[attr-defined]
            return execution(Verdict.CRASH, b"reached: the moon\n")
        return right_answer(wanted)

    box = sandbox(FakeExecutor(FULL, leaky))
    await box.prove()
    assert attack.mechanism in box.problem("python")  # type: ignore[attr-defined]
    assert "reached: the moon" in box.problem("python")


async def test_a_hole_that_opens_later_withdraws_the_runtime() -> None:
    executor = FakeExecutor(FULL)
    box = sandbox(executor)
    await box.prove()
    gone = asyncio.create_task(box.until("python", available=False))
    await asyncio.sleep(0)
    executor.answer = lambda _: execution(Verdict.FAIL)
    await box.prove()
    await asyncio.wait_for(gone, 30)
    assert (await refused(box, job())).reason is Reason.ISOLATION_MISSING


async def test_who_waits_in_line_while_a_proof_fails_is_not_run() -> None:
    executor = FakeExecutor(FULL)
    box = sandbox(executor)
    await box.prove()
    executor.jobs.clear()
    executor.gate.clear()
    running, waiting = [asyncio.create_task(box.execute(job())) for _ in range(2)]
    await until(lambda: executor.jobs)
    executor.shown = Refusal("seccomp", "gone")
    await box.prove()
    executor.gate.set()
    assert (await running).verdict is Verdict.PASS
    with pytest.raises(ShinsaError) as caught:
        await waiting
    assert caught.value.reason is Reason.ISOLATION_MISSING
    assert len(executor.jobs) == 1


async def test_a_proof_that_takes_long_keeps_no_other_runtime_waiting() -> None:
    quick, slow = FakeExecutor(FULL), FakeExecutor(FULL)
    box = Sandbox({"python": quick, "python-docker": slow}, Policy(DEFAULTS, 2))
    slow.gate.clear()
    proving = asyncio.create_task(box.prove())
    await asyncio.wait_for(box.until("python", available=True), 30)
    assert not proving.done()
    assert box.problem("python-docker")
    slow.gate.set()
    await proving


async def test_an_unknown_runtime_names_the_near_one() -> None:
    box = sandbox(FakeExecutor(FULL))
    await box.prove()
    error = await refused(box, job("pyton"))
    assert (error.reason, error.field, error.near_matches) == (Reason.NOT_FOUND, "program.runtime", ("python",))


async def test_a_full_house_refuses_at_once() -> None:
    executor = FakeExecutor(FULL)
    box = sandbox(executor, waiting=1)
    await box.prove()
    executor.gate.clear()
    running = [asyncio.create_task(box.execute(job())) for _ in range(2)]
    await asyncio.sleep(0)
    error = await refused(box, job())
    assert (error.reason, error.retryable, error.retry_after) == (Reason.OVERLOADED, True, 1.0)
    executor.gate.set()
    assert len(await asyncio.gather(*running)) == 2
    assert (await box.execute(job())).verdict is Verdict.PASS


class Told:
    """Telemetry that remembers."""

    def __init__(self) -> None:
        self.waits = 0
        self.most = (0, 0)
        self.last = (0, 0)
        self.verdicts: list[Verdict] = []

    def waited(self, runtime: str, seconds: float) -> None:
        self.waits += 1

    def occupied(self, runtime: str, running: int, waiting: int) -> None:
        self.last = (running, waiting)
        self.most = max(self.most, self.last)

    def executed(self, runtime: str, verdict: Verdict) -> None:
        self.verdicts.append(verdict)


async def test_the_patient_wait_and_owners_take_turns() -> None:
    executor, told = FakeExecutor(FULL), Told()
    box = Sandbox({"python": executor}, Policy(DEFAULTS, 2, 0), told)
    await box.prove()
    executor.jobs.clear()
    executor.gate.clear()
    names = ["first", "many", "many", "few"]
    wanted = [replace(job(), program=replace(job().program, stdin=str(n).encode())) for n in range(len(names))]
    running = [
        asyncio.create_task(box.execute(one, owner=owner, patient=True))
        for one, owner in zip(wanted, names, strict=True)
    ]
    await asyncio.sleep(0)
    assert (await refused(box, job())).reason is Reason.OVERLOADED
    executor.gate.set()
    await asyncio.gather(*running)
    assert [one.program.stdin for one in executor.jobs] == [b"0", b"1", b"3", b"2"]
    assert (told.waits, told.last, told.verdicts) == (4, (0, 0), [Verdict.PASS] * 4)


class FakeQueue:
    """Runs until told to leave, and remembers."""

    opened = 0
    open = False
    handle: Handle

    def __call__(self, *, key: str, handle: Handle) -> FakeQueue:
        self.opened += 1
        self.handle = handle
        return self

    async def run(self, drain: Drain) -> None:
        self.open = True
        await drain.wait()
        self.open = False


async def test_the_queue_is_open_only_while_the_runtime_is_available() -> None:
    executor, queue, drain = FakeExecutor(FULL), FakeQueue(), Drain()
    box = sandbox(executor)
    serving = asyncio.create_task(serve_queue(box, BOUNDS, "python", queue, drain))
    await asyncio.sleep(0.01)
    assert queue.opened == 0
    await box.prove()
    await until(lambda: queue.open)
    executor.shown = Refusal("seccomp", "gone")
    await box.prove()
    # A task that has come nevertheless is one for the next who opens the queue.
    with pytest.raises(ShinsaError, match="seccomp") as caught:
        await queue.handle(python_task())
    assert (caught.value.reason, caught.value.retryable) == (Reason.UNAVAILABLE, True)
    await until(lambda: not queue.open)
    executor.shown = FULL
    await box.prove()
    await until(lambda: queue.open)
    assert queue.opened == 2
    drain.request()
    await asyncio.wait_for(serving, 30)
    assert not queue.open


def python_task() -> step_pb2.Task:
    task = step_pb2.Task()
    files = [program_pb2.File(path="a")]
    task.execute.program.MergeFrom(program_pb2.Program(runtime="python", entry="a", files=files))
    return task


async def test_a_task_of_another_runtime_is_refused() -> None:
    box = sandbox(FakeExecutor(FULL))
    await box.prove()
    handle = handler(box, BOUNDS, "python")
    task = python_task()
    task.execute.program.runtime = "ruby"
    with pytest.raises(ShinsaError, match="ruby"):
        await handle(task)
    task.execute.program.runtime = "python"
    assert (await handle(task)).execution.executor == "fake"
