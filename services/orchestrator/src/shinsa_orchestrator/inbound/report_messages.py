"""From values to messages: reports, comparisons, benchmarks, boards."""

from __future__ import annotations

from collections.abc import Sequence

from shinsa.inference.v1 import completion_pb2
from shinsa.judge.v1 import verdict_pb2
from shinsa.orchestrator.v1 import orchestrator_service_pb2, report_pb2, run_pb2
from shinsa_benchmarks.boards import Board
from shinsa_benchmarks.manifest import Manifest
from shinsa_benchmarks.suites import Suite

from shinsa_orchestrator.application.boards import Row
from shinsa_orchestrator.application.references import Imported
from shinsa_orchestrator.domain.reference import ReferenceTable
from shinsa_orchestrator.domain.repeat import RepeatCause
from shinsa_orchestrator.domain.report import GenerationTotals, JudgeUsage, PairedComparison, Report, Score
from shinsa_orchestrator.inbound import messages

_CAUSES = {
    cause: report_pb2.RepeatCause.Value(f"REPEAT_CAUSE_{cause.name}")
    for cause in RepeatCause
    if cause is not RepeatCause.UNKNOWN
} | {RepeatCause.UNKNOWN: report_pb2.REPEAT_CAUSE_UNSPECIFIED}


def report(value: Report) -> report_pb2.Report:
    return report_pb2.Report(
        run=messages.run(value.run),
        scores=[score(one) for one in value.scores],
        reasons=[
            report_pb2.ReasonCount(status=one.status, reason=one.reason, count=one.count, benchmark=one.benchmark)
            for one in value.reasons
        ],
        provenance=_provenance(value),
        tokens=report_pb2.TokenTotals(
            prompt_tokens=value.tokens.prompt_tokens,
            completion_tokens=value.tokens.completion_tokens,
            judge_prompt_tokens=value.tokens.judge_prompt_tokens,
            judge_completion_tokens=value.tokens.judge_completion_tokens,
        ),
        ledger=report_pb2.Ledger(
            steps_needed=value.ledger.steps_needed,
            steps_asked=value.ledger.steps_asked,
            steps_asked_again=value.ledger.steps_asked_again,
            steps_delivered_again=value.ledger.steps_delivered_again,
            steps_failed=value.ledger.steps_failed,
            repeats=[
                report_pb2.Repeat(cause=_CAUSES[one.cause], reason=one.reason, count=one.count)
                for one in value.ledger.repeats
            ],
        ),
        judges=[_usage(usage) for usage in value.judges],
        generation=_generation(value.generation),
    )


def _generation(value: GenerationTotals) -> report_pb2.GenerationTotals:
    message = report_pb2.GenerationTotals(
        completions=value.completions,
        adopted=value.adopted,
        reused=value.reused,
        not_greedy=value.not_greedy,
        prompt_tokens=value.prompt_tokens,
        completion_tokens=value.completion_tokens,
        reasoning_tokens=value.reasoning_tokens,
        cached_tokens=value.cached_tokens,
        tokens_taken_over=value.tokens_taken_over,
        finish_reasons=[
            report_pb2.FinishCount(reason=reason, choices=choices) for reason, choices in value.finish_reasons.items()
        ],
        costs=[completion_pb2.Cost(amount=amount, currency=name) for name, amount in value.costs.items()],
    )
    if value.latency is not None:
        latency = value.latency
        message.latency.CopyFrom(
            report_pb2.Latency(
                completions=latency.completions,
                mean=latency.mean,
                p50=latency.p50,
                p95=latency.p95,
                longest=latency.longest,
            )
        )
    return message


def _usage(value: JudgeUsage) -> report_pb2.JudgeUsage:
    return report_pb2.JudgeUsage(
        profile=value.profile,
        verdicts=value.verdicts,
        unreadable=value.unreadable,
        disagreed=value.disagreed,
        prompt_tokens=value.prompt_tokens,
        completion_tokens=value.completion_tokens,
        costs=[verdict_pb2.Cost(amount=amount, currency=name) for name, amount in sorted(value.costs.items())],
    )


def _provenance(value: Report) -> report_pb2.Provenance:
    provenance = value.provenance
    kept = provenance.definitions
    message = report_pb2.Provenance(
        shinsa_version=provenance.shinsa_version,
        suite=value.run.spec.suite,
        benchmarks=[messages.planned(line) for line in value.run.plan.lines],
        engine_fingerprints=provenance.engine_fingerprints,
        judge_identities=provenance.judge_identities,
        sandbox_tiers=provenance.sandbox_tiers,
        reproduce=provenance.reproduce,
        judges=[
            report_pb2.JudgeDefinition(
                profile=one.profile, digest=one.digest, definition_json=one.definition_json, prompts=one.prompts
            )
            for one in kept.judges
        ],
    )
    if kept.model:
        message.model.MergeFromString(kept.model)
    for document in kept.judge_models:
        message.judge_models.add().MergeFromString(document)
    return message


def score(value: Score) -> report_pb2.Score:
    return report_pb2.Score(
        benchmark=value.benchmark,
        shots=value.shots,
        metric=value.metric,
        primary=value.primary,
        value=value.value,
        stderr=value.stderr,
        low=value.low,
        high=value.high,
        scored=value.scored,
        model_errors=value.model_errors,
        infra_errors=value.infra_errors,
        items=value.items,
        worst_case=value.worst_case,
        best_case=value.best_case,
        scale=value.scale,
    )


def comparison(value: PairedComparison) -> orchestrator_service_pb2.Comparison:
    return orchestrator_service_pb2.Comparison(
        benchmark=value.benchmark,
        shots=value.shots,
        metric=value.metric,
        shared=value.shared,
        mean_a=value.mean_a,
        mean_b=value.mean_b,
        difference=value.difference,
        stderr=value.stderr,
        low=value.low,
        high=value.high,
        p_value=value.p_value,
        a_better=value.a_better,
        b_better=value.b_better,
        rank_correlation=value.rank_correlation,
        differences=[
            orchestrator_service_pb2.SampleDifference(
                sample_id=one.sample_id,
                value_a=one.value_a,
                value_b=one.value_b,
                item_a=one.item_a,
                item_b=one.item_b,
            )
            for one in value.differences
        ],
    )


def benchmark(manifest: Manifest, specimen_samples: int, prepared: bool) -> orchestrator_service_pb2.Benchmark:
    return orchestrator_service_pb2.Benchmark(
        id=manifest.id,
        title=manifest.title,
        version=manifest.version,
        licence=manifest.licence,
        description=manifest.description,
        shots=manifest.shots,
        metrics=[metric.name for metric in manifest.metrics],
        primary_metric=manifest.primary.name,
        steps=manifest.steps,
        judge_roles=manifest.judge_roles,
        specimen_samples=specimen_samples,
        prepared=prepared,
    )


def suite(value: Suite) -> orchestrator_service_pb2.Suite:
    choices = [
        run_pb2.BenchmarkChoice(benchmark=one.id, shots=one.shots, repetitions=one.repetitions)
        for one in value.benchmarks
    ]
    return orchestrator_service_pb2.Suite(id=value.id, title=value.title, benchmarks=choices)


def board(value: Board, rows: Sequence[Row] = ()) -> report_pb2.Board:
    return report_pb2.Board(
        id=value.id,
        title=value.title,
        titles=report_pb2.BoardTitles(**value.titled()),
        nodes=[
            report_pb2.BoardNode(
                id=node.id,
                title=node.title,
                titles=report_pb2.BoardTitles(**node.titled()),
                parent=node.parent,
                weight=node.weight,
                published_names=node.published_names,
                includes=[report_pb2.BoardPart(node=name, weight=weight) for name, weight in node.includes.items()],
            )
            for node in value.nodes
        ],
        rows=[_row(row) for row in rows],
    )


def _row(row: Row) -> report_pb2.BoardRow:
    cells = [
        report_pb2.BoardCell(
            node=cell.node, value=cell.value, stderr=cell.stderr, complete=cell.complete, missing=cell.missing
        )
        for cell in row.cells
    ]
    return report_pb2.BoardRow(model=row.model, run_id=row.run_id, cells=cells, complete=row.complete, shots=row.shots)


def imported(value: Imported) -> orchestrator_service_pb2.ImportReferencesResponse:
    return orchestrator_service_pb2.ImportReferencesResponse(
        table=reference_table(value.table),
        rows=len(value.table.rows),
        unknown_columns=value.unknown_columns,
        skipped=value.skipped,
        stored=value.stored,
    )


def reference_table(value: ReferenceTable) -> orchestrator_service_pb2.ReferenceTable:
    return orchestrator_service_pb2.ReferenceTable(
        board=value.board,
        source=value.source,
        version=value.version,
        format=value.format,
        note=value.note,
        imported_at=messages.timestamp(value.imported_at or None),
    )
