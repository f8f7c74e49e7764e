"""The streams of the mesh: one work queue for each worker service, the results, the models.

Only the orchestrator makes them. What exists stays as it is, but for the subjects of the results, which grew once.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from datetime import datetime

from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.api import (
    AckPolicy,
    ConsumerConfig,
    ConsumerInfo,
    KeyValueConfig,
    RetentionPolicy,
    StorageType,
    StreamConfig,
)
from nats.js.errors import NotFoundError
from nats.js.kv import KeyValue

from shinsa_chassis import dead_letters
from shinsa_chassis.subjects import (
    MODELS_BUCKET,
    RESULTS_STREAM,
    WORKER_SERVICES,
    result_filters,
    work_consumer,
    work_stream,
    work_subject,
)

# A task published again within this window under the same id is dropped by the server. It must outlast the take-over of
# a dead orchestrator's shard; the server keeps every id in memory for so long.
DUPLICATE_WINDOW_SECONDS = 300.0
_CONSUMERS_A_PAGE = 256
# By more than this no clock drifts while it is read: somebody has set it.
_CLOCK_SET_SECONDS = 0.1


def stream_configs(replicas: int) -> list[StreamConfig]:
    """All but the bucket of models: a work queue for each worker service, results, dead letters."""
    subjects = {work_stream(service): [work_subject(service, "*")] for service in WORKER_SERVICES}
    subjects[RESULTS_STREAM] = result_filters("*")
    queues = [
        StreamConfig(
            name=name,
            subjects=filters,
            retention=RetentionPolicy.WORK_QUEUE,
            storage=StorageType.FILE,
            num_replicas=replicas,
            duplicate_window=DUPLICATE_WINDOW_SECONDS,
        )
        for name, filters in subjects.items()
    ]
    return [*queues, dead_letters.stream_config(replicas)]


async def declare_streams(jetstream: JetStreamContext, replicas: int) -> None:
    """Makes what is missing of streams and bucket."""
    for config in stream_configs(replicas):
        try:
            found = (await jetstream.stream_info(str(config.name))).config
        except NotFoundError:
            await jetstream.add_stream(config)
            continue
        if set(config.subjects or ()) - set(found.subjects or ()):
            await jetstream.update_stream(found.evolve(subjects=config.subjects))
    await models_bucket(jetstream, replicas)


async def make_queue(jetstream: JetStreamContext, service: str, key: str, ack_wait_seconds: float) -> None:
    """The durable consumer that all replicas serving one key share."""
    config = ConsumerConfig(
        name=work_consumer(key),
        durable_name=work_consumer(key),
        filter_subject=work_subject(service, key),
        ack_policy=AckPolicy.EXPLICIT,
        ack_wait=ack_wait_seconds,
        # The bound on deliveries is the worker's, so that the last one still gives a result.
        max_deliver=-1,
        max_ack_pending=65536,
    )
    await jetstream.add_consumer(work_stream(service), config)


async def models_bucket(jetstream: JetStreamContext, replicas: int | None) -> KeyValue:
    """The bucket; made if it is missing, unless ``replicas`` is ``None``. Raises ``NotFoundError``."""
    try:
        return await jetstream.key_value(MODELS_BUCKET)
    except NotFoundError:
        if replicas is None:
            raise
        return await jetstream.create_key_value(KeyValueConfig(bucket=MODELS_BUCKET, history=1, replicas=replicas))


async def consumers_of(jetstream: JetStreamContext, stream: str) -> list[ConsumerInfo]:
    """All of them: the server lists 256 at a time."""
    found: list[ConsumerInfo] = []
    while page := await jetstream.consumers_info(stream, offset=len(found)):
        found += page
        if len(page) < _CONSUMERS_A_PAGE:
            break
    return found


@dataclass(frozen=True, slots=True)
class ClockReading:
    """``offset``: seconds by which our clock is ahead of the server's, give or take ``margin``."""

    offset: float
    margin: float


async def read_clock(client: Client, stream: str) -> ClockReading | None:
    """Compares our clock with the one in the server's answer about ``stream``.

    ``None`` where it tells no time, and where ours was set meanwhile.
    """
    before, began = time.time(), time.monotonic()
    try:
        answer = json.loads((await client.request(f"$JS.API.STREAM.INFO.{stream}", b"", timeout=5)).data)
        stamp = datetime.fromisoformat(str(answer["ts"])[:26].rstrip("Z").ljust(26, "0") + "+00:00")
    except (NatsError, TimeoutError, OSError, ValueError, KeyError):
        return None
    taken = time.monotonic() - began
    if abs(time.time() - before - taken) > _CLOCK_SET_SECONDS:
        return None
    return ClockReading(before + taken / 2 - stamp.timestamp(), taken / 2)
