"""The engine port over an OpenAI-compatible endpoint."""

from __future__ import annotations

import json
import os
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import httpx2
import openai
from shinsa_chassis.endpoint_errors import AskedEndpoint
from shinsa_chassis.endpoint_proxy import proxy_for
from shinsa_chassis.errors import Reason, ShinsaError
from shinsa_chassis.pacing import Pace
from shinsa_chassis.retry import short_retry

from shinsa_inference.domain.completion import Choice, Completion, Delta, EngineFingerprint, Piece
from shinsa_inference.domain.model import ModelEntry, OpenAiEngine, settings_digest
from shinsa_inference.domain.request import GenerateRequest
from shinsa_inference.outbound.openai.answers import choices_of, read_answer, reading, usage_of
from shinsa_inference.outbound.openai.body import limit_field
from shinsa_inference.outbound.openai.errors import translate
from shinsa_inference.outbound.openai.official_client import OfficialClient
from shinsa_inference.outbound.openai.overflow import room_left
from shinsa_inference.outbound.openai.rates import Rates, tokens_of
from shinsa_inference.outbound.openai.resources import Reader, resource_of
from shinsa_inference.outbound.openai.transport import LeanClient

# Three bytes each in UTF-8, and the message may hold no more than eight megabytes with everything else.
MOST_CHARACTERS = 2_000_000
DEFAULT_TIMEOUT_SECONDS = 600.0
FIRST_AT_ONCE = 32
DEFAULT_SILENCE_SECONDS = 120.0
# What the client sends where no key is configured; endpoints without authentication ignore it.
_NO_KEY = "none"
_NEW_LIMIT_FIELD = "max_completion_tokens"
# The client would draw a random key for every request, and then not send it.
_OPTIONS: openai.RequestOptions = {"idempotency_key": "unused"}
_AZURE_OPTIONS: openai.RequestOptions = {**_OPTIONS, "headers": {"Authorization": openai.Omit()}}


class OpenAi:
    """One endpoint and the model it serves.

    Requests go as bytes that we encode ourselves and record, answers come back unparsed: the client's own models of
    both cost more than everything else it does. Retries are ours, so the client makes none.
    """

    def __init__(self, entry: ModelEntry, engine: OpenAiEngine) -> None:
        self._engine = engine
        self._resource = resource_of(engine)
        key = _key(entry.name, engine.api_key_env)
        self._client = _open(entry, engine, key)
        self._asked = AskedEndpoint(
            f"{engine.base_url} (model {engine.model})", "entry", key if engine.api_key_env else ""
        )
        # Whoever states a concurrency gets it; otherwise what the endpoint bears is found out.
        self._pace = Pace(entry.window, Rates.of(engine), start=None if entry.concurrency else FIRST_AT_ONCE)
        # Raised by the first answer that says the endpoint wants the newer name.
        self._limit_field = limit_field(engine)
        self._settings = settings_digest(entry)

    @property
    def alive(self) -> bool:
        return True

    async def generate(self, request: GenerateRequest) -> Completion:
        """Asks until there is an answer, within the bounds of the short retry policy."""
        async for attempt in short_retry("inference"):
            with attempt:
                return await self._in_turn(request)
        raise AssertionError("a retry policy returns or raises")

    async def stream(self, request: GenerateRequest) -> AsyncGenerator[Piece, None]:
        """Asks once, since what has gone out cannot be taken back."""
        started = time.perf_counter()
        sent = _encode(self._resource.body(request, self._limit_field) | self._resource.streaming)
        reader = self._resource.reader()
        async with aclosing(self._events(request, sent, reader)) as deltas:
            async for delta in deltas:
                yield delta
        with reading():
            answer = reader.answer()
        yield self._completion(answer, request, sent, time.perf_counter() - started)

    async def close(self) -> None:
        await self._client.close()

    async def _in_turn(self, request: GenerateRequest) -> Completion:
        async with self._pace.turn(tokens_of(request)) as turn:
            try:
                completion = await self._answer(request)
            except ShinsaError as error:
                if error.reason in (Reason.RATE_LIMITED, Reason.OVERLOADED):
                    turn.busy(error.retry_after)
                raise
            turn.answered(completion.usage.prompt + completion.usage.completion)
            return completion

    async def _answer(self, request: GenerateRequest) -> Completion:
        field = self._limit_field
        try:
            return await self._once(request)
        except ShinsaError as error:
            if _wants_new_limit_field(error, field):
                self._limit_field = _NEW_LIMIT_FIELD
            else:
                request = _with_less(request, error)
        return await self._once(request)

    async def _once(self, request: GenerateRequest) -> Completion:
        if self._engine.stream:
            async with aclosing(self.stream(request)) as pieces:
                async for piece in pieces:
                    if isinstance(piece, Completion):
                        return piece
            raise AssertionError("a stream ends with its completion")
        started = time.perf_counter()
        sent = _encode(self._resource.body(request, self._limit_field))
        content = await self._post(self._resource.url(request), sent)
        with reading():
            answer = self._resource.chat(read_answer(content))
        return self._completion(answer, request, sent, time.perf_counter() - started)

    async def _post(self, url: str, content: bytes) -> bytes:
        try:
            response = await self._client.ask(url, content)
        except openai.APIError as error:
            raise translate(error, self._asked) from error
        return response.content

    async def _events(self, request: GenerateRequest, sent: bytes, reader: Reader) -> AsyncGenerator[Delta, None]:
        try:
            events = await self._client.post(
                self._resource.url(request),
                cast_to=object,
                content=sent,
                options=self._client.asking,
                stream=True,
                stream_cls=openai.AsyncStream[object],
            )
            async with events:
                async for event in events:
                    with reading():
                        deltas = list(reader.feed(event))
                    for delta in deltas:
                        yield delta
        except openai.APIError as error:
            raise translate(error, self._asked) from error
        except httpx2.TimeoutException as error:
            # It fell silent in the middle.
            raise self._asked.timed_out() from error
        except httpx2.TransportError as error:
            raise self._asked.unreachable(error) from error
        except ValueError as error:
            raise ShinsaError(Reason.UPSTREAM_MALFORMED, f"A stream event is no JSON: {error}") from error
        for delta in reader.finish():
            yield delta

    def _completion(self, answer: dict[str, Any], request: GenerateRequest, sent: bytes, seconds: float) -> Completion:
        reported, model = answer.get("system_fingerprint"), answer.get("model")
        with reading():
            choices, usage = choices_of(answer, request.sampling.n or 1), usage_of(answer)
        _check_size(choices)
        return Completion(
            choices=choices,
            usage=usage,
            effective_request=sent.decode(),
            fingerprint=EngineFingerprint(
                "openai",
                openai.__version__,
                model if isinstance(model, str) and model else self._engine.model,
                reported=reported if isinstance(reported, str) else "",
                settings_digest=self._settings,
            ),
            latency_seconds=seconds,
        )


def _open(entry: ModelEntry, engine: OpenAiEngine, key: str) -> OfficialClient:
    total: float | None = engine.timeout_seconds or DEFAULT_TIMEOUT_SECONDS
    silence = None
    if engine.stream:
        # A long answer is no fault while it goes on coming.
        total, silence = engine.timeout_seconds or None, engine.silence_seconds or DEFAULT_SILENCE_SECONDS
    azure = {"api-key": key} if engine.azure_api_version else {}
    return OfficialClient(
        asking=_AZURE_OPTIONS if azure else _OPTIONS,
        base_url=engine.base_url,
        api_key=key,
        max_retries=0,
        default_headers=azure,
        timeout=total,
        http_client=LeanClient(
            connections=entry.window, total=total, silence=silence, proxy=proxy_for(engine.base_url)
        ),
    )


def _check_size(choices: Sequence[Choice]) -> None:
    characters = sum(len(choice.text) + len(choice.reasoning) for choice in choices)
    if characters > MOST_CHARACTERS:
        raise ShinsaError(
            Reason.UPSTREAM_MALFORMED,
            f"The endpoint sent {characters} characters, more than a result can carry ({MOST_CHARACTERS}); lower "
            "max_tokens or n.",
            field="sampling.max_tokens",
            retryable=False,
        )


def _key(model: str, variable: str) -> str:
    if not variable:
        return _NO_KEY
    key = os.environ.get(variable, "")
    if not key:
        raise ShinsaError(
            Reason.FAILED_PRECONDITION,
            f"Model {model!r} takes its key from the environment variable {variable}, which is not set for the "
            "inference service; set it and restart the service, or correct api_key_env.",
            field="openai.api_key_env",
        )
    return key


def _encode(body: dict[str, Any]) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def _with_less(request: GenerateRequest, error: ShinsaError) -> GenerateRequest:
    """The same with as many tokens for the answer as the prompt leaves. Raises the error where that is not it."""
    left = room_left(error.message, request.sampling.max_tokens) if error.reason is Reason.CONTEXT_OVERFLOW else None
    if left is None:
        raise error
    return replace(request, sampling=replace(request.sampling, max_tokens=left))


def _wants_new_limit_field(error: ShinsaError, field: str) -> bool:
    return error.reason is Reason.UPSTREAM_REJECTED and field != _NEW_LIMIT_FIELD and _NEW_LIMIT_FIELD in error.message
