"""What goes out to an endpoint, and what is read from its answers."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from shinsa_chassis.errors import Reason, ShinsaError
from shinsa_inference.domain.completion import Completion, Delta, FinishReason
from shinsa_inference.domain.model import ModelEntry, OpenAiEngine
from shinsa_inference.domain.request import (
    Chat,
    GenerateRequest,
    Message,
    Role,
    Sampling,
    StructuredOutput,
    Tool,
    ToolCall,
)
from shinsa_inference.outbound.openai.answers import read_answer
from shinsa_inference.outbound.openai.body import body_of
from shinsa_inference.outbound.openai.engine import OpenAi

SIMPLE = Chat((Message(Role.USER, "質問"),))
EVERYTHING = (
    "top_k",
    "min_p",
    "repetition_penalty",
    "chat_template_arguments_json",
    "reasoning_budget_tokens",
    "structured_output",
    "temperature",
)


def asking(prompt: Chat | str = SIMPLE, **sampling: Any) -> GenerateRequest:
    return GenerateRequest("m", prompt, Sampling(**sampling))


def body(request: GenerateRequest, *accepts: str) -> dict[str, Any]:
    return body_of(request, OpenAiEngine("http://x/v1", "served", accepts=accepts))


@pytest.fixture
async def engine(endpoint: Any, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[OpenAi]:
    monkeypatch.setenv("TEST_KEY", "very-secret")
    settings = OpenAiEngine(endpoint.url + "/", "served", api_key_env="TEST_KEY")
    made = OpenAi(ModelEntry("m", settings), settings)
    yield made
    await made.close()


def test_an_answer_too_deep_to_read_is_malformed() -> None:
    with pytest.raises(ShinsaError) as raised:
        read_answer(b'{"choices":' + b"[" * 100_000)
    assert raised.value.reason is Reason.UPSTREAM_MALFORMED


async def test_an_ordinary_question(endpoint: Any, engine: OpenAi, completion_answer: Any) -> None:
    endpoint.answers = [completion_answer("四十二")]
    completion = await engine.generate(asking(temperature=0.0, max_tokens=8, stop=("\n",), seed=3))
    (choice,) = completion.choices
    assert (choice.text, choice.finish_reason, choice.reasoning) == ("四十二", FinishReason.STOP, "")
    usage = completion.usage
    assert (usage.prompt, usage.completion, usage.reasoning, usage.cached) == (7, 3, 2, 5)
    asked = endpoint.asked[0]
    assert asked.path == "/v1/chat/completions"
    assert asked.body == {
        "model": "served",
        "messages": [{"role": "user", "content": "質問"}],
        "temperature": 0.0,
        "seed": 3,
        "max_tokens": 8,
        "stop": ["\n"],
    }
    assert asked.headers["authorization"] == "Bearer very-secret"
    assert not [name for name in asked.headers if name.startswith("x-stainless")]
    # What is recorded is what was sent, without the key.
    assert json.loads(completion.effective_request) == asked.body
    assert "very-secret" not in repr(completion)
    print_ = completion.fingerprint
    assert (print_.engine, print_.model, print_.reported) == ("openai", "served-name", "fp_9")
    assert completion.latency_seconds > 0


async def test_connections_are_reused(endpoint: Any, engine: OpenAi) -> None:
    for _ in range(3):
        await engine.generate(asking())
    assert endpoint.connections == 1


async def test_each_question_goes_out_as_itself(endpoint: Any, engine: OpenAi) -> None:
    for text in ("一", "二つ目は長い", "三"):
        await engine.generate(asking(Chat((Message(Role.USER, text),))))
    assert [asked.body["messages"][0]["content"] for asked in endpoint.asked] == ["一", "二つ目は長い", "三"]
    assert len({asked.headers["content-length"] for asked in endpoint.asked}) == 2


async def test_a_raw_prompt_goes_to_completions(endpoint: Any, engine: OpenAi, raw_answer: Any) -> None:
    logprobs = {
        "tokens": ["続", "き"],
        "token_logprobs": [-0.1, -0.2],
        "top_logprobs": [{"続": -0.1, "終": -3.0}, None],
    }
    choice = {"text": "続き", "index": 0, "finish_reason": "length", "logprobs": logprobs}
    endpoint.answers = [raw_answer(json.dumps({"choices": [choice]}).encode())]
    completion = await engine.generate(asking("むかし", max_tokens=2, logprobs=2))
    assert endpoint.asked[0].path == "/v1/completions"
    assert endpoint.asked[0].body == {"model": "served", "prompt": "むかし", "logprobs": 2, "max_tokens": 2}
    (read,) = completion.choices
    assert (read.text, read.finish_reason) == ("続き", FinishReason.LENGTH)
    assert [(t.token, t.logprob, [o.token for o in t.top]) for t in read.logprobs] == [
        ("続", -0.1, ["続", "終"]),
        ("き", -0.2, []),
    ]


def test_everything_an_endpoint_may_take() -> None:
    tool = Tool("search", "finds", {"type": "object"})
    turns = Chat(
        (
            Message(Role.SYSTEM, "規則"),
            Message(Role.ASSISTANT, "", (ToolCall("c1", "search", "{}"),)),
            Message(Role.TOOL, "結果", tool_call_id="c1"),
        )
    )
    sent = body(
        asking(
            turns,
            temperature=0.5,
            top_p=0.9,
            n=2,
            presence_penalty=0.1,
            frequency_penalty=0.2,
            tools=(tool,),
            tool_choice="search",
            reasoning_effort="low",
            logprobs=3,
            structured_output=StructuredOutput(json_schema='{"type": "object"}'),
        )
    )
    assert sent["messages"][1]["tool_calls"][0]["function"] == {"name": "search", "arguments": "{}"}
    assert sent["messages"][1]["content"] is None
    assert sent["messages"][2] == {"role": "tool", "content": "結果", "tool_call_id": "c1"}
    assert sent["tools"][0]["function"] == {"name": "search", "description": "finds", "parameters": {"type": "object"}}
    assert sent["tool_choice"] == {"type": "function", "function": {"name": "search"}}
    assert (sent["logprobs"], sent["top_logprobs"], sent["reasoning_effort"], sent["n"]) == (True, 3, "low", 2)
    assert sent["response_format"]["json_schema"]["schema"] == {"type": "object"}


def test_what_vllm_takes_beyond() -> None:
    request = asking(
        top_k=5,
        min_p=0.1,
        repetition_penalty=1.1,
        reasoning_budget_tokens=9,
        chat_template_arguments={"enable_thinking": False},
        structured_output=StructuredOutput(choice=("A", "B")),
    )
    sent = body(request, *EVERYTHING)
    assert (sent["top_k"], sent["min_p"], sent["repetition_penalty"]) == (5, 0.1, 1.1)
    assert sent["thinking_token_budget"] == 9
    assert sent["chat_template_kwargs"] == {"enable_thinking": False}
    assert sent["structured_outputs"] == {"choice": ["A", "B"]}
    assert body(asking(structured_output=StructuredOutput(regex="[0-9]")), *EVERYTHING)["structured_outputs"] == {
        "regex": "[0-9]"
    }


@pytest.mark.parametrize(
    ("request_", "accepts", "field"),
    [
        (asking(top_k=5), (), "sampling.top_k"),
        (asking(min_p=0.1), (), "sampling.min_p"),
        (asking(repetition_penalty=1.1), (), "sampling.repetition_penalty"),
        (asking(chat_template_arguments={"a": 1}), (), "sampling.chat_template_arguments_json"),
        (asking(reasoning_budget_tokens=1), (), "sampling.reasoning_budget_tokens"),
        (asking(seed=1), ("temperature",), "sampling.seed"),
        (asking(structured_output=StructuredOutput(regex="a")), (), "sampling.structured_output.regex"),
        (
            asking("raw", structured_output=StructuredOutput(json_schema="{}")),
            (),
            "sampling.structured_output.json_schema",
        ),
        (asking("raw", reasoning_effort="low"), (), "sampling.reasoning_effort"),
    ],
)
def test_what_would_be_dropped_is_refused(request_: GenerateRequest, accepts: tuple[str, ...], field: str) -> None:
    with pytest.raises(ShinsaError) as caught:
        body(request_, *accepts)
    assert (caught.value.reason, caught.value.field) == (Reason.INVALID_ARGUMENT, field)


async def test_the_newer_name_of_the_token_limit_is_learnt(
    endpoint: Any, engine: OpenAi, raw_answer: Any, completion_answer: Any
) -> None:
    message = "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."
    endpoint.answers = [raw_answer(json.dumps({"error": {"message": message}}).encode(), 400), completion_answer()]
    completion = await engine.generate(asking(max_tokens=5))
    await engine.generate(asking(max_tokens=6))
    assert [sorted(asked.body) for asked in endpoint.asked] == [
        ["max_tokens", "messages", "model"],
        ["max_completion_tokens", "messages", "model"],
        ["max_completion_tokens", "messages", "model"],
    ]
    assert json.loads(completion.effective_request)["max_completion_tokens"] == 5


async def test_thoughts_are_told_apart(endpoint: Any, engine: OpenAi, completion_answer: Any) -> None:
    endpoint.answers = [
        completion_answer("答え", reasoning_content="考え"),
        completion_answer("答え", reasoning="考え"),
        completion_answer("<think>\n考え\n</think>\n\n答え"),
        completion_answer("考え</think>答え"),
    ]
    for _ in range(4):
        (choice,) = (await engine.generate(asking())).choices
        assert (choice.reasoning, choice.text) == ("考え", "答え")


async def test_truncated_thinking_is_no_answer(endpoint: Any, engine: OpenAi, completion_answer: Any) -> None:
    endpoint.answers = [
        completion_answer("<think>長い考え", finish="length"),
        completion_answer(None, finish="length", reasoning_content="長い考え"),
    ]
    for _ in range(2):
        (choice,) = (await engine.generate(asking())).choices
        assert (choice.text, choice.reasoning, choice.finish_reason) == ("", "長い考え", FinishReason.LENGTH)


async def test_tool_calls_refusals_and_filters(endpoint: Any, engine: OpenAi, completion_answer: Any) -> None:
    calls = [{"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"a": 1'}}]
    endpoint.answers = [
        completion_answer(None, finish="tool_calls", tool_calls=calls),
        completion_answer(None, refusal="できません"),
        completion_answer(None, finish="content_filter"),
    ]
    (called,) = (await engine.generate(asking())).choices
    assert called.tool_calls == (ToolCall("c", "f", '{"a": 1'),)
    assert called.finish_reason is FinishReason.TOOL_CALLS
    (refused,) = (await engine.generate(asking())).choices
    assert refused.text == "できません"
    (filtered,) = (await engine.generate(asking())).choices
    assert (filtered.text, filtered.finish_reason) == ("", FinishReason.CONTENT_FILTER)


async def test_fewer_choices_than_asked_for(
    endpoint: Any, engine: OpenAi, completion_answer: Any, waits: list[float]
) -> None:
    endpoint.answers = [completion_answer("a", n=2)]
    assert len((await engine.generate(asking(n=2))).choices) == 2
    with pytest.raises(ShinsaError, match="n=3") as caught:
        await engine.generate(asking(n=3))
    assert caught.value.reason is Reason.UPSTREAM_MALFORMED


def stream_of(*events: Any) -> bytes:
    lines = [f"data: {json.dumps(event) if not isinstance(event, str) else event}\n\n" for event in events]
    return "".join(lines).encode()


async def test_a_stream(endpoint: Any, engine: OpenAi, raw_answer: Any) -> None:
    def event(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        return {"model": "served-name", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}

    usage = {"choices": [], "usage": {"prompt_tokens": 4, "completion_tokens": 2}}
    events = [event({"content": "<th"}), event({"content": "ink>考"}), event({"content": "え</think>答"})]
    content = stream_of(*events, event({"content": "え"}, "stop"), usage, "[DONE]")
    endpoint.answers = [raw_answer(content, headers={"content-type": "text/event-stream"})]
    pieces = [piece async for piece in engine.stream(asking())]
    last = pieces.pop()
    assert isinstance(last, Completion)
    assert [(p.text, p.reasoning) for p in pieces if isinstance(p, Delta)] == [
        ("考", True),
        ("え", True),
        ("答", False),
        ("え", False),
    ]
    assert (last.choices[0].text, last.choices[0].reasoning, last.usage.prompt) == ("答え", "考え", 4)
    assert endpoint.asked[0].body["stream"] is True


async def test_a_streamed_raw_prompt_keeps_its_probabilities(endpoint: Any, engine: OpenAi, raw_answer: Any) -> None:
    def part(text: str, finish: str | None = None, **logprobs: Any) -> dict[str, Any]:
        return {"choices": [{"index": 0, "text": text, "finish_reason": finish, "logprobs": logprobs or None}]}

    content = stream_of(
        part("a", tokens=["a"], token_logprobs=[-0.5], top_logprobs=[{"a": -0.5, "b": -1.5}]),
        part("b", tokens=["b"], token_logprobs=[-0.25]),
        part("", "stop"),
        "[DONE]",
    )
    endpoint.answers = [raw_answer(content, headers={"content-type": "text/event-stream"})]
    *_, whole = [piece async for piece in engine.stream(asking("続き", logprobs=2))]
    assert isinstance(whole, Completion)
    (choice,) = whole.choices
    assert (choice.text, [(one.token, one.logprob) for one in choice.logprobs]) == ("ab", [("a", -0.5), ("b", -0.25)])
    assert [len(one.top) for one in choice.logprobs] == [2, 0]


async def test_a_stream_of_another_form_is_malformed(endpoint: Any, engine: OpenAi, raw_answer: Any) -> None:
    for odd in ({"choices": ["a"]}, {"choices": [{"index": 0, "delta": {"content": 7}}]}, {"choices": 7}):
        endpoint.answers = [raw_answer(stream_of(odd, "[DONE]"), headers={"content-type": "text/event-stream"})]
        with pytest.raises(ShinsaError) as caught:
            [piece async for piece in engine.stream(asking())]
        assert caught.value.reason is Reason.UPSTREAM_MALFORMED, odd


async def test_a_stream_that_breaks_off(endpoint: Any, engine: OpenAi, raw_answer: Any) -> None:
    event = {"choices": [{"index": 0, "delta": {"content": "あ"}, "finish_reason": None}]}
    for broken, reason in (
        (raw_answer(stream_of(event), headers={"content-type": "text/event-stream"}), Reason.UPSTREAM_MALFORMED),
        (
            raw_answer(
                stream_of(event, {"error": {"message": "out of memory"}}), headers={"content-type": "text/event-stream"}
            ),
            Reason.UPSTREAM_FAILED,
        ),
        (raw_answer(b"{}", 500), Reason.UPSTREAM_FAILED),
    ):
        endpoint.answers = [broken]
        with pytest.raises(ShinsaError) as caught:
            [piece async for piece in engine.stream(asking())]
        assert caught.value.reason is reason
