"""Queues open and close with their profiles."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

import pytest
from shinsa.judge.v1 import case_pb2
from shinsa.step.v1 import step_pb2
from shinsa_chassis.errors import Reason, ShinsaError
from shinsa_chassis.lifecycle import Drain
from shinsa_judge.application.judge_case import JudgeCase
from shinsa_judge.application.judges import Judges
from shinsa_judge.application.shelf import Shelf
from shinsa_judge.domain.exchange import Question, Reply
from shinsa_judge.domain.panel_profile import PanelProfile
from shinsa_judge.domain.profile_set import Profile, ProfileSet
from shinsa_judge.inbound.consumer import Handle, WorkQueues
from shinsa_judge.outbound.scripted_backend import ScriptedBackend


class Opened:
    """A queue that only notes that it is open, and takes a moment to close."""

    def __init__(self, key: str, handle: Handle, window: int) -> None:
        self.key = key
        self.handle = handle
        self.window = window
        self.state = "made"

    async def run(self, drain: Drain) -> None:
        self.state = "open"
        await drain.wait()
        self.state = "closing"
        await asyncio.sleep(0.02)
        self.state = "closed"


class Desk:
    def __init__(self, shelf: Shelf) -> None:
        self.opened: list[Opened] = []
        self.judges = Judges(lambda name, profile: ScriptedBackend(profile))
        self.queues = WorkQueues(self.judges, JudgeCase(shelf, self.judges), self.make)

    def make(self, *, key: str, handle: Handle, window: int) -> Opened:
        self.opened.append(Opened(key, handle, window))
        return self.opened[-1]

    @property
    def states(self) -> list[tuple[str, str]]:
        return [(queue.key, queue.state) for queue in self.opened]

    async def until(self, *states: tuple[str, str]) -> None:
        """Waits until the queues, in the order they were made, are in these states."""
        ends = time.monotonic() + 60
        while self.states != list(states) and time.monotonic() < ends:  # noqa: ASYNC110 - queues tell nobody
            await asyncio.sleep(0.01)
        assert self.states == list(states)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Drain]:
        drain = Drain()
        run = asyncio.create_task(self.queues.run(drain))
        await self.until(*((name, "open") for name in self.judges.seats))
        yield drain
        drain.request()
        await run


@pytest.fixture
def desk(shelf: Shelf) -> Desk:
    return Desk(shelf)


def profiles(**of: Profile) -> ProfileSet:
    return ProfileSet(of, {})


async def test_one_queue_a_profile_with_its_window(desk: Desk, profile: Callable[..., Profile]) -> None:
    await desk.judges.exchange(profiles(a=profile(concurrency=3), b=profile(concurrency=7)))
    async with desk.running():
        assert desk.states == [("a", "open"), ("b", "open")]
        assert [queue.window for queue in desk.opened] == [3, 7]
    assert desk.states == [("a", "closed"), ("b", "closed")]


async def test_queues_follow_the_profiles(desk: Desk, profile: Callable[..., Profile]) -> None:
    await desk.judges.exchange(profiles(a=profile(), b=profile()))
    async with desk.running():
        await desk.judges.exchange(profiles(b=profile(), c=profile()))
        await desk.until(("a", "closed"), ("b", "open"), ("c", "open"))
        await desk.judges.exchange(profiles(b=profile(concurrency=99)))
        await desk.until(("a", "closed"), ("b", "closed"), ("c", "closed"), ("b", "open"))
        assert desk.opened[-1].window == 99
    assert {state for _, state in desk.states} == {"closed"}


async def test_a_queue_that_dies_is_not_ignored(
    desk: Desk, profile: Callable[..., Profile], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def die(self: Opened, drain: Drain) -> None:
        raise ConnectionError("gone")

    monkeypatch.setattr(Opened, "run", die)
    await desk.judges.exchange(profiles(a=profile()))
    with pytest.raises(ConnectionError, match="gone"):
        await desk.queues.run(Drain())


def task(profile: str, answer: str = "富士山") -> step_pb2.Task:
    made = step_pb2.Task(step_id="s")
    made.judge.profile = profile
    made.judge.case.rubric = "mt_bench_single"
    for name, value in (("question", "一番高い山は?"), ("answer", answer)):
        made.judge.case.fields.append(case_pb2.Field(name=name, value=value))
    return made


async def test_handling(desk: Desk, profile: Callable[..., Profile]) -> None:
    rules = [{"pattern": "富士", "reply": "正しい。\n[[9]]"}]
    await desk.judges.exchange(profiles(a=profile(structured="text", rules=rules)))
    async with desk.running():
        handle = desk.opened[0].handle
        verdict = (await handle(task("a"))).verdict
        assert (verdict.value, verdict.explanation, verdict.judge.profile) == (9.0, "正しい。", "a")
        for wrong in (task("b"), task("a", ""), step_pb2.Task()):
            with pytest.raises(ShinsaError) as refused:
                await handle(wrong)
            assert refused.value.reason is Reason.INVALID_ARGUMENT


async def test_a_profile_that_has_changed_does_not_judge_for_the_one_that_is_asked(
    desk: Desk, profile: Callable[..., Profile]
) -> None:
    rules = [{"pattern": "富士", "reply": "正しい。\n[[9]]"}]
    await desk.judges.exchange(profiles(a=profile(structured="text", rules=rules)))
    async with desk.running():
        asked = task("a")
        asked.version = desk.judges.seat("a").digest
        assert (await desk.opened[0].handle(asked)).verdict.value == 9.0
        await desk.judges.exchange(profiles(a=profile(structured="text", rules=[{**rules[0], "reply": "[[1]]"}])))
        with pytest.raises(ShinsaError, match="the judges file has changed") as refused:
            await desk.opened[0].handle(asked)
        assert (refused.value.reason, refused.value.retryable) == (Reason.DATA_MISMATCH, True)


async def test_versions_of_models_reach_those_who_ask_them(
    desk: Desk, profile: Callable[..., Profile], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Mapping[str, str]] = []
    ask = ScriptedBackend.ask

    async def noted(self: ScriptedBackend, question: Question, *, patient: bool = False) -> Reply:
        asked.append(question.models)
        return await ask(self, question, patient=patient)

    monkeypatch.setattr(ScriptedBackend, "ask", noted)
    rules = [{"pattern": "富士", "reply": "[[9]]"}]
    panel = PanelProfile.model_validate({"kind": "panel", "members": ["a"], "repeats": 2})
    await desk.judges.exchange(profiles(a=profile(structured="text", rules=rules), p=panel))
    async with desk.running():
        handles = {opened.key: opened.handle for opened in desk.opened}
        for name in ("a", "p"):
            one = task(name)
            one.judge_models.add(model="grader", version="v7")
            assert (await handles[name](one)).verdict.value == 9.0
        await handles["a"](task("a"))
    assert asked == [{"grader": "v7"}] * 3 + [{}]


async def test_a_deadline_ends_the_patience(desk: Desk, profile: Callable[..., Profile]) -> None:
    await desk.judges.exchange(profiles(a=profile(latency=30.0)))
    async with desk.running():
        late = task("a")
        late.deadline.GetCurrentTime()
        late.deadline.seconds += 1
        with pytest.raises(ShinsaError) as failed:
            await desk.opened[0].handle(late)
    assert (failed.value.reason, failed.value.retryable) == (Reason.TIMEOUT, False)
