"""One queue a model; queues follow the entries."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from google.protobuf.json_format import ParseDict
from shinsa.inference.v1 import model_pb2
from shinsa.step.v1 import step_pb2
from shinsa_chassis.errors import Reason, ShinsaError
from shinsa_chassis.lifecycle import Drain
from shinsa_inference.application.models import Models
from shinsa_inference.domain.model import ModelEntry, Rule, ScriptedEngine
from shinsa_inference.inbound.consumer import WorkQueues
from waiting import until


class FakeQueue:
    def __init__(self, key: str, handle: Any, window: int, ahead: bool) -> None:
        self.key, self.handle, self.window, self.ahead = key, handle, window, ahead
        self.open = False

    async def run(self, drain: Drain) -> None:
        self.open = True
        await drain.wait()
        self.open = False


class Mesh:
    """Work queues over fake queues, told of models by a list that grows."""

    def __init__(self, maker: Any) -> None:
        self.models = Models(maker, most_loaded=1, settle_seconds=0, reload_after_seconds=60)
        self.queues: list[FakeQueue] = []
        self.entries: asyncio.Queue[model_pb2.ModelEntry] = asyncio.Queue()
        self.drain = Drain()
        self.accelerator = asyncio.Event()

    async def ready_for(self, entry: ModelEntry) -> None:
        if entry.holds_weights:
            await self.accelerator.wait()

    def make(self, *, key: str, handle: Any, window: int, ahead: bool) -> FakeQueue:
        self.queues.append(FakeQueue(key, handle, window, ahead))
        return self.queues[-1]

    async def watch(self) -> AsyncIterator[model_pb2.ModelEntry]:
        while True:
            yield await self.entries.get()

    def tell(self, name: str, concurrency: int = 0, otherwise: str = "x") -> None:
        entry = {"name": name, "concurrency": concurrency, "scripted": {"otherwise": otherwise}}
        self.entries.put_nowait(ParseDict(entry, model_pb2.ModelEntry()))

    @property
    def open(self) -> list[tuple[str, int]]:
        return [(queue.key, queue.window) for queue in self.queues if queue.open]


@pytest.fixture
async def mesh(maker: Any) -> AsyncIterator[Mesh]:
    mesh = Mesh(maker)
    mesh.models.put(ModelEntry("own", ScriptedEngine((Rule("", "x"),))))
    task = asyncio.create_task(WorkQueues(mesh.models, mesh.make, mesh.ready_for).run(mesh.watch(), mesh.drain))
    yield mesh
    mesh.drain.request()
    await task
    assert mesh.open == []
    await mesh.models.close()


async def test_queues_follow_the_entries(mesh: Mesh) -> None:
    await until(lambda: mesh.open == [("own", 256)])
    mesh.tell("new")
    await until(lambda: mesh.open == [("own", 256), ("new", 256)])
    # A new window takes a new queue, another answer does not.
    mesh.tell("new", concurrency=9)
    await until(lambda: mesh.open == [("own", 256), ("new", 9)])
    mesh.tell("new", concurrency=9, otherwise="y")
    mesh.tell("last")
    await until(lambda: ("last", 256) in mesh.open)
    assert [queue.key for queue in mesh.queues] == ["own", "new", "new", "last"]


async def test_tasks_of_an_endpoint_are_taken_ahead(mesh: Mesh) -> None:
    entry = {"name": "far", "concurrency": 64, "openai": {"base_url": "http://127.0.0.1:9/v1", "model": "x"}}
    mesh.entries.put_nowait(ParseDict(entry, model_pb2.ModelEntry()))
    await until(lambda: ("far", 64) in mesh.open)
    assert {queue.key: queue.ahead for queue in mesh.queues} == {"own": False, "far": True}


async def test_tasks_of_weights_wait_for_the_accelerator(mesh: Mesh) -> None:
    for name in ("heavy", "dropped"):
        mesh.entries.put_nowait(ParseDict({"name": name, "vllm": {"model": "/weights/x"}}, model_pb2.ModelEntry()))
    mesh.tell("light")
    await until(lambda: ("light", 256) in mesh.open)
    assert {queue.key for queue in mesh.queues if queue.open} == {"own", "light"}
    mesh.entries.put_nowait(model_pb2.ModelEntry(name="dropped"))
    mesh.tell("last")
    await until(lambda: ("last", 256) in mesh.open)
    mesh.accelerator.set()
    await until(lambda: "heavy" in {queue.key for queue in mesh.queues if queue.open})
    assert "dropped" not in {queue.key for queue in mesh.queues if queue.open}


async def test_a_model_that_gets_weights_waits_as_well(mesh: Mesh) -> None:
    mesh.tell("x", concurrency=9)
    await until(lambda: ("x", 9) in mesh.open)
    weighty = {"name": "x", "concurrency": 9, "vllm": {"model": "/weights/x"}}
    mesh.entries.put_nowait(ParseDict(weighty, model_pb2.ModelEntry()))
    await until(lambda: mesh.open == [("own", 256)])
    mesh.accelerator.set()
    await until(lambda: ("x", 9) in mesh.open)


async def test_a_bad_entry_does_not_end_the_watch(mesh: Mesh) -> None:
    mesh.entries.put_nowait(model_pb2.ModelEntry(name="no rules", scripted=model_pb2.ScriptedEngine()))
    mesh.tell("good")
    await until(lambda: ("good", 256) in mesh.open)
    assert [served.entry.name for served in mesh.models.served()] == ["good", "own"]


async def test_a_dropped_model_takes_its_queue_along(mesh: Mesh) -> None:
    mesh.tell("new")
    await until(lambda: ("new", 256) in mesh.open)
    # What the replica has from its own file is its own.
    for name in ("new", "own", "never heard of"):
        mesh.entries.put_nowait(model_pb2.ModelEntry(name=name))
    await until(lambda: mesh.open == [("own", 256)] and mesh.entries.empty())
    assert [served.entry.name for served in mesh.models.served()] == ["own"]
    mesh.tell("new")
    await until(lambda: ("new", 256) in mesh.open)


async def test_the_entry_tells_its_version(mesh: Mesh) -> None:
    entry = {"name": "new", "version": "v7", "scripted": {"otherwise": "x"}}
    mesh.entries.put_nowait(ParseDict(entry, model_pb2.ModelEntry()))
    await until(lambda: ("new", 256) in mesh.open)
    task = step_pb2.Task(step_id="s", version="v7")
    task.generate.model, task.generate.raw = "new", "質問"
    assert (await mesh.queues[-1].handle(task)).completion.choices[0].text.startswith("new#")


async def test_a_task_is_answered(mesh: Mesh) -> None:
    await until(lambda: bool(mesh.open))
    task = step_pb2.Task(step_id="s")
    task.generate.model = "own"
    task.generate.raw = "質問"
    response = await mesh.queues[0].handle(task)
    assert response.completion.choices[0].text == "own#1"
    task.version = "v1"
    with pytest.raises(ShinsaError) as caught:
        await mesh.queues[0].handle(task)
    assert (caught.value.reason, caught.value.retryable) == (Reason.DATA_MISMATCH, True)
    task.version, task.generate.model = "", "other"
    with pytest.raises(ShinsaError) as caught:
        await mesh.queues[0].handle(task)
    assert (caught.value.reason, caught.value.retryable) == (Reason.INVALID_ARGUMENT, False)


async def test_what_is_told_while_queues_close_opens_and_closes_none(maker: Any) -> None:
    mesh = Mesh(maker)
    let_go = asyncio.Event()

    class Slow(FakeQueue):
        async def run(self, drain: Drain) -> None:
            self.open = True
            await drain.wait()
            await let_go.wait()
            self.open = False

    def make(*, key: str, handle: Any, window: int, ahead: bool) -> FakeQueue:
        mesh.queues.append(Slow(key, handle, window, ahead))
        return mesh.queues[-1]

    running = asyncio.create_task(WorkQueues(mesh.models, make, mesh.ready_for).run(mesh.watch(), mesh.drain))
    mesh.tell("old")
    await until(lambda: mesh.open == [("old", 256)])
    mesh.drain.request()
    # A drop of what is closing, and a newcomer: neither ends the service, nor opens anything.
    mesh.entries.put_nowait(model_pb2.ModelEntry(name="old"))
    mesh.tell("late")
    for _ in range(20):
        await asyncio.sleep(0)
    assert mesh.open == [("old", 256)]
    let_go.set()
    async with asyncio.timeout(60):
        await running
    assert [queue.key for queue in mesh.queues] == ["old"]
    await mesh.models.close()
