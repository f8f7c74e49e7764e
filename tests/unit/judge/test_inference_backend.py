"""The back end that asks a model of the mesh, against a real gRPC server."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from typing import Any

import grpc
import pytest
from shinsa.inference.v1 import completion_pb2, inference_service_pb2, message_pb2, model_pb2
from shinsa.inference.v1.inference_service_pb2_grpc import (
    InferenceServiceServicer,
    add_InferenceServiceServicer_to_server,
)
from shinsa_chassis.errors import Reason, ShinsaError
from shinsa_chassis.grpc_channel import open_channel
from shinsa_chassis.grpc_server import grpc_server
from shinsa_chassis.pacing import Pace
from shinsa_chassis.retry import no_waiting
from shinsa_chassis.settings import ServiceSettings, service_config
from shinsa_judge.domain.endpoint_profile import InferenceProfile
from shinsa_judge.domain.exchange import Fingerprint, Finish, Question, Reply, ToolCall, Usage
from shinsa_judge.outbound.breaker import Breaker
from shinsa_judge.outbound.inference_backend import InferenceBackend
from shinsa_judge.outbound.paced_backend import PacedBackend

Questions = Callable[..., Question]


class InferenceSettings(ServiceSettings):
    model_config = service_config("inference")

    grpc_port: int = 0


class Inference(InferenceServiceServicer):
    """Answers with `completion`, or fails with the errors first."""

    def __init__(self) -> None:
        self.requests: list[inference_service_pb2.GenerateRequest] = []
        self.errors: list[Exception] = []
        self.completion = completion_pb2.Completion(
            choices=[completion_pb2.Choice(text="[[7]]", finish_reason=completion_pb2.FINISH_REASON_STOP)],
            usage=completion_pb2.TokenUsage(prompt_tokens=9, completion_tokens=4, reasoning_tokens=1, cached_tokens=2),
            fingerprint=completion_pb2.EngineFingerprint(
                engine="vllm", engine_version="0.32", model="m", revision="abc", dtype="bfloat16", reported="x"
            ),
        )
        self.models = [model_pb2.ServedModel(entry=model_pb2.ModelEntry(name="smollm2-135m"))]

    async def Generate(
        self, request: inference_service_pb2.GenerateRequest, context: object
    ) -> inference_service_pb2.GenerateResponse:
        self.requests.append(request)
        if self.errors:
            raise self.errors.pop(0)
        return inference_service_pb2.GenerateResponse(completion=self.completion)

    async def ListModels(
        self, request: inference_service_pb2.ListModelsRequest, context: object
    ) -> inference_service_pb2.ListModelsResponse:
        return inference_service_pb2.ListModelsResponse(models=self.models)

    async def GenerateStream(self, request: object, context: object) -> None:
        raise NotImplementedError

    async def LoadModel(self, request: object, context: object) -> None:
        raise NotImplementedError

    async def UnloadModel(self, request: object, context: object) -> None:
        raise NotImplementedError


@pytest.fixture
def inference() -> Inference:
    return Inference()


@pytest.fixture
async def channel(inference: Inference) -> AsyncIterator[grpc.aio.Channel]:
    def register(server: grpc.aio.Server) -> None:
        add_InferenceServiceServicer_to_server(inference, server)

    names = ["shinsa.inference.v1.InferenceService"]
    async with (
        grpc_server(InferenceSettings(drain_seconds=0), register, names) as server,
        open_channel(f"127.0.0.1:{server.port}") as channel,
    ):
        yield channel


@pytest.fixture(autouse=True)
def waits() -> Iterator[list[float]]:
    with no_waiting() as waits:
        yield waits


def profile(**more: Any) -> InferenceProfile:
    return InferenceProfile.model_validate({"kind": "inference", "model": "smollm2-135m", **more})


def paced(told: InferenceProfile, channel: grpc.aio.Channel) -> PacedBackend:
    pace, breaker = Pace(told.concurrency, told.limits), Breaker(told.endpoint)
    return PacedBackend(InferenceBackend(told, channel), pace, breaker, told.retries, 0)


async def test_a_reply_with_all_that_the_service_tells(channel, inference: Inference, question: Questions) -> None:
    told = profile()
    assert await InferenceBackend(told, channel).ask(question(told)) == Reply(
        text="[[7]]",
        finish=Finish.STOP,
        usage=Usage(9, 4, 1, 2),
        fingerprint=Fingerprint("vllm", "0.32", "m", "abc", "bfloat16", "x"),
    )
    request = inference.requests[0]
    assert request.model == "smollm2-135m"
    roles = [message.role for message in request.chat.messages]
    assert roles == [message_pb2.ROLE_SYSTEM, message_pb2.ROLE_USER]
    assert "富士山です。" in request.chat.messages[1].content


async def test_the_version_that_is_asked_is_told(channel, inference: Inference, question: Questions) -> None:
    told = profile()
    asked = replace(question(told), models={"smollm2-135m": "v7", "other": "v1"})
    await InferenceBackend(told, channel).ask(asked)
    await InferenceBackend(told, channel).ask(question(told))
    await InferenceBackend(told, channel).ask(replace(asked, models={"other": "v1"}))
    assert [request.version for request in inference.requests] == ["v7", "", ""]


async def test_a_model_that_was_replaced_is_no_fault_of_the_endpoint(channel, inference, question) -> None:
    told = profile(retries=4)
    inference.errors = [ShinsaError(Reason.DATA_MISMATCH, "it was replaced meanwhile", retryable=True)] * 2
    backend = paced(told, channel)
    for _ in range(2):
        with pytest.raises(ShinsaError, match="replaced meanwhile") as caught:
            await backend.ask(question(told), patient=True)
        assert (caught.value.reason, caught.value.retryable) == (Reason.DATA_MISMATCH, True)
    # It is the queue's to try again, and the endpoint is none that is down.
    assert (len(inference.requests), backend.down()) == (2, "")


async def test_sampling(channel, inference: Inference, question: Questions) -> None:
    parameters = {
        "temperature": 0,
        "top_p": 0.9,
        "top_k": 5,
        "min_p": 0.1,
        "max_tokens": 64,
        "seed": 1,
        "repetition_penalty": 1.1,
        "presence_penalty": 0.5,
        "frequency_penalty": 0.25,
        "reasoning_effort": "low",
        "reasoning_budget_tokens": 10,
        "chat_template_arguments": {"enable_thinking": False},
    }
    told = profile(parameters=parameters)
    await InferenceBackend(told, channel).ask(question(told))
    sampling = inference.requests[0].sampling
    arguments = json.loads(sampling.chat_template_arguments_json)
    sent = {name: getattr(sampling, name) for name in parameters if name != "chat_template_arguments"}
    assert sent | {"chat_template_arguments": arguments} == parameters
    assert sampling.HasField("temperature")


async def test_absent_parameters_are_not_sent(channel, inference: Inference, question: Questions) -> None:
    told = profile(structured="text")
    await InferenceBackend(told, channel).ask(question(told))
    assert inference.requests[0].sampling.ByteSize() == 0


async def test_the_form_is_enforced_while_decoding(channel, inference: Inference, question: Questions) -> None:
    for told in (profile(explanation_limit=30), profile(structured="choice"), profile(structured="tool")):
        await InferenceBackend(told, channel).ask(question(told))
    structured = [request.sampling.structured_output for request in inference.requests]
    schema = json.loads(structured[0].json_schema)
    assert schema["properties"]["rating"] == {"type": "integer", "minimum": 1, "maximum": 10}
    assert schema["properties"]["explanation"]["maxLength"] == 30
    assert list(structured[1].choice.values) == [f"[[{value}]]" for value in range(1, 11)]
    sampling = inference.requests[2].sampling
    assert (sampling.tool_choice, [tool.name for tool in sampling.tools]) == ("mt_bench_single", ["mt_bench_single"])
    assert json.loads(sampling.tools[0].parameters_json)["required"] == ["explanation", "rating"]
    assert sampling.tools[0].strict


async def test_a_call_is_passed_on(channel, inference: Inference, question: Questions) -> None:
    choice = inference.completion.choices[0]
    choice.text = ""
    choice.tool_calls.add(name="mt_bench_single", arguments_json='{"rating": 7}')
    reply = await InferenceBackend(profile(), channel).ask(question(profile()))
    assert reply.calls == (ToolCall("mt_bench_single", '{"rating": 7}'),)


async def test_a_later_ask_is_another_request(channel, inference: Inference, question: Questions) -> None:
    told = profile(reask_temperature=0.7, parameters={"temperature": 0, "seed": 1})
    backend, asked = InferenceBackend(told, channel), question(told)
    for ask in (1, 2):
        await backend.ask(Question(asked.messages, asked.form, asked.rubric, asked.schema, asked.choices, ask))
    sampling = [request.sampling for request in inference.requests]
    assert [(one.temperature, one.seed) for one in sampling] == [(0, 1), (0.7, 2)]


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        (completion_pb2.FINISH_REASON_LENGTH, Finish.LENGTH),
        (completion_pb2.FINISH_REASON_CONTENT_FILTER, Finish.CONTENT_FILTER),
        (completion_pb2.FINISH_REASON_TOOL_CALLS, Finish.TOOL_CALLS),
        (completion_pb2.FINISH_REASON_UNSPECIFIED, Finish.STOP),
    ],
)
async def test_finish_reasons(channel, inference: Inference, question: Questions, reason: Any, finish: Finish) -> None:
    inference.completion.choices[0].finish_reason = reason
    assert (await InferenceBackend(profile(), channel).ask(question(profile()))).finish is finish


async def test_what_the_service_reports_is_passed_on_once(channel, inference: Inference, question: Questions) -> None:
    inference.errors = [ShinsaError(Reason.RATE_LIMITED, "slow down", retry_after=7)] * 9
    with pytest.raises(ShinsaError) as failed:
        await paced(profile(), channel).ask(question(profile()))
    error = failed.value
    assert (error.reason, error.retryable, error.retry_after) == (Reason.RATE_LIMITED, True, 7)
    assert (error.origin, len(inference.requests)) == ("inference", 1)


async def test_a_service_that_is_away_is_tried_again(question: Questions, waits: list[float]) -> None:
    async with open_channel("127.0.0.1:9") as channel:
        backend = paced(profile(timeout=30.0), channel)
        with pytest.raises(ShinsaError) as failed:
            await backend.ask(question(profile()))
        assert "cannot say what it serves" in await backend.problem()
    assert (failed.value.reason, failed.value.retryable, len(waits)) == (Reason.UNAVAILABLE, True, 3)


async def test_a_completion_without_choice(channel, inference: Inference, question: Questions) -> None:
    del inference.completion.choices[:]
    with pytest.raises(ShinsaError) as failed:
        await InferenceBackend(profile(), channel).ask(question(profile()))
    assert failed.value.reason is Reason.UPSTREAM_MALFORMED


async def test_problems_of_the_model(channel, inference: Inference) -> None:
    assert await InferenceBackend(profile(), channel).problem() == ""
    unknown = await InferenceBackend(profile(model="smollm-135m"), channel).problem()
    assert unknown == "The inference service has no model 'smollm-135m'; did you mean smollm2-135m?"
    inference.models[0].state = model_pb2.MODEL_STATE_FAILED
    inference.models[0].problem = "no such folder"
    assert "no such folder" in await InferenceBackend(profile(), channel).problem()
    del inference.models[:]
    assert "it serves none" in await InferenceBackend(profile(), channel).problem()
