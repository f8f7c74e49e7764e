"""How far stated confidence is from being right."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from shinsa_benchmarks.tallies.resampling import Estimate, Rows, Weights, of_a_distance, resampled


def calibration_error(rows: Rows, answered: Any) -> Estimate:
    """Root mean square calibration error in bins of equal size (Hendrycks et al. 2019; HLE, Phan et al.
    2025), from 0 to 1.

    Columns: confidence from 0 to 1, and 1 for right or 0 for wrong. Answers in order of confidence fall into bins of
    ``max(10, n // 10)`` below 200 answers, of 50 below 1,000, else of 100; the last bin takes the rest.
    ``sqrt(sum_b |b| / n * (mean confidence_b - share right_b)^2)``. Answers not given say nothing of confidence.
    """
    ordered = rows[np.argsort(rows[:, 0], kind="stable")]
    return of_a_distance(resampled(ordered, _error(ordered), lambda weights: _error(_drawn(ordered, weights))))


def _drawn(ordered: Rows, weights: Weights) -> Rows:
    return np.repeat(ordered, weights, axis=0)


def _error(ordered: Rows) -> float:
    size = len(ordered)
    width = max(10, size // 10) if size < 200 else 50 if size < 1000 else 100
    starts = [number * width for number in range(max(1, size // width))]
    parts = np.split(ordered, starts[1:])
    gaps = [(len(part), float(part[:, 0].mean() - part[:, 1].mean())) for part in parts]
    return math.sqrt(math.fsum(count / size * gap * gap for count, gap in gaps))
