"""Paired comparison against hand-worked and scipy's own numbers."""

from __future__ import annotations

import math

import pytest
from scipy.stats import spearmanr, ttest_rel
from shinsa_benchmarks.tallies import compare, differing

A = {"a": 1.0, "b": 2.0, "c": 3.0, "d": 4.0, "only_a": 9.0}
B = {"a": 2.0, "b": 2.0, "c": 5.0, "d": 5.0, "only_b": 0.0}


def test_shared_samples_are_paired() -> None:
    comparison = compare(A, B)  # differences 1, 0, 2, 1
    assert (comparison.samples, comparison.only_a, comparison.only_b) == (4, 1, 1)
    assert (comparison.mean_a, comparison.mean_b, comparison.difference) == (2.5, 3.5, 1.0)
    assert comparison.stderr == pytest.approx(math.sqrt(2 / 3) / 2)
    assert (comparison.a_better, comparison.b_better, comparison.equal) == (0, 3, 1)


def test_rank_correlation_is_spearmans_with_ties() -> None:
    assert compare(A, B).rank_correlation == pytest.approx(spearmanr([1, 2, 3, 4], [2, 2, 5, 5])[0])
    assert compare(A, {name: -value for name, value in A.items()}).rank_correlation == pytest.approx(-1)
    assert compare(A, dict.fromkeys(A, 3.0)).rank_correlation is None
    assert compare({}, {}).rank_correlation is None


def test_samples_that_differ_come_furthest_apart_first() -> None:
    assert differing(A, B, most=9) == [("c", 3.0, 5.0), ("a", 1.0, 2.0), ("d", 4.0, 5.0)]
    assert differing(A, B, most=1) == [("c", 3.0, 5.0)]
    assert differing(A, B, most=0) == []


def test_p_value_and_interval_are_those_of_the_paired_t_test() -> None:
    comparison = compare(A, B)
    expected = ttest_rel([2, 2, 5, 5], [1, 2, 3, 4])
    interval = expected.confidence_interval(0.95)
    assert comparison.p_value == pytest.approx(expected.pvalue)
    assert comparison.p_value == pytest.approx(0.0917, abs=1e-4)
    assert (comparison.low, comparison.high) == pytest.approx((interval.low, interval.high))


def test_lower_may_be_better() -> None:
    comparison = compare(A, B, better="lower")
    assert (comparison.difference, comparison.a_better, comparison.b_better) == (1.0, 3, 0)


def test_equal_runs_do_not_differ() -> None:
    comparison = compare(A, dict(A))
    assert (comparison.difference, comparison.stderr, comparison.p_value) == (0.0, 0.0, 1.0)


@pytest.mark.parametrize(("size", "found"), [(2, False), (5, False), (6, True), (200, True)])
def test_a_constant_difference_may_be_luck(size: int, found: bool) -> None:
    """So many coins fall on one side with a chance of 2 * 0.5^n; thirds are equal but for their last digit."""
    a = {str(number): number % 2 / 3 for number in range(size)}
    comparison = compare(a, {name: value + 1 / 3 for name, value in a.items()})
    assert comparison.p_value == pytest.approx(2 * 0.5**size)
    assert comparison.low is not None
    assert (comparison.low > 0) is found


def test_weights_are_those_of_the_score() -> None:
    a, b, weights = {"x": 0.0, "y": 1.0, "z": 0.5}, {"x": 1.0, "y": 1.0, "z": 0.0}, {"x": 3.0, "y": 1.0, "z": 2.0}
    comparison = compare(a, b, weights=weights)
    assert (comparison.mean_a, comparison.mean_b) == (pytest.approx(2 / 6), pytest.approx(4 / 6))
    assert comparison.difference == pytest.approx(2 / 6)
    # Cochran's ratio estimator: residuals w (d - D).
    residuals = [3 * (1 - 1 / 3), 1 * (0 - 1 / 3), 2 * (-0.5 - 1 / 3)]
    assert comparison.stderr == pytest.approx(math.sqrt(3 / 2 * sum(one**2 for one in residuals)) / 6)
    assert compare(a, b, weights={"x": 2.0, "y": 4.0}).mean_a == pytest.approx((4 * 1.0 + 3 * 0.5) / 9)
    assert compare(a, b, weights=dict.fromkeys(a, 7.0)) == compare(a, b)


@pytest.mark.parametrize(("a", "b"), [({"x": 1.0}, {"y": 1.0}), ({}, {})])
def test_nothing_shared_says_nothing(a: dict[str, float], b: dict[str, float]) -> None:
    comparison = compare(a, b)
    assert (comparison.samples, comparison.difference, comparison.p_value) == (0, None, None)


def test_one_shared_sample_gives_no_spread() -> None:
    comparison = compare({"x": 1.0}, {"x": 3.0})
    assert (comparison.difference, comparison.stderr, comparison.p_value) == (2.0, None, None)
