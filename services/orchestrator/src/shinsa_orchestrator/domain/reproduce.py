"""The command line that asks for the same run."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from shinsa_orchestrator.domain.identity import plan_digest
from shinsa_orchestrator.domain.run import BenchmarkChoice, JudgeChoice, Plan, RunSpec

# Of a dataset's digest; as many hexadecimal digits as tell data apart.
PIN_DIGITS = 12


def command(spec: RunSpec, plan: Plan) -> str:
    """``shinsa run ...`` with everything that bears on the result; empty where no command line can say it.

    Judges are named as they were found, since another mesh may have others by default. Pins hold the version and the
    data of each benchmark, the judges and the plan as a whole: where one is another, nothing is run. A run that was
    resumed with another model or judge than it was begun with cannot be asked for again.
    """
    if plan.pins.mixed:
        return ""
    words = ["shinsa", "run", "--model", spec.model]
    if spec.suite:
        words += ["--suite", spec.suite]
    else:
        words += ["--benchmarks", ",".join(_choice(choice) for choice in spec.benchmarks)]
    repetitions = {choice.repetitions or 1 for choice in spec.benchmarks}
    if len(repetitions) > 1:
        return ""
    if repetitions - {1}:
        words += ["--repetitions", str(repetitions.pop())]
    if spec.limit:
        words += ["--limit", str(spec.limit)]
    for judge in _judges(spec, plan):
        words += ["--judge", judge.profile if judge.role == "*" else f"{judge.role}={judge.profile}"]
    for override in spec.overrides:
        words += ["--set", f"{override.key}={override.value}"]
    if spec.dataset:
        words += ["--dataset", spec.dataset]
    for pin in dict.fromkeys(f"{one.benchmark}={one.version}:{one.dataset_digest[:PIN_DIGITS]}" for one in plan.lines):
        words += ["--pin", pin]
    for profile, digest in plan.pins.judges.items():
        words += ["--pin-judge", f"{profile}={digest[:PIN_DIGITS]}"]
    if plan.lines:
        words += ["--pin-plan", plan_digest(plan)[:PIN_DIGITS]]
    return shlex.join(words)


def _judges(spec: RunSpec, plan: Plan) -> Sequence[JudgeChoice]:
    named = {judge.role for judge in spec.judges}
    if "*" in named:
        return spec.judges
    return [*spec.judges, *(JudgeChoice(role, one) for role, one in sorted(plan.judges.items()) if role not in named)]


def _choice(choice: BenchmarkChoice) -> str:
    shots = ",".join(str(count) for count in choice.shots)
    return f"{choice.benchmark}@{shots}" if shots else choice.benchmark
