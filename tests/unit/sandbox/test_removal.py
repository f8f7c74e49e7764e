"""Removing containers that remove themselves."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import pytest
from docker.errors import APIError, NotFound
from shinsa_chassis.errors import ShinsaError
from shinsa_sandbox.outbound.docker import engine
from shinsa_sandbox.outbound.docker.engine import Engine, EngineSettings
from shinsa_sandbox.outbound.ownership import Owner


def refusal(status: int) -> APIError:
    return APIError("no", SimpleNamespace(status_code=status, reason="no", url=""))


class Api:
    """An engine that answers each removal with the next of these, and with the last for ever."""

    def __init__(self, *answers: Exception | None) -> None:
        self.answers = list(answers)
        self.asked = 0

    def remove_container(self, _container: str, **_how: bool) -> None:
        self.asked += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer is not None:
            raise answer


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "time", SimpleNamespace(sleep=lambda _seconds: None, monotonic=time.monotonic))


def engine_of(api: Any) -> Engine:
    made = Engine(EngineSettings(), Owner("host", 1, 2))
    made._api = api
    return made


async def test_a_removal_that_is_under_way_is_waited_for() -> None:
    api = Api(*[refusal(409)] * 20, NotFound("gone"))
    await engine_of(api).remove("c")
    assert api.asked == 21


async def test_an_engine_that_refuses_again_and_again_is_told_of() -> None:
    api = Api(refusal(500))
    with pytest.raises(ShinsaError, match="Docker could not remove a container"):
        await engine_of(api).remove("c")
    assert api.asked == 5


async def test_what_does_not_go_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter(range(100))
    monkeypatch.setattr(engine, "time", SimpleNamespace(sleep=lambda _seconds: None, monotonic=lambda: next(ticks)))
    told: list[str] = []
    monkeypatch.setattr(engine, "_log", SimpleNamespace(warning=lambda event, **_: told.append(event)))
    api = Api(refusal(409))
    await engine_of(api).remove("c")
    assert told == ["container_left"]
    assert api.asked == 29
