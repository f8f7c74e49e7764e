"""Results that are ready together travel together."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from shinsa.step.v1 import step_pb2

from shinsa_chassis.broker import Broker
from shinsa_chassis.errors import Reason, ShinsaError
from shinsa_chassis.failure import to_failure

# Well below the server's limit of a message; a single larger result travels alone.
BATCH_BYTES = 256 * 1024
BATCH_RESULTS = 128


@dataclass(slots=True)
class _Pile:
    results: list[tuple[step_pb2.Result, asyncio.Future[None]]] = field(default_factory=list)
    flushing: asyncio.Task[None] | None = None


class ResultBatcher:
    """One pile a reply subject. A pile is sent as soon as the loop has nothing better to do, so nothing waits long."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._piles: dict[str, _Pile] = {}

    async def send(self, subject: str, result: step_pb2.Result) -> None:
        """Returns when the server has stored the result."""
        stored: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        pile = self._piles.setdefault(subject, _Pile())
        pile.results.append((result, stored))
        if pile.flushing is None:
            pile.flushing = asyncio.get_running_loop().create_task(self._flush(subject, pile))
        await stored

    async def _flush(self, subject: str, pile: _Pile) -> None:
        # While one batch waits for the server's word the next one grows: the slower the server, the larger the batches.
        while pile.results:
            await asyncio.sleep(0)
            # A server that takes less in a message than we put into one would refuse them all.
            batch = _take(pile, min(BATCH_BYTES, self._broker.client.max_payload // 2))
            try:
                await self._publish(subject, batch)
            except asyncio.CancelledError:
                for _, stored in batch:
                    stored.cancel()
                raise
            except Exception as error:  # noqa: BLE001 - handed to whoever waits
                for _, stored in batch:
                    if not stored.done():
                        stored.set_exception(error)
            else:
                for _, stored in batch:
                    if not stored.done():
                        stored.set_result(None)
        pile.flushing = None
        self._piles.pop(subject, None)

    async def _publish(self, subject: str, batch: list[tuple[step_pb2.Result, asyncio.Future[None]]]) -> None:
        payload = step_pb2.ResultBatch(results=[result for result, _ in batch]).SerializeToString()
        limit = self._broker.client.max_payload
        if len(payload) > limit and len(batch) == 1:
            payload = step_pb2.ResultBatch(results=[_too_large(batch[0][0], len(payload), limit)]).SerializeToString()
        await self._broker.publish_results(subject, payload)


def _take(pile: _Pile, most_bytes: int) -> list[tuple[step_pb2.Result, asyncio.Future[None]]]:
    size = 0
    for count, (result, _) in enumerate(pile.results):
        size += result.ByteSize()
        if count and (size > most_bytes or count >= BATCH_RESULTS):
            break
    else:
        count = len(pile.results)
    batch, pile.results = pile.results[:count], pile.results[count:]
    return batch


def _too_large(result: step_pb2.Result, size: int, limit: int) -> step_pb2.Result:
    """The same result with a failure in place of an outcome that no message can carry."""
    bare = step_pb2.Result()
    bare.CopyFrom(result)
    bare.failure.CopyFrom(
        to_failure(
            ShinsaError(
                Reason.UPSTREAM_MALFORMED,
                f"the result has {size} bytes, a message may have {limit}; lower max_tokens or the output limit",
                retryable=False,
            )
        )
    )
    return bare
