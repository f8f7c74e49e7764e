"""shinsa.orchestrator.v1, the part about runs."""

from __future__ import annotations

from collections.abc import Mapping

from shinsa.orchestrator.v1 import run_pb2 as pb

from shinsa_gateway.domain.run import (
    BenchmarkChoice,
    BenchmarkProgress,
    JudgeBudget,
    OverrideValue,
    PlannedBenchmark,
    Progress,
    Run,
    RunSpec,
    RunState,
    StageProgress,
)
from shinsa_gateway.outbound.wire.moment import moment

_STATES = {
    pb.RUN_STATE_PENDING: RunState.PENDING,
    pb.RUN_STATE_RUNNING: RunState.RUNNING,
    pb.RUN_STATE_COMPLETE: RunState.COMPLETE,
    pb.RUN_STATE_INCOMPLETE: RunState.INCOMPLETE,
    pb.RUN_STATE_CANCELLED: RunState.CANCELLED,
    pb.RUN_STATE_FAILED: RunState.FAILED,
    pb.RUN_STATE_PAUSED: RunState.PAUSED,
}


def read_run(message: pb.Run) -> Run:
    return Run(
        id=message.id,
        spec=read_spec(message.spec),
        state=_STATES.get(message.state, RunState.UNKNOWN),
        problem=message.problem,
        created_at=moment(message.HasField("created_at"), message.created_at),
        started_at=moment(message.HasField("started_at"), message.started_at),
        finished_at=moment(message.HasField("finished_at"), message.finished_at),
        progress=_read_progress(message.progress),
        plan=tuple(read_planned(planned) for planned in message.plan),
        samples_forgotten_at=moment(message.HasField("samples_forgotten_at"), message.samples_forgotten_at),
        plan_digest=message.plan_digest,
    )


def read_spec(message: pb.RunSpec) -> RunSpec:
    return RunSpec(
        model=message.model,
        suite=message.suite,
        benchmarks=tuple(read_choice(choice) for choice in message.benchmarks),
        limit=message.limit,
        judges={choice.role: choice.profile for choice in message.judges},
        overrides={override.key: override.value for override in message.overrides},
        dataset=message.dataset,
        note=message.note,
        judge_budget=JudgeBudget(tokens=message.judge_budget.tokens, cost=message.judge_budget.cost),
        reuse=message.reuse,
        window=message.window,
    )


def write_spec(spec: RunSpec) -> pb.RunSpec:
    return pb.RunSpec(
        model=spec.model,
        suite=spec.suite,
        benchmarks=[_write_choice(choice) for choice in spec.benchmarks],
        limit=spec.limit,
        judges=write_judges(spec.judges),
        overrides=[pb.Override(key=key, value=_override_text(value)) for key, value in spec.overrides.items()],
        dataset=spec.dataset,
        note=spec.note,
        judge_budget=write_budget(None if spec.judge_budget == JudgeBudget() else spec.judge_budget),
        reuse=spec.reuse,
        window=spec.window,
    )


def write_budget(budget: JudgeBudget | None) -> pb.JudgeBudget | None:
    return None if budget is None else pb.JudgeBudget(tokens=budget.tokens, cost=budget.cost)


def write_judges(judges: Mapping[str, str]) -> list[pb.JudgeChoice]:
    return [pb.JudgeChoice(role=role, profile=profile) for role, profile in judges.items()]


def read_choice(message: pb.BenchmarkChoice) -> BenchmarkChoice:
    return BenchmarkChoice(benchmark=message.benchmark, shots=tuple(message.shots), repetitions=message.repetitions)


def read_planned(message: pb.PlannedBenchmark) -> PlannedBenchmark:
    return PlannedBenchmark(
        benchmark=message.benchmark,
        version=message.version,
        shots=message.shots,
        items=message.items,
        dataset_digest=message.dataset_digest,
        dataset=message.dataset,
    )


def _write_choice(choice: BenchmarkChoice) -> pb.BenchmarkChoice:
    return pb.BenchmarkChoice(benchmark=choice.benchmark, shots=choice.shots, repetitions=choice.repetitions)


def _override_text(value: OverrideValue) -> str:
    """As it would be typed on a command line: ``true``, not ``True``."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _read_progress(message: pb.Progress) -> Progress:
    return Progress(
        items=message.items,
        scored=message.scored,
        model_errors=message.model_errors,
        infra_errors=message.infra_errors,
        in_flight=message.in_flight,
        stages=tuple(_read_stage(stage) for stage in message.stages),
        benchmarks=tuple(_read_benchmark_progress(benchmark) for benchmark in message.benchmarks),
    )


def _read_stage(message: pb.StageProgress) -> StageProgress:
    return StageProgress(
        kind=message.kind,
        asked=message.asked,
        recorded=message.recorded,
        failed=message.failed,
        replayed=message.replayed,
        tokens=message.tokens,
        cost=message.cost,
    )


def _read_benchmark_progress(message: pb.BenchmarkProgress) -> BenchmarkProgress:
    return BenchmarkProgress(benchmark=message.benchmark, shots=message.shots, items=message.items, done=message.done)
