"""A real HTTP endpoint that answers as it is told, byte for byte; and engines that do as they are told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from shinsa_chassis.retry import no_waiting
from shinsa_inference.domain.completion import Choice, Completion, Delta, EngineFingerprint, FinishReason, TokenUsage
from shinsa_inference.domain.model import ModelEntry
from shinsa_inference.domain.request import GenerateRequest


@dataclass
class Asked:
    """A request as it arrived."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]


@dataclass
class Answer:
    """What to do with a request. ``cut`` announces more bytes than are sent; ``hang`` never answers,
    ``stall`` not to the end.
    """

    body: bytes = b"{}"
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cut: int = 0
    hang: bool = False
    stall: bool = False
    reset: bool = False
    close: bool = False


def completion(text: str | None = "はい", *, finish: str = "stop", n: int = 1, **message: Any) -> Answer:
    """An ordinary Chat Completions answer."""
    choices = [
        {"index": i, "message": {"role": "assistant", "content": text, **message}, "finish_reason": finish}
        for i in range(n)
    ]
    usage = {
        "prompt_tokens": 7,
        "completion_tokens": 3,
        "prompt_tokens_details": {"cached_tokens": 5},
        "completion_tokens_details": {"reasoning_tokens": 2},
    }
    body = {"id": "x", "model": "served-name", "system_fingerprint": "fp_9", "choices": choices, "usage": usage}
    return Answer(json.dumps(body).encode())


class Endpoint:
    """Gives the queued answers in turn, then the last one for ever."""

    def __init__(self) -> None:
        self.answers: list[Answer] = [completion()]
        self.asked: list[Asked] = []
        self.connections = 0
        self.url = ""
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/v1"

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for writer in list(self._open):
            writer.transport.abort()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._open.add(writer)
        try:
            while await self._exchange(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._open.discard(writer)
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        first, *lines = head.split("\r\n")
        headers = {k.lower(): v for k, v in (line.split(": ", 1) for line in lines if line)}
        body = json.loads(await reader.readexactly(int(headers.get("content-length", 0))) or b"{}")
        self.asked.append(Asked(first.split()[1], headers, body))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer.hang:
            await asyncio.sleep(60)
        if answer.reset:
            writer.transport.abort()
            return False
        all_headers = {
            "content-type": "application/json",
            "content-length": str(len(answer.body) + answer.cut),
            **answer.headers,
        }
        lines = [f"HTTP/1.1 {answer.status} X", *(f"{name}: {value}" for name, value in all_headers.items())]
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + answer.body)
        await writer.drain()
        if answer.stall:
            await asyncio.sleep(60)
        return not answer.cut and not answer.close


@pytest.fixture
async def endpoint() -> AsyncIterator[Endpoint]:
    server = Endpoint()
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
def waits() -> Iterator[list[float]]:
    """Retries follow at once; the list tells how long they would have waited."""
    with no_waiting() as seconds:
        yield seconds


class FakeEngine:
    """Answers with its own number; waits while ``gate`` is closed; may be made to die."""

    def __init__(self, name: str, number: int) -> None:
        self.name = name
        self.number = number
        self.alive = True
        self.closed = False
        self.running = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.failure: Exception | None = None
        self.asked: GenerateRequest | None = None

    async def generate(self, request: GenerateRequest) -> Completion:
        self.running += 1
        self.asked = request
        try:
            await self.gate.wait()
            if self.failure is not None:
                raise self.failure
            return answer(f"{self.name}#{self.number}")
        finally:
            self.running -= 1

    async def stream(self, request: GenerateRequest) -> AsyncGenerator[Delta | Completion, None]:
        yield Delta("thinking", reasoning=True)
        yield Delta(f"{self.name}#{self.number}")
        yield await self.generate(request)

    async def close(self) -> None:
        self.closed = True


class FakeMaker:
    """Makes fake engines; remembers which are in memory at the same time."""

    def __init__(self) -> None:
        self.made: list[FakeEngine] = []
        self.most_open = 0
        self.fail: dict[str, Exception] = {}
        self.gates: dict[str, asyncio.Event] = {}
        self.on_load: Callable[[ModelEntry], None] = lambda entry: None

    async def __call__(self, entry: ModelEntry) -> FakeEngine:
        if entry.name in self.gates:
            await self.gates[entry.name].wait()
        await asyncio.sleep(0)
        self.on_load(entry)
        if entry.name in self.fail:
            raise self.fail[entry.name]
        engine = FakeEngine(entry.name, len(self.made) + 1)
        self.made.append(engine)
        self.most_open = max(self.most_open, sum(not made.closed for made in self.made))
        return engine

    def last(self, name: str) -> FakeEngine:
        return next(engine for engine in reversed(self.made) if engine.name == name)


@pytest.fixture
def maker() -> FakeMaker:
    return FakeMaker()


def answer(text: str) -> Completion:
    return Completion(
        (Choice(text, FinishReason.STOP),), TokenUsage(1, 1), "{}", EngineFingerprint("fake", "0", "m"), 0.0
    )


@pytest.fixture
def completion_answer() -> Callable[..., Answer]:
    return completion


@pytest.fixture
def raw_answer() -> type[Answer]:
    return Answer
