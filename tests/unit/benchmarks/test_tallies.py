"""Scores against vectors worked out by hand."""

from __future__ import annotations

import math
import random

import pytest
import scipy.stats
from shinsa_benchmarks.manifest import Manifest, Metric
from shinsa_benchmarks.tallies import sample_values, tally
from shinsa_benchmarks.tallies.intervals import error_or_of_interval, t95, wilson_interval
from shinsa_benchmarks.vocabulary import Outcome

BROKEN = Outcome.infra_error("unavailable")
REFUSED = Outcome.model_error("refused")


def manifest(*metrics: dict[str, object]) -> Manifest:
    return Manifest.model_validate(
        {
            "id": "x",
            "version": "1",
            "title": "X",
            "description": "X",
            "licence": "MIT",
            "metrics": list(metrics),
            "steps": ["generate"],
            "source": {"name": "x", "licence": "MIT", "folder": "x", "files": {"test": ["x"]}},
        }
    )


RIGHT = manifest({"name": "right", "primary": True, "binary": True})
GRADE = manifest({"name": "grade", "primary": True, "lowest": 1, "highest": 10})


def right(*values: float) -> list[tuple[str, str, Outcome]]:
    return [(f"s{index}", "", Outcome.scored({"right": value})) for index, value in enumerate(values)]


def test_mean_and_standard_error() -> None:
    (score,) = tally(RIGHT, right(1, 0, 1, 1))
    assert score.value == 0.75
    assert score.stderr == pytest.approx(0.25)  # sd 0.5, over the root of 4
    assert (score.scored, score.items, score.model_errors, score.infra_errors) == (4, 4, 0, 0)
    assert (score.worst_case, score.best_case) == (0.75, 0.75)
    assert (score.primary, score.scale) == (True, "0-1")


@pytest.mark.parametrize(
    ("share", "size", "low", "high"),
    [(0.75, 4, 0.3006, 0.9544), (0.8, 10, 0.4902, 0.9433), (0.0, 10, 0.0, 0.2775), (1.0, 10, 0.7225, 1.0)],
)
def test_wilson_interval(share: float, size: int, low: float, high: float) -> None:
    assert wilson_interval(share, size) == pytest.approx((low, high), abs=1e-4)


def test_a_binary_metric_has_wilsons_interval() -> None:
    (score,) = tally(RIGHT, right(1, 1, 1, 1, 1, 1, 1, 1, 1, 1))
    assert (score.low, score.high) == pytest.approx((0.7225, 1.0), abs=1e-4)


def test_a_mean_has_students_interval_within_its_range() -> None:
    rows = [(f"s{value}", "", Outcome.scored({"grade": value})) for value in (4.0, 5.0, 9.0)]
    (score,) = tally(GRADE, rows)
    assert score.value == 6.0
    assert score.stderr == pytest.approx(math.sqrt(7 / 3))  # variance 7
    assert (score.low, score.high) == (1.0, 10.0)  # 6 ± 4.303 * 1.528
    many = [(f"s{index}", "", Outcome.scored({"grade": 4.0 + index % 3})) for index in range(12)]
    (wide,) = tally(GRADE, many)
    assert wide.stderr == pytest.approx(math.sqrt(8 / 11 / 12))
    assert wide.low == pytest.approx(5 - 2.200985 * wide.stderr, abs=1e-5)  # 11 degrees of freedom
    assert wide.high == pytest.approx(5 + 2.200985 * wide.stderr, abs=1e-5)
    (high,) = tally(GRADE, [*rows[2:], ("t", "", Outcome.scored({"grade": 10.0}))])
    assert high.high == 10.0


@pytest.mark.parametrize("freedom", [*range(1, 40), 99, 1000, 100_000])
def test_students_point_is_scipys(freedom: int) -> None:
    from scipy.special import stdtrit

    assert t95(freedom) == pytest.approx(float(stdtrit(freedom, 0.975)), rel=1e-5)


def test_an_error_of_nothing_is_taken_from_the_interval() -> None:
    assert error_or_of_interval(0.0, *wilson_interval(1.0, 100)) == pytest.approx(0.00943, abs=1e-5)
    assert error_or_of_interval(0.1, 0.2, 0.9) == 0.1
    assert (error_or_of_interval(None, 0.2, 0.9), error_or_of_interval(0.0, None, None)) == (None, 0.0)


def test_a_mean_without_spread_at_the_end_of_its_range_is_not_certain() -> None:
    lowest = GRADE.metrics[0].lowest
    (score,) = tally(GRADE, [(f"s{n}", "", Outcome.scored({"grade": lowest})) for n in range(10)])
    assert (score.stderr, score.low) == (0.0, lowest)
    assert score.high == pytest.approx(lowest + (10 - lowest) * 0.2775, abs=1e-3)
    (within,) = tally(GRADE, [(f"s{n}", "", Outcome.scored({"grade": 5.0})) for n in range(10)])
    assert (within.low, within.high) == (5.0, 5.0)


def test_repetitions_are_clustered_by_sample() -> None:
    rows = [("a", "", Outcome.scored({"right": 1.0}))] * 2 + [("b", "", Outcome.scored({"right": 0.0}))] * 2
    (score,) = tally(RIGHT, rows)
    assert score.value == 0.5
    assert score.stderr == pytest.approx(0.5)  # as of the two sample means 1 and 0, not of four values
    assert (score.low, score.high) == pytest.approx(wilson_interval(0.5, 2), abs=1e-12)


def test_model_errors_count_as_worst() -> None:
    (score,) = tally(RIGHT, [*right(1, 1, 1), ("x", "", REFUSED)])
    assert (score.value, score.scored, score.model_errors, score.items) == (0.75, 3, 1, 4)
    (grade,) = tally(GRADE, [("a", "", Outcome.scored({"grade": 9.0})), ("b", "", REFUSED)])
    assert grade.value == 5.0


def test_model_errors_may_be_excluded() -> None:
    only = manifest({"name": "right", "primary": True, "model_error": "exclude"})
    (score,) = tally(only, [*right(1, 0), ("x", "", REFUSED)])
    assert (score.value, score.scored, score.model_errors) == (0.5, 2, 1)


def test_the_worst_of_a_lower_is_better_metric_is_its_highest() -> None:
    lower = manifest({"name": "right", "primary": True, "better": "lower"})
    (score,) = tally(lower, [*right(0, 0), ("x", "", REFUSED), ("y", "", BROKEN)])
    assert score.value == pytest.approx(1 / 3)
    assert (score.worst_case, score.best_case) == (0.5, 0.25)


def test_what_was_not_measured_is_bounded_and_never_averaged() -> None:
    (score,) = tally(RIGHT, [*right(1, 1, 0), ("x", "", BROKEN)], items=5)
    assert score.value == pytest.approx(2 / 3)
    assert (score.scored, score.infra_errors, score.items) == (3, 1, 5)
    assert (score.worst_case, score.best_case) == (0.4, 0.8)


def test_nothing_measured_is_no_value() -> None:
    (score,) = tally(RIGHT, [("x", "", BROKEN)])
    assert (score.value, score.stderr, score.low, score.high) == (None, None, None, None)
    assert (score.worst_case, score.best_case) == (0.0, 1.0)
    (empty,) = tally(RIGHT, [])
    assert (empty.value, empty.worst_case, empty.items) == (None, None, 0)


def test_one_sample_has_no_standard_error() -> None:
    (score,) = tally(GRADE, [("a", "", Outcome.scored({"grade": 3.0}))])
    assert (score.value, score.stderr, score.low) == (3.0, None, None)


def test_categories_follow_their_metric() -> None:
    rows = [
        ("a", "math", Outcome.scored({"right": 1.0})),
        ("b", "code", Outcome.scored({"right": 0.0})),
        ("c", "math", BROKEN),
    ]
    scores = tally(RIGHT, rows, category_items={"math": 3, "code": 1, "art": 2})
    assert [score.metric for score in scores] == ["right", "right/art", "right/code", "right/math"]
    assert [score.value for score in scores] == [0.5, None, 0.0, 1.0]
    assert [score.items for score in scores] == [3, 2, 1, 3]
    assert [score.primary for score in scores] == [True, False, False, False]
    assert scores[3].worst_case == pytest.approx(1 / 3)


def test_order_does_not_matter() -> None:
    values = [0.1, 0.7, 0.2, 1e-9, 0.33333333, 1.0] * 30
    only = manifest({"name": "right", "primary": True})
    rows = right(*values)
    expected = tally(only, rows)
    random.Random(3).shuffle(rows)
    assert tally(only, rows) == expected


def test_an_item_without_a_metric_does_not_bear_on_it() -> None:
    two = manifest({"name": "right", "primary": True}, {"name": "bias", "lowest": -1})
    rows = [("a", "", Outcome.scored({"right": 1.0, "bias": -0.5})), ("b", "", Outcome.scored({"right": 0.0}))]
    first, second = tally(two, rows)
    assert (first.value, first.items) == (0.5, 2)
    assert (second.value, second.items, second.scored) == (-0.5, 1, 1)


def test_an_unknown_metric_is_named_with_its_near_match() -> None:
    with pytest.raises(ValueError, match="did you mean 'right'"):
        tally(RIGHT, [("a", "", Outcome.scored({"rihgt": 1.0}))])


@pytest.mark.parametrize("value", [1.5, -0.1, math.nan])
def test_a_value_outside_its_range_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="outside its range"):
        tally(RIGHT, right(value))


def test_sample_values_average_repetitions() -> None:
    rows = [*right(1, 0), ("s0", "", Outcome.scored({"right": 0.0})), ("s2", "", REFUSED), ("s3", "", BROKEN)]
    assert sample_values(RIGHT.primary, rows) == {"s0": 0.5, "s1": 0.0, "s2": 0.0}


@pytest.mark.parametrize("samples", [4, 8, 40])
def test_few_samples_asked_often_are_worth_what_student_says(samples: int) -> None:
    """Shares of 0.7 and 0.3 by turns, of ten each: an error with few degrees of freedom counts as a larger one."""
    rows = [
        (f"s{n}", "", Outcome.scored({"right": float(m < 7 - 4 * (n % 2))})) for n in range(samples) for m in range(10)
    ]
    (score,) = tally(RIGHT, rows)
    stderr = 0.2 / math.sqrt(samples - 1)
    assert (score.value, score.stderr) == (pytest.approx(0.5), pytest.approx(stderr))
    worth = 0.25 / stderr**2 * (1.959964 / scipy.stats.t.ppf(0.975, samples - 1)) ** 2
    assert worth > samples
    assert (score.low, score.high) == pytest.approx(wilson_interval(0.5, worth), abs=1e-6)


def test_a_model_error_bears_on_no_metric_of_another_category() -> None:
    bound = manifest(
        {"name": "right", "primary": True, "binary": True}, {"name": "polite", "binary": True, "category": "tone"}
    )
    polite = Outcome.scored({"right": 1.0, "polite": 1.0})
    outcomes = [
        ("a", "tone", polite),
        ("b", "sums", Outcome.model_error("empty")),
        ("c", "tone", Outcome.model_error("empty")),
    ]
    (score,) = [one for one in tally(bound, outcomes) if one.metric == "polite"]
    assert score.value == 0.5
    assert sample_values(bound.metrics[1], outcomes) == {"a": 1.0, "c": 0.0}


@pytest.mark.parametrize("optional", [{"judge_role": "scorer"}, {"on_demand": "lint"}])
def test_what_nobody_was_asked_for_has_no_values(optional: dict[str, str]) -> None:
    """Else the errors of a run without it would be compared with the scores of one that has it."""
    metric = Metric.model_validate({"name": "comet", **optional})
    failed = ("b", "", Outcome.model_error("empty"))
    assert sample_values(metric, [("a", "", Outcome.scored({"right": 1.0})), failed]) == {}
    assert sample_values(metric, [("a", "", Outcome.scored({"comet": 0.8})), failed]) == {"a": 0.8, "b": 0.0}
