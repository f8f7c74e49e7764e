"""Statistics of a whole task, against scipy and sacreBLEU."""

from __future__ import annotations

import itertools
import math
import random
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
import sacrebleu
import scipy.stats
from shinsa_benchmarks.discovery import manifests
from shinsa_benchmarks.manifest import Manifest
from shinsa_benchmarks.tallies import Score, resampling, sample_values, tally
from shinsa_benchmarks.tallies.resampling import Estimate, resampled_sums
from shinsa_benchmarks.tallies.statistics import estimate, pass_at_k
from shinsa_benchmarks.vocabulary import Outcome

CHANCE = random.Random(7)
GOLD = [round(CHANCE.uniform(0, 5), 1) for _ in range(80)]
GUESS = [float(round(gold + CHANCE.gauss(0, 1))) for gold in GOLD]


def manifest(**metric: object) -> Manifest:
    return Manifest.model_validate(
        {
            "id": "x",
            "version": "1",
            "title": "X",
            "description": "X",
            "licence": "MIT",
            "metrics": [{"name": "r", "primary": True, "lowest": -1, **metric}, {"name": "format"}],
            "steps": ["generate"],
            "source": {"name": "x", "licence": "MIT", "folder": "x", "files": {"test": ["x"]}},
        }
    )


PEARSON = manifest(statistic="pearson", of=["guess", "gold"])


def rows(guesses: list[float], golds: list[float]) -> list[tuple[str, str, Outcome]]:
    pairs = zip(guesses, golds, strict=True)
    return [(f"s{n}", "", Outcome.scored({"guess": x, "gold": y, "format": 1.0})) for n, (x, y) in enumerate(pairs)]


def score(metrics: Manifest, outcomes: list[tuple[str, str, Outcome]], **planned: int) -> Score:
    return tally(metrics, outcomes, **planned)[0]


def test_pearson_is_scipys() -> None:
    found, expected = score(PEARSON, rows(GUESS, GOLD)), scipy.stats.pearsonr(GUESS, GOLD)
    interval = expected.confidence_interval(0.95)
    assert found.value == pytest.approx(expected.statistic, abs=1e-12)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high), abs=1e-9)
    assert found.stderr == pytest.approx((1 - expected.statistic**2) / 77**0.5, abs=1e-12)
    assert (found.worst_case, found.best_case) == (found.value, found.value)


def test_spearman_is_scipys() -> None:
    found = score(manifest(statistic="spearman", of=["guess", "gold"]), rows(GUESS, GOLD))
    assert found.value == pytest.approx(scipy.stats.spearmanr(GUESS, GOLD).statistic, abs=1e-12)
    assert found.low < found.value < found.high


def test_a_hand_computed_correlation() -> None:
    # Deviations (-1, 0, 1, 0) and (-1, -1, 1, 1): products 2, squares 2 and 4.
    found = score(PEARSON, rows([1, 2, 3, 2], [1, 1, 3, 3]))
    assert found.value == pytest.approx(2 / 8**0.5)


def test_perfect_agreement_has_a_closed_interval() -> None:
    found = score(PEARSON, rows(GOLD, GOLD))
    assert (found.value, found.low, found.high) == pytest.approx((1.0, 1.0, 1.0), abs=1e-12)
    opposed = score(PEARSON, rows([-gold for gold in GOLD], GOLD))
    assert opposed.value == pytest.approx(-1.0)


def test_constant_answers_tell_nothing() -> None:
    found = score(PEARSON, rows([3.0] * 80, GOLD))
    assert (found.value, found.stderr, found.low, found.high) == (0.0, None, None, None)


def test_few_samples_have_no_interval() -> None:
    found = score(PEARSON, rows(GUESS[:3], GOLD[:3]))
    assert found.value is not None
    assert found.low is None
    assert score(PEARSON, []).value is None


def test_an_answer_not_given_contributes_nothing() -> None:
    whole = score(PEARSON, rows(GUESS, GOLD)).value
    assert whole is not None
    refused = [(f"r{n}", "", Outcome.model_error("refused")) for n in range(10)]
    unreadable = [(f"u{n}", "", Outcome.scored({"gold": 1.0, "format": 0.0})) for n in range(10)]
    found = score(PEARSON, [*rows(GUESS, GOLD), *refused, *unreadable])
    assert found.value == pytest.approx(whole * 80 / 100)
    assert (found.scored, found.model_errors, found.items) == (90, 10, 100)
    assert score(PEARSON, refused).value == 0.0
    downward = [-guess for guess in GUESS]
    assert score(PEARSON, [*rows(downward, GOLD), *refused]).value == pytest.approx(-whole)


def test_excluded_model_errors_leave_a_statistic_alone() -> None:
    lenient = manifest(statistic="pearson", of=["guess", "gold"], model_error="exclude")
    refused = [("r", "", Outcome.model_error("refused"))]
    assert score(lenient, [*rows(GUESS, GOLD), *refused]).value == score(lenient, rows(GUESS, GOLD)).value


def test_what_was_not_measured_leaves_a_statistic_open() -> None:
    found = score(PEARSON, rows(GUESS, GOLD), items=81)
    assert (found.worst_case, found.best_case, found.items) == (-1.0, 1.0, 81)


def test_repetitions_are_averaged_by_sample() -> None:
    spread = [
        (sample_id, "", Outcome.scored({**outcome.metrics, "guess": outcome.metrics["guess"] + shift}))
        for sample_id, _, outcome in rows(GUESS, GOLD)
        for shift in (-0.5, 0.5)
    ]
    assert score(PEARSON, spread).value == pytest.approx(score(PEARSON, rows(GUESS, GOLD)).value, abs=1e-12)
    assert score(PEARSON, spread).low == pytest.approx(score(PEARSON, rows(GUESS, GOLD)).low, abs=1e-12)


def test_no_sample_has_a_statistic_of_its_own() -> None:
    assert sample_values(PEARSON.primary, rows(GUESS, GOLD)) == {}


def test_a_value_that_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="'guess'"):
        tally(PEARSON, rows([float("nan")], [1.0]))


@pytest.mark.parametrize("metric", [{"statistic": "pearson"}, {"of": ["guess"]}, {"statistic": "median", "of": ["x"]}])
def test_an_incomplete_statistic_is_refused(metric: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="statistic"):
        manifest(**metric)
    with pytest.raises(ValueError, match="'format' is both"):
        manifest(statistic="pearson", of=["format", "gold"])


ANSWERS = ["the cat sat on the mat", "there is a dog in the garden now", "rain", "I like green tea very much"]
REFERENCES = ["the cat sat on a mat", "a dog is in the garden", "it rains today", "I like black tea very much"]


def bleu_rows(answers: list[str], references: list[str]) -> list[tuple[str, list[float]]]:
    metric = sacrebleu.BLEU()
    found = []
    for number, (answer, reference) in enumerate(zip(answers, references, strict=True)):
        segment = metric.sentence_score(answer, [reference])
        found.append((str(number), [*segment.counts, *segment.totals, segment.sys_len, segment.ref_len]))
    return found


def test_corpus_bleu_is_sacrebleus() -> None:
    found = estimate("corpus_bleu", bleu_rows(ANSWERS, REFERENCES), 1.0)
    assert found is not None
    assert 100 * found.value == pytest.approx(sacrebleu.BLEU().corpus_score(ANSWERS, [REFERENCES]).score)
    assert found.stderr is not None
    assert found.low is not None
    assert found.low <= found.value <= (found.high or 0)
    assert found == estimate("corpus_bleu", bleu_rows(ANSWERS, REFERENCES)[::-1], 1.0), "the same resamples each time"


def test_corpus_bleu_smooths_as_sacrebleu() -> None:
    answers, references = ["a b x d e"], ["a b c d f"]  # no trigram matches
    found = estimate("corpus_bleu", bleu_rows(answers, references), 1.0)
    assert found is not None
    assert 100 * found.value == pytest.approx(sacrebleu.BLEU().corpus_score(answers, [references]).score)
    nothing = estimate("corpus_bleu", bleu_rows(["x y z w"], ["a b c d"]), 1.0)
    assert nothing is not None
    assert nothing.value == 0.0


def test_a_translation_not_given_shortens_the_corpus() -> None:
    half = estimate("corpus_bleu", bleu_rows(ANSWERS, ANSWERS), 0.5)
    assert half is not None
    assert half.value == pytest.approx(2.718281828459045**-1)  # brevity: exp(1 - 2)


def test_scipy_is_loaded_only_where_it_is_needed() -> None:
    program = "import sys, shinsa_benchmarks.tallies; print('scipy' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"


@pytest.mark.parametrize(
    ("attempts", "passed", "k", "chance"),
    [
        (5, 0, 5, 0.0),
        (5, 1, 5, 1.0),
        (4, 2, 2, 1 - 1 / 6),
        (10, 3, 5, 1 - 21 / 252),
        (20, 20, 10, 1.0),
        (3, 1, 1, 1 / 3),
    ],
)
def test_pass_at_k_is_the_share_of_subsets_with_a_pass(attempts: int, passed: int, k: int, chance: float) -> None:
    """By counting: of all subsets of k attempts, those that hold one of the passed ones."""
    subsets = list(itertools.combinations(range(attempts), k))
    counted = sum(any(one < passed for one in subset) for subset in subsets) / len(subsets)
    assert pass_at_k(attempts, passed, k) == pytest.approx(chance) == pytest.approx(counted)


def _tries(*passed: int, of: int) -> list[tuple[str, str, Outcome]]:
    return [
        (f"s{sample}", "", Outcome.scored({"pass@1": float(n < passes), "passed": float(n < passes)}))
        for sample, passes in enumerate(passed)
        for n in range(of)
    ]


def test_pass_at_k_over_repetitions() -> None:
    programs = manifests()["mbpp"]
    rows = [*_tries(0, 1, 6, of=6), *(("s3", "", Outcome.model_error("no_code")) for _ in range(6))]
    found = {score.metric: score for score in tally(programs, rows)}
    values = [0.0, 5 / 6, 1.0, 0.0]
    mean = sum(values) / 4
    assert found["pass@5"].value == pytest.approx(mean)
    spread = sum((value - mean) ** 2 for value in values) / 3 / 4
    assert found["pass@5"].stderr == pytest.approx(spread**0.5)
    assert (found["pass@10"].value, found["pass@10"].items) == (None, 0)
    assert found["pass@1"].value == pytest.approx(7 / 24)


def test_pass_at_k_of_too_few_attempts_is_not_measured() -> None:
    found = {score.metric: score.value for score in tally(manifests()["humaneval"], _tries(1, 0, of=1))}
    found.pop("pylint")  # on demand
    assert found == {"pass@1": 0.5, "pass@5": None, "pass@10": None}


@pytest.mark.parametrize("statistic", ["pearson", "spearman"])
@pytest.mark.parametrize("same", [0.1, 3.3])
def test_what_is_always_the_same_is_associated_with_nothing(statistic: str, same: float) -> None:
    """Also where the mean of equal values is another value by its last digit."""
    for others in ([float(n) for n in range(100)], [1.7] * 100):
        rows = [(f"s{n}", (same, other)) for n, other in enumerate(others)]
        assert estimate(statistic, rows, 1.0) == Estimate(0.0)


def test_calibration_error_by_hand() -> None:
    """Twenty answers in two bins of ten: confidence 0.2 with 1 right, confidence 0.9 with 6 right."""
    rows = [(0.2, float(n < 1)) for n in range(10)] + [(0.9, float(n < 6)) for n in range(10)]
    values = [(f"s{n}", row) for n, row in enumerate(rows)]
    found = estimate("calibration_error", values, 1.0)
    assert found is not None
    assert found.value == pytest.approx(math.sqrt(0.5 * 0.1**2 + 0.5 * 0.3**2))
    assert found.low is not None
    assert found.high is not None
    assert found.low < found.value < found.high


@pytest.mark.parametrize("honest", [1.0, 0.8])
def test_the_interval_of_a_calibration_error_holds_value_and_truth(honest: float) -> None:
    """Of models that are right with ``honest`` times their confidence, spread evenly: chance adds to the error."""
    truth, rounds, hits = (1 - honest) / math.sqrt(3), 40, 0
    for seed in range(rounds):
        chance = np.random.default_rng(seed)
        confidence = chance.uniform(0, 1, 194)
        right = (chance.uniform(size=194) < honest * confidence).astype(float)
        rows = zip(confidence.tolist(), right.tolist(), strict=True)
        found = estimate("calibration_error", [(f"s{n:03}", row) for n, row in enumerate(rows)], 1.0)
        assert found is not None
        assert found.low is not None
        assert found.high is not None
        assert 0 <= found.low <= found.value <= found.high
        hits += found.low <= truth <= found.high
    # Nothing holds a truth of 0 wherever the value is far from it by chance; percentiles never hold it.
    assert hits / rounds > (0.25 if honest == 1 else 0.75)


@pytest.mark.parametrize(("answers", "widths"), [(9, [9]), (25, [10, 15]), (194, [19] * 9 + [23]), (250, [50] * 5)])
def test_bins_of_the_calibration_error(answers: int, widths: list[int]) -> None:
    """Every bin is off by its own amount, so that the value tells the bins."""
    edges = [sum(widths[:bin_]) for bin_ in range(len(widths))]
    rows = []
    for bin_, (start, width) in enumerate(zip(edges, widths, strict=True)):
        rows += [(f"s{start + n:03}", ((bin_ + 1) / 100, 0.0)) for n in range(width)]
    found = estimate("calibration_error", rows, 1.0)
    assert found is not None
    squares = sum(width / answers * ((bin_ + 1) / 100) ** 2 for bin_, width in enumerate(widths))
    assert found.value == pytest.approx(math.sqrt(squares))


def test_resamples_of_many_samples_are_drawn_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    columns = np.random.default_rng(7).integers(0, 9, (16_000, 3)).astype(float)
    whole = np.random.default_rng(0).multinomial(50, np.full(50, 1 / 50), 1000) @ columns[:50]
    monkeypatch.setattr(resampling, "_DRAWN_AT_ONCE", 50 * 7)
    drawn: list[np.ndarray] = []
    resampled_sums(columns[:50], 0.0, lambda sums: drawn.append(sums) or 0.0)
    assert np.array_equal(drawn, whole)
    monkeypatch.undo()
    tracemalloc.start()
    resampled_sums(columns, 0.0, lambda sums: float(sums[0]))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # All together are 16 million draws of eight bytes, and once more as the numbers that they are multiplied as.
    assert peak < 100 * 2**20
