"""How much columns say the same."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from shinsa_benchmarks.analyses.observation import Observation, Selection, filled_rows
from shinsa_benchmarks.ranks import mean_ranks

Method = Literal["pearson", "spearman"]
# A correlation of two points is always perfect.
FEWEST = 3


@dataclass(frozen=True, slots=True)
class Correlation:
    """``matrix[i][j]`` of columns i and j over the ``n[i][j]`` rows that have both; None where fewer than three do, or
    one of the columns does not vary there. ``mean_off_diagonal`` by column, over what is there."""

    columns: tuple[str, ...]
    method: Method
    matrix: tuple[tuple[float | None, ...], ...]
    n: tuple[tuple[int, ...], ...]
    mean_off_diagonal: tuple[float | None, ...]


def correlation(
    observations: Iterable[Observation], columns: Sequence[str], method: Method = "pearson"
) -> tuple[Correlation, Selection]:
    """Over all rows, shot counts pooled. Spearman's is Pearson's of ranks, ties by their mean rank."""
    selection = filled_rows(observations, columns)
    table = np.array(
        [[_number(one.values.get(column)) for column in columns] for one in selection.kept], dtype=float
    ).reshape(len(selection.kept), len(columns))
    there = ~np.isnan(table)
    size = range(len(columns))
    n = tuple(tuple(int((there[:, i] & there[:, j]).sum()) for j in size) for i in size)
    matrix = tuple(tuple(_pair(table, there, i, j, method) for j in size) for i in size)
    means = tuple(_mean([matrix[i][j] for j in size if j != i]) for i in size)
    return Correlation(tuple(columns), method, matrix, n, means), selection


def _number(value: float | None) -> float:
    return float("nan") if value is None else value


def _pair(table: NDArray[np.float64], there: NDArray[np.bool_], i: int, j: int, method: Method) -> float | None:
    both = there[:, i] & there[:, j]
    if both.sum() < FEWEST:
        return None
    a, b = table[both, i], table[both, j]
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return None
    if i == j:
        return 1.0
    if method == "spearman":
        a, b = mean_ranks(a), mean_ranks(b)
    return float(np.clip(np.corrcoef(a, b)[0, 1], -1.0, 1.0))


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
