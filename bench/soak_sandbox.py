"""Does the sandbox stay as it is? Thousands of programs through the service, its memory and descriptors at intervals.

The service runs as a process of its own and gets its tasks by the work queue, as in a run. Most programs pass; others
fail, crash, exit early, run out of time, memory, processes or space, or leave a daemon behind; every verdict is
checked. Descriptors, processes and control groups must be the same at the end as after the first interval, memory
within a tenth; it ends with 1 otherwise.

    .venv/bin/python bench/soak_sandbox.py [--programs 50000] [--every 1000] [--slots 0]
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvloop
from grpc_health.v1 import health_pb2, health_pb2_grpc
from processes import connects, free_port, running
from shinsa.sandbox.v1 import execution_pb2, program_pb2
from shinsa.step.v1 import step_pb2
from shinsa_chassis.broker import open_broker
from shinsa_chassis.grpc_channel import open_channel
from shinsa_chassis.subjects import result_subject
from shinsa_sandbox.settings import SandboxSettings

MIB = 1024 * 1024
IN_FLIGHT = 64
TEST = "def check(candidate):\n    assert candidate({n}) == [{n}] * 3\n"
LIMITS = program_pb2.Limits(cpu_seconds=0.5, wall_seconds=20, memory_bytes=64 * MIB, pids=16, disk_bytes=4 * MIB)
PASS = "return [x] * 3"
# What the function does, the verdict, and in how many of a hundred programs.
KINDS = (
    (PASS, "PASS", 80),
    ("return [x]", "FAIL", 6),
    ("raise ValueError(x)", "FAIL", 4),
    ("import os; os._exit(0)", "CRASH", 3),
    ("print('x' * 100_000); " + PASS, "PASS", 1),
    ("import os, time; os.fork() or (os.setsid(), time.sleep(60)); " + PASS, "PASS", 1),
    ("import json, threading; threading.Thread(target=print).start(); " + PASS, "PASS", 1),
    ("return [bytes(1 << 20) for _ in iter(int, 1)]", "MEMORY", 1),
    ("import os, time\n    while True: os.fork() or time.sleep(60)", "PIDS", 1),
    ("return open('f', 'wb').write(bytes(8 << 20))", "DISK", 1),
    ("while True: pass", "TIMEOUT", 1),
)
HEADS = ("programs", "per s", "own MiB", "below MiB", "descriptors", "processes", "groups")
PLAN = [kind for kind in KINDS for _ in range(kind[2])]


@dataclass(frozen=True, slots=True)
class State:
    """The service's own memory, that of all below it, open descriptors, processes, and control groups."""

    memory: float
    below: float
    descriptors: int
    processes: int
    groups: int

    def __str__(self) -> str:
        figures = f"{self.memory:>9.1f} {self.below:>9.1f} {self.descriptors:>12} {self.processes:>10}"
        return f"{figures} {self.groups:>7}"


def state_of(pid: int) -> State:
    family = descendants(pid)
    groups = list(Path("/sys/fs/cgroup").glob(f"**/shinsa-sandbox-{pid}-*"))
    descriptors = len(os.listdir(f"/proc/{pid}/fd"))
    return State(memory_of(pid), sum(map(memory_of, family)), descriptors, len(family), len(groups))


def descendants(pid: int) -> list[int]:
    found: list[int] = []
    pending = [pid]
    while pending:
        number = pending.pop()
        try:
            for task in Path(f"/proc/{number}/task").iterdir():
                children = [int(child) for child in (task / "children").read_text().split()]
                found += children
                pending += children
        except OSError:
            continue
    return found


def memory_of(pid: int) -> float:
    """Memory in MiB that it shares with nobody."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_")) / 1024


def task(shard: str, number: int) -> step_pb2.Task:
    body, _, _ = PLAN[number % len(PLAN)]
    file = program_pb2.File(path="solution.py", content=f"def f(x):\n    {body}\n".encode())
    program = program_pb2.Program(runtime="python", files=[file], entry="solution.py")
    script = program_pb2.TestScript(source=TEST.format(n=number), functions=["f"], check="check")
    message = step_pb2.Task(step_id=f"{shard}-{number}", run_id=f"run{number % 3}", attempt=1)
    message.reply_to = result_subject(shard)
    message.execute.program.CopyFrom(program)
    message.execute.limits.CopyFrom(LIMITS)
    message.execute.checks.script.CopyFrom(script)
    return message


def wrong(result: step_pb2.Result) -> str:
    """What is wrong with a result; empty if nothing is."""
    number = int(result.step_id.rpartition("-")[2])
    body, expected, _ = PLAN[number % len(PLAN)]
    if result.HasField("failure"):
        return f"{body!r}: {result.failure.message}"
    found = execution_pb2.Verdict.Name(result.execute.execution.verdict).removeprefix("VERDICT_")
    return "" if found == expected else f"{body!r}: {found}, not {expected}: {result.execute.execution.reason}"


async def until_ready(port: int) -> None:
    async with open_channel(f"127.0.0.1:{port}") as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        for _ in range(600):
            try:
                reply = await stub.Check(health_pb2.HealthCheckRequest(), timeout=2)
            except Exception:  # noqa: BLE001 - not there yet
                reply = None
            if reply is not None and reply.status == health_pb2.HealthCheckResponse.SERVING:
                return
            await asyncio.sleep(0.1)
    raise SystemExit("the service did not become ready; its log is above")


async def soak(settings: SandboxSettings, pid: int, programs: int, every: int) -> int:
    await until_ready(settings.grpc_port)
    shard, done, problems, began = f"soak{time.time_ns()}", 0, 0, time.perf_counter()
    free = asyncio.Semaphore(IN_FLIGHT)
    first: State | None = None
    async with open_broker(settings) as broker, broker.results(shard) as inbox:

        async def submit() -> None:
            for number in range(programs):
                await free.acquire()
                await broker.submit(task(shard, number), service="sandbox", key="python")

        submitting = asyncio.create_task(submit())
        while done < programs:
            batch = await inbox.next_batch()
            for received in batch:
                done += 1
                free.release()
                if said := wrong(received.result):
                    problems += 1
                    print(f"WRONG {said}")
                if done % every == 0 or done == programs:
                    state = state_of(pid)
                    first = first or state
                    print(f"{done:>8} {done / (time.perf_counter() - began):>8.1f} {state}", flush=True)
            await inbox.ack(batch)
        await submitting
    await asyncio.sleep(2)
    assert first is not None
    return verdict_on(first, state_of(pid), problems)


def verdict_on(first: State, last: State, problems: int) -> int:
    print(f"{'idle':>8} {'':>8} {last}")
    grown = last.memory / first.memory
    more = (last.descriptors - first.descriptors, last.processes - first.processes, last.groups - first.groups)
    print(f"\nwrong verdicts: {problems}; memory of the service against its first interval: {grown:.2f}")
    print("more than then: {} descriptors, {} processes, {} control groups".format(*more))
    # Jails that are being prepared come and go: a few either way are no leak.
    return int(problems > 0 or grown > 1.1 or more[0] > 12 or more[1] > 8 or more[2] > 0)


def main(arguments: argparse.Namespace, folder: Path) -> int:
    port, nats = free_port(), free_port()
    config = folder / "nats.conf"
    config.write_text(f'listen: 127.0.0.1:{nats}\nmax_payload: 8MB\njetstream {{ store_dir: "{folder}/store" }}\n')
    told: dict[str, Any] = {"grpc_port": port, "nats_url": f"nats://127.0.0.1:{nats}", "recorded_patience_seconds": 0}
    environment = {f"SHINSA_SANDBOX_{name.upper()}": str(value) for name, value in told.items()}
    environment |= {"SHINSA_SANDBOX_LOG_LEVEL": "warning", "SHINSA_SANDBOX_SLOTS": str(arguments.slots)}
    server = (Path(sys.executable).with_name("nats-server"), "-c", config)
    print("{:>8} {:>8} {:>9} {:>9} {:>12} {:>10} {:>7}".format(*HEADS))
    with (
        running(*server, ready=connects(nats)),
        running(sys.executable, "-m", "shinsa_sandbox", ready=connects(port), **environment) as service,
    ):
        settings = SandboxSettings(**told)
        return uvloop.run(soak(settings, service.pid, arguments.programs, arguments.every))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--programs", type=int, default=50_000)
    parser.add_argument("--every", type=int, default=1000)
    parser.add_argument("--slots", type=int, default=0, help="0: one for each processor")
    with tempfile.TemporaryDirectory(prefix="soak-sandbox-") as place:
        sys.exit(main(parser.parse_args(), Path(place)))
