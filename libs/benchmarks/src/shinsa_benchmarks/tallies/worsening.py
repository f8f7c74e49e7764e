"""Whether a drop is more than chance: one-sided paired tests, and several of them at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from shinsa_benchmarks.tallies.intervals import paired_difference

Correction = Literal["holm", "bh"]


@dataclass(frozen=True, slots=True)
class Drop:
    """How much lower b is than a on shared samples (positive: worse), with its standard error.

    ``samples`` 0: the difference is of several benchmarks together and taken as normal, not as t distributed.
    """

    drop: float
    stderr: float
    samples: int = 0

    def p_value(self, allowed: float) -> float:
        """Of a drop at least as large if the true one were ``allowed``."""
        if self.stderr == 0:
            return float(self.drop <= allowed)
        return self._beyond((self.drop - allowed) / self.stderr)

    def at_most(self, alpha: float) -> float:
        """Upper end of the one-sided interval at level 1 - alpha."""
        return self.drop + self._quantile(1 - alpha) * self.stderr

    def _beyond(self, value: float) -> float:
        from scipy.special import ndtr, stdtr

        return float(stdtr(self.samples - 1, -value) if self.samples else ndtr(-value))

    def _quantile(self, share: float) -> float:
        from scipy.special import ndtri, stdtrit

        return float(stdtrit(self.samples - 1, share) if self.samples else ndtri(share))


def adjusted(p_values: Sequence[float], correction: Correction) -> list[float]:
    """p-values that may be held against alpha one by one, in the order given.

    ``holm`` bounds the chance of any false alarm (Holm 1979), ``bh`` the share of false ones among the alarms
    (Benjamini and Hochberg 1995).
    """
    return _CORRECTIONS[correction](p_values)


def _holm(p_values: Sequence[float]) -> list[float]:
    size = len(p_values)
    found, highest = [0.0] * size, 0.0
    for rank, place in enumerate(sorted(range(size), key=p_values.__getitem__)):
        highest = max(highest, min(1.0, (size - rank) * p_values[place]))
        found[place] = highest
    return found


def _benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    size = len(p_values)
    found, lowest = [0.0] * size, 1.0
    for rank, place in reversed(list(enumerate(sorted(range(size), key=p_values.__getitem__), 1))):
        lowest = min(lowest, p_values[place] * size / rank)
        found[place] = lowest
    return found


_CORRECTIONS: Mapping[Correction, Callable[[Sequence[float]], list[float]]] = {
    "holm": _holm,
    "bh": _benjamini_hochberg,
}


def drop_of(differences: Sequence[float], weights: Sequence[float] | None = None) -> Drop | None:
    """Of b minus a by sample, with ``weights`` of mean 1; ``None`` of fewer than two. See ``paired_difference``."""
    if not differences:
        return None
    mean, stderr = paired_difference(differences, weights)
    return None if stderr is None else Drop(0.0 - mean, stderr, len(differences))
