"""What isolation and an honest verdict cost: executions a second and processor time of each, side by side in one run.

    subprocess       a clean interpreter (-S, no site packages) for each program, no isolation, exit status decides
    docker run       `docker run --rm` of the same interpreter with no network and limits, exit status decides
    jail             the jail executor, exit status decides
    jail, split      the jail executor, the test in a process that never runs a byte of the program
    docker, split    the docker executor, the test in a container apart

Variants take turns in short bursts, so that what else runs on the machine meets them alike; figures are medians over
the bursts, and ratios those of neighbours in time. Processor time is that of all that a program causes: whoever starts
it, supervisor, warm interpreters, engine, shims and containers, by a control group around all of them.

    .venv/bin/python bench/sandbox.py [--seconds 4] [--rounds 5] [--at-once 2] [--workload trivial|imports]
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import uvloop
from measured_group import MeasuredGroup
from private_docker import NoDockerError, private_docker
from sandbox_ways import IMPORTS, Run, by_docker_run, by_executor, by_subprocess, docker, jail
from shinsa_sandbox.outbound.jail.interpreter import find_interpreter

GAP_SECONDS = 0.1


@dataclass
class Burst:
    """One variant's turn. Seconds; ``latencies`` are of single programs."""

    count: int
    wall: float
    cpu: float
    strangers: float
    latencies: list[float]
    wrong: int

    @property
    def rate(self) -> float:
        return self.count / self.wall

    @property
    def cpu_each(self) -> float:
        return self.cpu / self.count


@dataclass
class Variant:
    name: str
    run: Run
    bursts: list[Burst] = field(default_factory=list)
    calm: list[float] = field(default_factory=list)


async def variants(stack: AsyncExitStack, group: MeasuredGroup, at_once: int, workload: str) -> list[Variant]:
    interpreter = find_interpreter()
    executor = await stack.enter_async_context(jail(at_once))
    found = [
        Variant("subprocess", by_subprocess(interpreter, workload)),
        Variant("jail", by_executor(executor, workload, split=False)),
        Variant("jail, split", by_executor(executor, workload, split=True)),
    ]
    try:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-sandbox-")))
        client, image = await stack.enter_async_context(private_docker(folder, interpreter, group))
        found.insert(1, Variant("docker run", by_docker_run(client, image, interpreter, workload)))
        containers = await stack.enter_async_context(docker(client[2], image, at_once))
        found.append(Variant("docker, split", by_executor(containers, workload, split=True)))
    except NoDockerError as error:
        print(f"docker: not measured, {error}")
    return found


# --- measuring ---


def machine_seconds() -> float:
    """Processor time that the whole machine has spent on anything but waiting."""
    numbers = [int(word) for word in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    user, nice, system, _idle, _iowait, irq, softirq, _steal = numbers
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")


async def burst(run: Run, seconds: float, at_once: int, group: MeasuredGroup) -> Burst:
    latencies: list[float] = []
    wrong = 0

    async def worker() -> None:
        nonlocal wrong
        while time.perf_counter() < until:
            began = time.perf_counter()
            wrong += not await run(len(latencies))
            latencies.append(time.perf_counter() - began)

    cpu, machine, began = group.cpu_seconds(), machine_seconds(), time.perf_counter()
    until = began + seconds
    await asyncio.gather(*(worker() for _ in range(at_once)))
    wall, spent = time.perf_counter() - began, group.cpu_seconds() - cpu
    strangers = max(0.0, machine_seconds() - machine - spent) / (wall * (os.cpu_count() or 1))
    return Burst(len(latencies), wall, spent, strangers, latencies, wrong)


async def calm(run: Run, count: int) -> list[float]:
    """Latencies of one program at a time with pauses between."""
    latencies = []
    for number in range(count):
        await asyncio.sleep(GAP_SECONDS)
        began = time.perf_counter()
        await run(number)
        latencies.append(time.perf_counter() - began)
    return latencies


async def measure(found: list[Variant], arguments: argparse.Namespace, group: MeasuredGroup) -> None:
    for variant in found:
        await burst(variant.run, 0.5, arguments.at_once, group)
    for number in range(arguments.rounds):
        for variant in found:
            variant.bursts.append(await burst(variant.run, arguments.seconds, arguments.at_once, group))
            variant.calm += await calm(variant.run, arguments.calm)
        print(f"round {number + 1} of {arguments.rounds}", file=sys.stderr)


# --- telling ---


def quantile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def row(variant: Variant) -> str:
    bursts = variant.bursts
    latencies = [latency for one in bursts for latency in one.latencies]
    rate, cpu = (statistics.median(values) for values in ([b.rate for b in bursts], [b.cpu_each for b in bursts]))
    figures = [
        rate,
        1e3 * cpu,
        *(1e3 * quantile(latencies, share) for share in (0.5, 0.95)),
        1e3 * quantile(variant.calm, 0.5),
    ]
    strangers = statistics.median(one.strangers for one in bursts)
    wrong = sum(one.wrong for one in bursts)
    return f"{variant.name:<14}" + "".join(f"{figure:>11.1f}" for figure in figures) + f"{strangers:>11.0%}{wrong:>7}"


def ratio(found: dict[str, Variant], above: str, below: str, of: Callable[[Burst], float]) -> str:
    if above not in found or below not in found:
        return "not measured"
    pairs = zip(found[above].bursts, found[below].bursts, strict=True)
    values = [of(one) / of(other) for one, other in pairs]
    return f"{statistics.median(values):.2f}  (bursts {min(values):.2f} to {max(values):.2f})"


def tell(found: list[Variant]) -> None:
    heading = ("programs/s", "cpu ms", "p50 ms", "p95 ms", "calm p50", "strangers", "wrong")
    print(f"\n{'':<14}" + "".join(f"{word:>{7 if word == 'wrong' else 11}}" for word in heading))
    for variant in found:
        print(row(variant))
    named = {variant.name: variant for variant in found}
    cpu: Callable[[Burst], float] = lambda one: one.cpu_each  # noqa: E731
    print("\nprocessor time, split judge to a bare subprocess:", ratio(named, "jail, split", "subprocess", cpu))
    print("processor time, split judge to none:             ", ratio(named, "jail, split", "jail", cpu))
    print("programs per processor second to docker run:     ", ratio(named, "docker run", "jail, split", cpu))
    print("programs per processor second, jail to docker:   ", ratio(named, "docker, split", "jail, split", cpu))
    each = statistics.median(one.cpu_each for one in named["jail, split"].bursts)
    print(
        f"what two free processors would do, split judge:   {2 / each:.0f} programs/s, from the processor time of each"
    )


async def main(arguments: argparse.Namespace) -> None:
    with MeasuredGroup() as group:
        async with AsyncExitStack() as stack:
            found = await variants(stack, group, arguments.at_once, arguments.workload)
            await measure(found, arguments, group)
        tell(found)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--seconds", type=float, default=4, help="length of a burst")
    parser.add_argument("--rounds", type=int, default=5, help="bursts of each variant")
    parser.add_argument("--at-once", type=int, default=2, help="programs in flight, and slots of the jail")
    parser.add_argument("--calm", type=int, default=20, help="programs with pauses between, each round")
    parser.add_argument("--workload", choices=sorted(IMPORTS), default="trivial")
    return parser.parse_args()


if __name__ == "__main__":
    uvloop.run(main(parsed()))
