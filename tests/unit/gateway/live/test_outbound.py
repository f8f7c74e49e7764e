"""What the adapters ask over the wire, and how they read the answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc
import pytest
from shinsa.inference.v1 import inference_service_pb2 as inference_pb
from shinsa.inference.v1 import inference_service_pb2_grpc as inference_grpc
from shinsa.inference.v1 import model_pb2
from shinsa.judge.v1 import judge_service_pb2 as judge_pb
from shinsa.judge.v1 import judge_service_pb2_grpc as judge_grpc
from shinsa.orchestrator.v1 import item_pb2, report_pb2, run_pb2
from shinsa.orchestrator.v1 import orchestrator_service_pb2 as pb
from shinsa.orchestrator.v1 import orchestrator_service_pb2_grpc as pb_grpc
from shinsa.sandbox.v1 import sandbox_service_pb2 as sandbox_pb
from shinsa.sandbox.v1 import sandbox_service_pb2_grpc as sandbox_grpc
from shinsa_chassis.errors import Reason, ShinsaError
from shinsa_chassis.grpc_channel import open_channel
from shinsa_gateway.domain.analysis import AnalysisQuery
from shinsa_gateway.domain.engine import OpenAiEngine
from shinsa_gateway.domain.gate import GateQuery
from shinsa_gateway.domain.item import ItemFilter, ItemStatus
from shinsa_gateway.domain.model import ModelEntry, ModelState
from shinsa_gateway.domain.reference import ReferenceImport
from shinsa_gateway.domain.run import JudgeBudget, RunSpec
from shinsa_gateway.outbound.inference import GrpcInference
from shinsa_gateway.outbound.judge import GrpcJudges
from shinsa_gateway.outbound.orchestrator import GrpcOrchestrator
from shinsa_gateway.outbound.sandbox import GrpcSandbox

RUN = run_pb2.Run(id="r9", state=run_pb2.RUN_STATE_COMPLETE)
ENTRY = model_pb2.ModelEntry(name="m", openai=model_pb2.OpenAiEngine(model="gpt"))
ANSWERS = {
    "SubmitRun": pb.SubmitRunResponse(run=RUN),
    "GetRun": pb.GetRunResponse(run=RUN),
    "ListRuns": pb.ListRunsResponse(runs=[RUN], next_cursor="c2"),
    "CancelRun": pb.CancelRunResponse(run=RUN),
    "ResumeRun": pb.ResumeRunResponse(run=RUN),
    "RejudgeRun": pb.RejudgeRunResponse(run=RUN),
    "RescoreRun": pb.RescoreRunResponse(report=report_pb2.Report(run=RUN)),
    "CompareRuns": pb.CompareRunsResponse(comparisons=[pb.Comparison(metric="accuracy")]),
    "GetReport": pb.GetReportResponse(report=report_pb2.Report(run=RUN)),
    "ListItems": pb.ListItemsResponse(items=[item_pb2.Item(id="i1")]),
    "GetItem": pb.GetItemResponse(item=item_pb2.Item(id="i1")),
    "ListBenchmarks": pb.ListBenchmarksResponse(suites=[pb.Suite(id="demo")]),
    "DecideGate": pb.DecideGateResponse(document=b"{}"),
    "ImportReferences": pb.ImportReferencesResponse(table=pb.ReferenceTable(source="s"), rows=3, stored=True),
    "ListReferences": pb.ListReferencesResponse(tables=[pb.ReferenceTable(source="s")]),
    "RemoveReferences": pb.RemoveReferencesResponse(),
    "Analyse": pb.AnalyseResponse(document=b"{}"),
    "GetBoardTable": pb.GetBoardTableResponse(digest="d1", document=b"z"),
    "ListBoards": pb.ListBoardsResponse(boards=[report_pb2.Board(id="demo")]),
    "GetBoard": pb.GetBoardResponse(board=report_pb2.Board(id="demo")),
    "ListModels": pb.ListModelsResponse(models=[ENTRY]),
    "AddModel": pb.AddModelResponse(model=ENTRY),
}


class Recorder(pb_grpc.OrchestratorServiceServicer):
    """Answers every method with what is prepared, and remembers the request."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Any]] = []
        for name in ANSWERS:
            setattr(self, name, self._method(name))

    def _method(self, name: str) -> Callable[[Any, Any], Awaitable[Any]]:
        async def answer(request: Any, context: Any) -> Any:
            self.asked.append((name, request))
            return ANSWERS[name]

        return answer


class Workers(
    inference_grpc.InferenceServiceServicer, judge_grpc.JudgeServiceServicer, sandbox_grpc.SandboxServiceServicer
):
    """The three worker services in one."""

    async def ListModels(self, request: Any, context: Any) -> inference_pb.ListModelsResponse:
        served = model_pb2.ServedModel(entry=ENTRY, state=model_pb2.MODEL_STATE_READY, in_flight=2)
        return inference_pb.ListModelsResponse(models=[served])

    async def ListProfiles(self, request: Any, context: Any) -> judge_pb.ListProfilesResponse:
        return judge_pb.ListProfilesResponse(profiles=[judge_pb.Profile(name="p")])

    async def ListRuntimes(self, request: Any, context: Any) -> sandbox_pb.ListRuntimesResponse:
        return sandbox_pb.ListRuntimesResponse(runtimes=[sandbox_pb.Runtime(name="python", available=True)])


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
async def channel(recorder: Recorder) -> AsyncIterator[grpc.aio.Channel]:
    """To one server that is all services at once."""
    server = grpc.aio.server()
    workers = Workers()
    pb_grpc.add_OrchestratorServiceServicer_to_server(recorder, server)
    inference_grpc.add_InferenceServiceServicer_to_server(workers, server)
    judge_grpc.add_JudgeServiceServicer_to_server(workers, server)
    sandbox_grpc.add_SandboxServiceServicer_to_server(workers, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with open_channel(f"127.0.0.1:{port}") as opened:
        yield opened
    await server.stop(0)


@pytest.mark.parametrize(
    ("ask", "name", "request_", "look", "found"),
    [
        (
            lambda it: it.submit_run(RunSpec(model="m", suite="s"), idempotency_key="k"),
            "SubmitRun",
            pb.SubmitRunRequest(spec=run_pb2.RunSpec(model="m", suite="s"), idempotency_key="k"),
            lambda run: run.id,
            "r9",
        ),
        (lambda it: it.get_run("r"), "GetRun", pb.GetRunRequest(run_id="r"), lambda run: run.id, "r9"),
        (
            lambda it: it.list_runs(model="m", page_size=3, cursor="c"),
            "ListRuns",
            pb.ListRunsRequest(model="m", page_size=3, cursor="c"),
            lambda page: (page.runs[0].id, page.next_cursor),
            ("r9", "c2"),
        ),
        (lambda it: it.cancel_run("r"), "CancelRun", pb.CancelRunRequest(run_id="r"), lambda run: run.id, "r9"),
        (lambda it: it.resume_run("r"), "ResumeRun", pb.ResumeRunRequest(run_id="r"), lambda run: run.id, "r9"),
        (
            lambda it: it.resume_run("r", judge_budget=JudgeBudget(tokens=7)),
            "ResumeRun",
            pb.ResumeRunRequest(run_id="r", judge_budget=run_pb2.JudgeBudget(tokens=7)),
            lambda run: run.id,
            "r9",
        ),
        (
            lambda it: it.rejudge_run("r", {"*": "p"}),
            "RejudgeRun",
            pb.RejudgeRunRequest(run_id="r", judges=[run_pb2.JudgeChoice(role="*", profile="p")]),
            lambda run: run.id,
            "r9",
        ),
        (
            lambda it: it.rescore_run("r"),
            "RescoreRun",
            pb.RescoreRunRequest(run_id="r"),
            lambda report: report.run.id,
            "r9",
        ),
        (
            lambda it: it.compare_runs("a", "b"),
            "CompareRuns",
            pb.CompareRunsRequest(run_a="a", run_b="b"),
            lambda comparison: comparison.comparisons[0].metric,
            "accuracy",
        ),
        (
            lambda it: it.get_report("r"),
            "GetReport",
            pb.GetReportRequest(run_id="r"),
            lambda report: report.run.id,
            "r9",
        ),
        (
            lambda it: it.list_items(
                "r", ItemFilter("b", ItemStatus.INFRA_ERROR, "c", True, "timeout"), page_size=5, cursor="x"
            ),
            "ListItems",
            pb.ListItemsRequest(
                run_id="r",
                benchmark="b",
                status=item_pb2.ITEM_STATUS_INFRA_ERROR,
                category="c",
                wrong_only=True,
                reason="timeout",
                page_size=5,
                cursor="x",
            ),
            lambda page: (page.items[0].id, page.next_cursor),
            ("i1", None),
        ),
        (lambda it: it.get_item("i"), "GetItem", pb.GetItemRequest(item_id="i"), lambda item: item.id, "i1"),
        (
            lambda it: it.list_benchmarks(),
            "ListBenchmarks",
            pb.ListBenchmarksRequest(),
            lambda catalog: catalog.suites[0].id,
            "demo",
        ),
        (lambda it: it.list_boards(), "ListBoards", pb.ListBoardsRequest(), lambda boards: boards[0].id, "demo"),
        (lambda it: it.get_board("b"), "GetBoard", pb.GetBoardRequest(board="b"), lambda board: board.id, "demo"),
        (
            lambda it: it.analyse(
                "pca", AnalysisQuery("b", ("r",), ("c",), "4", "type", "spearman", standardize=True), csv=True
            ),
            "Analyse",
            pb.AnalyseRequest(
                kind="pca",
                board="b",
                rows=["r"],
                columns=["c"],
                shots="4",
                by="type",
                method="spearman",
                standardize=True,
                csv=True,
            ),
            lambda document: document,
            b"{}",
        ),
        (
            lambda it: it.decide_gate(GateQuery("a", "c", "b", 0.5, 0.25, "bh")),
            "DecideGate",
            pb.DecideGateRequest(baseline="a", candidate="c", board="b", max_drop=0.5, alpha=0.25, correction="bh"),
            lambda document: document,
            b"{}",
        ),
        (
            lambda it: it.import_references(
                "b", ReferenceImport(source="s", version="1", format="table", content="x", note="n", percent=True)
            ),
            "ImportReferences",
            pb.ImportReferencesRequest(
                board="b", source="s", version="1", format="table", content="x", note="n", percent=True
            ),
            lambda done: (done.table.source, done.rows, done.stored, done.table.imported_at),
            ("s", 3, True, None),
        ),
        (
            lambda it: it.list_references("b"),
            "ListReferences",
            pb.ListReferencesRequest(board="b"),
            lambda tables: tables[0].source,
            "s",
        ),
        (
            lambda it: it.remove_references("b", "s", "1"),
            "RemoveReferences",
            pb.RemoveReferencesRequest(board="b", source="s", version="1"),
            lambda nothing: nothing,
            None,
        ),
        (
            lambda it: it.get_board_table("b", known_digest="d0"),
            "GetBoardTable",
            pb.GetBoardTableRequest(board="b", known_digest="d0"),
            lambda table: (table.digest, table.content),
            ("d1", b"z"),
        ),
        (lambda it: it.list_models(), "ListModels", pb.ListModelsRequest(), lambda models: models[0].name, "m"),
        (
            lambda it: it.add_model(ModelEntry(name="m", openai=OpenAiEngine(model="gpt")), replace=True),
            "AddModel",
            pb.AddModelRequest(model=ENTRY, replace=True),
            lambda model: model.openai.model,
            "gpt",
        ),
    ],
)
async def test_each_method_asks_its_own_and_reads_the_answer(
    channel: Any, recorder: Recorder, ask: Any, name: str, request_: Any, look: Any, found: Any
) -> None:
    answer = await ask(GrpcOrchestrator(channel, timeout=30))
    assert recorder.asked == [(name, request_)]
    assert look(answer) == found


async def test_the_workers_are_asked_for_what_they_have(channel: Any) -> None:
    [model] = await GrpcInference(channel, timeout=30, model_timeout=30).list_models()
    assert (model.name, model.state, model.in_flight) == ("m", ModelState.READY, 2)
    assert (await GrpcJudges(channel, timeout=30, model_timeout=30).list_profiles()).profiles[0].name == "p"
    [runtime] = await GrpcSandbox(channel, timeout=30).list_runtimes()
    assert (runtime.name, runtime.available) == ("python", True)


async def test_a_service_without_health_is_not_ready(channel: Any) -> None:
    with pytest.raises(ShinsaError) as refused:
        await GrpcOrchestrator(channel, timeout=30).ready()
    assert refused.value.reason is Reason.FAILED_PRECONDITION


async def test_an_orchestrator_that_is_up_but_does_not_serve_is_not_ready(double: Any) -> None:
    async with double.serve() as server, open_channel(f"127.0.0.1:{server.port}") as opened:
        orchestrator = GrpcOrchestrator(opened, timeout=30)
        await orchestrator.ready()
        await server.serving(False)
        with pytest.raises(ShinsaError, match="not_serving"):
            await orchestrator.ready()


async def test_a_service_that_does_not_answer_is_timed_out_and_named(double: Any, mesh_port: int) -> None:
    async def never(request: Any, context: Any) -> None:
        await double.updates.get()

    double.GetRun = never
    async with double.serve() as server, open_channel(f"127.0.0.1:{server.port}") as opened:
        with pytest.raises(ShinsaError) as refused:
            await GrpcOrchestrator(opened, timeout=0.1).get_run("r1")
    assert (refused.value.reason, refused.value.origin) == (Reason.TIMEOUT, "orchestrator")


async def test_closing_a_watch_frees_the_stream(double: Any, mesh_port: int) -> None:
    async with open_channel(f"127.0.0.1:{mesh_port}") as opened:
        updates = GrpcOrchestrator(opened, timeout=30).watch_run("r1")
        assert (await anext(updates)).id == "r1"
        assert double.watching == 1
        await updates.aclose()
        async with asyncio.timeout(30):
            while double.watching:  # noqa: ASYNC110 - the double tells nobody
                await asyncio.sleep(0.01)


async def test_a_watch_that_breaks_is_opened_again(double: Any, mesh_port: int) -> None:
    async with open_channel(f"127.0.0.1:{mesh_port}") as opened:
        updates = GrpcOrchestrator(opened, timeout=30, reopen_seconds=0.01).watch_run("r1")
        states = [(await anext(updates)).state.value]
        await double.updates.put(ShinsaError(Reason.UNAVAILABLE, "restarting"))
        states.append((await anext(updates)).state.value)
        await double.now(state=run_pb2.RUN_STATE_COMPLETE)
        states.append((await anext(updates)).state.value)
        await updates.aclose()
    assert (states, double.watches_opened) == (["running", "running", "complete"], 2)
