"""What the message bus holds: every stream and queue, against what they were declared as."""

from __future__ import annotations

import time
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass

from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerInfo, StreamConfig
from nats.js.errors import NotFoundError

from shinsa_chassis.streams import consumers_of
from shinsa_chassis.subjects import WORKER_SERVICES, work_consumer, work_stream

_WORK = frozenset(work_stream(service) for service in WORKER_SERVICES)
# What of a stream must be as it was declared.
_PINNED = ("subjects", "retention", "storage", "num_replicas", "duplicate_window")


@dataclass(frozen=True, slots=True)
class QueueFacts:
    """One durable consumer, or one that there should be: tasks that wait, tasks handed out, and requests for tasks that
    stand open."""

    name: str
    waiting: int
    handed_out: int
    takers: int
    differences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StreamFacts:
    """One stream. ``oldest_seconds`` is the age of its oldest message."""

    name: str
    exists: bool
    differences: tuple[str, ...] = ()
    messages: int = 0
    bytes: int = 0
    oldest_seconds: float | None = None
    behind: tuple[str, ...] = ()
    queues: tuple[QueueFacts, ...] = ()


@dataclass(frozen=True, slots=True)
class BusFacts:
    """``storage_limit`` 0: none for this account."""

    storage_bytes: int
    storage_limit: int
    streams: tuple[StreamFacts, ...]


async def survey(jetstream: JetStreamContext, declared: Sequence[StreamConfig]) -> BusFacts:
    """Looks at everything that was declared. Raises errors of NATS where it cannot be asked."""
    account = await jetstream.account_info()
    streams = [await _stream(jetstream, config) for config in declared]
    return BusFacts(int(account.storage), max(0, int(account.limits.max_storage or 0)), tuple(streams))


async def _stream(jetstream: JetStreamContext, declared: StreamConfig) -> StreamFacts:
    name = str(declared.name)
    try:
        info = await jetstream.stream_info(name, subjects_filter=">" if name in _WORK else None)
    except NotFoundError:
        return StreamFacts(name, exists=False)
    queues = [_queue(one) for one in await consumers_of(jetstream, name) if one.config.durable_name]
    if name in _WORK:
        queues += _unopened(info.state.subjects or {}, {queue.name for queue in queues})
    cluster = info.cluster.replicas if info.cluster and info.cluster.replicas else ()
    return StreamFacts(
        name,
        exists=True,
        differences=tuple(_differences(info.config, declared)),
        messages=int(info.state.messages),
        bytes=int(info.state.bytes),
        oldest_seconds=await _age(jetstream, name, int(info.state.first_seq)) if info.state.messages else None,
        behind=tuple(str(peer.name) for peer in cluster if peer.offline or not peer.current),
        queues=tuple(queues),
    )


def _unopened(subjects: Mapping[str, int], known: Container[str]) -> Iterator[QueueFacts]:
    """Queues that no worker has ever had opened, though tasks for them wait: of a model, profile or runtime that nobody
    serves."""
    for subject, waiting in sorted(subjects.items()):
        name = work_consumer(subject.rpartition(".")[2])
        if name not in known:
            yield QueueFacts(name, waiting, handed_out=0, takers=0, differences=())


async def _age(jetstream: JetStreamContext, stream: str, number: int) -> float | None:
    try:
        oldest = await jetstream.get_msg(stream, seq=number)
    except NotFoundError:
        return None  # it was taken in this moment
    return None if oldest.time is None else max(0.0, time.time() - oldest.time.timestamp())


def _queue(info: ConsumerInfo) -> QueueFacts:
    differences = []
    if info.config.ack_policy != AckPolicy.EXPLICIT:
        differences.append(f"ack_policy is {info.config.ack_policy}, not explicit")
    return QueueFacts(
        info.name,
        waiting=int(info.num_pending or 0),
        handed_out=int(info.num_ack_pending or 0),
        takers=int(info.num_waiting or 0),
        differences=tuple(differences),
    )


def _differences(found: StreamConfig, declared: StreamConfig) -> Iterator[str]:
    for name in _PINNED:
        wanted, there = getattr(declared, name), getattr(found, name)
        if wanted and wanted != there:
            yield f"{name} is {_said(there)}, declared is {_said(wanted)}"


def _said(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(getattr(value, "value", value))
