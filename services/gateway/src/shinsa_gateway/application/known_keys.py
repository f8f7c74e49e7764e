"""Whose key it is: those of the settings are known here, those of the results store are asked for and remembered."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

from shinsa_gateway.domain.access import STORED_KEY_PREFIX, Caller, Keyring, key_hash
from shinsa_gateway.ports.access import Access

# How long a key that was revoked may still be let in by this process.
REMEMBERED_SECONDS = 5.0
_MOST_REMEMBERED = 4096


class KnownKeys:
    """A key's hash and its caller, for some seconds; unknown ones too, so that guessing costs the store little."""

    def __init__(self, keyring: Keyring, clock: Callable[[], float] = time.monotonic) -> None:
        self.keyring = keyring
        self._clock = clock
        self._remembered: OrderedDict[str, tuple[float, Caller | None]] = OrderedDict()

    async def identify(self, presented: str, access: Access) -> Caller | None:
        """The caller; None for a key that is nobody's. Raises ``ShinsaError`` where the store cannot be asked."""
        if (caller := self.keyring.identify(presented)) is not None:
            return caller
        if not presented.startswith(STORED_KEY_PREFIX):
            return None
        digest, now = key_hash(presented), self._clock()
        until, caller = self._remembered.get(digest, (0.0, None))
        if now >= until:
            caller = await access.identify(digest)
            self._remember(digest, now + REMEMBERED_SECONDS, caller)
        return caller

    def _remember(self, digest: str, until: float, caller: Caller | None) -> None:
        self._remembered[digest] = (until, caller)
        self._remembered.move_to_end(digest)
        while len(self._remembered) > _MOST_REMEMBERED:
            self._remembered.popitem(last=False)
