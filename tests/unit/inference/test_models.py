"""Which engines are in memory, who waits, who goes, and what failures come to."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from shinsa_chassis.errors import Reason, ShinsaError
from shinsa_inference.application import engine_room
from shinsa_inference.application.models import Models
from shinsa_inference.domain.model import ModelEntry, ModelState, OpenAiEngine, Rule, ScriptedEngine, VllmEngine
from shinsa_inference.domain.request import GenerateRequest
from waiting import until

A, B, C = (ModelEntry(name, VllmEngine(f"/{name}")) for name in "abc")
LIGHT = ModelEntry("light", ScriptedEngine((Rule("", "x"),)))

Build = Callable[..., Models]


@pytest.fixture
async def build(maker: Any) -> AsyncIterator[Build]:
    built: list[Models] = []

    def make(*entries: ModelEntry, settle: float = 0.0, most: int = 1, again: float = 60.0) -> Models:
        models = Models(maker, most_loaded=most, settle_seconds=settle, reload_after_seconds=again)
        built.append(models)
        for entry in entries:
            models.put(entry)
        return models

    yield make
    for engine in maker.made:
        engine.gate.set()
    for models in built:
        await models.close()
    assert all(engine.closed for engine in maker.made)


async def ask(models: Models, name: str) -> str:
    return (await models.generate(GenerateRequest(name, "?"))).choices[0].text


def state(models: Models, name: str) -> ModelState:
    return models.one(name).state


async def test_weights_are_loaded_on_first_demand_and_once(build: Build, maker: Any) -> None:
    models = build(A, LIGHT)
    await until(lambda: state(models, "light") is ModelState.READY)
    assert state(models, "a") is ModelState.IDLE
    assert await asyncio.gather(*(ask(models, "a") for _ in range(20))) == ["a#2"] * 20
    assert [engine.name for engine in maker.made] == ["light", "a"]


async def test_states_can_be_watched(build: Build, maker: Any) -> None:
    maker.gates["a"] = asyncio.Event()
    models = build(A)
    asked = asyncio.create_task(ask(models, "a"))
    await until(lambda: state(models, "a") is ModelState.LOADING)
    assert models.one("a").in_flight == 1
    maker.gates["a"].set()
    await asked
    assert (state(models, "a"), models.one("a").in_flight) == (ModelState.READY, 0)


async def test_another_model_waits_until_the_loaded_one_is_idle(build: Build, maker: Any) -> None:
    models = build(A, B)
    await ask(models, "a")
    maker.last("a").gate.clear()
    busy = asyncio.create_task(ask(models, "a"))
    await until(lambda: maker.last("a").running == 1)
    waiting = asyncio.create_task(ask(models, "b"))
    await asyncio.sleep(0.02)
    assert not waiting.done()
    assert state(models, "b") is ModelState.IDLE
    maker.last("a").gate.set()
    assert (await busy, await waiting) == ("a#1", "b#2")
    assert maker.made[0].closed
    assert maker.most_open == 1
    assert state(models, "a") is ModelState.IDLE


async def test_a_short_gap_does_not_cost_the_place(build: Build, maker: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    models = build(A, B, settle=60.0)
    await ask(models, "a")
    waiting = asyncio.create_task(ask(models, "b"))
    for _ in range(4):
        await asyncio.sleep(0.01)
        assert await ask(models, "a") == "a#1"
    assert not waiting.done()
    monkeypatch.setattr(engine_room, "time", SimpleNamespace(monotonic=lambda: time.monotonic() + 61))
    await ask(models, "a")
    assert await waiting == "b#2"


async def test_the_most_wanted_goes_first(build: Build, maker: Any) -> None:
    models = build(A, B, C)
    await ask(models, "a")
    maker.last("a").gate.clear()
    busy = asyncio.create_task(ask(models, "a"))
    await until(lambda: maker.last("a").running == 1)
    waiting = [asyncio.create_task(ask(models, name)) for name in "bccc"]
    await until(lambda: (models.one("b").in_flight, models.one("c").in_flight) == (1, 3))
    maker.last("a").gate.set()
    await asyncio.gather(busy, *waiting)
    assert [engine.name for engine in maker.made] == ["a", "c", "b"]
    assert maker.most_open == 1


async def test_models_take_turns_for_ever(build: Build, maker: Any) -> None:
    models = build(A, B, C)
    for _ in range(5):
        answers = await asyncio.gather(*(ask(models, name) for name in "abcabc"))
        assert [answer[0] for answer in answers] == list("abcabc")
    assert maker.most_open == 1


async def test_two_places(build: Build, maker: Any) -> None:
    models = build(A, B, C, most=2)
    await asyncio.gather(*(ask(models, name) for name in "abc"))
    assert maker.most_open == 2


async def test_endpoints_need_no_place(build: Build, maker: Any) -> None:
    models = build(A, LIGHT, ModelEntry("other", OpenAiEngine("http://x", "m")))
    await ask(models, "a")
    maker.last("a").gate.clear()
    busy = asyncio.create_task(ask(models, "a"))
    assert (await ask(models, "light"))[0] == "l"
    assert (await ask(models, "other"))[0] == "o"
    maker.last("a").gate.set()
    await busy


async def test_a_load_that_fails_fails_its_requests_for_good_and_blocks_nobody(build: Build, maker: Any) -> None:
    maker.fail["a"] = RuntimeError("no such weights")
    models = build(A, B)
    results = await asyncio.gather(*(ask(models, name) for name in "aab"), return_exceptions=True)
    for error in results[:2]:
        assert isinstance(error, ShinsaError)
        assert (error.reason, error.retryable) == (Reason.ENGINE_FAILED, False)
        assert "no such weights" in error.message
    assert results[2] == "b#1"
    assert state(models, "a") is ModelState.FAILED
    assert "no such weights" in models.one("a").problem


async def test_a_failed_load_is_tried_again_only_when_there_is_a_reason(build: Build, maker: Any) -> None:
    tries: list[str] = []
    maker.on_load = lambda entry: tries.append(entry.name)
    maker.fail["a"] = RuntimeError("broken")
    models = build(A)
    for _ in range(3):
        with pytest.raises(ShinsaError):
            await ask(models, "a")
    assert tries == ["a"]
    maker.fail.clear()
    with pytest.raises(ShinsaError):
        await ask(models, "a")
    assert (await models.load("a")).state is ModelState.READY
    assert await ask(models, "a") == "a#1"


async def test_a_failed_load_is_tried_again_after_a_while_or_when_the_entry_changes(build: Build, maker: Any) -> None:
    for again, change in ((0.0, False), (60.0, True)):
        maker.fail["a"] = RuntimeError("broken")
        models = build(A, again=again)
        with pytest.raises(ShinsaError):
            await ask(models, "a")
        maker.fail.clear()
        await asyncio.sleep(0.001)
        if change:
            models.put(replace(A, engine=VllmEngine("/better")))
        assert (await ask(models, "a"))[0] == "a"


async def test_an_engine_that_dies_is_loaded_anew(build: Build, maker: Any) -> None:
    models = build(A)
    await ask(models, "a")
    engine = maker.last("a")
    engine.gate.clear()
    asked = [asyncio.create_task(ask(models, "a")) for _ in range(3)]
    await until(lambda: engine.running == 3)
    engine.alive, engine.failure = False, ShinsaError(Reason.ENGINE_FAILED, "out of memory")
    engine.gate.set()
    for error in await asyncio.gather(*asked, return_exceptions=True):
        assert isinstance(error, ShinsaError)
        assert (error.reason, error.retryable) == (Reason.ENGINE_FAILED, True)
    assert (state(models, "a"), models.one("a").problem) == (ModelState.FAILED, "out of memory")
    assert await ask(models, "a") == "a#2"
    assert (engine.closed, state(models, "a")) == (True, ModelState.READY)


async def test_an_engine_that_died_idle_costs_no_request(build: Build, maker: Any) -> None:
    models = build(A)
    await ask(models, "a")
    maker.last("a").alive = False
    assert await ask(models, "a") == "a#2"


async def test_a_changed_entry_replaces_the_engine_after_its_work(build: Build, maker: Any) -> None:
    for entry, changed in ((A, replace(A, engine=VllmEngine("/new"))), (LIGHT, replace(LIGHT, concurrency=7))):
        models = build(entry)
        await ask(models, entry.name)
        old = maker.last(entry.name)
        old.gate.clear()
        busy = asyncio.create_task(ask(models, entry.name))
        await until(lambda old=old: old.running == 1)
        assert models.put(changed)
        assert not models.put(changed)
        later = asyncio.create_task(ask(models, entry.name))
        await asyncio.sleep(0.01)
        assert not old.closed
        old.gate.set()
        assert (await busy).endswith(f"#{old.number}")
        assert not (await later).endswith(f"#{old.number}")
        assert models.one(entry.name).entry == changed


async def test_unloading_lets_work_end_and_demand_returns(build: Build, maker: Any) -> None:
    models = build(A)
    await ask(models, "a")
    maker.last("a").gate.clear()
    busy = asyncio.create_task(ask(models, "a"))
    await until(lambda: maker.last("a").running == 1)
    unloading = asyncio.create_task(models.unload("a"))
    await asyncio.sleep(0.01)
    assert not unloading.done()
    maker.last("a").gate.set()
    assert (await unloading).state is ModelState.IDLE
    assert (await busy, maker.made[0].closed) == ("a#1", True)
    assert await ask(models, "a") == "a#2"


async def test_who_gives_up_stops_nobody_else(build: Build, maker: Any) -> None:
    maker.gates["a"] = asyncio.Event()
    models = build(A)
    first, second = (asyncio.create_task(ask(models, "a")) for _ in range(2))
    await until(lambda: models.one("a").in_flight == 2)
    first.cancel()
    await asyncio.sleep(0)
    maker.gates["a"].set()
    assert await second == "a#1"


async def test_nobody_left_waiting_means_no_load(build: Build, maker: Any) -> None:
    models = build(A, B)
    await ask(models, "a")
    maker.last("a").gate.clear()
    busy = asyncio.create_task(ask(models, "a"))
    await until(lambda: maker.last("a").running == 1)
    waiting = asyncio.create_task(ask(models, "b"))
    await until(lambda: models.one("b").in_flight == 1)
    waiting.cancel()
    maker.last("a").gate.set()
    await busy
    await asyncio.sleep(0.02)
    assert [engine.name for engine in maker.made] == ["a"]
    assert await ask(models, "b") == "b#2"


async def test_no_more_in_flight_than_the_entry_allows(build: Build, maker: Any) -> None:
    models = build(replace(LIGHT, concurrency=3))
    await ask(models, "light")
    maker.last("light").gate.clear()
    asked = [asyncio.create_task(ask(models, "light")) for _ in range(8)]
    await until(lambda: models.one("light").in_flight == 8)
    assert maker.last("light").running == 3
    maker.last("light").gate.set()
    await asyncio.gather(*asked)


async def test_an_unknown_model(build: Build) -> None:
    models = build(ModelEntry("smollm2", VllmEngine("/x")))
    for call in (ask(models, "smolm2"), models.load("smolm2"), models.unload("smolm2")):
        with pytest.raises(ShinsaError) as caught:
            await call
        assert (caught.value.reason, caught.value.near_matches) == (Reason.NOT_FOUND, ("smollm2",))


async def test_closing_while_one_waits_for_a_place(build: Build, maker: Any) -> None:
    models = build(A, B)
    await ask(models, "a")
    maker.last("a").gate.clear()
    busy = asyncio.create_task(ask(models, "a"))
    await until(lambda: maker.last("a").running == 1)
    waiting = asyncio.create_task(ask(models, "b"))
    await until(lambda: models.one("b").in_flight == 1)
    for task in (busy, waiting):
        task.cancel()
    await models.close()
    assert [engine.name for engine in maker.made] == ["a"]
    assert maker.made[0].closed


async def test_another_entry_does_not_answer_for_the_one_that_is_asked(build: Build, maker: Any) -> None:
    models = build(replace(LIGHT, version="v1"))
    asked = GenerateRequest("light", "?")
    assert (await models.generate(asked, "v1")).choices[0].text == "light#1"
    with pytest.raises(ShinsaError, match="version v1, and version v2 is asked") as refused:
        await models.generate(asked, "v2")
    assert (refused.value.reason, refused.value.retryable) == (Reason.DATA_MISMATCH, True)
    changed = replace(LIGHT, engine=ScriptedEngine((Rule("", "y"),)), version="v2")
    models.put(changed)
    assert (await models.generate(asked, "v2")).choices[0].text == "light#2"
    with pytest.raises(ShinsaError, match="version v2, and version v1 is asked"):
        await models.generate(asked, "v1")
    # Nobody asks for a version who does not know of any.
    assert (await models.generate(asked)).choices[0].text == "light#2"
    # The same entry under another name for its version keeps its engine.
    assert not models.put(replace(changed, version="v3"))
    assert (await models.generate(asked, "v3")).choices[0].text == "light#2"


async def test_an_entry_that_changes_while_its_model_waits_for_a_place_answers_nobody_who_asked_before(
    build: Build, maker: Any
) -> None:
    models = build(A, replace(B, version="v1"))
    await ask(models, "a")
    maker.last("a").gate.clear()
    busy = asyncio.create_task(ask(models, "a"))
    waits = asyncio.create_task(models.generate(GenerateRequest("b", "?"), "v1"))
    await until(lambda: maker.last("a").running == 1 and models.one("b").in_flight == 1)
    models.put(replace(B, engine=VllmEngine("/elsewhere"), version="v2"))
    maker.last("a").gate.set()
    await busy
    with pytest.raises(ShinsaError, match="version v2, and version v1 is asked"):
        await waits
    assert (await models.generate(GenerateRequest("b", "?"), "v2")).choices[0].text == "b#2"
