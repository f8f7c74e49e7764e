"""The gate of a nightly pipeline: is the candidate worse than the baseline on a board, beyond chance?

What can be tested of the board is found here, and what the tests come to; ``gate_tests`` makes them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence

from shinsa_benchmarks.boards import Board
from shinsa_benchmarks.boards.model import Leaf, Node
from shinsa_chassis.errors import Reason, ShinsaError

from shinsa_orchestrator.application.board_tables import BoardTables
from shinsa_orchestrator.application.gate_tests import LeafPair, LeafPlace, tests_of
from shinsa_orchestrator.application.refusals import no_run, unknown
from shinsa_orchestrator.application.tallying import outcomes
from shinsa_orchestrator.domain.gate import GateReport, GateRequest, GateTest, GateVerdict, Untested
from shinsa_orchestrator.domain.run import Run, RunState
from shinsa_orchestrator.ports.catalog import Catalog
from shinsa_orchestrator.ports.runs import RunStore
from shinsa_orchestrator.ports.samples import SampleLog

CORRECTIONS = ("holm", "bh")


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
            pair = await self._pair(place, baseline, candidate)
            if isinstance(pair, Untested):
                untested.append(pair)
            else:
                pairs.append(pair)
        tests, too_few = await asyncio.to_thread(tests_of, board, pairs, asked)
        return _report(asked, (baseline, candidate), tests, (*untested, *too_few))

    async def _run(self, field: str, run_id: str) -> Run:
        run = await self._runs.run(run_id)
        if run is None:
            raise no_run(run_id, field)
        return run

    async def _pair(self, place: LeafPlace, baseline: Run, candidate: Run) -> LeafPair | Untested:
        from shinsa_benchmarks.tallies import sample_values, sample_weights

        manifest = self._catalog.benchmarks()[place.leaf.benchmark].manifest
        name, _, category = place.leaf.metric.partition("/")
        metric = next((one for one in manifest.metrics if one.name == (name or manifest.primary.name)), None)
        if metric is None:
            return Untested(place.node.id, place.shots, f"{manifest.id} has no metric {name!r}", True)
        if metric.statistic:
            why = f"{metric.name} is of all samples together, none has one"
            return Untested(place.node.id, place.shots, why, False)
        values, weights = [], dict[str, float]()
        for run, number in zip((baseline, candidate), place.numbers, strict=True):
            rows = [row for row in await outcomes(self._log, run, number) if not category or row[1] == category]
            values.append(sample_values(metric, rows))
            weights |= sample_weights(metric, rows)
        if not values[0]:
            return Untested(place.node.id, place.shots, f"the baseline did not measure {metric.name}", False)
        return LeafPair(place, metric, values[0], values[1], weights)


def _check(asked: GateRequest) -> None:
    if asked.correction not in CORRECTIONS:
        raise unknown("correction", "correction", asked.correction, CORRECTIONS)
    if not 0 < asked.alpha < 1:
        problem = f"alpha: {asked.alpha:g} is no error rate; give one between 0 and 1, such as 0.05"
        raise ShinsaError(Reason.INVALID_ARGUMENT, problem, field="alpha")
    if not 0 <= asked.max_drop < 1e6:
        problem = f"max_drop: {asked.max_drop:g} is no drop; give 0 or more, on the board's scale"
        raise ShinsaError(Reason.INVALID_ARGUMENT, problem, field="max_drop")


def _places(board: Board, baseline: Run, candidate: Run) -> tuple[list[LeafPlace], list[Untested]]:
    """Leaves that count and that the baseline measured; what the candidate lacks of them is untested."""
    lines = [
        {(line.benchmark, line.shots): (number, line) for number, line in enumerate(run.plan.lines)}
        for run in (baseline, candidate)
    ]
    found: list[LeafPlace] = []
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
            found.append(LeafPlace(node, leaf, shots, a, (number_a, number_b)))
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
