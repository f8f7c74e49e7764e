"""Ends runs, and says what came of them."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import structlog
from shinsa_chassis.errors import Reason, ShinsaError

from shinsa_orchestrator.application.generation_totals import generation_totals
from shinsa_orchestrator.application.ledger import ledger
from shinsa_orchestrator.application.lines import check_version
from shinsa_orchestrator.application.pinning import definitions
from shinsa_orchestrator.application.refusals import no_run
from shinsa_orchestrator.application.tallying import compare_line, outcomes, tally_run
from shinsa_orchestrator.domain.definition import Definitions
from shinsa_orchestrator.domain.item import JudgeTotals, StatusCount, StepTotals
from shinsa_orchestrator.domain.progress import Progress
from shinsa_orchestrator.domain.report import (
    JudgeUsage,
    PairedComparison,
    Provenance,
    ReasonCount,
    Report,
    Score,
    TokenTotals,
)
from shinsa_orchestrator.domain.reproduce import command
from shinsa_orchestrator.domain.run import PlannedBenchmark, Run, RunState
from shinsa_orchestrator.ports.catalog import Catalog
from shinsa_orchestrator.ports.definitions import DefinitionStore
from shinsa_orchestrator.ports.runs import RunStore
from shinsa_orchestrator.ports.samples import SampleLog

log = structlog.get_logger(__name__)

# Of those that differ, in one comparison.
MOST_SAMPLES = 500
# The name of our own version among those of a run.
OURS = "shinsa"


@dataclass(frozen=True, slots=True)
class ReportTerms:
    """Our version, and the share of items that may end in an infra error in a complete run (0 to 1)."""

    shinsa_version: str
    infra_error_threshold: float = 0.0


class Reporter:
    """Tallies what the sample log holds."""

    def __init__(
        self,
        runs: RunStore,
        sample_log: SampleLog,
        catalog: Catalog,
        definitions: DefinitionStore,
        terms: ReportTerms,
    ) -> None:
        self._definitions = definitions
        self._runs = runs
        self._log = sample_log
        self._catalog = catalog
        self._terms = terms

    async def finish(self, run_id: str) -> None:
        """Ends a run whose shards are all done: counts from the log, scores, state. Doing it twice changes nothing."""
        run = await self._run(run_id)
        counts = await self._log.status_counts(run_id)
        recorded = sum(count.count for count in counts)
        if recorded != run.plan.items:
            raise RuntimeError(f"{recorded} of {run.plan.items} outcomes are recorded though every shard is done")
        progress = exact(run.progress, run.plan.items, counts, await self._log.step_totals(run_id))
        share = progress.infra_errors / run.plan.items if run.plan.items else 0.0
        state = RunState.INCOMPLETE if share > self._terms.infra_error_threshold else RunState.COMPLETE
        scores = await tally_run(run, self._catalog, self._log)
        versions = self._versions(await self._log.origins(run_id))
        if await self._runs.finish(run_id, run.round, state, progress, scores, versions):
            log.info(
                "run_finished",
                run_id=run_id,
                state=state.value,
                items=progress.items,
                model_errors=progress.model_errors,
                infra_errors=progress.infra_errors,
            )

    async def report(self, run_id: str, *, again: bool = False) -> Report:
        """The run's report; with ``again``, scores are tallied anew and kept."""
        run = await self._run(run_id)
        stored = (await self._runs.scores([run_id])).get(run_id, ())
        over = run.state in (RunState.COMPLETE, RunState.INCOMPLETE)
        origins = await self._log.origins(run_id)
        if over and stored and not again:
            scores: Sequence[Score] = stored
        else:
            scores = await tally_run(run, self._catalog, self._log)
            if over:
                run = replace(run, versions=self._versions(origins))
                await self._runs.save_scores(run_id, scores, run.versions)
        counts = await self._log.status_counts(run_id)
        totals = await self._log.step_totals(run_id)
        progress = run.progress if over else exact(run.progress, run.plan.items, counts, totals)
        return Report(
            run=replace(run, progress=progress),
            scores=tuple(scores),
            reasons=_reasons(counts),
            provenance=self._provenance(run, origins, await definitions(run.plan.pins, self._definitions)),
            tokens=_tokens(totals),
            ledger=ledger(progress, totals, await self._log.repeat_counts(run_id)),
            judges=_judges(await self._log.judge_totals(run_id)),
            generation=generation_totals(
                await self._log.completion_sums(run_id), await self._log.latency_totals(run_id)
            ),
        )

    async def compare(self, run_a: str, run_b: str, *, samples: int = 0) -> list[PairedComparison]:
        """b against a, over the samples both measured, metric by metric of every line both have.

        ``samples`` that differ are listed for each primary metric.
        """
        if samples > MOST_SAMPLES:
            raise ShinsaError(Reason.INVALID_ARGUMENT, f"samples: at most {MOST_SAMPLES}", field="samples")
        a, b = await self._run(run_a, "run_a"), await self._run(run_b, "run_b")
        lines_b = {(line.benchmark, line.shots): (number, line) for number, line in enumerate(b.plan.lines)}
        found: list[PairedComparison] = []
        shared = False
        for number, line in enumerate(a.plan.lines):
            if (line.benchmark, line.shots) in lines_b:
                shared = True
                other, line_b = lines_b[line.benchmark, line.shots]
                _check_comparable(line, line_b)
                check_version(line, self._catalog)
                found += await self._compare_line(line, (a, number), (b, other), samples)
        if not found:
            what = "no sample that both measured" if shared else "no benchmark at the same shot count"
            raise ShinsaError(Reason.FAILED_PRECONDITION, f"runs {run_a} and {run_b} have {what}", field="run_b")
        return found

    async def _compare_line(
        self, line: PlannedBenchmark, a: tuple[Run, int], b: tuple[Run, int], samples: int
    ) -> list[PairedComparison]:
        rows_a, rows_b = await outcomes(self._log, *a), await outcomes(self._log, *b)
        manifest = self._catalog.benchmarks()[line.benchmark].manifest
        both = (a[0].id, rows_a), (b[0].id, rows_b)
        return await asyncio.to_thread(compare_line, line, manifest, *both, samples=samples)

    def _provenance(self, run: Run, origins: Mapping[str, Sequence[str]], kept: Definitions) -> Provenance:
        return Provenance(
            shinsa_version=run.versions.get(OURS, self._terms.shinsa_version),
            engine_fingerprints=tuple(origins.get("generate", ())),
            judge_identities=tuple(origins.get("judge", ())),
            sandbox_tiers=tuple(origins.get("execute", ())),
            reproduce=command(run.spec, run.plan),
            definitions=kept,
        )

    def _versions(self, origins: Mapping[str, Sequence[str]]) -> dict[str, str]:
        """Ours, and that of each engine that generated; several of one engine with commas."""
        engines: dict[str, list[str]] = {}
        for origin in origins.get("generate", ()):
            engine, _, rest = origin.partition(" ")
            version = rest.partition(" ")[0]
            if version and version not in engines.setdefault(engine, []):
                engines[engine].append(version)
        return {OURS: self._terms.shinsa_version, **{name: ", ".join(found) for name, found in engines.items()}}

    async def _run(self, run_id: str, field: str = "run_id") -> Run:
        run = await self._runs.run(run_id)
        if run is None:
            raise no_run(run_id, field)
        return run


def exact(progress: Progress, items: int, counts: Sequence[StatusCount], totals: Sequence[StepTotals]) -> Progress:
    """The progress with everything that the log knows counted from the log."""
    counted = Progress(items=items, in_flight=progress.in_flight)
    for count in counts:
        counted.finished(count.status, count.line, count.count)
    for kind, stage in progress.stages.items():
        counted.stages[kind] = replace(stage, recorded=0, failed=0, tokens=0, cost=0.0)
    for total in totals:
        if total.kind in counted.stages:
            stage = counted.stages[total.kind]
            stage.recorded, stage.failed = total.recorded - total.failed, total.failed
            stage.tokens, stage.cost = total.prompt_tokens + total.completion_tokens, total.cost
            own = total.recorded - total.adopted
            stage.asked, stage.again = max(stage.asked, total.asked), max(stage.again, total.asked - own)
    return counted


def _reasons(counts: Sequence[StatusCount]) -> tuple[ReasonCount, ...]:
    merged: Counter[tuple[str, str, str]] = Counter()
    for count in counts:
        merged[count.benchmark, count.status, count.reason] += count.count
    return tuple(
        ReasonCount(status, reason, number, benchmark) for (benchmark, status, reason), number in sorted(merged.items())
    )


def _tokens(totals: Sequence[StepTotals]) -> TokenTotals:
    by_kind = {total.kind: total for total in totals}
    generate, judge = by_kind.get("generate"), by_kind.get("judge")
    return TokenTotals(
        prompt_tokens=generate.prompt_tokens if generate else 0,
        completion_tokens=generate.completion_tokens if generate else 0,
        judge_prompt_tokens=judge.prompt_tokens if judge else 0,
        judge_completion_tokens=judge.completion_tokens if judge else 0,
    )


def _judges(totals: Sequence[JudgeTotals]) -> tuple[JudgeUsage, ...]:
    """By profile: identities and currencies of one profile are added up."""
    usages: dict[str, JudgeUsage] = {}
    for total in totals:
        usage = usages.get(total.profile, JudgeUsage(total.profile))
        more = {total.currency: usage.costs.get(total.currency, 0.0) + total.cost} if total.currency else {}
        usages[total.profile] = JudgeUsage(
            total.profile,
            usage.verdicts + total.verdicts,
            usage.unreadable + total.unreadable,
            usage.disagreed + total.disagreed,
            usage.prompt_tokens + total.prompt_tokens,
            usage.completion_tokens + total.completion_tokens,
            {**usage.costs, **more},
        )
    return tuple(usages.values())


def _check_comparable(a: PlannedBenchmark, b: PlannedBenchmark) -> None:
    if a.version != b.version:
        raise ShinsaError(
            Reason.FAILED_PRECONDITION,
            f"{a.benchmark} was measured with version {a.version} and {b.version}: that is not the same question",
        )
    if a.dataset_digest != b.dataset_digest:
        raise ShinsaError(
            Reason.FAILED_PRECONDITION,
            f"{a.benchmark} was measured on different data ({a.dataset} and {b.dataset}): there are no shared samples",
        )
