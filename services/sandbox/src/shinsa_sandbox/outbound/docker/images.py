"""Images: found by name, digest or id; fetched where that is allowed; counted while in use; evicted beyond a budget."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from shinsa_chassis.errors import Reason, ShinsaError
from shinsa_chassis.logging import get_logger

from shinsa_sandbox.outbound.docker.engine import Engine

_log = get_logger(__name__)

# Eviction goes on until this part of the budget is reached, so that it is not done for every image.
_LOW_WATER = 0.75
# As registries and the engine word it.
_NO_IMAGE = ("not found", "manifest unknown", "does not exist", "name unknown", "pull access denied")


class Images:
    """``budget_bytes`` bounds the images that this cache fetched itself; 0 is no bound. Others' are never removed."""

    def __init__(self, engine: Engine, budget_bytes: int, pull: bool = False) -> None:
        self._engine = engine
        self._budget = budget_bytes
        self._pull = pull
        self._changing: dict[str, asyncio.Lock] = {}
        self._in_use: Counter[str] = Counter()
        self._fetched: dict[str, tuple[str, int, float]] = {}

    async def identify(self, name: str) -> str:
        """The id of an image that is here. ``ShinsaError`` (NOT_FOUND) that says where it was looked for."""
        try:
            return str((await self._engine.ask("find an image", lambda api: api.inspect_image(name)))["Id"])
        except ShinsaError as error:
            if error.reason is not Reason.NOT_FOUND:
                raise
            raise _missing(name, "it is not on this machine; pull it, import it or build it") from error

    @asynccontextmanager
    async def in_use(self, name: str) -> AsyncIterator[str]:
        """The image's id; it is not evicted meanwhile. Fetches it first where that is allowed."""
        image = await self._at_hand(name)
        self._in_use[image] += 1
        try:
            yield image
        finally:
            self._in_use[image] -= 1
            if image in self._fetched:
                self._fetched[image] = (*self._fetched[image][:2], time.monotonic())
            await self.evict()

    async def _at_hand(self, name: str) -> str:
        async with self._coming_and_going(name):
            try:
                return await self.identify(name)
            except ShinsaError as error:
                if error.reason is not Reason.NOT_FOUND or not self._pull:
                    raise
            return await self._fetch(name)

    def _coming_and_going(self, name: str) -> asyncio.Lock:
        """Nobody finds an image that is just being removed, and nobody fetches what another fetches."""
        return self._changing.setdefault(name, asyncio.Lock())

    async def _fetch(self, name: str) -> str:
        _log.info("image_pulled", image=name)
        try:
            await self._engine.ask("pull an image", partial(_pull, name))
        except ShinsaError as error:
            if _is_absent(error):
                raise _missing(name, f"it is neither on this machine nor in its registry: {error.message}") from error
            text = f"The image {name!r} could not be pulled now: {error.message}"
            raise ShinsaError(Reason.UNAVAILABLE, text, field="image", origin="docker") from error
        found = await self._engine.ask("find an image", lambda api: api.inspect_image(name))
        image = str(found["Id"])
        self._fetched[image] = (name, int(found.get("Size") or 0), time.monotonic())
        return image

    async def evict(self) -> None:
        """Removes what was fetched and not used for longest, until the budget holds. What does not go is told of."""
        if not self._budget or self._fetched_bytes() <= self._budget:
            return
        for image in sorted(self._fetched, key=lambda one: self._fetched[one][2]):
            if self._fetched_bytes() <= _LOW_WATER * self._budget:
                return
            if image in self._fetched and not self._in_use[image]:
                await self._evict(image, self._fetched[image][0])

    async def _evict(self, image: str, name: str) -> None:
        async with self._coming_and_going(name):
            if self._in_use[image] or image not in self._fetched:
                return  # somebody has come for it meanwhile, or has removed it
            try:
                await self._engine.ask("remove an image", partial(_remove, name))
            except ShinsaError as error:
                _log.warning("image_not_evicted", image=name, problem=error.message)
                return
            del self._fetched[image]
        _log.info("image_evicted", image=name)

    def _fetched_bytes(self) -> int:
        return sum(size for _, size, _ in self._fetched.values())


def _pull(name: str, api: Any) -> None:
    last: dict[str, Any] = {}
    # Without a tag the client would fetch all of them.
    tag = None if "@" in name or ":" in name.rpartition("/")[2] else "latest"
    for last in api.pull(name, tag=tag, stream=True, decode=True):
        if "error" in last:
            raise OSError(str(last["error"])[:300])


def _is_absent(error: ShinsaError) -> bool:
    """Whether the registry knows no such image, or tells strangers so; any other failure may pass."""
    said = error.message.lower()
    return error.reason is Reason.NOT_FOUND or any(words in said for words in _NO_IMAGE)


def _remove(name: str, api: Any) -> None:
    api.remove_image(name, noprune=False)


def _missing(name: str, why: str) -> ShinsaError:
    return ShinsaError(Reason.NOT_FOUND, f"There is no image {name!r}: {why}.", field="image", origin="sandbox")
