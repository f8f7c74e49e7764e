"""Standard errors and 95 % intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby, repeat
from operator import itemgetter

# The 97.5 % point of the standard normal distribution.
Z95 = 1.959963984540054
# Those of Student's distribution for 1 to 10 degrees of freedom.
_T95 = (12.706205, 4.302653, 3.182446, 2.776445, 2.570582, 2.446912, 2.364624, 2.306004, 2.262157, 2.228139)


def clustered_stderr(
    clusters: Sequence[str], values: Sequence[float], mean: float, weights: Sequence[float] | None = None
) -> float | None:
    """Standard error of a mean whose values come in clusters (repetitions of one sample), each of them in one piece.

    With one value a cluster this is sample sd / sqrt(n); otherwise the cluster-robust form
    ``sqrt(G / (G - 1) * sum_g (sum_i (x_gi - mean))^2) / N`` (Liang & Zeger 1986; Miller 2024, "Adding error bars to
    evals"). ``None`` with fewer than two clusters: one sample says nothing of its spread. With ``weights`` (of mean 1)
    each deviation counts by its weight: the linearised error of a ratio of sums (Cochran 1977, chapter 6).
    """
    deviations = zip(clusters, values, weights or repeat(1.0), strict=False)
    sums = [
        math.fsum(weight * (value - mean) for _, value, weight in group)
        for _, group in groupby(deviations, key=itemgetter(0))
    ]
    if len(sums) < 2:
        return None
    squares = math.fsum(part**2 for part in sums)
    return math.sqrt(len(sums) / (len(sums) - 1) * squares) / len(values)


def paired_difference(
    differences: Sequence[float], weights: Sequence[float] | None = None
) -> tuple[float, float | None]:
    """Mean of at least one difference of paired values, and its standard error: sample sd / sqrt(n), ``None`` of one.

    ``weights`` (of mean 1) as in ``clustered_stderr``. Where all differ alike there is no spread to go by, and that so
    many agree may be luck, of which the chance is ``0.5^n``: the error then is that with which a one-sided t test comes
    to just that p-value.
    """
    size = len(differences)
    shares = weights or [1.0] * size
    mean = math.fsum(map(float.__mul__, shares, map(float, differences))) / size
    if size < 2 or not all(math.isclose(difference, mean, rel_tol=1e-9) for difference in differences):
        return mean, clustered_stderr([str(number) for number in range(size)], differences, mean, weights)
    from scipy.special import stdtrit

    return mean, abs(mean) / abs(float(stdtrit(size - 1, 0.5**size)))


def mean_interval(
    mean: float, stderr: float | None, clusters: int, lowest: float, highest: float
) -> tuple[float, float] | None:
    """Student's interval of a mean over so many samples, kept within the metric's range."""
    if stderr is None:
        return None
    half = t95(clusters - 1) * stderr
    return max(lowest, mean - half), min(highest, mean + half)


def t95(freedom: int) -> float:
    """The 97.5 % point of Student's distribution: from tables, above 10 by the expansion of Cornish and Fisher
    (Abramowitz and Stegun 1964, 26.7.5), which is right to five digits there."""
    if freedom <= len(_T95):
        return _T95[freedom - 1]
    z, v = Z95, float(freedom)
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    fourth = (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160
    return z + first / v + second / v**2 + third / v**3 + fourth / v**4


def wilson_interval(share: float, size: float) -> tuple[float, float]:
    """Wilson's score interval (1927) of a share of ``size`` trials; sound at 0, at 1 and for few trials."""
    squared = Z95 * Z95
    centre = (share + squared / (2 * size)) / (1 + squared / size)
    half = Z95 * math.sqrt(share * (1 - share) / size + squared / (4 * size * size)) / (1 + squared / size)
    return max(0.0, centre - half), min(1.0, centre + half)


def effective_size(share: float, stderr: float | None, values: int, clusters: int) -> float:
    """How many independent trials clustered ones are worth: ``p (1 - p) / stderr^2``, between clusters and values.

    Fewer where few clusters tell the error: times ``(1.96 / t)^2``, Student's t of so many (Korn and Graubard 1998).
    """
    if values == clusters:
        return float(values)
    if not stderr:
        return float(clusters)
    worth = share * (1 - share) / stderr**2 * (Z95 / t95(clusters - 1)) ** 2
    return min(float(values), max(float(clusters), worth))


def error_or_of_interval(stderr: float | None, low: float | None, high: float | None) -> float | None:
    """The standard error; where it is 0, for want of any spread, half the width of the 95 % interval by 1.96.

    All right or all wrong does not mean certain: 100 of 100 has Wilson's interval 0.963..1, and so an error of 0.009.
    """
    if stderr != 0 or low is None or high is None:
        return stderr
    return (high - low) / 2 / Z95
