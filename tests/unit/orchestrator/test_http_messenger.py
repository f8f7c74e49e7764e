"""Webhooks on their way: receivers that do not answer hold up nobody else."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest
from shinsa_chassis.errors import ShinsaError
from shinsa_orchestrator.outbound.http_messenger import HttpMessenger
from waiting import until


async def test_receivers_that_do_not_answer_leave_the_shared_threads_alone() -> None:
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(2))
    taken: list[asyncio.StreamWriter] = []

    async def take_and_say_nothing(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        taken.append(writer)

    async with await asyncio.start_server(take_and_say_nothing, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        messenger = HttpMessenger(timeout=300, private=True)
        sending = [asyncio.create_task(messenger.send(f"http://127.0.0.1:{port}/", {}, b"{}")) for _ in range(4)]
        await until(lambda: len(taken) == 4)
        assert await asyncio.wait_for(asyncio.to_thread(sum, [1, 2]), 60) == 3
        for writer in taken:
            writer.close()
        for one in sending:
            with pytest.raises(ShinsaError):
                await one
