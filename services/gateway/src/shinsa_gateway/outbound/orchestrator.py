"""The orchestrator, over gRPC."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import cast

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from shinsa.orchestrator.v1 import orchestrator_service_pb2 as pb
from shinsa.orchestrator.v1.orchestrator_service_pb2_grpc import OrchestratorServiceStub
from shinsa_chassis.errors import Reason, ShinsaError
from shinsa_chassis.grpc_channel import call, stream
from shinsa_chassis.logging import get_logger
from shinsa_chassis.retry import short_retry

from shinsa_gateway.domain.analysis import AnalysisQuery
from shinsa_gateway.domain.board import Board
from shinsa_gateway.domain.board_table import TableDocument
from shinsa_gateway.domain.catalog import BenchmarkCatalog
from shinsa_gateway.domain.comparison import RunComparison
from shinsa_gateway.domain.gate import GateQuery
from shinsa_gateway.domain.item import ItemDetail, ItemFilter, ItemPage
from shinsa_gateway.domain.model import ModelEntry
from shinsa_gateway.domain.reference import ImportedReferences, ReferenceImport, ReferenceTable
from shinsa_gateway.domain.report import Report
from shinsa_gateway.domain.run import JudgeBudget, Run, RunPage, RunSpec
from shinsa_gateway.outbound.field_names import COMPARISON_FIELDS, MODEL_FIELDS, fields_named, judge_fields, run_fields
from shinsa_gateway.outbound.service_call import ServiceCalls
from shinsa_gateway.outbound.wire.catalog import read_benchmark_catalog, read_board
from shinsa_gateway.outbound.wire.comparison import read_comparison
from shinsa_gateway.outbound.wire.item import read_item, read_item_detail, write_status
from shinsa_gateway.outbound.wire.model import read_model, write_model
from shinsa_gateway.outbound.wire.reference import read_imported, read_reference_table, write_import
from shinsa_gateway.outbound.wire.report import read_report
from shinsa_gateway.outbound.wire.run import read_run, write_budget, write_judges, write_spec

_NAME = "orchestrator"
_READY_SECONDS = 2.0
# Between the end of a broken watch and the next, so that a stream that breaks at once is no busy loop.
_REOPEN_SECONDS = 0.5

Watch = AsyncGenerator[pb.WatchRunResponse, None]

_log = get_logger(__name__)


class GrpcOrchestrator:
    """``ports.Orchestrator`` over one channel. ``timeout`` bounds each call, in seconds; a watch is not bounded."""

    def __init__(self, channel: grpc.aio.Channel, *, timeout: float, reopen_seconds: float = _REOPEN_SECONDS) -> None:
        self._stub = OrchestratorServiceStub(channel)
        self._health = health_pb2_grpc.HealthStub(channel)
        self._calls = ServiceCalls(_NAME, timeout)
        self._ask = self._calls.ask
        self._reopen_seconds = reopen_seconds

    async def ready(self) -> None:
        answer = await call(self._health.Check, health_pb2.HealthCheckRequest(), timeout=_READY_SECONDS)
        if answer.status != health_pb2.HealthCheckResponse.SERVING:
            state = health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status).lower()
            raise ShinsaError(Reason.UNAVAILABLE, f"The orchestrator is up, but {state}; ask again.", origin=_NAME)

    async def submit_run(self, spec: RunSpec, *, idempotency_key: str) -> Run:
        request = pb.SubmitRunRequest(spec=write_spec(spec), idempotency_key=idempotency_key)
        with fields_named(run_fields(spec)):
            return await self._ask(self._stub.SubmitRun, request, lambda answer: read_run(answer.run))

    async def get_run(self, run_id: str) -> Run:
        return await self._ask(self._stub.GetRun, pb.GetRunRequest(run_id=run_id), lambda answer: read_run(answer.run))

    async def list_runs(self, *, model: str, page_size: int, cursor: str) -> RunPage:
        request = pb.ListRunsRequest(model=model, page_size=page_size, cursor=cursor)
        return await self._ask(self._stub.ListRuns, request, _read_run_page)

    async def watch_run(self, run_id: str) -> AsyncGenerator[Run, None]:
        """A watch that breaks is opened again: it starts with the run as it is, so nothing is missed."""
        request = pb.WatchRunRequest(run_id=run_id)
        while True:
            answers, run = await self._open_watch(request)
            async with aclosing(answers):
                yield run
                try:
                    async for answer in answers:
                        run = self._calls.read(read_run, answer.run)
                        yield run
                except ShinsaError as error:
                    if not error.retryable:
                        raise
                    _log.info("watch_broken", run_id=run_id, reason=error.reason.value)
            if run.state.over:
                return
            await asyncio.sleep(self._reopen_seconds)

    async def _open_watch(self, request: pb.WatchRunRequest) -> tuple[Watch, Run]:
        async for attempt in short_retry(_NAME):
            with attempt:
                answers = cast("Watch", stream(self._stub.WatchRun, request, timeout=None))
                first = await anext(answers, None)
                if first is None:
                    raise ShinsaError(Reason.UPSTREAM_MALFORMED, "The orchestrator ended the watch before it began.")
                return answers, self._calls.read(read_run, first.run)
        raise AssertionError("a retry ends with a result or an error")

    async def cancel_run(self, run_id: str) -> Run:
        return await self._ask(
            self._stub.CancelRun, pb.CancelRunRequest(run_id=run_id), lambda answer: read_run(answer.run)
        )

    async def resume_run(self, run_id: str, *, judge_budget: JudgeBudget | None = None) -> Run:
        request = pb.ResumeRunRequest(run_id=run_id, judge_budget=write_budget(judge_budget))
        return await self._ask(self._stub.ResumeRun, request, lambda answer: read_run(answer.run))

    async def rejudge_run(
        self, run_id: str, judges: Mapping[str, str], *, judge_budget: JudgeBudget | None = None
    ) -> Run:
        request = pb.RejudgeRunRequest(
            run_id=run_id, judges=write_judges(judges), judge_budget=write_budget(judge_budget)
        )
        with fields_named(judge_fields(judges)):
            return await self._ask(self._stub.RejudgeRun, request, lambda answer: read_run(answer.run))

    async def regrade_run(self, run_id: str) -> Run:
        return await self._ask(
            self._stub.RegradeRun, pb.RegradeRunRequest(run_id=run_id), lambda answer: read_run(answer.run)
        )

    async def rescore_run(self, run_id: str) -> Report:
        return await self._ask(
            self._stub.RescoreRun, pb.RescoreRunRequest(run_id=run_id), lambda answer: read_report(answer.report)
        )

    async def compare_runs(self, run_a: str, run_b: str, *, samples: int = 0) -> RunComparison:
        request = pb.CompareRunsRequest(run_a=run_a, run_b=run_b, samples=samples)
        with fields_named(COMPARISON_FIELDS):
            return await self._ask(self._stub.CompareRuns, request, _read_comparisons)

    async def get_report(self, run_id: str) -> Report:
        return await self._ask(
            self._stub.GetReport, pb.GetReportRequest(run_id=run_id), lambda answer: read_report(answer.report)
        )

    async def list_items(self, run_id: str, wanted: ItemFilter, *, page_size: int, cursor: str) -> ItemPage:
        request = pb.ListItemsRequest(
            run_id=run_id,
            benchmark=wanted.benchmark,
            status=write_status(wanted.status),
            category=wanted.category,
            wrong_only=wanted.wrong_only,
            reason=wanted.reason,
            disagreed_only=wanted.disagreed_only,
            shots=wanted.shots,
            sample_id=wanted.sample_id,
            page_size=page_size,
            cursor=cursor,
        )
        return await self._ask(self._stub.ListItems, request, _read_item_page)

    async def get_item(self, item_id: str) -> ItemDetail:
        return await self._ask(self._stub.GetItem, pb.GetItemRequest(item_id=item_id), read_item_detail)

    async def list_benchmarks(self) -> BenchmarkCatalog:
        return await self._ask(self._stub.ListBenchmarks, pb.ListBenchmarksRequest(), read_benchmark_catalog)

    async def list_boards(self) -> tuple[Board, ...]:
        return await self._ask(
            self._stub.ListBoards, pb.ListBoardsRequest(), lambda answer: tuple(map(read_board, answer.boards))
        )

    async def get_board(self, board: str) -> Board:
        answer = await self._ask(self._stub.GetBoard, pb.GetBoardRequest(board=board), lambda answer: answer.board)
        # A large board takes long to read.
        return await asyncio.to_thread(self._calls.read, read_board, answer)

    async def get_board_table(self, board: str, *, known_digest: str = "") -> TableDocument:
        request = pb.GetBoardTableRequest(board=board, known_digest=known_digest)
        return await self._ask(
            self._stub.GetBoardTable, request, lambda answer: TableDocument(answer.digest, answer.document)
        )

    async def analyse(self, kind: str, wanted: AnalysisQuery, *, csv: bool) -> bytes:
        request = pb.AnalyseRequest(
            kind=kind,
            board=wanted.board,
            rows=wanted.rows,
            columns=wanted.columns,
            shots=wanted.shots,
            by=wanted.by,
            method=wanted.method,
            standardize=wanted.standardize,
            csv=csv,
        )
        return await self._ask(self._stub.Analyse, request, lambda answer: answer.document)

    async def decide_gate(self, wanted: GateQuery) -> bytes:
        request = pb.DecideGateRequest(
            baseline=wanted.baseline,
            candidate=wanted.candidate,
            board=wanted.board,
            max_drop=wanted.max_drop,
            alpha=wanted.alpha,
            correction=wanted.correction,
        )
        return await self._ask(self._stub.DecideGate, request, lambda answer: answer.document)

    async def import_references(self, board: str, wanted: ReferenceImport) -> ImportedReferences:
        request = write_import(board, wanted)
        return await self._ask(self._stub.ImportReferences, request, read_imported)

    async def list_references(self, board: str) -> tuple[ReferenceTable, ...]:
        return await self._ask(
            self._stub.ListReferences,
            pb.ListReferencesRequest(board=board),
            lambda answer: tuple(map(read_reference_table, answer.tables)),
        )

    async def remove_references(self, board: str, source: str, version: str) -> None:
        request = pb.RemoveReferencesRequest(board=board, source=source, version=version)
        await self._ask(self._stub.RemoveReferences, request, lambda _: None)

    async def list_models(self) -> tuple[ModelEntry, ...]:
        return await self._ask(
            self._stub.ListModels, pb.ListModelsRequest(), lambda answer: tuple(map(read_model, answer.models))
        )

    async def add_model(self, entry: ModelEntry, *, replace: bool) -> ModelEntry:
        request = pb.AddModelRequest(model=write_model(entry), replace=replace)
        with fields_named(MODEL_FIELDS):
            return await self._ask(self._stub.AddModel, request, lambda answer: read_model(answer.model))

    async def remove_model(self, name: str) -> None:
        await self._ask(self._stub.RemoveModel, pb.RemoveModelRequest(model=name), lambda _answer: None)


def _read_run_page(answer: pb.ListRunsResponse) -> RunPage:
    return RunPage(runs=tuple(map(read_run, answer.runs)), next_cursor=answer.next_cursor or None)


def _read_item_page(answer: pb.ListItemsResponse) -> ItemPage:
    return ItemPage(items=tuple(map(read_item, answer.items)), next_cursor=answer.next_cursor or None)


def _read_comparisons(answer: pb.CompareRunsResponse) -> RunComparison:
    return RunComparison(comparisons=tuple(map(read_comparison, answer.comparisons)))
