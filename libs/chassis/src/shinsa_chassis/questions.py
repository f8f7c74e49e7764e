"""What workers ask of orchestrators over the bus: is this step recorded, may this queue be opened."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from shinsa.step.v1 import step_pb2

from shinsa_chassis.logging import get_logger
from shinsa_chassis.streams import make_queue
from shinsa_chassis.subjects import (
    INBOXES,
    QUEUES_SUBJECT,
    RECORDED_GROUP,
    RECORDED_SUBJECT,
    WORKER_SERVICES,
    is_token,
    key_token,
)

log = get_logger(__name__)

Lookup = Callable[[Sequence[str]], Awaitable[set[str]]]

PATIENCE_SECONDS = 2.0
_ACK_WAIT_BOUNDS = (1.0, 3600.0)


class QueueRefusedError(NatsError):
    """An orchestrator said why a queue cannot be opened."""


class Questions:
    """Both sides: workers ask, orchestrators answer, whichever replica hears it first."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._waiting: list[tuple[str, asyncio.Future[bool | None]]] = []
        self._asking: set[asyncio.Task[None]] = set()

    async def recorded(self, step_id: str) -> bool | None:
        """``None`` if nobody answers. Questions that come up together travel together."""
        answer: asyncio.Future[bool | None] = asyncio.get_running_loop().create_future()
        self._waiting.append((step_id, answer))
        if len(self._waiting) == 1:
            asking = asyncio.get_running_loop().create_task(self._ask_recorded())
            self._asking.add(asking)
            asking.add_done_callback(self._asking.discard)
        return await answer

    async def _ask_recorded(self) -> None:
        await asyncio.sleep(0)
        questions, self._waiting = self._waiting, []
        query = step_pb2.RecordedQuery(step_ids=[step_id for step_id, _ in questions]).SerializeToString()
        found: set[str] | None = None
        try:
            reply: Msg = await self._client.request(RECORDED_SUBJECT, query, timeout=PATIENCE_SECONDS)
            found = set(step_pb2.RecordedReply.FromString(reply.data).recorded)
        except (TimeoutError, NatsError, OSError) as error:
            log.debug("recorded_not_answered", problem=repr(error))
        except Exception as error:  # noqa: BLE001 - protobuf's own error class differs between its back ends
            log.warning("recorded_reply_unreadable", problem=repr(error))
        for step_id, answer in questions:
            if not answer.done():
                answer.set_result(None if found is None else step_id in found)

    async def open_queue(self, service: str, key: str, ack_wait_seconds: float) -> None:
        """Raises ``QueueRefusedError``, or what the client raises where no orchestrator answers."""
        query = step_pb2.QueueQuery(key=key, ack_wait_seconds=ack_wait_seconds).SerializeToString()
        reply: Msg = await self._client.request(f"{QUEUES_SUBJECT}.{service}", query, timeout=5 * PATIENCE_SECONDS)
        try:
            problem = step_pb2.QueueReply.FromString(reply.data).problem
        except Exception as error:
            raise QueueRefusedError(f"the answer cannot be read: {error!r}") from error
        if problem:
            raise QueueRefusedError(problem)

    async def answer_recorded(self, lookup: Lookup) -> None:
        async def answer(message: Msg) -> bytes:
            found = await lookup(step_pb2.RecordedQuery.FromString(message.data).step_ids)
            return step_pb2.RecordedReply(recorded=sorted(found)).SerializeToString()

        await self._answer(RECORDED_SUBJECT, answer)

    async def answer_queues(self, jetstream: JetStreamContext) -> None:
        async def answer(message: Msg) -> bytes:
            query = step_pb2.QueueQuery.FromString(message.data)
            service = message.subject.removeprefix(f"{QUEUES_SUBJECT}.")
            return step_pb2.QueueReply(problem=await _opened(jetstream, service, query)).SerializeToString()

        await self._answer(f"{QUEUES_SUBJECT}.*", answer)

    async def _answer(self, subject: str, answer: Callable[[Msg], Awaitable[bytes]]) -> None:
        async def received(message: Msg) -> None:
            # Whoever asks names the subject of the answer; ours go to inboxes alone, never into a stream.
            if not message.reply.startswith(INBOXES):
                return
            try:
                await message.respond(await answer(message))
            except Exception as error:  # noqa: BLE001 - one bad question must not end the subscription
                log.warning("question_failed", subject=message.subject, problem=repr(error))

        await self._client.subscribe(subject, queue=RECORDED_GROUP, cb=received)


async def _opened(jetstream: JetStreamContext, service: str, query: step_pb2.QueueQuery) -> str:
    """Makes the queue; says what is wrong with the question or with JetStream."""
    lowest, highest = _ACK_WAIT_BOUNDS
    if service not in WORKER_SERVICES:
        return f"{service!r} is no worker service"
    if not is_token(key_token(query.key)):
        return f"{query.key!r} is no name of a queue"
    if not lowest <= query.ack_wait_seconds <= highest:
        return f"ack_wait_seconds is {query.ack_wait_seconds:g}; it may be {lowest:g} to {highest:g}"
    try:
        await make_queue(jetstream, service, query.key, query.ack_wait_seconds)
    except (TimeoutError, NatsError, OSError) as error:
        return str(error) or type(error).__name__
    return ""
