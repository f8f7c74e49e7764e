"""A run whose workers die, stop and fail, and whose orchestrator is replaced, over a real NATS server.

The ledger says why its steps were delivered again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from shinsa.inference.v1 import inference_service_pb2, model_pb2
from shinsa.orchestrator.v1 import orchestrator_service_pb2 as pb
from shinsa.orchestrator.v1 import orchestrator_service_pb2_grpc, report_pb2, run_pb2
from shinsa.step.v1 import step_pb2
from shinsa_chassis.broker import Broker, open_broker
from shinsa_chassis.errors import Reason, ShinsaError
from shinsa_chassis.grpc_channel import call, open_channel, stream
from shinsa_chassis.lifecycle import Drain
from shinsa_chassis.settings import ServiceSettings, service_config
from shinsa_chassis.work_consumer import WorkConsumer
from shinsa_orchestrator.settings import OrchestratorSettings
from shinsa_orchestrator.wiring import program

WINDOW = 4
Handle = Callable[[step_pb2.Task], Awaitable[inference_service_pb2.GenerateResponse]]


class InferenceSettings(ServiceSettings):
    model_config = service_config("inference")

    grpc_port: int = 0


class Stuck:
    """Begins tasks and never ends them."""

    def __init__(self) -> None:
        self.begun: set[str] = set()
        self.full = asyncio.Event()

    async def __call__(self, task: step_pb2.Task) -> inference_service_pb2.GenerateResponse:
        self.begun.add(task.step_id)
        if len(self.begun) == WINDOW:
            self.full.set()
        await asyncio.Event().wait()
        raise AssertionError("unreachable")


class Limited:
    """Answers, but the very first task only when it comes again."""

    def __init__(self) -> None:
        self.refused = ""

    async def __call__(self, task: step_pb2.Task) -> inference_service_pb2.GenerateResponse:
        if not self.refused:
            self.refused = task.step_id
            raise ShinsaError(Reason.RATE_LIMITED, "slow down", retry_after=0.05)
        response = inference_service_pb2.GenerateResponse()
        response.completion.choices.add(text="1")
        return response


@asynccontextmanager
async def door(settings: OrchestratorSettings) -> AsyncIterator[Any]:
    async with program(settings) as server, open_channel(f"127.0.0.1:{server.port}") as channel:
        yield orchestrator_service_pb2_grpc.OrchestratorServiceStub(channel)


def consumer(broker: Broker, handle: Handle, settings: InferenceSettings) -> WorkConsumer:
    return WorkConsumer(broker, service="inference", key="m", handle=handle, window=WINDOW, settings=settings)


async def submitted(orchestrator: Any) -> str:
    entry = model_pb2.ModelEntry(name="m", scripted=model_pb2.ScriptedEngine(otherwise="1"))
    await call(orchestrator.AddModel, pb.AddModelRequest(model=entry), timeout=60)
    spec = run_pb2.RunSpec(model="m", benchmarks=[run_pb2.BenchmarkChoice(benchmark="mawps", shots=[0, 2])])
    return str((await call(orchestrator.SubmitRun, pb.SubmitRunRequest(spec=spec), timeout=60)).run.id)


async def killed(settings: InferenceSettings) -> None:
    """A worker that takes what it can carry and is gone without a word."""
    stuck = Stuck()
    async with open_broker(settings, declares=False) as broker:
        running = asyncio.create_task(consumer(broker, stuck, settings).run(Drain()))
        await asyncio.wait_for(stuck.full.wait(), 60)
        await broker.client.close()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def stopped(settings: InferenceSettings) -> None:
    """A worker that takes what it can carry and is told to stop."""
    stuck, drain = Stuck(), Drain()
    async with open_broker(settings, declares=False) as broker:
        running = asyncio.create_task(consumer(broker, stuck, settings).run(drain))
        await asyncio.wait_for(stuck.full.wait(), 60)
        drain.request()
        await running


async def ended(orchestrator: Any, run_id: str) -> report_pb2.Report:
    async for message in stream(orchestrator.WatchRun, pb.WatchRunRequest(run_id=run_id), timeout=100):
        state = message.run.state
    assert state == run_pb2.RUN_STATE_COMPLETE
    report: report_pb2.Report = (
        await call(orchestrator.GetReport, pb.GetReportRequest(run_id=run_id), timeout=60)
    ).report
    return report


async def test_each_cause_of_another_delivery_is_told_apart(tmp_path: Path, nats: Any) -> None:
    connection = {"nats_url": nats.url, "nats_token": nats.token, "drain_seconds": 0}
    settings = OrchestratorSettings(**connection, grpc_port=0, state_dir=tmp_path)
    # What a dead worker had comes back after two seconds; who is held up for as long only adds to what is silent.
    workers = InferenceSettings(**connection, ack_wait_seconds=2)
    async with door(settings) as orchestrator:
        run_id = await submitted(orchestrator)
        await killed(workers)
        await stopped(workers)
    limited = Limited()
    async with door(settings) as orchestrator, open_broker(workers, declares=False) as broker:
        drain = Drain()
        running = asyncio.create_task(consumer(broker, limited, workers).run(drain))
        ledger = (await ended(orchestrator, run_id)).ledger
        drain.request()
        await running
    counts = {(one.cause, one.reason): one.count for one in ledger.repeats}
    silent = counts.pop((report_pb2.REPEAT_CAUSE_SILENT, ""))
    taken_over = counts.pop((report_pb2.REPEAT_CAUSE_TAKEN_OVER, ""))
    assert counts == {
        (report_pb2.REPEAT_CAUSE_DRAINED, ""): WINDOW,
        (report_pb2.REPEAT_CAUSE_RETRIED, "rate_limited"): 1,
    }
    assert silent >= WINDOW
    assert 0 < taken_over <= ledger.steps_needed
    assert ledger.steps_delivered_again == WINDOW + 1 + silent
    assert (ledger.steps_asked, ledger.steps_asked_again) == (ledger.steps_needed, 0)
