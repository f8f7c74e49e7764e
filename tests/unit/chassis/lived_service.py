"""A service for the tests of its life: run as a program, its first argument says how it behaves."""

from __future__ import annotations

import asyncio
import os
import sys
import time
import warnings

from shinsa_chassis.errors import Reason, ShinsaError
from shinsa_chassis.grpc_server import grpc_server
from shinsa_chassis.lifecycle import Drain, TaskKeeper, run_service
from shinsa_chassis.settings import ServiceSettings, read_settings, service_config


class Settings(ServiceSettings):
    model_config = service_config("judge")

    grpc_port: int = 0


def say(word: str) -> None:
    print(word, flush=True)


async def drains(drain: Drain) -> None:
    settings = read_settings(Settings)
    async with grpc_server(settings, lambda server: None, []) as server, TaskKeeper() as tasks:
        tasks.spawn("heartbeat", asyncio.sleep(1000))
        await server.serving(True)
        say(f"loop {type(asyncio.get_running_loop()).__module__}")
        say("ready")
        await drain.wait()
        say("draining")
    say("closed")


async def stays(drain: Drain) -> None:
    say("ready")
    await drain.wait()
    say("draining")
    await asyncio.sleep(60)


async def blocks(drain: Drain) -> None:
    say("ready")
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        time.sleep(0.05)  # noqa: ASYNC251  # a loop that is busy is the point


async def cannot_start(drain: Drain) -> None:
    raise ShinsaError(Reason.ISOLATION_MISSING, "No user namespaces; run the service privileged.", field="runtime")


async def cannot_start_in_a_group(drain: Drain) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(cannot_start(drain))


async def breaks(drain: Drain) -> None:
    raise KeyError("broken")


async def loses_a_task(drain: Drain) -> None:
    async def die() -> None:
        await asyncio.sleep(0.05)
        raise ValueError("out of ideas")

    async with TaskKeeper() as tasks:
        tasks.spawn("thinker", die())
        await drain.wait()


if __name__ == "__main__":
    warnings.simplefilter("error")
    run_service("judge", read_settings(Settings), globals()[sys.argv[1]])
    say("returned")
    os._exit(0)
