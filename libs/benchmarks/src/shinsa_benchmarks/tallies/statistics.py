"""Numbers of a whole task that are no means over its items: correlations, and BLEU of a corpus."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from shinsa_benchmarks.ranks import mean_ranks
from shinsa_benchmarks.tallies.bias import BIAS_STATISTICS
from shinsa_benchmarks.tallies.calibration import calibration_error
from shinsa_benchmarks.tallies.intervals import Z95
from shinsa_benchmarks.tallies.resampling import Estimate, Rows, resampled_sums

_ORDERS = 4


def estimate(statistic: str, values: Iterable[tuple[str, Sequence[float]]], answered: float) -> Estimate | None:
    """A statistic over samples; ``values`` are pairs of sample and its values, which are averaged over repetitions.

    ``answered`` is the share of items that have values; the rest are answers that the model did not give, each of which
    counts as if it had contributed nothing (see each statistic). ``None`` without samples, and where they do not tell.
    """
    samples: dict[str, list[Sequence[float]]] = defaultdict(list)
    for sample_id, parts in values:
        samples[sample_id].append(parts)
    rows = np.array([np.mean(parts, axis=0) for _, parts in sorted(samples.items())], dtype=np.float64)
    return _STATISTICS[statistic](rows, answered) if len(rows) else None


def _pearson(rows: Rows, answered: float) -> Estimate:
    """Pearson's r of two columns, with Fisher's interval (1921).

    r is the mean product of standardised values; an answer that was not given contributes 0 to it, so a positive r is
    multiplied by the share of answers given. Without spread in a column there is no association to be seen: 0, without
    an interval (as llm-jp-eval).
    """
    return _correlation(rows, answered, lambda r, size: 1 / math.sqrt(size - 3))


def _spearman(rows: Rows, answered: float) -> Estimate:
    """Spearman's rho: Pearson's r of the ranks, ties averaged. Fisher's interval with the variance of Bonett and
    Wright (2000), ``(1 + rho^2 / 2) / (n - 3)``."""
    ranks = np.column_stack([mean_ranks(column) for column in rows.T])
    return _correlation(ranks, answered, lambda r, size: math.sqrt((1 + r * r / 2) / (size - 3)))


def _correlation(rows: Rows, answered: float, spread: Callable[[float, int], float]) -> Estimate:
    first, second = (column - column.mean() for column in rows.T)
    lengths = math.sqrt(float(first @ first)) * math.sqrt(float(second @ second))
    if not lengths or not np.ptp(rows, axis=0).all():
        return Estimate(0.0)
    r = max(-1.0, min(1.0, float(first @ second) / lengths))
    value = r * answered if r > 0 else r
    size = len(rows)
    if size <= 3:
        return Estimate(value)
    half = spread(value, size)
    centre = math.atanh(value) if abs(value) < 1 else math.copysign(math.inf, value)
    low, high = math.tanh(centre - Z95 * half), math.tanh(centre + Z95 * half)
    return Estimate(value, (1 - value * value) * half, low, high)


def _corpus_bleu(rows: Rows, answered: float) -> Estimate:
    """BLEU (Papineni et al. 2002) of all segments together, from 0 to 1, with exponential smoothing as in sacreBLEU.

    Columns: matching n-grams of order 1 to 4, n-grams of the answers of order 1 to 4, tokens of the answers, tokens of
    the references. An answer that was not given is an empty one to a reference of mean length. Standard error and
    interval from 1,000 bootstrap resamples of segments (Koehn 2004), the same ones on every call.
    """
    value = _bleu(rows.sum(axis=0), answered)
    return resampled_sums(rows, value, lambda sums: _bleu(sums, answered))


def _bleu(counts: Rows, answered: float) -> float:
    matching, total = counts[:_ORDERS], counts[_ORDERS : 2 * _ORDERS]
    length, reference = float(counts[-2]), float(counts[-1]) / answered
    if not matching.any() or not total.all():
        return 0.0
    logarithms, smoothing = [], 1.0
    for hits, all_ in zip(matching, total, strict=True):
        if not hits:
            smoothing *= 2
        logarithms.append(math.log((hits or 1 / smoothing) / all_))
    brevity = 1.0 if length >= reference else math.exp(1 - reference / length)
    return brevity * math.exp(math.fsum(logarithms) / _ORDERS)


def pass_at_k(attempts: int, passed: int, k: int) -> float:
    """The unbiased estimate of the chance that at least one of ``k`` attempts passes, from ``attempts`` of which
    ``passed`` did: ``1 - C(n - c, k) / C(n, k)`` (Chen et al. 2021). ``attempts`` is at least ``k``."""
    return 1.0 - math.comb(attempts - passed, k) / math.comb(attempts, k)


_STATISTICS: dict[str, Callable[[Rows, Any], Estimate | None]] = {
    "pearson": _pearson,
    "spearman": _spearman,
    "corpus_bleu": _corpus_bleu,
    "calibration_error": calibration_error,
    **BIAS_STATISTICS,
}
