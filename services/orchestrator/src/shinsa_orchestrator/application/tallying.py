"""From recorded outcomes to scores. Pure numbers; the same outcomes give the same scores to the last digit."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from importlib import import_module
from operator import itemgetter
from typing import TYPE_CHECKING

from shinsa_benchmarks.manifest import Manifest
from shinsa_benchmarks.vocabulary import Outcome, Status
from shinsa_chassis.errors import ShinsaError

from shinsa_orchestrator.application.lines import check_version
from shinsa_orchestrator.domain.identity import item_id
from shinsa_orchestrator.domain.report import PairedComparison, SampleDifference, Score
from shinsa_orchestrator.domain.run import PlannedBenchmark, Run
from shinsa_orchestrator.ports.catalog import Catalog
from shinsa_orchestrator.ports.samples import SampleLog

if TYPE_CHECKING:
    from shinsa_benchmarks.tallies import Recorded

# Outcomes of a line, each with its sample, that are looked at for one that was the same.
MOST_KEPT = 100_000


async def warm_up() -> None:
    """Imports the statistics behind tallies and comparisons, which takes long, before they are needed."""
    await asyncio.to_thread(import_module, "shinsa_benchmarks.tallies")


async def outcomes(sample_log: SampleLog, run: Run, line: int) -> list[Recorded]:
    """The recorded outcomes of a line of the plan, by sample and repetition.

    Repetitions that came to the same are one object, so that a line of a million items takes a few bytes for each.
    """
    same = lru_cache(MOST_KEPT)(_recorded)
    rows: list[Recorded] = []
    async for part in sample_log.outcomes(run.id, run.plan.positions(line)):
        rows += [same(row.sample_id, row.category, row.status, *row.metrics.items()) for row in part]
    # They come in the order of the plan, which is by repetition; sorting keeps that.
    rows.sort(key=itemgetter(0))
    return rows


def _recorded(sample_id: str, category: str, status: Status, *metrics: tuple[str, float]) -> Recorded:
    return sample_id, category, Outcome(status, dict(metrics))


async def tally_run(run: Run, catalog: Catalog, sample_log: SampleLog) -> list[Score]:
    """Scores of every line, in the order of the plan. Raises ``ShinsaError`` if a pinned version is not installed."""
    scores: list[Score] = []
    for number, planned in enumerate(run.plan.lines):
        check_version(planned, catalog)
        manifest = catalog.benchmarks()[planned.benchmark].manifest
        recorded = await outcomes(sample_log, run, number)
        categories = None if len(recorded) == planned.items else await _planned_categories(planned, catalog)
        scores += await asyncio.to_thread(_tally, manifest, planned, recorded, categories)
    return scores


def _tally(
    manifest: Manifest, planned: PlannedBenchmark, recorded: list[Recorded], categories: Mapping[str, int] | None
) -> list[Score]:
    from shinsa_benchmarks.tallies import tally

    return [
        Score(
            benchmark=planned.benchmark,
            shots=planned.shots,
            metric=score.metric,
            primary=score.primary,
            value=score.value,
            stderr=score.stderr,
            low=score.low,
            high=score.high,
            scored=score.scored,
            model_errors=score.model_errors,
            infra_errors=score.infra_errors,
            items=score.items,
            worst_case=score.worst_case,
            best_case=score.best_case,
            scale=score.scale,
        )
        for score in tally(manifest, recorded, items=planned.items, category_items=categories)
    ]


def compare_line(
    line: PlannedBenchmark,
    manifest: Manifest,
    a: tuple[str, list[Recorded]],
    b: tuple[str, list[Recorded]],
    *,
    samples: int = 0,
) -> list[PairedComparison]:
    """b against a, runs with their outcomes, on every metric that has shared samples.

    Of the primary metric so many ``samples`` that differ are listed.
    """
    from shinsa_benchmarks.tallies import compare, differing, sample_values, sample_weights

    found = []
    for metric in manifest.metrics:
        values_a, values_b = sample_values(metric, a[1]), sample_values(metric, b[1])
        weights = sample_weights(metric, [*a[1], *b[1]])
        paired = compare(values_a, values_b, better=metric.better, weights=weights)
        if paired.mean_a is None or paired.mean_b is None or paired.difference is None:
            continue
        found.append(
            PairedComparison(
                benchmark=line.benchmark,
                shots=line.shots,
                metric=metric.name,
                shared=paired.samples,
                mean_a=paired.mean_a,
                mean_b=paired.mean_b,
                difference=paired.difference,
                stderr=paired.stderr,
                low=paired.low,
                high=paired.high,
                p_value=paired.p_value,
                a_better=paired.a_better,
                b_better=paired.b_better,
                rank_correlation=paired.rank_correlation,
                differences=tuple(
                    SampleDifference(sample, one, other, *(_first_item(run, line, sample) for run in (a[0], b[0])))
                    for sample, one, other in differing(values_a, values_b, most=samples if metric.primary else 0)
                ),
            )
        )
    return found


def _first_item(run_id: str, line: PlannedBenchmark, sample_id: str) -> str:
    return item_id(run_id, line.benchmark, line.shots, 0, sample_id)


async def _planned_categories(planned: PlannedBenchmark, catalog: Catalog) -> Mapping[str, int] | None:
    """How many items each category should have, so that an unfinished run shows true denominators."""
    try:
        dataset = await catalog.dataset(planned.benchmark, planned.dataset)
    except ShinsaError:
        return None
    if dataset.digest != planned.dataset_digest:
        return None
    counts = Counter(sample.category for sample in dataset.examined(planned.settings)[: planned.samples])
    return {category: count * planned.repetitions for category, count in counts.items() if category}
