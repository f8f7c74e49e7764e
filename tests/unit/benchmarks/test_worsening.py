"""Drops by hand and against scipy: one-sided paired tests, and corrections for many."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from shinsa_benchmarks.tallies.worsening import Drop, adjusted, drop_of


def test_a_drop_is_tested_as_scipy_does() -> None:
    random = np.random.default_rng(1)
    a, b = random.normal(0.6, 0.2, 40), random.normal(0.5, 0.2, 40)
    found = drop_of((b - a).tolist())
    assert found is not None
    for allowed in (0.0, 0.05):
        reference = stats.ttest_1samp(a - b, allowed, alternative="greater")
        assert found.p_value(allowed) == pytest.approx(reference.pvalue)
    low = stats.ttest_1samp(a - b, 0.0, alternative="less").confidence_interval(0.95)
    assert found.at_most(0.05) == pytest.approx(low.high)
    assert (found.drop, found.samples) == (pytest.approx((a - b).mean()), 40)


def test_a_drop_of_several_benchmarks_is_normal() -> None:
    found = Drop(0.2, 0.1)
    assert found.p_value(0.0) == pytest.approx(stats.norm.sf(2.0))
    assert found.p_value(0.2) == pytest.approx(0.5)
    assert found.at_most(0.05) == pytest.approx(0.2 + 0.1 * stats.norm.ppf(0.95))


@pytest.mark.parametrize(
    ("differences", "allowed", "p_value"),
    [((0, 0, 0), 0.0, 1.0), ((-1, -1, -1, -1), 0.0, 1 / 16), ((-1, -1), 1.0, 0.5), ((1, 1, 1), 0.0, 7 / 8)],
)
def test_without_spread_luck_decides(differences: tuple[int, ...], allowed: float, p_value: float) -> None:
    found = drop_of(differences)
    assert found is not None
    assert found.p_value(allowed) == pytest.approx(p_value)
    # What is worse by luck, if only two samples tell it, has room to be no worse at all.
    assert (found.at_most(0.05) > found.drop) is (found.drop != 0)


def test_no_drop_is_shown_as_none() -> None:
    """Not as one of minus zero."""
    found = drop_of([0.0, 0.0])
    assert found is not None
    assert str(found.drop) == "0.0"


def test_of_one_sample_nothing_can_be_said() -> None:
    assert drop_of([0.5]) is None
    assert drop_of([]) is None


def test_holm_by_hand() -> None:
    assert adjusted([0.01, 0.04, 0.03], "holm") == pytest.approx([0.03, 0.06, 0.06])
    assert adjusted([0.5, 0.9], "holm") == [1.0, 1.0]
    assert adjusted([], "holm") == []


def test_benjamini_hochberg_is_that_of_scipy() -> None:
    p_values = [0.01, 0.04, 0.03, 0.2, 0.2, 0.9]
    assert adjusted(p_values, "bh") == pytest.approx(list(stats.false_discovery_control(p_values)))
    assert adjusted([], "bh") == []
