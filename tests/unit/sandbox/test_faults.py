"""Faults that nobody foresaw: they are told of, and neither lose a slot nor are blamed on a program."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from shinsa_chassis.errors import Reason, ShinsaError
from shinsa_sandbox.domain.limits import DEFAULTS
from shinsa_sandbox.inbound.once import Door
from shinsa_sandbox.inbound.wire import Bounds
from shinsa_sandbox.outbound.jail.executor import JailExecutor, JailSettings
from shinsa_sandbox.outbound.kubepod.watch import PodWatch
from structlog.testing import capture_logs


class Cluster:
    """Describes its pod in a way that no cluster does."""

    async def read(self, name: str) -> dict[str, Any]:
        started = {"running": {"startedAt": "yesterday"}}
        return {"metadata": {"name": name}, "status": {"containerStatuses": [{"name": "apply", "state": started}]}}


async def test_a_pod_that_cannot_be_read_ends_the_run_with_the_reason() -> None:
    api: Any = Cluster()
    with capture_logs() as logs, pytest.raises(ShinsaError, match="cannot be read") as caught:
        async with asyncio.timeout(60), PodWatch(api, "instance-1") as watch:
            await watch.until(lambda _sight: False)
    assert (caught.value.reason, caught.value.retryable) == (Reason.UPSTREAM_MALFORMED, True)
    assert [line["event"] for line in logs] == ["pod_watch_failed"]


async def test_a_door_without_a_service_tells_what_it_did_not_foresee() -> None:
    class Broken:
        async def prove(self, _runtimes: Any) -> None:
            raise RuntimeError("no such thing")

    sandbox: Any = Broken()
    request = {"program": {"files": [{"path": "a.py", "content": ""}], "entry": "a.py"}}
    question = json.dumps({"id": 7, "executor": "jail", "request": request}).encode()
    with capture_logs() as logs:
        answer = json.loads(await Door({"jail": "python"}, sandbox, Bounds(DEFAULTS)).answer(question))
    assert (answer["id"], answer["failure"]["reason"]) == (7, "REASON_INTERNAL")
    (line,) = logs
    assert (line["event"], line["log_level"]) == ("question_failed", "error")


async def test_no_fault_of_a_slot_makes_fewer_of_them() -> None:
    class Slot:
        number = 3

        async def recover(self, _used: Any, _kept: Any) -> None:
            raise KeyError("candidate")

        async def close(self) -> None:
            raise ValueError("a number was expected")

    class Run:
        used: tuple[Any, ...] = ()
        kept: tuple[Any, ...] = ()

    executor = JailExecutor(JailSettings(slots=1))
    slot: Any = Slot()
    run: Any = Run()
    with capture_logs() as logs:
        await executor._recover(slot, run, broken=False)
    assert executor._free.get_nowait() is slot
    assert [line["event"] for line in logs] == ["slot_reopened", "slot_broken"]
