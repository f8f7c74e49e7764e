"""The gRPC door, over a real server and channel."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import grpc
import pytest
from google.protobuf.json_format import ParseDict
from shinsa.inference.v1 import inference_service_pb2, model_pb2
from shinsa.inference.v1.inference_service_pb2_grpc import (
    InferenceServiceStub,
    add_InferenceServiceServicer_to_server,
)
from shinsa_chassis.errors import Reason, ShinsaError
from shinsa_chassis.grpc_channel import call, open_channel, stream
from shinsa_chassis.grpc_server import grpc_server
from shinsa_inference.application.models import Models
from shinsa_inference.domain.model import ModelEntry, Rule, ScriptedEngine, VllmEngine
from shinsa_inference.inbound.servicer import SERVICE_NAME, Servicer
from shinsa_inference.settings import InferenceSettings


@pytest.fixture
async def stub(maker: Any) -> AsyncIterator[InferenceServiceStub]:
    models = Models(maker, most_loaded=1, settle_seconds=0, reload_after_seconds=60)
    models.put(ModelEntry("dry", ScriptedEngine((Rule("", "x"),))))
    models.put(ModelEntry("heavy", VllmEngine("/m")))
    settings = InferenceSettings(grpc_port=0)
    register = partial(add_InferenceServiceServicer_to_server, Servicer(models))
    async with (
        grpc_server(settings, register, [SERVICE_NAME]) as server,
        open_channel(f"127.0.0.1:{server.port}") as channel,
    ):
        yield InferenceServiceStub(channel)
    await models.close()


def asking(model: str, **fields: Any) -> inference_service_pb2.GenerateRequest:
    return ParseDict({"model": model, "raw": "質問", **fields}, inference_service_pb2.GenerateRequest())


async def test_generate(stub: InferenceServiceStub) -> None:
    response = await call(stub.Generate, asking("dry"), timeout=30)
    assert response.completion.choices[0].text == "dry#1"
    assert response.completion.fingerprint.engine == "fake"


async def test_generate_stream(stub: InferenceServiceStub) -> None:
    request = inference_service_pb2.GenerateStreamRequest(request=asking("dry"))
    parts = [part async for part in stub.GenerateStream(request, timeout=30)]
    assert [part.WhichOneof("part") for part in parts] == ["reasoning_delta", "text_delta", "completion"]
    assert parts[-1].completion.choices[0].text == "dry#1"


async def test_another_version_does_not_answer(stub: InferenceServiceStub) -> None:
    asked = asking("dry", version="v9")
    with pytest.raises(ShinsaError, match="version v9 is asked") as caught:
        await call(stub.Generate, asked, timeout=30)
    assert (caught.value.reason, caught.value.retryable) == (Reason.DATA_MISMATCH, True)
    request = inference_service_pb2.GenerateStreamRequest(request=asked)
    with pytest.raises(ShinsaError) as caught:
        _ = [part async for part in stream(stub.GenerateStream, request, timeout=30)]
    assert caught.value.reason is Reason.DATA_MISMATCH


async def test_check(stub: InferenceServiceStub) -> None:
    answer = await call(stub.CheckModel, inference_service_pb2.CheckModelRequest(model="dry"), timeout=5)
    verdicts = {one.subject: one.verdict for one in answer.findings}
    # The fake engine gives the same words to everything.
    assert verdicts["chat"] == verdicts["raw"] == inference_service_pb2.FINDING_VERDICT_WORKS
    assert verdicts["max_tokens"] == verdicts["n"] == inference_service_pb2.FINDING_VERDICT_IGNORED
    assert "seed" in answer.accepts
    assert "n" not in answer.accepts


async def test_models_come_and_go(stub: InferenceServiceStub) -> None:
    async def states() -> dict[str, str]:
        listed = await call(stub.ListModels, inference_service_pb2.ListModelsRequest(), timeout=30)
        return {one.entry.name: model_pb2.ModelState.Name(one.state)[12:] for one in listed.models}

    assert (await states())["heavy"] == "IDLE"
    loaded = await call(stub.LoadModel, inference_service_pb2.LoadModelRequest(model="heavy"), timeout=30)
    assert loaded.model.state == model_pb2.MODEL_STATE_READY
    assert (await states())["heavy"] == "READY"
    await call(stub.UnloadModel, inference_service_pb2.UnloadModelRequest(model="heavy"), timeout=30)
    assert (await states())["heavy"] == "IDLE"


async def test_errors_travel(stub: InferenceServiceStub, maker: Any) -> None:
    with pytest.raises(ShinsaError) as caught:
        await call(stub.Generate, asking("heavi"), timeout=30)
    assert (caught.value.reason, caught.value.near_matches) == (Reason.NOT_FOUND, ("heavy",))
    with pytest.raises(ShinsaError) as caught:
        await call(stub.Generate, asking("dry", sampling={"topP": 7}), timeout=30)
    assert (caught.value.reason, caught.value.field) == (Reason.INVALID_ARGUMENT, "sampling.top_p")
    maker.fail["heavy"] = RuntimeError("no weights")
    with pytest.raises(ShinsaError, match="no weights") as caught:
        await call(stub.LoadModel, inference_service_pb2.LoadModelRequest(model="heavy"), timeout=30)
    assert (caught.value.reason, caught.value.retryable) == (Reason.ENGINE_FAILED, False)
    request = inference_service_pb2.GenerateStreamRequest(request=asking("nobody"))
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        [part async for part in stub.GenerateStream(request, timeout=30)]
    assert refused.value.code() is grpc.StatusCode.NOT_FOUND
