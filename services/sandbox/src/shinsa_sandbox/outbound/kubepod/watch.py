"""A Pod kept in sight: by its watch stream, and by reading it anew whenever the stream breaks off."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from shinsa_chassis.errors import Reason, ShinsaError
from shinsa_chassis.logging import get_logger
from shinsa_chassis.retry import RetryPolicy, retrying

from shinsa_sandbox.outbound.kubepod.api import Expired, PodApi
from shinsa_sandbox.outbound.kubepod.sight import Sight, seen

_log = get_logger(__name__)

# An API server that is restarted or fails over is back within minutes; the pod goes on meanwhile.
_PATIENT = RetryPolicy("kubernetes-watch", tries=60, first_wait=0.5, longest_wait=10.0, total_seconds=300.0)
# After a watch that has ended: one that ends at once, or is not to be had, is not asked for without a rest.
_AGAIN_SECONDS = 1.0


class PodWatch:
    """Use it as an async context; `until` waits for what the pod comes to."""

    def __init__(self, api: PodApi, name: str) -> None:
        self._api = api
        self._name = name
        self._sight: Sight | None = None
        self._error: ShinsaError | None = None
        self._changed = asyncio.Condition()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> PodWatch:
        self._task = asyncio.create_task(self._keep_watching(), name="pod watch")
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._task is not None
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    @property
    def sight(self) -> Sight | None:
        return self._sight

    async def until(self, condition: Callable[[Sight], bool]) -> Sight:
        """The first sight for which ``condition`` holds; it may raise. ``ShinsaError`` if the pod is out of sight."""
        async with self._changed:
            while True:
                if self._sight is not None and condition(self._sight):
                    return self._sight
                if self._error is not None:
                    raise self._error
                await self._changed.wait()

    async def _keep_watching(self) -> None:
        try:
            while True:
                version = await self._read()
                try:
                    await self._follow(version)
                except Expired:
                    pass
                except ShinsaError as error:
                    if not error.retryable:
                        raise
                await asyncio.sleep(_AGAIN_SECONDS)
        except ShinsaError as error:
            await self._tell(None, error)
        except Exception as error:  # noqa: BLE001 - or the run would wait for what nobody watches, and blame the patch
            _log.exception("pod_watch_failed", pod=self._name)
            await self._tell(None, _unreadable(error))

    async def _read(self) -> str:
        async for attempt in retrying(_PATIENT, "kubernetes"):
            with attempt:
                pod = await self._api.read(self._name)
        if pod is None:
            raise _gone()
        await self._tell(seen(pod))
        return str(pod["metadata"].get("resourceVersion") or "")

    async def _follow(self, version: str) -> None:
        """Until the stream ends, as it does every few minutes."""
        async for kind, pod in self._api.watch(self._name, version):
            if kind == "DELETED":
                raise _gone()
            await self._tell(seen(pod))

    async def _tell(self, sight: Sight | None, error: ShinsaError | None = None) -> None:
        async with self._changed:
            self._sight = sight or self._sight
            self._error = error
            self._changed.notify_all()


def _unreadable(error: Exception) -> ShinsaError:
    text = f"The cluster describes the pod in a way that cannot be read: {type(error).__name__}: {error}"[:500]
    return ShinsaError(Reason.UPSTREAM_MALFORMED, text, origin="kubernetes")


def _gone() -> ShinsaError:
    return ShinsaError(
        Reason.UNAVAILABLE, "Somebody deleted the pod before its end.", origin="kubernetes", retryable=True
    )
