"""Where the inference service is put together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from functools import partial

from shinsa.inference.v1.inference_service_pb2_grpc import add_InferenceServiceServicer_to_server
from shinsa_chassis.broker import open_broker
from shinsa_chassis.errors import Reason, ShinsaError
from shinsa_chassis.grpc_server import GrpcServer, grpc_server
from shinsa_chassis.lifecycle import Drain, TaskKeeper
from shinsa_chassis.work_consumer import WorkConsumer

from shinsa_inference.application.accelerator import Accelerator
from shinsa_inference.application.models import Models
from shinsa_inference.domain.model import ModelEntry, OpenAiEngine, ScriptedEngine, VllmEngine
from shinsa_inference.inbound.consumer import WorkQueues
from shinsa_inference.inbound.models_file import read_models
from shinsa_inference.inbound.servicer import SERVICE_NAME, Servicer
from shinsa_inference.outbound.load_meter import MeteredMaker
from shinsa_inference.outbound.openai.engine import OpenAi
from shinsa_inference.outbound.scripted import Scripted
from shinsa_inference.outbound.vllm.engine import Vllm
from shinsa_inference.outbound.vllm.gpu import gpu_problem
from shinsa_inference.ports import Engine
from shinsa_inference.settings import InferenceSettings

_LOOK_FOR_GPU_SECONDS = 30.0


async def serve(settings: InferenceSettings, drain: Drain) -> None:
    """Runs the service until ``drain`` is requested and what is in flight is done."""
    models = Models(
        MeteredMaker(partial(make_engine, remote_code=settings.allow_remote_code)),
        most_loaded=settings.max_loaded_engines,
        settle_seconds=settings.switch_after_idle_seconds,
        reload_after_seconds=settings.reload_after_seconds,
    )
    async with AsyncExitStack() as stack:
        stack.push_async_callback(models.close)
        for entry in read_models(settings.models_file) if settings.models_file else ():
            models.put(entry)
        register = partial(add_InferenceServiceServicer_to_server, Servicer(models))
        server = await stack.enter_async_context(grpc_server(settings, register, [SERVICE_NAME]))
        tasks = await stack.enter_async_context(TaskKeeper())
        connected = asyncio.Event()
        work = tasks.spawn("work-queues", _serve_queues(settings, models, drain, server, connected))
        await drain.wait()
        server.serving(False)
        if connected.is_set():
            await work


async def make_engine(entry: ModelEntry, *, remote_code: bool = False) -> Engine:
    """The engine of an entry's kind, ready to answer. ``remote_code``: whether models may bring code of their own."""
    match entry.engine:
        case VllmEngine(trust_remote_code=True) if not remote_code:
            raise ShinsaError(
                Reason.PERMISSION_DENIED,
                f"Model {entry.name!r} wants trust_remote_code, which this service does not allow; its operator may "
                "set SHINSA_INFERENCE_ALLOW_REMOTE_CODE=true.",
                field="vllm.trust_remote_code",
            )
        case VllmEngine() as engine:
            return await Vllm.up(entry, engine)
        case OpenAiEngine() as engine:
            return OpenAi(entry, engine)
        case ScriptedEngine() as engine:
            return Scripted(entry, engine)


async def _serve_queues(
    settings: InferenceSettings, models: Models, drain: Drain, server: GrpcServer, connected: asyncio.Event
) -> None:
    """Waits for NATS as long as it takes; only then the service is ready."""
    async with open_broker(settings, declares=False) as broker:
        connected.set()
        server.obey(broker.readiness)
        tell = partial(broker.readiness.note, "accelerator")
        accelerator = Accelerator(_look_of(settings), tell, every_seconds=_LOOK_FOR_GPU_SECONDS)
        await accelerator.look()
        if not drain.requested:
            server.serving(True)
        make_queue = partial(WorkConsumer, broker, service="inference", settings=settings)
        async with TaskKeeper() as tasks:
            tasks.spawn("accelerator", accelerator.watch())
            await WorkQueues(models, make_queue, accelerator.ready_for).run(broker.models.watch(), drain)


def _look_of(settings: InferenceSettings) -> Callable[[], str]:
    return gpu_problem if settings.accelerator == "cuda" else lambda: ""
