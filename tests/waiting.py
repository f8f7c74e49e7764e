"""Waiting for what must come true, never for a fixed time."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Callable
from typing import Any

_NOT_YET = "it did not come to that"


async def until(condition: Callable[[], Any], what: str | Callable[[], str] = _NOT_YET, seconds: float = 100.0) -> Any:
    """What ``condition``, a function or coroutine function, gives once that is true; fails with ``what`` where not."""
    deadline = time.monotonic() + seconds
    while True:
        found = condition()
        if inspect.isawaitable(found):
            found = await found
        if found:
            return found
        assert time.monotonic() < deadline, _words(what)
        await asyncio.sleep(0.01)


def block_until(condition: Callable[[], Any], what: str | Callable[[], str] = _NOT_YET, seconds: float = 100.0) -> Any:
    """``until`` for tests without an event loop."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, _words(what)
        time.sleep(0.05)
    return found


def _words(what: str | Callable[[], str]) -> str:
    return what if isinstance(what, str) else what()
