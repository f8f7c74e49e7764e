"""Bootstrap: the spread of a number of a whole task, from samples drawn again and again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

# One row a sample, one column a value that the statistic is made of.
Rows = NDArray[np.float64]
# How often each sample was drawn.
Weights = NDArray[np.int64]

_RESAMPLES = 1000
# Samples in all resamples that are held together.
_DRAWN_AT_ONCE = 4_000_000


@dataclass(frozen=True, slots=True)
class Estimate:
    """A statistic with its standard error and 95 % interval, which are ``None`` where too few samples tell them."""

    value: float
    stderr: float | None = None
    low: float | None = None
    high: float | None = None


def resampled_sums(columns: Rows, value: float, of: Callable[[Rows], float | None]) -> Estimate:
    """``resampled`` of a statistic that is a function of the columns' sums."""
    if len(columns) < 2:
        return Estimate(value)
    return _spread(value, map(of, _sums(np.ascontiguousarray(columns, np.float64).tobytes(), columns.shape[1])))


@lru_cache(8)
def _sums(columns: bytes, width: int) -> Rows:
    """Of each resample. Kept for a while: the statistics of one task, and of its categories, have the same columns."""
    rows = np.frombuffer(columns).reshape(-1, width)
    return np.concatenate([weights @ rows for weights in _draws(len(rows))])


def resampled(rows: Rows, value: float, of: Callable[[Weights], float | None]) -> Estimate:
    """The value with standard error and percentile interval from 1,000 bootstrap resamples, always the same ones.

    Resamples that do not tell the statistic are left out. Efron 1979; for BLEU Koehn 2004.
    """
    if len(rows) < 2:
        return Estimate(value)
    return _spread(value, (of(weights) for some in _draws(len(rows)) for weights in some))


def of_a_distance(found: Estimate) -> Estimate:
    """The estimate of a distance, from 0 to 1, with the basic bootstrap interval (Davison and Hinkley 1997, chapter 5).

    Chance makes a distance larger: resamples lie above the value as the value lies above the truth. So the percentile
    interval is mirrored at the value, which it might not even hold, and kept in that range.
    """
    if found.low is None or found.high is None:
        return found
    low, high = max(0.0, 2 * found.value - found.high), min(1.0, 2 * found.value - found.low)
    return replace(found, low=min(found.value, low), high=max(found.value, high))


def _draws(size: int) -> Iterator[Weights]:
    """All resamples, some at a time: those of a million samples together would take gigabytes."""
    generator, even = np.random.default_rng(0), np.full(size, 1 / size)
    at_once = max(1, _DRAWN_AT_ONCE // size)
    for start in range(0, _RESAMPLES, at_once):
        yield generator.multinomial(size, even, min(at_once, _RESAMPLES - start))


def _spread(value: float, drawn: Iterable[float | None]) -> Estimate:
    scores = np.array([score for score in drawn if score is not None])
    if len(scores) < _RESAMPLES // 2:
        return Estimate(value)
    low, high = np.quantile(scores, [0.025, 0.975])
    return Estimate(value, float(scores.std(ddof=1)), float(low), float(high))
