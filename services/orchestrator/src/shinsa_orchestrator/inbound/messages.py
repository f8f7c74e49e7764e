"""From values to messages: runs, items, steps."""

from __future__ import annotations

from google.protobuf.timestamp_pb2 import Timestamp
from shinsa.failure.v1 import failure_pb2
from shinsa.inference.v1 import inference_service_pb2, model_pb2
from shinsa.judge.v1 import judge_service_pb2
from shinsa.orchestrator.v1 import item_pb2, run_pb2
from shinsa.sandbox.v1 import sandbox_service_pb2

from shinsa_orchestrator.domain.identity import plan_digest
from shinsa_orchestrator.domain.item import FinishedItem, StepDetail
from shinsa_orchestrator.domain.model import ModelEntry
from shinsa_orchestrator.domain.progress import KINDS, Progress, StageCounts
from shinsa_orchestrator.domain.run import Plan, PlannedBenchmark, Run, RunSpec


def run(value: Run) -> run_pb2.Run:
    return run_pb2.Run(
        id=value.id,
        spec=spec(value.spec),
        state=run_pb2.RunState.Value(f"RUN_STATE_{value.state.name}"),
        problem=value.problem,
        created_at=timestamp(value.created_at),
        started_at=timestamp(value.started_at),
        finished_at=timestamp(value.finished_at),
        progress=progress(value.progress, value.plan),
        plan=[planned(line) for line in value.plan.lines],
        samples_forgotten_at=timestamp(value.samples_forgotten_at),
        plan_digest=plan_digest(value.plan),
    )


def spec(value: RunSpec) -> run_pb2.RunSpec:
    return run_pb2.RunSpec(
        model=value.model,
        suite=value.suite,
        benchmarks=[
            run_pb2.BenchmarkChoice(benchmark=one.benchmark, shots=one.shots, repetitions=one.repetitions)
            for one in value.benchmarks
        ],
        limit=value.limit,
        judges=[run_pb2.JudgeChoice(role=one.role, profile=one.profile) for one in value.judges],
        overrides=[run_pb2.Override(key=one.key, value=one.value) for one in value.overrides],
        dataset=value.dataset,
        note=value.note,
        window=value.window,
        judge_budget=run_pb2.JudgeBudget(tokens=value.judge_budget.tokens, cost=value.judge_budget.cost)
        if value.judge_budget.bounded
        else None,
        reuse=value.reuse,
    )


def planned(line: PlannedBenchmark) -> run_pb2.PlannedBenchmark:
    return run_pb2.PlannedBenchmark(
        benchmark=line.benchmark,
        version=line.version,
        shots=line.shots,
        items=line.items,
        dataset_digest=line.dataset_digest,
        dataset=line.dataset,
    )


def progress(value: Progress, plan: Plan) -> run_pb2.Progress:
    return run_pb2.Progress(
        items=value.items,
        scored=value.scored,
        model_errors=value.model_errors,
        infra_errors=value.infra_errors,
        in_flight=value.in_flight,
        stages=[_stage(kind, value.stages[kind]) for kind in KINDS if kind in value.stages],
        benchmarks=[
            run_pb2.BenchmarkProgress(
                benchmark=line.benchmark, shots=line.shots, items=line.items, done=value.done.get(number, 0)
            )
            for number, line in enumerate(plan.lines)
        ],
    )


def _stage(kind: str, counts: StageCounts) -> run_pb2.StageProgress:
    return run_pb2.StageProgress(
        kind=kind,
        asked=counts.asked,
        recorded=counts.recorded,
        failed=counts.failed,
        replayed=counts.replayed,
        tokens=counts.tokens,
        cost=counts.cost,
    )


def item(value: FinishedItem) -> item_pb2.Item:
    return item_pb2.Item(
        id=value.id,
        run_id=value.run_id,
        benchmark=value.benchmark,
        shots=value.shots,
        repetition=value.repetition,
        sample_id=value.sample_id,
        status=item_pb2.ItemStatus.Value(f"ITEM_STATUS_{value.status.name}"),
        reason=value.reason,
        detail=value.detail,
        metrics=[item_pb2.Metric(name=name, value=number) for name, number in value.metrics.items()],
        answer=value.answer,
        gold=value.gold,
        category=value.category,
        finished_at=timestamp(value.finished_at),
    )


def step(value: StepDetail) -> item_pb2.Step:
    message = item_pb2.Step(
        id=value.id,
        kind=value.kind,
        worker=value.worker,
        attempt=value.attempt,
        deliveries=value.deliveries,
        started_at=timestamp(value.started_at or None),
        finished_at=timestamp(value.finished_at or None),
        reused_from=value.reused_from,
    )
    if value.failed:
        message.failure.CopyFrom(failure_pb2.Failure.FromString(value.body))
    if value.kind == "generate":
        message.generate.CopyFrom(inference_service_pb2.GenerateRequest.FromString(value.request))
        if not value.failed:
            message.generated.CopyFrom(inference_service_pb2.GenerateResponse.FromString(value.body))
    elif value.kind == "execute":
        message.execute.CopyFrom(sandbox_service_pb2.ExecuteRequest.FromString(value.request))
        if not value.failed:
            message.executed.CopyFrom(sandbox_service_pb2.ExecuteResponse.FromString(value.body))
    elif value.kind == "judge":
        message.judge.CopyFrom(judge_service_pb2.JudgeRequest.FromString(value.request))
        if not value.failed:
            message.judged.CopyFrom(judge_service_pb2.JudgeResponse.FromString(value.body))
    return message


def model(entry: ModelEntry) -> model_pb2.ModelEntry:
    return model_pb2.ModelEntry.FromString(entry.document)


def timestamp(seconds: float | None) -> Timestamp | None:
    if seconds is None:
        return None
    stamp = Timestamp()
    stamp.FromNanoseconds(round(seconds * 1e9))
    return stamp
