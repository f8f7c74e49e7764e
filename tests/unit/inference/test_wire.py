"""What comes in is checked field by field; what goes out loses nothing."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf.json_format import ParseDict
from shinsa.inference.v1 import completion_pb2, inference_service_pb2, model_pb2
from shinsa_chassis.errors import Reason, ShinsaError
from shinsa_inference.domain.completion import (
    Choice,
    Completion,
    Delta,
    EngineFingerprint,
    FinishReason,
    TokenLogprob,
    TokenUsage,
)
from shinsa_inference.domain.model import ModelState, ServedModel
from shinsa_inference.domain.request import Role, Sampling, StructuredOutput, Tool, ToolCall
from shinsa_inference.inbound.model_wire import from_served, to_entry
from shinsa_inference.inbound.sampling_wire import from_sampling, to_sampling
from shinsa_inference.inbound.wire import from_completion, from_piece, to_request

CHAT = {"messages": [{"role": "ROLE_USER", "content": "質問"}]}


def request(**fields: Any) -> inference_service_pb2.GenerateRequest:
    return ParseDict({"model": "m", "chat": CHAT, **fields}, inference_service_pb2.GenerateRequest())


def test_a_full_request() -> None:
    message = request(
        chat={
            "messages": [
                {"role": "ROLE_SYSTEM", "content": "規則"},
                {"role": "ROLE_ASSISTANT", "toolCalls": [{"id": "1", "name": "f", "argumentsJson": "{}"}]},
                {"role": "ROLE_TOOL", "content": "r", "toolCallId": "1"},
            ]
        },
        sampling={
            "temperature": 0.5,
            "topP": 0.5,
            "topK": -1,
            "maxTokens": 1,
            "seed": 0,
            "stop": ["\n"],
            "n": 2,
            "structuredOutput": {"choice": {"values": ["A", "B"]}},
            "tools": [{"name": "f", "parametersJson": '{"type": "object"}'}, {"name": "g", "strict": True}],
            "toolChoice": "none",
            "reasoningBudgetTokens": 0,
            "chatTemplateArgumentsJson": '{"x": 1}',
            "logprobs": 0,
        },
    )
    read = to_request(message)
    assert not isinstance(read.prompt, str)
    assert [turn.role for turn in read.prompt.messages] == [Role.SYSTEM, Role.ASSISTANT, Role.TOOL]
    assert read.prompt.messages[1].tool_calls == (ToolCall("1", "f", "{}"),)
    sampling = read.sampling
    assert (sampling.temperature, sampling.top_k, sampling.seed, sampling.logprobs) == (0.5, -1, 0, 0)
    assert sampling.structured_output == StructuredOutput(choice=("A", "B"))
    assert sampling.chat_template_arguments == {"x": 1}
    assert sampling.tools == (Tool("f", "", {"type": "object"}), Tool("g", "", {}, strict=True))
    # An entry's own sampling is shown as it was told.
    assert to_sampling(from_sampling(sampling)) == sampling
    # Zero is a value, absent is none.
    assert "seed" in sampling.set_fields()
    assert "presence_penalty" not in sampling.set_fields()


def test_absent_fields_stay_absent() -> None:
    assert to_request(request()).sampling == Sampling()
    raw = to_request(inference_service_pb2.GenerateRequest(model="m", raw="むかし"))
    assert raw.prompt == "むかし"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"model": ""}, "model"),
        ({"chat": {}}, "chat.messages"),
        ({"chat": {"messages": [{"content": "x"}]}}, "chat.messages[0].role"),
        ({"chat": {"messages": [{"role": "ROLE_USER", "toolCallId": "x"}]}}, "chat.messages[0].tool_call_id"),
        ({"chat": {"messages": [{"role": "ROLE_USER", "toolCalls": [{}]}]}}, "chat.messages[0].tool_calls"),
        ({"sampling": {"temperature": -0.1}}, "sampling.temperature"),
        ({"sampling": {"temperature": "NaN"}}, "sampling.temperature"),
        ({"sampling": {"temperature": "Infinity"}}, "sampling.temperature"),
        ({"sampling": {"topP": 0}}, "sampling.top_p"),
        ({"sampling": {"topP": 1.1}}, "sampling.top_p"),
        ({"sampling": {"topK": -2}}, "sampling.top_k"),
        ({"sampling": {"maxTokens": 0}}, "sampling.max_tokens"),
        ({"sampling": {"n": 0}}, "sampling.n"),
        ({"sampling": {"n": 1000}}, "sampling.n"),
        ({"sampling": {"presencePenalty": 3}}, "sampling.presence_penalty"),
        ({"sampling": {"repetitionPenalty": 0}}, "sampling.repetition_penalty"),
        ({"sampling": {"minP": 2}}, "sampling.min_p"),
        ({"sampling": {"logprobs": 21}}, "sampling.logprobs"),
        ({"sampling": {"stop": [""]}}, "sampling.stop"),
        ({"sampling": {"reasoningEffort": "hard"}}, "sampling.reasoning_effort"),
        ({"sampling": {"toolChoice": "auto"}}, "sampling.tool_choice"),
        ({"sampling": {"toolChoice": "g", "tools": [{"name": "f"}]}}, "sampling.tool_choice"),
        ({"sampling": {"tools": [{"name": ""}]}}, "sampling.tools[0].name"),
        ({"sampling": {"tools": [{"name": "f", "parametersJson": "["}]}}, "sampling.tools[0].parameters_json"),
        ({"sampling": {"chatTemplateArgumentsJson": "[]"}}, "sampling.chat_template_arguments_json"),
        ({"sampling": {"temperature": 0, "n": 2}}, "sampling.n"),
        ({"sampling": {"reasoningEffort": "low", "reasoningBudgetTokens": 5}}, "sampling.reasoning_budget_tokens"),
        ({"sampling": {"maxTokens": 4, "reasoningBudgetTokens": 5}}, "sampling.reasoning_budget_tokens"),
        (
            {"sampling": {"structuredOutput": {"regex": "a"}, "tools": [{"name": "f"}], "toolChoice": "f"}},
            "sampling.structured_output",
        ),
        ({"sampling": {"structuredOutput": {}}}, "sampling.structured_output"),
        ({"sampling": {"structuredOutput": {"regex": ""}}}, "sampling.structured_output"),
        ({"sampling": {"structuredOutput": {"choice": {"values": []}}}}, "sampling.structured_output"),
        ({"sampling": {"structuredOutput": {"jsonSchema": "{"}}}, "sampling.structured_output.json_schema"),
    ],
)
def test_bad_requests_name_their_field(fields: dict[str, Any], field: str) -> None:
    with pytest.raises(ShinsaError) as caught:
        to_request(request(**fields))
    assert (caught.value.reason, caught.value.field) == (Reason.INVALID_ARGUMENT, field)
    assert field in caught.value.message


def test_no_prompt_at_all() -> None:
    with pytest.raises(ShinsaError, match="prompt"):
        to_request(inference_service_pb2.GenerateRequest(model="m"))


def test_an_answer_goes_out_whole() -> None:
    top = (TokenLogprob("あ", -0.5), TokenLogprob("い", -1.5))
    choice = Choice("答", FinishReason.TOOL_CALLS, "考", (ToolCall("1", "f", "{"),), (TokenLogprob("あ", -0.5, top),))
    print_ = EngineFingerprint("vllm", "0.32", "m", "sha256:1", "float32", "eager")
    completion = Completion((choice, choice), TokenUsage(1, 2, 3, 4), '{"a": 1}', print_, 0.25)
    sent = from_completion(completion).completion
    assert len(sent.choices) == 2
    first = sent.choices[0]
    assert (first.text, first.reasoning, first.tool_calls[0].arguments_json) == ("答", "考", "{")
    assert first.finish_reason == completion_pb2.FINISH_REASON_TOOL_CALLS
    assert [other.token for other in first.logprobs[0].top] == ["あ", "い"]
    usage = sent.usage
    assert (usage.prompt_tokens, usage.completion_tokens, usage.reasoning_tokens, usage.cached_tokens) == (1, 2, 3, 4)
    assert (sent.fingerprint.revision, sent.fingerprint.dtype, sent.latency_seconds) == ("sha256:1", "float32", 0.25)
    assert from_piece(completion).completion == sent
    assert from_piece(Delta("x", reasoning=True)).reasoning_delta == "x"
    assert from_piece(Delta("x")).text_delta == "x"


ENTRIES: list[dict[str, Any]] = [
    {"name": "a.b-c_1", "vllm": {"model": "/m", "maxModelLen": 9, "enablePrefixCaching": False, "dtype": "float16"}},
    {"name": "b", "vllm": {"model": "org/m", "revision": "abc", "enforceEager": True}, "concurrency": 5},
    {"name": "c", "openai": {"baseUrl": "https://x/v1", "model": "m", "accepts": ["top_k"], "timeoutSeconds": 2.5}},
    {"name": "d", "scripted": {"rules": [{"pattern": "(a)", "reply": r"\1"}], "otherwise": "x"}},
]


@pytest.mark.parametrize("fields", ENTRIES)
def test_entries_come_back_as_they_went_in(fields: dict[str, Any]) -> None:
    message = ParseDict({**fields, "labels": [{"key": "size", "value": "1B"}]}, model_pb2.ModelEntry())
    served = from_served(ServedModel(to_entry(message), ModelState.FAILED, "why", 3))
    assert served.entry == message
    assert (served.state, served.problem, served.in_flight) == (model_pb2.MODEL_STATE_FAILED, "why", 3)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": "a b", "vllm": {"model": "/m"}}, "name"),
        ({"name": "a"}, "engine"),
        ({"name": "a", "vllm": {}}, "vllm.model"),
        ({"name": "a", "vllm": {"model": "/m", "gpuMemoryUtilization": 1.5}}, "vllm.gpu_memory_utilization"),
        ({"name": "a", "openai": {"baseUrl": "host:80", "model": "m"}}, "openai.base_url"),
        ({"name": "a", "openai": {"baseUrl": "http://h", "model": ""}}, "openai.model"),
        ({"name": "a", "openai": {"baseUrl": "http://h", "model": "m", "accepts": ["topk"]}}, "openai.accepts"),
        (
            {"name": "a", "openai": {"baseUrl": "http://h", "model": "m", "timeoutSeconds": -1}},
            "openai.timeout_seconds",
        ),
        ({"name": "a", "scripted": {}}, "scripted.rules"),
        ({"name": "a", "scripted": {"rules": [{"pattern": "("}]}}, "scripted.rules[0].pattern"),
        ({"name": "a", "scripted": {"rules": [{"pattern": "a", "reply": r"\1"}]}}, "scripted.rules[0].reply"),
        ({"name": "a", "scripted": {"rules": [{"pattern": "a", "reply": r"\g<x>"}]}}, "scripted.rules[0].reply"),
    ],
)
def test_bad_entries_name_their_field(fields: dict[str, Any], field: str) -> None:
    with pytest.raises(ShinsaError) as caught:
        to_entry(ParseDict(fields, model_pb2.ModelEntry()))
    assert caught.value.field == field


def test_a_misspelt_field_has_near_matches() -> None:
    entry = {"name": "a", "openai": {"baseUrl": "http://h", "model": "m", "accepts": ["topk"]}}
    with pytest.raises(ShinsaError) as caught:
        to_entry(ParseDict(entry, model_pb2.ModelEntry()))
    assert "top_k" in caught.value.near_matches


def test_windows_follow_the_engine() -> None:
    windows = [to_entry(ParseDict(fields, model_pb2.ModelEntry())).window for fields in ENTRIES]
    assert windows == [384, 5, 256, 256]
    batch = {"name": "x", "vllm": {"model": "/m", "maxNumSeqs": 33}}
    assert to_entry(ParseDict(batch, model_pb2.ModelEntry())).window == 50
