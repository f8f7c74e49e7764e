"""shinsa.orchestrator.v1, the part about reports."""

from __future__ import annotations

from shinsa.orchestrator.v1 import report_pb2 as pb

from shinsa_gateway.domain.report import (
    GenerationTotals,
    JudgeDefinition,
    JudgeUsage,
    Latency,
    Ledger,
    Provenance,
    ReasonCount,
    Repeat,
    RepeatCause,
    Report,
    Score,
    TokenTotals,
)
from shinsa_gateway.domain.reproduce import with_entry, without_secrets
from shinsa_gateway.outbound.wire.generation import read_cost
from shinsa_gateway.outbound.wire.model import read_model
from shinsa_gateway.outbound.wire.run import read_planned, read_run

_CAUSES: dict[int, RepeatCause] = {
    pb.REPEAT_CAUSE_NO_ANSWER: "no_answer",
    pb.REPEAT_CAUSE_RESUMED: "resumed",
    pb.REPEAT_CAUSE_RETRIED: "retried",
    pb.REPEAT_CAUSE_DRAINED: "drained",
    pb.REPEAT_CAUSE_SILENT: "silent",
    pb.REPEAT_CAUSE_TAKEN_OVER: "taken_over",
}


def read_report(message: pb.Report) -> Report:
    return Report(
        run=read_run(message.run),
        scores=tuple(_read_score(score) for score in message.scores),
        reasons=tuple(_read_reason(reason) for reason in message.reasons),
        provenance=_read_provenance(message.provenance),
        tokens=_read_tokens(message.tokens),
        judges=tuple(_read_usage(usage) for usage in message.judges),
        ledger=_read_ledger(message.ledger),
        generation=_read_generation(message.generation),
    )


def _read_score(message: pb.Score) -> Score:
    return Score(
        benchmark=message.benchmark,
        shots=message.shots,
        metric=message.metric,
        primary=message.primary,
        value=message.value if message.HasField("value") else None,
        stderr=message.stderr if message.HasField("stderr") else None,
        low=message.low if message.HasField("low") else None,
        high=message.high if message.HasField("high") else None,
        scored=message.scored,
        model_errors=message.model_errors,
        infra_errors=message.infra_errors,
        items=message.items,
        worst_case=message.worst_case if message.HasField("worst_case") else None,
        best_case=message.best_case if message.HasField("best_case") else None,
        scale=message.scale,
    )


def _read_reason(message: pb.ReasonCount) -> ReasonCount:
    return ReasonCount(status=message.status, reason=message.reason, count=message.count, benchmark=message.benchmark)


def _read_provenance(message: pb.Provenance) -> Provenance:
    model = without_secrets(read_model(message.model)) if message.HasField("model") else None
    return Provenance(
        shinsa_version=message.shinsa_version,
        suite=message.suite,
        benchmarks=tuple(read_planned(planned) for planned in message.benchmarks),
        engine_fingerprints=tuple(message.engine_fingerprints),
        judge_identities=tuple(message.judge_identities),
        sandbox_tiers=tuple(message.sandbox_tiers),
        reproduce=with_entry(message.reproduce, model),
        model=model,
        judges=tuple(
            JudgeDefinition(
                profile=one.profile, digest=one.digest, definition_json=one.definition_json, prompts=one.prompts
            )
            for one in message.judges
        ),
        judge_models=tuple(without_secrets(read_model(one)) for one in message.judge_models),
    )


def _read_tokens(message: pb.TokenTotals) -> TokenTotals:
    return TokenTotals(
        prompt_tokens=message.prompt_tokens,
        completion_tokens=message.completion_tokens,
        judge_prompt_tokens=message.judge_prompt_tokens,
        judge_completion_tokens=message.judge_completion_tokens,
    )


def _read_usage(message: pb.JudgeUsage) -> JudgeUsage:
    return JudgeUsage(
        profile=message.profile,
        verdicts=message.verdicts,
        unreadable=message.unreadable,
        disagreed=message.disagreed,
        prompt_tokens=message.prompt_tokens,
        completion_tokens=message.completion_tokens,
        costs=tuple(read_cost(cost) for cost in message.costs),
    )


def _read_generation(message: pb.GenerationTotals) -> GenerationTotals:
    return GenerationTotals(
        completions=message.completions,
        adopted=message.adopted,
        reused=message.reused,
        not_greedy=message.not_greedy,
        prompt_tokens=message.prompt_tokens,
        completion_tokens=message.completion_tokens,
        reasoning_tokens=message.reasoning_tokens,
        cached_tokens=message.cached_tokens,
        tokens_taken_over=message.tokens_taken_over,
        finish_reasons={one.reason: one.choices for one in message.finish_reasons},
        latency=_read_latency(message.latency) if message.HasField("latency") else None,
        costs=tuple(read_cost(cost) for cost in message.costs),
    )


def _read_latency(message: pb.Latency) -> Latency:
    return Latency(
        completions=message.completions, mean=message.mean, p50=message.p50, p95=message.p95, longest=message.longest
    )


def _read_ledger(message: pb.Ledger) -> Ledger:
    return Ledger(
        steps_needed=message.steps_needed,
        steps_asked=message.steps_asked,
        steps_asked_again=message.steps_asked_again,
        steps_delivered_again=message.steps_delivered_again,
        steps_failed=message.steps_failed,
        repeats=tuple(Repeat(cause=_cause(one.cause), reason=one.reason, count=one.count) for one in message.repeats),
    )


def _cause(number: int) -> RepeatCause:
    """A cause that only a newer orchestrator knows is none that we know."""
    return _CAUSES.get(number, "unknown")
