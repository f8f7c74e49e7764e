"""How often reported intervals hold the truth, and how often two equal models are told apart, by simulation.

    .venv/bin/python bench/coverage.py [--rounds 2000]

Every round draws the outcomes of a benchmark from a known truth and tallies them as a run does. Prints, for every kind
of score, the share of rounds whose 95 % interval holds the truth; for the paired comparison the share in which it finds
a difference at 5 % where there is none; for a board its standard error by that of a bootstrap of the samples below it.
Seeds are fixed. Ends with 1 where an interval is off by more than 1.5 percentage points, where a false alarm is as much
off, and where a board is surer of itself than the bootstrap by more than 3 %.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from shinsa_benchmarks.boards import Board, Measurement, compute
from shinsa_benchmarks.discovery import boards
from shinsa_benchmarks.manifest import Manifest
from shinsa_benchmarks.tallies import Recorded, compare, tally
from shinsa_benchmarks.vocabulary import Outcome

Generator = np.random.Generator
# Truth, and outcomes drawn from it.
Draw = Callable[[Generator], tuple[float, list[Recorded]]]
NOMINAL, TOLERANCE = 0.95, 0.015
SURE = 0.97


@dataclass(frozen=True)
class Finding:
    name: str
    value: float
    wanted: str
    good: bool


def manifest(**metric: Any) -> Manifest:
    others = [{"name": name, "lowest": -1e9, "highest": 1e9} for name in metric.pop("beside", ())]
    return Manifest.model_validate(
        {
            "id": "drawn",
            "version": "1",
            "title": "",
            "description": "",
            "licence": "",
            "metrics": [{"name": "score", "primary": True, **metric}, *others],
            "steps": ["generate"],
            "source": {"name": "", "licence": "", "folder": "", "files": {}},
        }
    )


def rows(values: Sequence[Mapping[str, float]], repeats: int = 1) -> list[Recorded]:
    return [(f"s{number // repeats}", "", Outcome.scored(one)) for number, one in enumerate(values)]


# --- kinds of scores ---


def shares(size: int) -> Draw:
    """Right or wrong, of a model that is right with a chance anywhere between 5 and 95 %."""

    def draw(chance: Generator) -> tuple[float, list[Recorded]]:
        truth = float(chance.uniform(0.05, 0.95))
        return truth, rows([{"score": float(right)} for right in chance.random(size) < truth])

    return draw


def repeated(samples: int, repeats: int) -> Draw:
    """Right or wrong, each sample asked several times, some samples easier than others."""

    def draw(chance: Generator) -> tuple[float, list[Recorded]]:
        a, b = chance.uniform(0.5, 3, 2)
        easy = np.repeat(chance.beta(a, b, samples), repeats)
        right = chance.random(samples * repeats) < easy
        return float(a / (a + b)), rows([{"score": float(one)} for one in right], repeats)

    return draw


def grades(size: int) -> Draw:
    """Values between 0 and 1, such as character F1."""

    def draw(chance: Generator) -> tuple[float, list[Recorded]]:
        a, b = chance.uniform(0.5, 4, 2)
        return float(a / (a + b)), rows([{"score": float(one)} for one in chance.beta(a, b, size)])

    return draw


def weighted(size: int) -> Draw:
    """A share of instructions: samples of one to three, each of which is followed or not."""

    def draw(chance: Generator) -> tuple[float, list[Recorded]]:
        truth = float(chance.uniform(0.2, 0.8))
        counts = chance.choice([1, 2, 3], size, p=[0.74, 0.2, 0.06])
        kept = chance.binomial(counts, truth)
        return truth, rows(
            [{"score": k / c, "weight": float(c)} for k, c in zip(kept.tolist(), counts.tolist(), strict=True)]
        )

    return draw


def correlations(size: int) -> Draw:
    def draw(chance: Generator) -> tuple[float, list[Recorded]]:
        truth = float(chance.uniform(0.1, 0.9))
        x, noise = chance.standard_normal((2, size))
        y = truth * x + np.sqrt(1 - truth**2) * noise
        return truth, rows([{"score": 0.0, "x": a, "y": b} for a, b in zip(x.tolist(), y.tolist(), strict=True)])

    return draw


def covered(name: str, of: Manifest, draw: Draw, rounds: int) -> Finding:
    """The share of rounds whose interval holds the truth."""
    hits = 0
    for seed in range(rounds):
        truth, drawn = draw(np.random.default_rng([seed, len(name)]))
        score = next(one for one in tally(of, drawn) if one.primary)
        assert score.low is not None
        assert score.high is not None
        hits += score.low <= truth <= score.high
    share = hits / rounds
    return Finding(name, share, f"{NOMINAL:.2f} ± {TOLERANCE:g}", abs(share - NOMINAL) <= TOLERANCE)


def intervals(rounds: int) -> Iterator[Finding]:
    binary = manifest(binary=True)
    for size in (20, 100, 500):
        yield covered(f"right or wrong, {size} samples", binary, shares(size), rounds)
    yield covered("right or wrong, 50 samples five times", binary, repeated(50, 5), rounds)
    yield covered("right or wrong, 10 samples 20 times", binary, repeated(10, 20), rounds)
    for size in (20, 100):
        yield covered(f"grades, {size} samples", manifest(), grades(size), rounds)
    yield covered("instructions, 172 samples", manifest(weight="weight"), weighted(172), rounds)
    for size in (50, 200):
        pearson = manifest(lowest=-1, statistic="pearson", of=["x", "y"])
        yield covered(f"correlation, {size} samples", pearson, correlations(size), rounds)


# --- two runs ---


def false_alarms(size: int, rounds: int) -> Finding:
    """Two runs of equally good models on the same samples."""
    alarms = 0
    for seed in range(rounds):
        chance = np.random.default_rng([seed, size])
        easy = chance.beta(1.5, 1.0, size)
        a, b = ({f"s{n}": float(right) for n, right in enumerate(chance.random(size) < easy)} for _ in range(2))
        p_value = compare(a, b).p_value
        alarms += p_value is not None and p_value < 1 - NOMINAL
    share = alarms / rounds
    good = abs(share - (1 - NOMINAL)) <= TOLERANCE
    return Finding(f"false alarms, {size} samples", share, f"{1 - NOMINAL:.2f} ± {TOLERANCE:g}", good)


# --- boards ---


def board_error(board: Board, alike: float, size: int = 100, resamples: int = 400) -> Finding:
    """The reported error of the total by that of a bootstrap of samples, each with its outcomes at all shot counts.

    ``alike`` is how much outcomes at different shot counts hang together.
    """
    chance = np.random.default_rng(int(alike * 100))
    leaves = [node.score for node in board.nodes if node.score is not None]
    wanted = sorted({(leaf.benchmark, leaf.shots or 0, leaf.metric) for leaf in leaves})
    # Samples by benchmark and category: categories have samples of their own.
    outcomes = {part: _drawn(chance, alike, size) for part in sorted({_part(*leaf) for leaf in wanted})}

    def total(picked: Mapping[tuple[str, str], Any]) -> tuple[float, float]:
        measurements = []
        for benchmark, shots, metric in wanted:
            part = _part(benchmark, shots, metric)
            values = outcomes[part][shots][picked[part]]
            error = float(values.std(ddof=1) / np.sqrt(size))
            measurements.append(Measurement(benchmark, shots, metric, float(values.mean()), error, not metric))
        root = compute(board, measurements)[[node.id for node in board.nodes].index(board.root.id)]
        assert root.value is not None
        assert root.stderr is not None
        return root.value, root.stderr

    _, reported = total(dict.fromkeys(outcomes, slice(None)))
    drawn = [total({name: chance.integers(0, size, size) for name in outcomes})[0] for _ in range(resamples)]
    ratio = reported / float(np.std(drawn, ddof=1))
    return Finding(f"error of {board.id}, outcomes alike by {alike:g}", ratio, f"at least {SURE:g}", ratio >= SURE)


def _part(benchmark: str, _: int, metric: str) -> tuple[str, str]:
    return benchmark, metric.partition("/")[2]


def _drawn(chance: Generator, alike: float, size: int) -> dict[int, Any]:
    """Right or wrong at 0, 2 and 4 shots, correlated by way of a latent ease."""
    threshold, ease = chance.normal(0, 0.7), chance.standard_normal(size)
    latent = {shots: np.sqrt(alike) * ease + np.sqrt(1 - alike) * chance.standard_normal(size) for shots in (0, 2, 4)}
    return {shots: (values > threshold).astype(float) for shots, values in latent.items()}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=2000)
    rounds = parser.parse_args().rounds
    findings: list[Finding] = []
    for finding in _all(rounds):
        findings.append(finding)
        mark = "" if finding.good else "   OFF"
        print(f"{finding.name:48} {finding.value:6.3f}   wanted {finding.wanted}{mark}", flush=True)
    return 0 if all(finding.good for finding in findings) else 1


def _all(rounds: int) -> Iterator[Finding]:
    yield from intervals(rounds)
    for size in (50, 200):
        yield false_alarms(size, rounds)
    for alike in (0.0, 0.5, 0.9):
        yield board_error(boards()["nejumi4"], alike)


if __name__ == "__main__":
    sys.exit(main())
