"""From what a run has shown to the execution that is reported."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass

from shinsa_chassis.errors import Reason, ShinsaError

from shinsa_sandbox.domain.checks import ExpectedOutput, same_output
from shinsa_sandbox.domain.evidence import Ending, Evidence, Finding, Stop, rule
from shinsa_sandbox.domain.execution import CheckResult, Execution, Trust, Usage
from shinsa_sandbox.domain.kept import Kept
from shinsa_sandbox.domain.runtime import Job
from shinsa_sandbox.outbound.jail.link import Message


@dataclass(frozen=True, slots=True)
class Observed:
    """What the supervisor saw: clocks, the kernel's counters over the job, and who said what."""

    seconds: float
    cpu_seconds: float
    memory_bytes: int
    oom_kills: int
    refused_forks: int
    stop: Stop | None
    ending: Ending | None
    finding: Finding | None


def execution_of(
    job: Job, observed: Observed, kept: Mapping[str, Kept], tier: int, executor: str = "jail"
) -> Execution:
    """The verdict with everything that goes with it."""
    verdict, reason = rule(_evidence(job, observed, kept))
    ending, reported = observed.ending, job.limits.output_bytes
    cpu_seconds = ending.cpu_seconds if ending else observed.cpu_seconds
    memory_bytes = ending.peak_memory_bytes if ending else observed.memory_bytes
    return Execution(
        verdict=verdict,
        reason=reason,
        checks=observed.finding.checks if observed.finding else (),
        stdout=kept["stdout"].output(reported),
        stderr=kept["stderr"].output(reported),
        exit_code=ending.exit_code if ending else None,
        signal=ending.signal if ending else "SIGKILL",
        usage=Usage(cpu_seconds, observed.seconds, memory_bytes),
        executor=executor,
        trust=Trust.EXIT_STATUS if job.checks is None else Trust.SPLIT,
        tier=str(tier),
    )


def _evidence(job: Job, observed: Observed, kept: Mapping[str, Kept]) -> Evidence:
    matches = None
    if isinstance(job.checks, ExpectedOutput):
        matches = same_output(kept["stdout"].content, job.checks.stdout)
    return Evidence(
        cpu_limit=job.limits.cpu_seconds,
        stop=observed.stop,
        ending=observed.ending,
        oom_kills=observed.oom_kills,
        refused_forks=observed.refused_forks,
        finding=observed.finding,
        output_matches=matches,
        last_words=kept["stderr"].content.rstrip().rpartition(b"\n")[2][:500].decode("utf-8", "replace"),
    )


def finding_without_verdict(ending: Ending, cpu_limit: float, *, out_of_memory: bool) -> Finding | None:
    """What it means that a judge ended and said nothing; ``None`` if something that is no part of the job killed it."""
    if ending.signal in ("SIGXCPU", "SIGKILL") and ending.cpu_seconds >= cpu_limit / 2:
        return Finding("limit", "the checks used up their processor time on the answers", "cpu")
    if out_of_memory:
        return Finding("limit", "the checks ran out of memory on the answers", "memory")
    if ending.signal == "SIGKILL":
        return None
    return Finding("fail", f"the checks could not be finished ({ending.signal or ending.exit_code})")


def finding_of(message: Message) -> Finding | ShinsaError:
    """From a judge's verdict; the error if the checks themselves are wrong."""
    if message["verdict"] == "bad_checks":
        return ShinsaError(Reason.INVALID_ARGUMENT, message["reason"], field=message["field"], origin="sandbox")
    checks = tuple(CheckResult(*check) for check in message["checks"])
    return Finding(message["verdict"], message["reason"], message["kind"], checks)


def ending_of(message: Message) -> Ending:
    """From the reaper's report."""
    code = os.waitstatus_to_exitcode(message["status"])
    exit_code, name = (code, "") if code >= 0 else (None, _signal_name(-code))
    return Ending(exit_code, name, message["cpu_seconds"], message["peak_bytes"], message["disk_full"])


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
