"""What becomes of everything that can go wrong with an endpoint."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from shinsa_chassis.errors import Reason, ShinsaError
from shinsa_inference.domain.completion import FinishReason
from shinsa_inference.domain.model import ModelEntry, OpenAiEngine
from shinsa_inference.domain.request import Chat, GenerateRequest, Message, Role, Sampling
from shinsa_inference.outbound.openai.engine import OpenAi


def asking(**sampling: Any) -> GenerateRequest:
    return GenerateRequest("m", Chat((Message(Role.USER, "質問"),)), Sampling(**sampling))


def make(url: str, **fields: Any) -> OpenAi:
    engine = OpenAiEngine(**{"base_url": url, "model": "served", "timeout_seconds": 5.0, **fields})
    return OpenAi(ModelEntry("m", engine), engine)


@pytest.fixture
async def engine(endpoint: Any) -> AsyncIterator[OpenAi]:
    made = make(endpoint.url)
    yield made
    await made.close()


def error_body(message: str, **fields: Any) -> bytes:
    return json.dumps({"error": {"message": message, **fields}}).encode()


FAULTS = [
    # status, body, reason, retryable
    (401, error_body("Incorrect API key"), Reason.UNAUTHENTICATED, False),
    (403, error_body("not yours"), Reason.PERMISSION_DENIED, False),
    (404, error_body("no such model"), Reason.NOT_FOUND, False),
    (408, b"", Reason.TIMEOUT, True),
    (409, b"{}", Reason.RATE_LIMITED, True),
    (429, error_body("slow down"), Reason.RATE_LIMITED, True),
    (429, error_body("no money", code="insufficient_quota"), Reason.RATE_LIMITED, False),
    (400, error_body("This model's maximum context length is 4096 tokens"), Reason.CONTEXT_OVERFLOW, False),
    (400, error_body("x", code="context_length_exceeded"), Reason.CONTEXT_OVERFLOW, False),
    (413, error_body("prompt is too long: 9 > 8"), Reason.CONTEXT_OVERFLOW, False),
    (400, error_body("x", code="content_filter"), Reason.CONTENT_FILTERED, False),
    (400, error_body("x", innererror={"code": "ResponsibleAIPolicyViolation"}), Reason.CONTENT_FILTERED, False),
    (400, error_body("temperature must be positive"), Reason.UPSTREAM_REJECTED, False),
    (422, b'{"detail": "nope"}', Reason.UPSTREAM_REJECTED, False),
    (302, b"", Reason.UPSTREAM_REJECTED, False),
    (500, b"<html>oops</html>", Reason.UPSTREAM_FAILED, True),
    (503, error_body("loading"), Reason.UPSTREAM_FAILED, True),
    (529, error_body("overloaded"), Reason.UPSTREAM_FAILED, True),
    (200, b"<html>hello</html>", Reason.UPSTREAM_MALFORMED, True),
    (200, b'{"choices": [{"message": {"content": "cut o', Reason.UPSTREAM_MALFORMED, True),
    (200, b'["a list"]', Reason.UPSTREAM_MALFORMED, True),
    (200, b"{}", Reason.UPSTREAM_MALFORMED, True),
    (200, b'{"choices": []}', Reason.UPSTREAM_MALFORMED, True),
    (200, b'{"choices": [{"message": {"content": null}, "finish_reason": "stop"}]}', Reason.UPSTREAM_MALFORMED, True),
    (200, b'{"choices": [{"message": {"content": "a"}, "finish_reason": "abort"}]}', Reason.UPSTREAM_FAILED, True),
    # Of another form than the API's, somewhere in the middle.
    *(
        (200, json.dumps({"choices": [choice], **more}).encode(), Reason.UPSTREAM_MALFORMED, True)
        for choice, more in (
            ({"message": {"content": "a"}, "logprobs": {"content": ["a"]}}, {}),
            ({"message": {"content": "a"}, "logprobs": {"content": [{"token": "a", "logprob": "low"}]}}, {}),
            ({"message": {"content": "a", "tool_calls": 7}}, {}),
            ({"message": {"content": [{"text": 7}]}}, {}),
            ({"message": {"content": "a"}, "finish_reason": ["stop"]}, {}),
            ({"message": {"content": "a"}}, {"usage": {"prompt_tokens": "seven"}}),
            ({"message": {"content": "a"}}, {"usage": {"prompt_tokens": 7, "prompt_tokens_details": [1]}}),
        )
    ),
]


@pytest.mark.parametrize(("status", "body", "reason", "retryable"), FAULTS)
async def test_answers_that_are_none(
    endpoint: Any,
    engine: OpenAi,
    raw_answer: Any,
    waits: list[float],
    status: int,
    body: bytes,
    reason: Reason,
    retryable: bool,
) -> None:
    endpoint.answers = [raw_answer(body, status)]
    with pytest.raises(ShinsaError) as caught:
        await engine.generate(asking())
    assert (caught.value.reason, caught.value.retryable) == (reason, retryable)
    assert len(endpoint.asked) == (4 if retryable else 1)
    assert caught.value.attempts == len(endpoint.asked)
    assert len(waits) == len(endpoint.asked) - 1


async def test_a_passing_fault_is_mended_by_a_retry(
    endpoint: Any, engine: OpenAi, raw_answer: Any, completion_answer: Any, waits: list[float]
) -> None:
    endpoint.answers = [raw_answer(b"", 500), raw_answer(b"nonsense"), completion_answer("良い")]
    completion = await engine.generate(asking())
    assert completion.choices[0].text == "良い"
    assert len(endpoint.asked) == 3


async def test_retry_after_is_honoured(
    endpoint: Any, engine: OpenAi, raw_answer: Any, completion_answer: Any, waits: list[float]
) -> None:
    endpoint.answers = [raw_answer(b"", 429, {"Retry-After": "3"}), completion_answer()]
    await engine.generate(asking())
    assert waits == [3.0]


async def test_a_long_retry_after_is_left_to_the_queue(
    endpoint: Any, engine: OpenAi, raw_answer: Any, waits: list[float]
) -> None:
    endpoint.answers = [raw_answer(b"", 429, {"Retry-After": "120"})]
    with pytest.raises(ShinsaError) as caught:
        await engine.generate(asking())
    assert caught.value.retry_after == 120
    assert (len(endpoint.asked), waits) == (1, [])


async def test_nobody_listens(waits: list[float]) -> None:
    engine = make("http://127.0.0.1:9/v1")
    with pytest.raises(ShinsaError) as caught:
        await engine.generate(asking())
    assert (caught.value.reason, caught.value.attempts) == (Reason.UNAVAILABLE, 4)
    assert "127.0.0.1" in caught.value.message
    await engine.close()


async def test_a_server_that_does_not_speak_tls(waits: list[float]) -> None:
    async def plain(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"this is no handshake")
        writer.close()

    async with await asyncio.start_server(plain, "127.0.0.1", 0) as server:
        engine = make(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1")
        with pytest.raises(ShinsaError) as caught:
            await engine.generate(asking())
        assert (caught.value.reason, caught.value.attempts) == (Reason.UNAVAILABLE, 4)
        await engine.close()


async def test_connections_that_break(endpoint: Any, engine: OpenAi, raw_answer: Any, waits: list[float]) -> None:
    for broken in (raw_answer(reset=True), raw_answer(b'{"choices"', cut=50)):
        endpoint.answers = [broken]
        with pytest.raises(ShinsaError) as caught:
            await engine.generate(asking())
        assert (caught.value.reason, caught.value.retryable, caught.value.attempts) == (Reason.UNAVAILABLE, True, 4)


async def test_a_stall_is_a_timeout(endpoint: Any, raw_answer: Any, waits: list[float]) -> None:
    engine = make(endpoint.url, timeout_seconds=0.1)
    endpoint.answers = [raw_answer(hang=True)]
    with pytest.raises(ShinsaError) as caught:
        await engine.generate(asking())
    assert (caught.value.reason, caught.value.retryable) == (Reason.TIMEOUT, True)
    assert (caught.value.attempts, len(endpoint.asked)) == (4, 4)
    await engine.close()


async def test_a_pooled_connection_that_the_server_has_closed(
    endpoint: Any, engine: OpenAi, completion_answer: Any, waits: list[float]
) -> None:
    silent = completion_answer("一")
    silent.close = True
    endpoint.answers = [silent, completion_answer("二")]
    await engine.generate(asking())
    while endpoint._open:  # noqa: ASYNC110 - the endpoint tells nobody
        await asyncio.sleep(0.01)
    for _ in range(20):  # turns of the loop, in which the client learns of it
        await asyncio.sleep(0.002)
    assert (await engine.generate(asking())).choices[0].text == "二"
    assert waits == []


async def test_a_missing_key_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOME_KEY", raising=False)
    with pytest.raises(ShinsaError, match="SOME_KEY") as caught:
        make("http://127.0.0.1:9/v1", api_key_env="SOME_KEY")
    assert (caught.value.reason, caught.value.field) == (Reason.FAILED_PRECONDITION, "openai.api_key_env")


async def test_giving_up_a_request_closes_its_connection(endpoint: Any, engine: OpenAi, raw_answer: Any) -> None:
    endpoint.answers = [raw_answer(hang=True)]
    asked = asyncio.create_task(engine.generate(asking()))
    while not endpoint.asked:  # noqa: ASYNC110 - the endpoint tells nobody
        await asyncio.sleep(0.01)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked


async def test_an_endpoint_that_is_full_is_asked_by_fewer(
    endpoint: Any, engine: OpenAi, raw_answer: Any, completion_answer: Any, waits: list[float]
) -> None:
    before = engine._pace.allowed
    endpoint.answers = [*[raw_answer(b"", 429, {"Retry-After": "0.01"})] * 12, completion_answer("はい")]
    answers = await asyncio.gather(*(engine.generate(asking()) for _ in range(8)))
    assert [one.choices[0].text for one in answers] == ["はい"] * 8
    assert len(endpoint.asked) == 20
    assert engine._pace.allowed < before


async def test_no_more_requests_a_minute_than_the_entry_says(endpoint: Any) -> None:
    engine = make(endpoint.url, requests_per_minute=600)
    started = time.monotonic()
    await asyncio.gather(*(engine.generate(asking()) for _ in range(70)))
    # Fifty are saved up; ten a second for the other twenty.
    assert time.monotonic() - started >= 1.9
    await engine.close()


EVENT = b'data: {"choices": [{"index": 0, "delta": {"content": "\xe3\x81\x82"}, "finish_reason": null}]}\n\n'
SSE = {"content-type": "text/event-stream"}
STREAM_FAULTS = {
    "slow first token": ({"hang": True}, Reason.TIMEOUT),
    "stall in the middle": ({"body": EVENT, "headers": SSE, "cut": 50, "stall": True}, Reason.TIMEOUT),
    "cut stream": ({"body": EVENT, "headers": SSE, "cut": 50}, Reason.UNAVAILABLE),
    "ended before its end": ({"body": EVENT, "headers": SSE}, Reason.UPSTREAM_MALFORMED),
    "an event that is no JSON": ({"body": b"data: {cut o\n\n", "headers": SSE}, Reason.UPSTREAM_MALFORMED),
    "an event that is an error": (
        {"body": b'data: {"error": {"message": "out of memory"}}\n\n', "headers": SSE},
        Reason.UPSTREAM_FAILED,
    ),
}


@pytest.mark.parametrize("fault", STREAM_FAULTS)
async def test_streams_that_fail(endpoint: Any, raw_answer: Any, waits: list[float], fault: str) -> None:
    fields, reason = STREAM_FAULTS[fault]
    engine = make(endpoint.url, stream=True, silence_seconds=0.2 if reason is Reason.TIMEOUT else 30.0)
    endpoint.answers = [raw_answer(**fields)]
    with pytest.raises(ShinsaError) as caught:
        await engine.generate(asking())
    assert (caught.value.reason, caught.value.retryable) == (reason, True)
    assert (len(endpoint.asked), caught.value.attempts) == (4, 4)
    await engine.close()


async def test_a_long_answer_is_no_fault_while_it_goes_on_coming(endpoint: Any, raw_answer: Any) -> None:
    engine = make(endpoint.url, stream=True, silence_seconds=30.0, timeout_seconds=0.0)
    end = b'data: {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}\n\ndata: [DONE]\n\n'
    endpoint.answers = [raw_answer(EVENT * 2000 + end, headers=SSE)]
    assert (await engine.generate(asking())).choices[0].text == "あ" * 2000
    await engine.close()


async def test_more_than_a_result_can_carry(endpoint: Any, engine: OpenAi, completion_answer: Any) -> None:
    endpoint.answers = [completion_answer("あ" * 2_000_001)]
    with pytest.raises(ShinsaError) as caught:
        await engine.generate(asking())
    assert (caught.value.reason, caught.value.retryable) == (Reason.UPSTREAM_MALFORMED, False)
    assert len(endpoint.asked) == 1
    endpoint.answers = [completion_answer("あ" * 1_900_000)]
    assert len((await engine.generate(asking())).choices[0].text) == 1_900_000


CONTEXT = "This model's maximum context length is 4096 tokens"
OVERFLOWS = [
    f"{CONTEXT}. However, you requested 4196 tokens (96 in the messages, 4100 in the completion).",
    f"{CONTEXT}. However, you requested 4100 output tokens and your prompt contains at least 96 input tokens.",
    f"'max_tokens' is too large: 4100. {CONTEXT} and your request has 96 input tokens (4100 > 4096 - 96).",
    "Requested token count exceeds the model's maximum context length of 4096 tokens. You requested a total of 4196 "
    "tokens: 96 tokens from the input messages and 4100 tokens for the completion.",
    "input length and `max_tokens` exceed context limit: 96 + 4100 > 4096, decrease input length or `max_tokens`",
]


@pytest.mark.parametrize("said", OVERFLOWS)
async def test_an_answer_that_would_not_fit_is_asked_for_shorter(
    endpoint: Any, engine: OpenAi, raw_answer: Any, completion_answer: Any, waits: list[float], said: str
) -> None:
    endpoint.answers = [raw_answer(error_body(said), 400), completion_answer("はい", finish="length")]
    completion = await engine.generate(asking(max_tokens=4100))
    assert [asked.body["max_tokens"] for asked in endpoint.asked] == [4100, 4000]
    assert json.loads(completion.effective_request)["max_tokens"] == 4000
    assert completion.choices[0].finish_reason is FinishReason.LENGTH
    assert waits == []


@pytest.mark.parametrize(
    ("said", "wished"),
    [
        # The prompt alone is too long.
        (OVERFLOWS[0].replace("(96", "(4096"), 4100),
        # Nobody limited the answer.
        (OVERFLOWS[1], None),
        # It says nothing that could be counted with.
        ("the request exceeds the available context size", 10),
        # Less would be no less.
        (OVERFLOWS[2], 4000),
    ],
)
async def test_a_prompt_that_does_not_fit_is_asked_once(
    endpoint: Any, engine: OpenAi, raw_answer: Any, said: str, wished: int | None
) -> None:
    endpoint.answers = [raw_answer(error_body(said), 400)]
    with pytest.raises(ShinsaError) as caught:
        await engine.generate(asking(max_tokens=wished))
    assert (caught.value.reason, caught.value.retryable) == (Reason.CONTEXT_OVERFLOW, False)
    assert len(endpoint.asked) == 1


async def test_less_is_tried_once_only(endpoint: Any, engine: OpenAi, raw_answer: Any) -> None:
    endpoint.answers = [raw_answer(error_body(OVERFLOWS[0]), 400)]
    with pytest.raises(ShinsaError) as caught:
        await engine.generate(asking(max_tokens=4100))
    assert caught.value.reason is Reason.CONTEXT_OVERFLOW
    assert len(endpoint.asked) == 2
