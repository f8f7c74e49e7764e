"""How fast something goes, lately."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

# What is so long ago counts a third of what is now.
_MEMORY_SECONDS = 0.5


class Flow:
    """Events a second, recent ones counting most: an exponentially weighted rate."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._rate = 0.0
        self._at = clock()

    def count(self) -> None:
        """One more event."""
        self._rate = self.rate + 1 / _MEMORY_SECONDS
        self._at = self._clock()

    @property
    def rate(self) -> float:
        """Events a second; it fades when none come."""
        return self._rate * math.exp((self._at - self._clock()) / _MEMORY_SECONDS)
