"""The values of one metric, in columns: a run may have millions of items, and each gets here a few bytes."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field

from shinsa_benchmarks.manifest import Metric
from shinsa_benchmarks.vocabulary import Outcome, Status

# Sample id, category ("" for none), outcome. A sample that was repeated comes once a repetition.
Recorded = tuple[str, str, Outcome]


@dataclass(slots=True)
class Measured:
    """Samples and their values, item by item; ``weights`` of mean 1 where the metric has any."""

    samples: list[str] = field(default_factory=list)
    values: array[float] = field(default_factory=lambda: array("d"))
    weights: array[float] | None = None

    def add(self, sample_id: str, value: float) -> None:
        self.samples.append(sample_id)
        self.values.append(value)

    def total(self) -> float:
        """The sum of weighted values."""
        if self.weights is None:
            return math.fsum(self.values)
        return math.fsum(map(float.__mul__, self.weights, self.values))


def measured(metric: Metric, rows: Iterable[Recorded]) -> Measured:
    """In the order of ``rows``, of the metric's category if it has one; nothing for a statistic, which no item has for
    itself.

    An item that tells no weight, as a model error does, is of mean weight.
    """
    found, told = Measured(), array("d")
    if metric.statistic:
        return found
    for sample_id, category, outcome in rows:
        if metric.category not in ("", category):
            continue
        if outcome.status is Status.SCORED and metric.name in outcome.metrics:
            found.add(sample_id, outcome.metrics[metric.name])
        elif outcome.status is Status.MODEL_ERROR and metric.model_error == "worst":
            found.add(sample_id, metric.worst)
        else:
            continue
        if metric.weight:
            told.append(outcome.metrics.get(metric.weight, math.nan))
    if metric.weight:
        found.weights = of_mean_one(told)
    return found


def of_mean_one(told: array[float]) -> array[float]:
    """The weights by their mean; one that is not known (NaN) is the mean."""
    known = array("d", (weight for weight in told if not math.isnan(weight)))
    mean = math.fsum(known) / len(known) if known else 1.0
    return array("d", (1.0 if math.isnan(weight) else weight / mean for weight in told))
