"""Outcomes tallied into scores: one a metric, and one a metric and category."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from shinsa_benchmarks.manifest import Manifest, Metric
from shinsa_benchmarks.near_names import did_you_mean
from shinsa_benchmarks.tallies.intervals import clustered_stderr, effective_size, mean_interval, wilson_interval
from shinsa_benchmarks.tallies.measured import Measured, Recorded, measured
from shinsa_benchmarks.tallies.statistics import estimate, pass_at_k
from shinsa_benchmarks.vocabulary import Status


@dataclass(frozen=True, slots=True)
class Score:
    """One metric over all items, or over one category (``metric`` then reads "metric/category").

    ``value``, its ``stderr`` and 95 % interval ``low``..``high`` are ``None`` where they cannot be known: nothing
    measured, or too little for a spread. ``items`` is what should have been measured; ``worst_case`` and ``best_case``
    bound the value over those that were not, each of mean weight where the metric has weights, which are not known.
    """

    metric: str
    value: float | None
    stderr: float | None
    low: float | None
    high: float | None
    scored: int
    model_errors: int
    infra_errors: int
    items: int
    worst_case: float | None
    best_case: float | None
    primary: bool
    scale: str


def tally(
    manifest: Manifest,
    outcomes: Iterable[Recorded],
    *,
    items: int | None = None,
    category_items: Mapping[str, int] | None = None,
) -> list[Score]:
    """Scores of one benchmark at one shot count, metric by metric in the manifest's order.

    ``items`` is the number of items planned (default: as many as there are outcomes), ``category_items`` the same by
    category. A scored item without a metric does not bear on it. A model error counts as the metric's worst value
    unless the metric excludes it (a statistic: see ``estimate``); an infra error is not measured. Where a metric has a
    weight its value is the sum of weighted values by the sum of weights. Raises ``ValueError`` for a metric that the
    manifest does not name, for a value outside its range and for a weight that is not positive.
    """
    rows = sorted(outcomes, key=lambda row: row[0])
    _check(manifest, rows)
    groups: dict[str, list[Recorded]] = defaultdict(list)
    for row in rows:
        if row[1]:
            groups[row[1]].append(row)
    planned = dict(category_items or {})
    scores = []
    for metric in manifest.metrics:
        if metric.category:
            own, wanted = groups.get(metric.category, []), planned.get(metric.category)
            scores.append(_score(metric, metric.name, own, wanted, metric.primary))
            continue
        scores.append(_score(metric, metric.name, rows, items, metric.primary))
        for category in sorted(groups.keys() | planned.keys() - {""}):
            name = f"{metric.name}/{category}"
            scores.append(_score(metric, name, groups.get(category, []), planned.get(category), False))
    return scores


def sample_values(metric: Metric, outcomes: Iterable[Recorded]) -> dict[str, float]:
    """One metric's value by sample id (mean over repetitions), model errors as the metric says; for ``compare``.

    Empty for a statistic, which no sample has for itself, and for a metric that nobody was asked for.
    """
    values: dict[str, list[float]] = defaultdict(list)
    rows = list(outcomes)
    if _is_optional(metric) and not _bearing(metric, rows):
        return {}
    found = measured(metric, rows)
    for sample_id, value in zip(found.samples, found.values, strict=True):
        values[sample_id].append(value)
    return {sample_id: math.fsum(parts) / len(parts) for sample_id, parts in sorted(values.items())}


def sample_weights(metric: Metric, outcomes: Iterable[Recorded]) -> dict[str, float]:
    """By sample id, how much each counts in the metric's mean, as far as outcomes tell; empty where all count alike."""
    return {
        sample_id: outcome.metrics[metric.weight]
        for sample_id, _, outcome in outcomes
        if metric.weight and metric.weight in outcome.metrics
    }


def _score(metric: Metric, name: str, rows: Sequence[Recorded], planned: int | None, primary: bool) -> Score:
    score = _mean_score(metric, name, rows, planned, primary)
    if _is_optional(metric) and not score.scored:
        return _unasked(score)  # nobody was there to ask, or nobody asked: a model error is no evidence either
    if metric.statistic == "pass_at_k":
        return _pass_score(metric, rows, score)
    return _statistic_score(metric, rows, score) if metric.statistic else score


def _is_optional(metric: Metric) -> bool:
    return bool(metric.judge_role or metric.on_demand)


def _unasked(score: Score) -> Score:
    """Not measured, and not meant to be."""
    return replace(
        score,
        value=None,
        stderr=None,
        low=None,
        high=None,
        scored=0,
        model_errors=0,
        infra_errors=0,
        items=0,
        worst_case=None,
        best_case=None,
    )


def _pass_score(metric: Metric, rows: Sequence[Recorded], score: Score) -> Score:
    """The mean over the samples that were tried at least k times; a model error is an attempt that failed."""
    attempts: dict[str, list[bool]] = defaultdict(list)
    for sample_id, _, outcome in rows:
        if outcome.status is not Status.INFRA_ERROR:
            attempts[sample_id].append(outcome.metrics.get(metric.of[0], 0.0) == metric.best)
    values = Measured()
    for sample_id, tried in attempts.items():
        if len(tried) >= metric.k:
            values.add(sample_id, pass_at_k(len(tried), sum(tried), metric.k))
    if not values.samples:
        return _unasked(score)
    mean = math.fsum(values.values) / len(values.values)
    stderr = clustered_stderr(values.samples, values.values, mean)
    low, high = _interval(metric, values, mean, stderr) or (None, None)
    open_ = score.infra_errors > 0 or score.items > score.scored + score.model_errors
    bounds = (metric.worst, metric.best) if open_ else (mean, mean)
    return replace(score, value=mean, stderr=stderr, low=low, high=high, worst_case=bounds[0], best_case=bounds[1])


def _statistic_score(metric: Metric, rows: Sequence[Recorded], score: Score) -> Score:
    """The score with the statistic's value; what was not measured may have moved it anywhere within its range.

    A scored item without the statistic's values is an answer that was not given, as a model error without them is. Of
    nothing but such there is no value where 0 is the best: no confidence stated is none that holds.
    """
    read = (Status.SCORED, Status.MODEL_ERROR)
    values = [
        (sample_id, [outcome.metrics[name] for name in metric.of])
        for sample_id, _, outcome in rows
        if outcome.status in read and outcome.metrics.keys() >= set(metric.of)
    ]
    asked = score.scored + (score.model_errors if metric.model_error == "worst" else 0)
    found = estimate(metric.statistic, values, len(values) / asked if values else 1.0)
    if found is None:
        nothing_given = asked and not values and metric.better == "higher"
        return replace(score, value=0.0 if nothing_given else None)
    open_ = score.items > score.scored + score.model_errors
    return replace(
        score,
        value=found.value,
        stderr=found.stderr,
        low=found.low,
        high=found.high,
        worst_case=metric.worst if open_ else found.value,
        best_case=metric.best if open_ else found.value,
    )


def _mean_score(metric: Metric, name: str, rows: Sequence[Recorded], planned: int | None, primary: bool) -> Score:
    values = measured(metric, rows)
    counts = Counter(outcome.status for _, _, outcome in rows)
    bearing = counts[Status.SCORED] if metric.statistic else _bearing(metric, rows)
    pending = max(0, (planned or 0) - len(rows))
    unmeasured = counts[Status.INFRA_ERROR] + pending
    total, size = values.total(), len(values.values)
    mean = total / size if size else None
    stderr = None if mean is None else clustered_stderr(values.samples, values.values, mean, values.weights)
    interval = None if mean is None else _interval(metric, values, mean, stderr)
    reach = size + unmeasured
    return Score(
        metric=name,
        value=mean,
        stderr=stderr,
        low=interval[0] if interval else None,
        high=interval[1] if interval else None,
        scored=bearing,
        model_errors=counts[Status.MODEL_ERROR],
        infra_errors=counts[Status.INFRA_ERROR],
        items=bearing + counts[Status.MODEL_ERROR] + unmeasured,
        worst_case=(total + unmeasured * metric.worst) / reach if reach else None,
        best_case=(total + unmeasured * metric.best) / reach if reach else None,
        primary=primary,
        scale=metric.scale,
    )


def _bearing(metric: Metric, rows: Sequence[Recorded]) -> int:
    return sum(outcome.status is Status.SCORED and metric.name in outcome.metrics for _, _, outcome in rows)


def _interval(metric: Metric, values: Measured, mean: float, stderr: float | None) -> tuple[float, float] | None:
    clusters = len(set(values.samples))
    if metric.binary:
        return wilson_interval(mean, effective_size(mean, stderr, len(values.values), clusters))
    if stderr == 0 and mean in (metric.lowest, metric.highest):
        # All items at an end of the range: no spread to go by, and at most as sure as as many yes or no.
        extent = metric.highest - metric.lowest
        low, high = wilson_interval((mean - metric.lowest) / extent, float(clusters))
        return metric.lowest + extent * low, metric.lowest + extent * high
    return mean_interval(mean, stderr, clusters, metric.lowest, metric.highest)


def _check(manifest: Manifest, rows: Iterable[Recorded]) -> None:
    known = {metric.name: metric for metric in manifest.metrics}
    weights = {metric.weight for metric in manifest.metrics}
    for sample_id, _, outcome in rows:
        for name, value in outcome.metrics.items():
            if name in manifest.parts and math.isfinite(value) and (value > 0 or name not in weights):
                continue
            if name not in known:
                hint = did_you_mean(name, known)
                raise ValueError(f"{manifest.id}, sample {sample_id}: the manifest names no metric {name!r}{hint}")
            if not known[name].lowest <= value <= known[name].highest:
                scale = known[name].scale
                raise ValueError(f"{manifest.id}, sample {sample_id}: {name} = {value} is outside its range {scale}")
