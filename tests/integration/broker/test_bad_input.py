"""A NATS without JetStream, one whose store is full, and clocks that differ: told, waited for, nothing lost."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from broker_rig import NatsServer
from integration.broker.test_queues import settings_for, task
from shinsa_chassis import jetstream_watch, streams
from shinsa_chassis.broker import open_broker
from shinsa_chassis.errors import ShinsaError
from shinsa_chassis.subjects import RESULTS_STREAM, work_stream
from structlog.testing import capture_logs
from waiting import until


def rewritten(nats: NatsServer, monkeypatch: pytest.MonkeyPatch, jetstream: str | None) -> None:
    """Starts the server again with another line for JetStream; ``None`` for as it was."""
    nats.kill()
    config = nats.folder / "nats.conf"
    own = f'jetstream {{ store_dir: "{nats.folder / "store"}" }}'
    write = type(config).write_text

    def changed(path: Any, text: str, *more: Any) -> int:
        return write(path, text if jetstream is None else text.replace(own, jetstream), *more)

    with monkeypatch.context() as patch:
        patch.setattr(type(config), "write_text", changed)
        nats.start()


async def test_without_jetstream_the_remedy_is_told_and_waited_for(
    nats: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    rewritten(nats, monkeypatch, "")
    for declares in (True, False):
        opening = open_broker(settings_for(nats), declares=declares)
        with capture_logs() as told:
            entering = asyncio.create_task(opening.__aenter__())
            await until(lambda: [line for line in told if line["event"] == "jetstream_not_ready"])
            assert "`jetstream` block" in next(line for line in told if "problem" in line)["problem"]
            assert not entering.done()
            if declares:
                entering.cancel()
                await asyncio.gather(entering, return_exceptions=True)
                continue
            rewritten(nats, monkeypatch, None)
            await asyncio.wait_for(entering, 120)
        await opening.__aexit__(None, None, None)


async def test_more_copies_than_servers_are_told_and_waited_for(nats: NatsServer) -> None:
    opening = open_broker(settings_for(nats, nats_replicas=3))
    with capture_logs() as told:
        entering = asyncio.create_task(opening.__aenter__())
        await until(lambda: [line for line in told if line["event"] == "jetstream_not_ready"])
        assert "lower nats_replicas" in next(line for line in told if "problem" in line)["problem"]
        assert not entering.done()
    entering.cancel()
    await asyncio.gather(entering, return_exceptions=True)


async def test_a_full_store_is_told_and_loses_nothing(nats: NatsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    store = f'store_dir: "{nats.folder / "store"}"'
    async with open_broker(settings_for(nats)) as broker:
        rewritten(nats, monkeypatch, f"jetstream {{ {store}, max_file_store: 300KB }}")
        await until(lambda: broker.connected)
        with capture_logs() as told:
            asked = [task(number) for number in range(40)]
            for one in asked:
                one.generate.raw = "x" * 20_000
            submitting = [asyncio.create_task(broker.submit(one, service="inference", key="echo")) for one in asked]
            await until(lambda: [line for line in told if line.get("about") == "jetstream_store"])
        assert "make room" in broker.readiness.problems[0]
        assert not all(one.done() for one in submitting)
        rewritten(nats, monkeypatch, None)
        await asyncio.wait_for(asyncio.gather(*submitting), 120)
        assert (await broker.jetstream.stream_info(work_stream("inference"))).state.messages == len(asked)
        assert not broker.readiness.problems


async def test_jetstream_that_goes_off_is_told_and_over_by_itself(
    nats: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jetstream_watch, "WATCH_SECONDS", 0.1)
    async with open_broker(settings_for(nats)) as broker:
        rewritten(nats, monkeypatch, "")
        await until(lambda: broker.readiness.problems)
        assert "JetStream does not" in broker.readiness.problems[0]
        rewritten(nats, monkeypatch, None)
        await until(lambda: not broker.readiness.problems)


async def test_a_clock_that_runs_away_is_told_and_over_by_itself(
    nats: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jetstream_watch, "WATCH_SECONDS", 0.1)
    now, before = time.time, time.time()
    async with open_broker(settings_for(nats)) as broker:
        clock = type("Clock", (), {"time": staticmethod(lambda: now() - 7200), "monotonic": time.monotonic})
        with monkeypatch.context() as patch:
            patch.setattr(streams, "time", clock)
            patch.setattr(jetstream_watch, "time", clock)
            await until(lambda: broker.readiness.problems)
            assert "behind NATS's" in broker.readiness.problems[0]
            assert "NTP" in broker.readiness.problems[0]
            # What is told by the clock of all stays right meanwhile.
            assert before - 5 <= broker.now() <= now() + 5
        await until(lambda: not broker.readiness.problems)


async def test_a_clock_that_is_off_is_told_and_waited_for(nats: NatsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_broker(settings_for(nats)):
        pass
    now = streams.time.time
    clock = {"time": staticmethod(lambda: now() + 3600), "monotonic": time.monotonic}
    monkeypatch.setattr(streams, "time", type("Clock", (), clock))
    opening = open_broker(settings_for(nats))
    with capture_logs() as told:
        entering = asyncio.create_task(opening.__aenter__())
        await until(lambda: [line for line in told if "ahead of NATS's" in line.get("problem", "")])
        assert "NTP" in told[-1]["problem"]
        assert not entering.done()
        monkeypatch.undo()
        await asyncio.wait_for(entering, 60)
    await opening.__aexit__(None, None, None)


@pytest.mark.parametrize("seconds", [-600.0, 600.0])
async def test_a_clock_that_is_set_while_it_is_read_tells_nothing(
    nats: NatsServer, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    async with open_broker(settings_for(nats)) as broker:
        assert await streams.read_clock(broker.client, RESULTS_STREAM) is not None
        times = iter([time.time(), time.time() + seconds])
        monkeypatch.setattr(
            streams, "time", type("Clock", (), {"time": lambda: next(times), "monotonic": time.monotonic})
        )
        assert await streams.read_clock(broker.client, RESULTS_STREAM) is None


async def test_a_task_that_only_its_headers_make_too_large_is_refused_and_breaks_no_connection(
    nats: NatsServer,
) -> None:
    async with open_broker(settings_for(nats)) as broker:
        large, most = task(1), broker.client.max_payload
        large.generate.raw = "x" * (most - large.ByteSize() - 20)
        assert large.ByteSize() <= most
        with pytest.raises(ShinsaError, match="bytes that NATS takes") as refused:
            async with asyncio.timeout(20):
                await broker.submit(large, service="inference", key="echo")
        excess = int(refused.value.message.split()[3]) - most
        large.generate.raw = large.generate.raw[excess:]
        with capture_logs() as told:
            async with asyncio.timeout(20):
                assert not await broker.submit(large, service="inference", key="echo")
        assert not [line for line in told if line["event"].startswith("nats_")]
