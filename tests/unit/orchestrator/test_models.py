"""The register of models and what inference replicas hear of it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from shinsa.inference.v1 import model_pb2
from shinsa_chassis.errors import Reason, ShinsaError
from shinsa_orchestrator.domain.model import ModelEntry
from shinsa_orchestrator.domain.run import JudgeChoice
from shinsa_orchestrator.ports.workers import JudgeProfile


def scripted(otherwise: str) -> ModelEntry:
    message = model_pb2.ModelEntry(name="twice", scripted=model_pb2.ScriptedEngine(otherwise=otherwise))
    return ModelEntry(message.name, "scripted", message.SerializeToString())


async def test_the_last_word_of_the_register_is_the_last_that_is_heard(world: Any) -> None:
    """Of two who change a model at once, the one who stored first is held up before he tells."""
    replica = world.replica()
    announce, stored, second_told = world.workers.announce, asyncio.Event(), asyncio.Event()

    async def slow(entry: ModelEntry) -> None:
        if entry == scripted("first") and not second_told.is_set():
            stored.set()
            await second_told.wait()
        await announce(entry)

    world.workers.announce = slow
    first = asyncio.create_task(replica.models.add(scripted("first"), replace=True))
    await stored.wait()
    await replica.models.add(scripted("second"), replace=True)
    second_told.set()
    await first
    assert (await world.models.model("twice")).document == scripted("second").document
    assert world.workers.announced[-1].document == scripted("second").document


async def test_a_model_that_was_removed_in_the_meantime_is_not_heard_of_any_more(world: Any) -> None:
    replica = world.replica()
    announce, stored, removed = world.workers.announce, asyncio.Event(), asyncio.Event()

    async def slow(entry: ModelEntry) -> None:
        stored.set()
        await removed.wait()
        await announce(entry)

    world.workers.announce = slow
    adding = asyncio.create_task(replica.models.add(scripted("first"), replace=False))
    await stored.wait()
    await replica.models.remove("twice")
    removed.set()
    await adding
    assert world.workers.withdrawn == ["twice", "twice"]


async def test_a_model_that_judges_a_run_under_way_cannot_be_removed(world: Any) -> None:
    world.workers.hold = {"generate"}
    replica = world.replica()
    await replica.models.add(scripted("8"), replace=False)
    world.judges.profiles.append(JudgeProfile("twin", True, kind="inference", model="twice"))
    spec = world.spec("essays", judges=(JudgeChoice("*", "twin"),))
    run = await replica.runs.submit(spec)
    with pytest.raises(ShinsaError, match=f"run {run.id} is judged by model 'twice'") as refused:
        await replica.models.remove("twice")
    assert (refused.value.reason, refused.value.field) == (Reason.FAILED_PRECONDITION, "model")
    with pytest.raises(ShinsaError, match=f"run {run.id} examines model 'm'"):
        await replica.models.remove("m")
    await replica.runs.cancel(run.id)
    await replica.models.remove("twice")
