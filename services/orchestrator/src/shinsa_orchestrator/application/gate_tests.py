"""The tests of a gate, pure numbers.

Every part of the board that counts is tested on the samples that both runs measured (paired t test, one-sided, against
the drop that is allowed), and so is the total. The p-values are corrected together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

from shinsa_benchmarks.boards import Board, Measurement, compute
from shinsa_benchmarks.boards.model import Leaf, Node
from shinsa_benchmarks.manifest import Metric

from shinsa_orchestrator.domain.gate import GateRequest, GateTest, Untested
from shinsa_orchestrator.domain.run import PlannedBenchmark

Values = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class LeafPlace:
    """A leaf at a shot count, with the number of its line in both plans."""

    node: Node
    leaf: Leaf
    shots: int
    line: PlannedBenchmark
    numbers: tuple[int, int]


@dataclass(frozen=True, slots=True)
class LeafPair:
    """A leaf's values in both runs, which metric they are of, and how much each counts where they do not alike."""

    place: LeafPlace
    metric: Metric
    baseline: Values
    candidate: Values
    weights: Values


def tests_of(board: Board, pairs: Sequence[LeafPair], asked: GateRequest) -> tuple[list[GateTest], list[Untested]]:
    """Tests of leaves and totals, corrected together, and leaves without enough samples for one."""
    from shinsa_benchmarks.tallies.worsening import Correction, adjusted

    leaves: list[tuple[LeafPair, GateTest]] = []
    too_few: list[Untested] = []
    for pair in pairs:
        test = _leaf_test(pair, asked)
        if test is None:
            too_few.append(Untested(pair.place.node.id, pair.place.shots, "fewer than two shared samples", True))
        else:
            leaves.append((pair, test))
    tests = [*_totals(board, leaves, asked), *(test for _, test in leaves)]
    corrected = adjusted([test.p_value for test in tests], cast("Correction", asked.correction))
    return [
        replace(test, adjusted=p_value, worse=p_value <= asked.alpha)
        for test, p_value in zip(tests, corrected, strict=True)
    ], too_few


def _leaf_test(pair: LeafPair, asked: GateRequest) -> GateTest | None:
    from shinsa_benchmarks.tallies.comparison import shares_of
    from shinsa_benchmarks.tallies.worsening import drop_of

    leaf, a, b = pair.place.leaf, pair.baseline, pair.candidate
    shared = sorted(a.keys() & b.keys())
    shares = shares_of(shared, pair.weights)
    found = drop_of([leaf.factor * (b[name] - a[name]) for name in shared], shares)
    if found is None:
        return None
    total = sum(share * a[name] for name, share in zip(shared, shares, strict=True))
    mean_a = leaf.offset + leaf.factor * total / len(shared)
    return GateTest(
        node=pair.place.node.id,
        shots=pair.place.shots,
        samples=len(shared),
        unshared=len(a.keys() ^ b.keys()),
        baseline=mean_a,
        candidate=mean_a - found.drop,
        drop=found.drop,
        stderr=found.stderr,
        at_most=found.at_most(asked.alpha),
        p_value=found.p_value(asked.max_drop),
        adjusted=1.0,
        worse=False,
    )


def _totals(board: Board, leaves: Sequence[tuple[LeafPair, GateTest]], asked: GateRequest) -> Iterator[GateTest]:
    """The total over what was tested, at each shot count; leaves are independent of each other."""
    from shinsa_benchmarks.tallies.worsening import Drop

    if len(leaves) < 2:
        return
    following = {pair.place.shots for pair, _ in leaves if pair.place.leaf.shots is None}
    for shots in [one for one in board.shots if one in following or len(board.shots) == 1]:
        value_a, _ = _total(board, leaves, shots, "baseline")
        value_b, stderr = _total(board, leaves, shots, "candidate")
        here = [test for pair, test in leaves if pair.place.leaf.shots is not None or test.shots == shots]
        found = Drop(value_a - value_b, stderr)
        yield GateTest(
            node=board.root.id,
            shots=shots,
            samples=sum(test.samples for test in here),
            unshared=sum(test.unshared for test in here),
            baseline=value_a,
            candidate=value_b,
            drop=found.drop,
            stderr=stderr,
            at_most=found.at_most(asked.alpha),
            p_value=found.p_value(asked.max_drop),
            adjusted=1.0,
            worse=False,
        )


def _total(board: Board, leaves: Sequence[tuple[LeafPair, GateTest]], shots: int, which: str) -> tuple[float, float]:
    """The total of one run, and the standard error of the difference of both."""
    measurements: dict[tuple[str, int, str], Measurement] = {}
    for pair, test in leaves:
        leaf = pair.place.leaf
        metric = leaf.metric or pair.metric.name
        score = ((test.baseline if which == "baseline" else test.candidate) - leaf.offset) / leaf.factor
        measurements[leaf.benchmark, test.shots, metric] = Measurement(
            leaf.benchmark, test.shots, metric, score, test.stderr / abs(leaf.factor), not leaf.metric
        )
    cells = compute(board, measurements.values(), shots=shots, allow_partial=True)
    total = next(cell for cell in cells if cell.node == board.root.id)
    return total.value or 0.0, total.stderr or 0.0
