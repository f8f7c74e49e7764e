"""Two runs on the same samples: which is better, and how sure is that."""

from __future__ import annotations

import math
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from shinsa_benchmarks.ranks import mean_ranks
from shinsa_benchmarks.tallies.intervals import paired_difference
from shinsa_benchmarks.tallies.measured import of_mean_one


@dataclass(frozen=True, slots=True)
class Comparison:
    """``b`` against ``a`` over the samples both have.

    ``difference`` is mean of b minus mean of a, with its standard error, its 95 % t interval and the two-sided p-value
    of the paired t test (see ``paired_difference``). They are ``None`` where there are too few samples to say.
    ``a_better``, ``b_better`` and ``equal`` count samples; ``only_a`` and ``only_b`` those the other lacks.
    ``rank_correlation`` is Spearman's, ``None`` where one of the runs has the same value everywhere.
    """

    samples: int
    mean_a: float | None
    mean_b: float | None
    difference: float | None
    stderr: float | None
    low: float | None
    high: float | None
    p_value: float | None
    a_better: int
    b_better: int
    equal: int
    only_a: int
    only_b: int
    rank_correlation: float | None = None


def compare(
    a: Mapping[str, float],
    b: Mapping[str, float],
    *,
    better: Literal["higher", "lower"] = "higher",
    weights: Mapping[str, float] | None = None,
) -> Comparison:
    """Compares values by sample id, as ``sample_values`` gives them, with the weights of ``sample_weights``."""
    from scipy.special import stdtrit

    shared = sorted(a.keys() & b.keys())
    size = len(shared)
    sign = 1 if better == "higher" else -1
    differences = [b[sample_id] - a[sample_id] for sample_id in shared]
    shares = shares_of(shared, weights or {})
    mean, stderr = paired_difference(differences, shares) if size else (None, None)
    half = None if stderr is None else float(stdtrit(size - 1, 0.975)) * stderr
    return Comparison(
        samples=size,
        mean_a=_mean(a, shared, shares) if size else None,
        mean_b=_mean(b, shared, shares) if size else None,
        difference=mean,
        stderr=stderr,
        low=None if mean is None or half is None else mean - half,
        high=None if mean is None or half is None else mean + half,
        p_value=None if mean is None or stderr is None else _p_value(mean, stderr, size),
        a_better=sum(sign * difference < 0 for difference in differences),
        b_better=sum(sign * difference > 0 for difference in differences),
        equal=sum(difference == 0 for difference in differences),
        only_a=len(a.keys() - b.keys()),
        only_b=len(b.keys() - a.keys()),
        rank_correlation=_spearman([a[sample_id] for sample_id in shared], [b[sample_id] for sample_id in shared]),
    )


def differing(a: Mapping[str, float], b: Mapping[str, float], *, most: int) -> list[tuple[str, float, float]]:
    """Sample, value in a and value in b of at most so many samples whose values differ, furthest apart first."""
    found = [(name, a[name], b[name]) for name in a.keys() & b.keys() if a[name] != b[name]]
    found.sort(key=lambda one: (-abs(one[2] - one[1]), one[0]))
    return found[:most]


def _spearman(x: list[float], y: list[float]) -> float | None:
    """Pearson's correlation of ranks, equal values at their mean rank."""
    if len(set(x)) < 2 or len(set(y)) < 2:
        return None
    middle = (len(x) + 1) / 2
    dx, dy = mean_ranks(x) - middle, mean_ranks(y) - middle
    return float((dx * dy).sum() / math.sqrt(float((dx * dx).sum() * (dy * dy).sum())))


def shares_of(sample_ids: Sequence[str], weights: Mapping[str, float]) -> Sequence[float]:
    """The samples' weights, of mean 1; one that is not known is the mean."""
    return of_mean_one(array("d", (weights.get(sample_id, math.nan) for sample_id in sample_ids)))


def _mean(values: Mapping[str, float], sample_ids: Sequence[str], shares: Sequence[float]) -> float:
    return math.fsum(share * values[sample_id] for sample_id, share in zip(sample_ids, shares, strict=True)) / len(
        shares
    )


def _p_value(mean: float, stderr: float, size: int) -> float:
    """Two-sided paired t test. Of so many that differ alike that no error is left it is 0, of none that differ 1."""
    from scipy.special import stdtr

    if stderr == 0:
        return 1.0 if mean == 0 else 0.0
    return 2 * float(stdtr(size - 1, -abs(mean / stderr)))
