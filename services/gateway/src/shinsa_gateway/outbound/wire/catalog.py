"""What can be asked: benchmarks, suites, boards, judges and runtimes."""

from __future__ import annotations

from shinsa.judge.v1 import judge_service_pb2 as judge_pb
from shinsa.orchestrator.v1 import orchestrator_service_pb2 as orchestrator_pb
from shinsa.orchestrator.v1 import report_pb2 as board_pb
from shinsa.sandbox.v1 import sandbox_service_pb2 as sandbox_pb

from shinsa_gateway.domain.board import Board, BoardCell, BoardNode, BoardPart, BoardRow, Names
from shinsa_gateway.domain.catalog import Benchmark, BenchmarkCatalog, Runtime, Suite
from shinsa_gateway.domain.judge import JudgeCatalog, Profile, RoleDefault, Rubric
from shinsa_gateway.outbound.wire.execution import read_limits
from shinsa_gateway.outbound.wire.run import read_choice


def read_benchmark_catalog(message: orchestrator_pb.ListBenchmarksResponse) -> BenchmarkCatalog:
    return BenchmarkCatalog(
        benchmarks=tuple(_read_benchmark(benchmark) for benchmark in message.benchmarks),
        suites=tuple(_read_suite(suite) for suite in message.suites),
    )


def read_board(message: board_pb.Board) -> Board:
    return Board(
        id=message.id,
        title=message.title,
        titles=_read_titles(message),
        nodes=tuple(
            BoardNode(
                id=node.id,
                title=node.title,
                titles=_read_titles(node),
                parent=node.parent,
                weight=node.weight,
                published_names=tuple(node.published_names),
                includes=tuple(BoardPart(node=part.node, weight=part.weight) for part in node.includes),
            )
            for node in message.nodes
        ),
        rows=tuple(_read_row(row) for row in message.rows),
    )


def _read_titles(message: board_pb.Board | board_pb.BoardNode) -> Names:
    """An orchestrator of before there were titles by language has one for both."""
    return Names(en=message.titles.en or message.title, ja=message.titles.ja or message.title)


def read_judge_catalog(message: judge_pb.ListProfilesResponse) -> JudgeCatalog:
    return JudgeCatalog(
        profiles=tuple(_read_profile(profile) for profile in message.profiles),
        rubrics=tuple(_read_rubric(rubric) for rubric in message.rubrics),
        roles=tuple(RoleDefault(role=default.role, profile=default.profile) for default in message.roles),
    )


def read_runtime(message: sandbox_pb.Runtime) -> Runtime:
    return Runtime(
        name=message.name,
        executor=message.executor,
        version=message.version,
        defaults=read_limits(message.defaults),
        ceilings=read_limits(message.ceilings),
        tier=message.tier,
        available=message.available,
        problem=message.problem,
    )


def _read_benchmark(message: orchestrator_pb.Benchmark) -> Benchmark:
    return Benchmark(
        id=message.id,
        title=message.title,
        version=message.version,
        licence=message.licence,
        description=message.description,
        shots=tuple(message.shots),
        metrics=tuple(message.metrics),
        primary_metric=message.primary_metric,
        steps=tuple(message.steps),
        judge_roles=tuple(message.judge_roles),
        specimen_samples=message.specimen_samples,
        prepared=message.prepared,
    )


def _read_suite(message: orchestrator_pb.Suite) -> Suite:
    choices = tuple(read_choice(choice) for choice in message.benchmarks)
    return Suite(id=message.id, title=message.title, benchmarks=choices)


def _read_row(message: board_pb.BoardRow) -> BoardRow:
    return BoardRow(
        model=message.model,
        run_id=message.run_id,
        cells=tuple(_read_cell(cell) for cell in message.cells),
        complete=message.complete,
        shots=message.shots if message.HasField("shots") else None,
    )


def _read_cell(message: board_pb.BoardCell) -> BoardCell:
    return BoardCell(
        node=message.node,
        value=message.value if message.HasField("value") else None,
        stderr=message.stderr if message.HasField("stderr") else None,
        complete=message.complete,
        missing=tuple(message.missing),
    )


def _read_profile(message: judge_pb.Profile) -> Profile:
    return Profile(
        name=message.name,
        kind=message.kind,
        model=message.model,
        digest=message.digest,
        available=message.available,
        problem=message.problem,
        members=tuple(message.members),
        currency=message.currency,
    )


def _read_rubric(message: judge_pb.Rubric) -> Rubric:
    return Rubric(
        id=message.id,
        digest=message.digest,
        description=message.description,
        fields=tuple(message.fields),
        lowest=message.lowest,
        highest=message.highest,
        optional_fields=tuple(message.optional_fields),
        findings=tuple(message.findings),
        both_orders=message.both_orders,
    )
