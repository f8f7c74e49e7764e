"""Providers that name things otherwise, the Responses API, Azure, and answers that come as streams."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import replace
from typing import Any, get_args, get_type_hints

import pytest
from openai.types.chat import completion_create_params
from openai.types.responses import response_create_params
from shinsa.inference.v1 import model_pb2
from shinsa_chassis.endpoint_presets import EVERY_FIELD, PRESETS, Checked
from shinsa_chassis.errors import Reason, ShinsaError
from shinsa_inference.domain.completion import Completion, Delta, FinishReason
from shinsa_inference.domain.model import ModelEntry, OpenAiEngine
from shinsa_inference.domain.request import (
    SAMPLING_FIELDS,
    Chat,
    GenerateRequest,
    Message,
    Role,
    Sampling,
    StructuredOutput,
    Tool,
    ToolCall,
)
from shinsa_inference.inbound.model_wire import to_entry
from shinsa_inference.outbound.openai.engine import OpenAi
from shinsa_inference.outbound.openai.resources import resource_of

TOOL = Tool("search", "finds", {"type": "object"})
TURNS = Chat(
    (
        Message(Role.USER, "質問"),
        Message(Role.ASSISTANT, "", (ToolCall("c1", "search", "{}"),)),
        Message(Role.TOOL, "結果", tool_call_id="c1"),
    )
)


def asking(prompt: Chat | str | None = None, **sampling: Any) -> GenerateRequest:
    return GenerateRequest("m", prompt or Chat((Message(Role.USER, "質問"),)), Sampling(**sampling))


def entry(**fields: Any) -> ModelEntry:
    return to_entry(model_pb2.ModelEntry(name="m", openai=model_pb2.OpenAiEngine(**{"model": "served", **fields})))


def engine_of(one: ModelEntry) -> OpenAiEngine:
    assert isinstance(one.engine, OpenAiEngine)
    return one.engine


def body(request: GenerateRequest, **fields: Any) -> dict[str, Any]:
    engine = engine_of(entry(**fields))
    from shinsa_inference.outbound.openai.body import limit_field

    return resource_of(engine).body(request, limit_field(engine))


def test_fields_are_those_of_sampling() -> None:
    assert EVERY_FIELD == SAMPLING_FIELDS


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_fills_in_what_is_left_out(name: str) -> None:
    preset = PRESETS[name]
    assert set(preset.accepts) <= set(EVERY_FIELD)
    filled = engine_of(entry(preset=name, base_url=preset.base_url or "http://h/v1"))
    assert (filled.api_key_env, filled.accepts, filled.api) == (preset.api_key_env, preset.accepts, preset.api)
    own = engine_of(entry(preset=name, base_url="http://h/v1", api_key_env="MINE", accepts=["seed"]))
    assert (own.base_url, own.api_key_env, own.accepts) == ("http://h/v1", "MINE", ("seed",))
    dropped = next((field for field in EVERY_FIELD if field not in preset.accepts), "")
    assert not dropped or not filled.takes(dropped)


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_says_where_it_comes_from(name: str) -> None:
    assert PRESETS[name].source.startswith("https://")
    assert PRESETS[name].checked in get_args(Checked)


# The official client's types are made from OpenAI's own description of its API.
EVERYTHING = {"temperature": 0.5, "top_p": 0.5, "max_tokens": 5, "tools": (TOOL,), "tool_choice": "auto", "logprobs": 2}
OF_CHAT = {"seed": 1, "stop": ("a",), "n": 2, "presence_penalty": 0.1, "frequency_penalty": 0.1}
JSON_FORM = {"structured_output": StructuredOutput(json_schema="{}"), "reasoning_effort": "low"}


@pytest.mark.parametrize(
    ("preset", "sampling", "types"),
    [
        ("openai", {**EVERYTHING, **OF_CHAT, **JSON_FORM}, completion_create_params.CompletionCreateParamsBase),
        ("openai-responses", {**EVERYTHING, **JSON_FORM}, response_create_params.ResponseCreateParamsBase),
    ],
)
def test_what_goes_to_openai_is_what_its_own_client_knows(preset: str, sampling: dict[str, Any], types: Any) -> None:
    assert set(Sampling(**sampling).set_fields()) == set(PRESETS[preset].accepts)
    assert set(body(asking(**sampling), preset=preset)) <= set(get_type_hints(types))


@pytest.mark.vllm
@pytest.mark.timeout(300)
@pytest.mark.skipif(importlib.util.find_spec("vllm") is None, reason="vLLM is not installed: make setup-vllm")
def test_what_goes_to_vllms_server_is_what_the_installed_one_knows() -> None:
    from vllm.entrypoints.openai.chat_completion.protocol import ChatCompletionRequest

    uncommon = {"top_k": 3, "min_p": 0.1, "repetition_penalty": 1.1, "chat_template_arguments": {"a": 1}}
    every = {**EVERYTHING, **OF_CHAT, **uncommon, **JSON_FORM, "reasoning_budget_tokens": 9}
    every["structured_output"] = StructuredOutput(regex="a")
    assert set(Sampling(**every).set_fields()) == set(PRESETS["vllm"].accepts)
    sent = body(asking(**every), preset="vllm", base_url="http://h/v1")
    assert set(sent) <= set(ChatCompletionRequest.model_fields)


@pytest.mark.parametrize("preset", ["openai", "openai-responses"])
def test_a_strict_tool_is_asked_for_as_such(preset: str) -> None:
    def strict(tool: Tool) -> bool:
        (sent,) = body(asking(tools=(tool,)), preset=preset)["tools"]
        return bool(sent.get("function", sent).get("strict", False))

    assert strict(replace(TOOL, strict=True))
    assert not strict(TOOL)


def test_an_unknown_preset_names_those_that_are_close() -> None:
    with pytest.raises(ShinsaError) as caught:
        entry(preset="open-router")
    assert (caught.value.field, caught.value.near_matches[0]) == ("openai.preset", "openrouter")
    with pytest.raises(ShinsaError) as caught:
        entry(preset="vllm")
    assert caught.value.field == "openai.base_url"


@pytest.mark.parametrize(
    ("preset", "sampling", "part"),
    [
        ("openai", {"max_tokens": 5}, {"max_completion_tokens": 5}),
        ("mistral", {"seed": 3}, {"random_seed": 3}),
        ("llama-cpp", {"repetition_penalty": 1.1}, {"repeat_penalty": 1.1}),
        ("anthropic", {"reasoning_budget_tokens": 9}, {"thinking": {"type": "enabled", "budget_tokens": 9}}),
        ("dashscope", {"reasoning_budget_tokens": 9}, {"thinking_budget": 9}),
        ("openrouter", {"reasoning_budget_tokens": 9}, {"reasoning": {"max_tokens": 9}}),
        ("openrouter", {"reasoning_effort": "low"}, {"reasoning": {"effort": "low"}}),
        ("openrouter", {}, {"provider": {"require_parameters": True}}),
        ("google", {"reasoning_effort": "low"}, {"reasoning_effort": "low"}),
    ],
)
def test_how_providers_name_things(preset: str, sampling: dict[str, Any], part: dict[str, Any]) -> None:
    sent = body(asking(**sampling), preset=preset)
    assert {name: sent.get(name) for name in part} == part


def test_the_budget_of_google() -> None:
    config = body(asking(reasoning_budget_tokens=9), preset="google")["extra_body"]["google"]["thinking_config"]
    assert config["thinking_budget"] == 9


@pytest.mark.parametrize(
    ("preset", "sampling", "field"),
    [
        ("anthropic", {"seed": 1}, "sampling.seed"),
        ("deepseek", {"structured_output": StructuredOutput(json_schema="{}")}, "sampling.structured_output"),
        ("openai", {"structured_output": StructuredOutput(regex="a")}, "sampling.structured_output.regex"),
        ("openai-responses", {"n": 2}, "sampling.n"),
        ("xai", {"stop": ("a",)}, "sampling.stop"),
    ],
)
def test_what_a_provider_would_drop_is_refused(preset: str, sampling: dict[str, Any], field: str) -> None:
    with pytest.raises(ShinsaError) as caught:
        body(asking(**sampling), preset=preset)
    assert (caught.value.reason, caught.value.field) == (Reason.INVALID_ARGUMENT, field)


@pytest.mark.parametrize(
    ("sampling", "field"),
    [
        ({"top_k": 3}, "sampling.top_k"),
        ({"min_p": 0.1}, "sampling.min_p"),
        ({"repetition_penalty": 1.1}, "sampling.repetition_penalty"),
        ({"chat_template_arguments": {"a": 1}}, "sampling.chat_template_arguments_json"),
        ({"structured_output": StructuredOutput(regex="a")}, "sampling.structured_output.regex"),
        ({"structured_output": StructuredOutput(choice=("a", "b"))}, "sampling.structured_output.choice"),
    ],
)
def test_the_responses_api_drops_nothing_that_an_entry_names(sampling: dict[str, Any], field: str) -> None:
    accepts = list(EVERY_FIELD)
    with pytest.raises(ShinsaError) as caught:
        body(asking(**sampling), base_url="http://h/v1", api="responses", accepts=accepts)
    assert (caught.value.reason, caught.value.field) == (Reason.INVALID_ARGUMENT, field)
    assert "api to chat" in caught.value.message


def test_raw_prompts_go_where_they_are_taken() -> None:
    assert body(asking("むかし"), preset="vllm", base_url="http://h/v1")["prompt"] == "むかし"
    with pytest.raises(ShinsaError, match="chats only"):
        body(asking("むかし"), preset="openai")


def test_extras_are_merged_last() -> None:
    extra = json.dumps({"provider": {"order": ["a"]}, "user": "u"})
    sent = body(asking(), preset="openrouter", extra_body_json=extra)
    assert sent["provider"] == {"require_parameters": True, "order": ["a"]}
    assert sent["user"] == "u"
    with pytest.raises(ShinsaError) as caught:
        entry(preset="openrouter", extra_body_json="[1]")
    assert caught.value.field == "openai.extra_body_json"


def test_what_the_responses_api_is_sent() -> None:
    shape = StructuredOutput(json_schema='{"type": "object"}')
    sent = body(
        asking(TURNS, max_tokens=7, reasoning_effort="high", tools=(TOOL,), structured_output=shape, logprobs=2),
        preset="openai-responses",
    )
    assert sent["input"] == [
        {"role": "user", "content": "質問"},
        {"type": "function_call", "call_id": "c1", "name": "search", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c1", "output": "結果"},
    ]
    assert (sent["max_output_tokens"], sent["reasoning"], sent["store"]) == (7, {"effort": "high"}, False)
    assert sent["text"]["format"]["schema"] == {"type": "object"}
    assert sent["tools"][0]["name"] == "search"
    assert (sent["top_logprobs"], sent["include"]) == (2, ["message.output_text.logprobs"])
    named = body(asking(tools=(TOOL,), tool_choice="search"), preset="openai-responses")
    assert named["tool_choice"] == {"type": "function", "name": "search"}


RESPONSE = {
    "model": "served-name",
    "status": "completed",
    "output": [
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "考え"}]},
        {"type": "message", "content": [{"type": "output_text", "text": "答え"}]},
        {"type": "function_call", "call_id": "c", "name": "search", "arguments": "{}"},
    ],
    "usage": {
        "input_tokens": 7,
        "output_tokens": 5,
        "input_tokens_details": {"cached_tokens": 2},
        "output_tokens_details": {"reasoning_tokens": 3},
    },
}


async def responses_engine(url: str, **fields: Any) -> OpenAi:
    one = entry(base_url=url, api="responses", timeout_seconds=5, **fields)
    return OpenAi(one, engine_of(one))


async def test_what_the_responses_api_answers(endpoint: Any, raw_answer: Any, waits: list[float]) -> None:
    engine = await responses_engine(endpoint.url)
    cut = {**RESPONSE, "status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}
    withheld = {**cut, "incomplete_details": {"reason": "content_filter"}}
    endpoint.answers = [raw_answer(json.dumps(one).encode()) for one in (RESPONSE, cut, withheld)]
    whole, short, filtered = [await engine.generate(asking()) for _ in range(3)]
    assert endpoint.asked[0].path == "/v1/responses"
    choice = whole.choices[0]
    assert (choice.reasoning, choice.text, choice.finish_reason) == ("考え", "答え", FinishReason.TOOL_CALLS)
    assert choice.tool_calls == (ToolCall("c", "search", "{}"),)
    usage = whole.usage
    assert (usage.prompt, usage.completion, usage.cached, usage.reasoning) == (7, 5, 2, 3)
    assert whole.fingerprint.model == "served-name"
    assert short.choices[0].finish_reason is FinishReason.LENGTH
    assert filtered.choices[0].finish_reason is FinishReason.CONTENT_FILTER
    for broken, reason in (
        ({"status": "failed", "error": {"message": "no room"}}, Reason.UPSTREAM_FAILED),
        ({"status": "completed"}, Reason.UPSTREAM_MALFORMED),
        ({"status": "completed", "output": []}, Reason.UPSTREAM_MALFORMED),
    ):
        endpoint.answers = [raw_answer(json.dumps(broken).encode())]
        with pytest.raises(ShinsaError) as caught:
            await engine.generate(asking())
        assert caught.value.reason is reason
    await engine.close()


def events(*items: dict[str, Any]) -> bytes:
    return "".join(f"event: {one.get('type', 'x')}\ndata: {json.dumps(one)}\n\n" for one in items).encode()


STREAM = {"content-type": "text/event-stream"}


async def test_a_streamed_response(endpoint: Any, raw_answer: Any) -> None:
    engine = await responses_engine(endpoint.url, stream=True)
    content = events(
        {"type": "response.reasoning_summary_text.delta", "delta": "考え"},
        {"type": "response.output_text.delta", "delta": "答"},
        {"type": "response.output_text.delta", "delta": "え"},
        {"type": "response.completed", "response": RESPONSE},
    )
    endpoint.answers = [raw_answer(content, headers=STREAM)]
    pieces = [piece async for piece in engine.stream(asking())]
    assert [piece.text for piece in pieces if isinstance(piece, Delta)] == ["考え", "答", "え"]
    assert isinstance(pieces[-1], Completion)
    assert (await engine.generate(asking())).choices == pieces[-1].choices
    assert endpoint.asked[0].body["stream"] is True
    await engine.close()


async def test_azure(endpoint: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_KEY", "very-secret")
    root = endpoint.url.removesuffix("/v1")
    for api, path in (
        ("chat", "/openai/deployments/served/chat/completions?api-version=2025-01-01"),
        ("responses", "/openai/responses?api-version=2025-01-01"),
    ):
        one = entry(base_url=root, api=api, azure_api_version="2025-01-01", api_key_env="AZURE_KEY")
        engine = OpenAi(one, engine_of(one))
        with pytest.raises(ShinsaError) if api == "responses" else nothing():
            await engine.generate(asking())
        asked = endpoint.asked[-1]
        assert asked.path == path
        assert asked.headers["api-key"] == "very-secret"
        assert "authorization" not in asked.headers
        await engine.close()


class nothing:  # noqa: N801 - a context manager that does nothing
    def __enter__(self) -> None:
        return

    def __exit__(self, *_: object) -> None:
        return
