"""The models of the mesh: entries in a bucket, told to every inference replica."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.kv import KV_DEL, KV_PURGE, KeyValue
from shinsa.inference.v1 import model_pb2

from shinsa_chassis.logging import get_logger
from shinsa_chassis.streams import models_bucket

log = get_logger(__name__)

_DROPPED = (KV_DEL, KV_PURGE)


class ModelEntries:
    """The last word on a name holds. ``replicas``: copies of a bucket that is made here; ``None``: it is not."""

    def __init__(self, jetstream: JetStreamContext, replicas: int | None) -> None:
        self._jetstream = jetstream
        self._replicas = replicas

    async def put(self, entry: model_pb2.ModelEntry) -> None:
        """Tells every inference replica of a model."""
        bucket = await self._bucket()
        await bucket.put(entry.name, entry.SerializeToString())

    async def drop(self, name: str) -> None:
        """Tells every inference replica that there is no such model any more."""
        bucket = await self._bucket()
        await bucket.delete(name)

    async def watch(self) -> AsyncIterator[model_pb2.ModelEntry]:
        """Every model known now, then each that is added or changed. Goes on over lost connections.

        An entry without engine tells that the model of that name was dropped.
        """
        told = ""
        while True:
            try:
                bucket = await self._bucket()
                watcher = await bucket.watchall()
                told = ""
                try:
                    async for entry in _updates(watcher):
                        if entry.operation in _DROPPED:
                            yield model_pb2.ModelEntry(name=entry.key)
                        elif entry.value and (model := _model(entry.key, entry.value)) is not None:
                            yield model
                finally:
                    with contextlib.suppress(NatsError, ValueError):
                        await watcher.stop()  # type: ignore[no-untyped-call]
            except (TimeoutError, NatsError, OSError) as error:
                problem = str(error) or type(error).__name__
                if problem != told:
                    log.warning("model_watch_interrupted", problem=problem)
                told = problem
                await asyncio.sleep(1)

    async def _bucket(self) -> KeyValue:
        return await models_bucket(self._jetstream, self._replicas)


def _model(name: str, value: bytes) -> model_pb2.ModelEntry | None:
    """``None`` for what cannot be read; one bad entry must not take the good ones with it."""
    try:
        return model_pb2.ModelEntry.FromString(value)
    except Exception as error:  # noqa: BLE001 - protobuf's own error class differs between its back ends
        log.error("model_entry_unreadable", model=name, bytes=len(value), problem=str(error))
        return None


async def _updates(watcher: Any) -> AsyncIterator[Any]:
    """The watcher's entries; it marks the end of the known ones with ``None`` and times out when nothing changes."""
    while True:
        try:
            entry = await watcher.updates(timeout=30)
        except TimeoutError:
            continue
        if entry is not None:
            yield entry
