"""What workers ask of orchestrators, and answers that are none."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from shinsa.step.v1 import step_pb2
from shinsa_chassis.questions import Questions, QueueRefusedError
from structlog.testing import capture_logs


class Bus:
    """Answers every question with the same bytes."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer

    async def request(self, _subject: str, _question: bytes, **_options: Any) -> SimpleNamespace:
        return SimpleNamespace(data=self._answer)


def asking(answer: bytes) -> Questions:
    bus: Any = Bus(answer)
    return Questions(bus)


async def test_whoever_asks_what_is_recorded_is_told() -> None:
    questions = asking(step_pb2.RecordedReply(recorded=["step-1"]).SerializeToString())
    async with asyncio.timeout(60):
        assert await asyncio.gather(questions.recorded("step-1"), questions.recorded("step-2")) == [True, False]


async def test_an_answer_that_cannot_be_read_is_none_and_leaves_nobody_waiting() -> None:
    with capture_logs() as logs:
        async with asyncio.timeout(60):
            answers = await asyncio.gather(*(asking(b"\xff\xff").recorded(f"step-{n}") for n in range(2)))
    assert answers == [None, None]
    assert {line["event"] for line in logs} == {"recorded_reply_unreadable"}


async def test_a_queue_is_not_open_because_an_answer_cannot_be_read() -> None:
    with pytest.raises(QueueRefusedError, match="cannot be read"):
        await asking(b"\xff\xff").open_queue("judge", "gpt", 30)
