"""The gate of a nightly pipeline: is the candidate worse than the baseline on a board, beyond chance?

Every part of the board that counts is tested on the samples that both runs measured (paired t test, one-sided, against
the drop that is allowed), and so is the total. The p-values are corrected together.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

from shinsa_benchmarks.boards import Board, Measurement, compute
from shinsa_benchmarks.boards.model import Leaf, Node
from shinsa_benchmarks.manifest import Metric
from shinsa_chassis.errors import Reason, ShinsaError

from shinsa_orchestrator.application.board_tables import BoardTables
from shinsa_orchestrator.application.refusals import unknown
from shinsa_orchestrator.application.tallying import outcomes
from shinsa_orchestrator.domain.gate import GateReport, GateRequest, GateTest, GateVerdict, Untested
from shinsa_orchestrator.domain.run import PlannedBenchmark, Run, RunState
from shinsa_orchestrator.ports.catalog import Catalog
from shinsa_orchestrator.ports.runs import RunStore
from shinsa_orchestrator.ports.samples import SampleLog

CORRECTIONS = ("holm", "bh")
Values = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class _Place:
    """A leaf at a shot count, with the number of its line in both plans."""

    node: Node
    leaf: Leaf
    shots: int
    line: PlannedBenchmark
    numbers: tuple[int, int]


@dataclass(frozen=True, slots=True)
class _Pair:
    """A leaf's values in both runs, and which metric they are of."""

    place: _Place
    metric: Metric
    baseline: Values
    candidate: Values


class GateKeeper:
    """Compares runs on a board."""

    def __init__(self, runs: RunStore, sample_log: SampleLog, catalog: Catalog, boards: BoardTables) -> None:
        self._runs = runs
        self._log = sample_log
        self._catalog = catalog
        self._boards = boards

    async def decide(self, asked: GateRequest) -> GateReport:
        """Raises ``ShinsaError`` for unknown runs and boards, and bounds out of range."""
        _check(asked)
        board = self._boards.board(asked.board)
        baseline, candidate = await self._run("baseline", asked.baseline), await self._run("candidate", asked.candidate)
        places, untested = _places(board, baseline, candidate)
        pairs = []
        for place in places:
            pair = await self._pair(place, baseline.id, candidate.id)
            if isinstance(pair, Untested):
                untested.append(pair)
            else:
                pairs.append(pair)
        tests, too_few = await asyncio.to_thread(_tests, board, pairs, asked)
        return _report(asked, (baseline, candidate), tests, (*untested, *too_few))

    async def _run(self, field: str, run_id: str) -> Run:
        run = await self._runs.run(run_id)
        if run is None:
            raise ShinsaError(Reason.NOT_FOUND, f"{field}: there is no run {run_id!r}", field=field)
        return run

    async def _pair(self, place: _Place, baseline: str, candidate: str) -> _Pair | Untested:
        from shinsa_benchmarks.tallies import sample_values

        manifest = self._catalog.benchmarks()[place.leaf.benchmark].manifest
        name, _, category = place.leaf.metric.partition("/")
        metric = next((one for one in manifest.metrics if one.name == (name or manifest.primary.name)), None)
        if metric is None:
            return Untested(place.node.id, place.shots, f"{manifest.id} has no metric {name!r}", True)
        if metric.statistic:
            why = f"{metric.name} is of all samples together, none has one"
            return Untested(place.node.id, place.shots, why, False)
        values = []
        for run, number in zip((baseline, candidate), place.numbers, strict=True):
            rows = await outcomes(self._log, run, number)
            values.append(sample_values(metric, [row for row in rows if not category or row[1] == category]))
        return _Pair(place, metric, values[0], values[1])


def _check(asked: GateRequest) -> None:
    if asked.correction not in CORRECTIONS:
        raise unknown("correction", "correction", asked.correction, CORRECTIONS)
    if not 0 < asked.alpha < 1:
        problem = f"alpha: {asked.alpha:g} is no error rate; give one between 0 and 1, such as 0.05"
        raise ShinsaError(Reason.INVALID_ARGUMENT, problem, field="alpha")
    if not 0 <= asked.max_drop < 1e6:
        problem = f"max_drop: {asked.max_drop:g} is no drop; give 0 or more, on the board's scale"
        raise ShinsaError(Reason.INVALID_ARGUMENT, problem, field="max_drop")


def _places(board: Board, baseline: Run, candidate: Run) -> tuple[list[_Place], list[Untested]]:
    """Leaves that count and that the baseline measured; what the candidate lacks of them is untested."""
    lines = [
        {(line.benchmark, line.shots): (number, line) for number, line in enumerate(run.plan.lines)}
        for run in (baseline, candidate)
    ]
    found: list[_Place] = []
    untested: list[Untested] = []
    for node, leaf, shots in _leaves(board):
        key = (leaf.benchmark, shots)
        if key not in lines[0]:
            continue
        if key not in lines[1]:
            untested.append(Untested(node.id, shots, f"the candidate did not measure {leaf.benchmark} @{shots}", True))
            continue
        (number_a, a), (number_b, b) = lines[0][key], lines[1][key]
        if (a.version, a.dataset_digest) != (b.version, b.dataset_digest):
            why = f"{leaf.benchmark} was measured in another version or on other data"
            untested.append(Untested(node.id, shots, why, True))
        else:
            found.append(_Place(node, leaf, shots, a, (number_a, number_b)))
    return found, untested


def _leaves(board: Board) -> Iterator[tuple[Node, Leaf, int]]:
    """Everything that the total is made of, each leaf once for each shot count at which it stands."""
    counting: dict[str, Node] = {}

    def visit(node: Node) -> None:
        counting[node.id] = node
        for _, part in board.parts(node):
            visit(part)

    visit(board.root)
    for node in counting.values():
        if node.score is not None:
            for shots in board.shots if node.score.shots is None else (node.score.shots,):
                yield node, node.score, shots


def _tests(board: Board, pairs: Sequence[_Pair], asked: GateRequest) -> tuple[list[GateTest], list[Untested]]:
    """Tests of leaves and totals, corrected together."""
    from shinsa_benchmarks.tallies.worsening import Correction, adjusted

    leaves: list[tuple[_Pair, GateTest]] = []
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


def _leaf_test(pair: _Pair, asked: GateRequest) -> GateTest | None:
    from shinsa_benchmarks.tallies.worsening import drop_of

    leaf, a, b = pair.place.leaf, pair.baseline, pair.candidate
    shared = sorted(a.keys() & b.keys())
    found = drop_of([leaf.factor * (b[name] - a[name]) for name in shared])
    if found is None:
        return None
    mean_a = leaf.offset + leaf.factor * sum(a[name] for name in shared) / len(shared)
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


def _totals(board: Board, leaves: Sequence[tuple[_Pair, GateTest]], asked: GateRequest) -> Iterator[GateTest]:
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


def _total(board: Board, leaves: Sequence[tuple[_Pair, GateTest]], shots: int, which: str) -> tuple[float, float]:
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


def _report(
    asked: GateRequest, runs: tuple[Run, Run], tests: Sequence[GateTest], untested: Sequence[Untested]
) -> GateReport:
    reasons = [
        f"the {name} {run.id} is {run.state.value}, not complete"
        for name, run in zip(("baseline", "candidate"), runs, strict=True)
        if run.state is not RunState.COMPLETE
    ]
    reasons += [f"{one.node} @{one.shots}: {one.why}" for one in untested if one.blocking]
    if not tests:
        reasons.append(f"nothing of the board {asked.board!r} was measured in both runs")
    # A proven drop stays one, whatever else is missing; that there is none takes all of the evidence.
    if any(test.worse for test in tests) and all(run.state is RunState.COMPLETE for run in runs):
        verdict = GateVerdict.WORSE
    else:
        verdict = GateVerdict.UNDECIDED if reasons else GateVerdict.NO_WORSE
    return GateReport(asked, verdict, tuple(tests), tuple(untested), tuple(reasons))
