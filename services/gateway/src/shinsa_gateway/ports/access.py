"""The books that all gateways share."""

from __future__ import annotations

from typing import Protocol

from shinsa_gateway.domain.access import Caller
from shinsa_gateway.domain.book import ActPage, Claim, KeyEntry, KeyOrder, NewKey, StoredAnswer


class Access(Protocol):
    """The books that all gateways share: keys, requests that were answered, the audit log."""

    async def identify(self, sha256: str) -> Caller | None:
        """Whose key has this hash; None where no valid one has."""
        ...

    async def create_key(self, order: KeyOrder, caller: Caller) -> NewKey: ...

    async def keys(self) -> tuple[KeyEntry, ...]: ...

    async def revoke_key(self, key_id: str) -> KeyEntry: ...

    async def claim(self, caller: str, key: str, fingerprint: str) -> Claim:
        """Takes an idempotency key, or says what is known of it."""
        ...

    async def settle(self, caller: str, key: str, answer: StoredAnswer | None) -> None:
        """Stores the answer of a claimed request; without one the key is free again."""
        ...

    async def record(
        self, *, caller: str, operation: str, method: str, path: str, status: int, request_id: str, client: str
    ) -> None: ...

    async def acts(self, *, caller: str, operation: str, page_size: int, cursor: str) -> ActPage: ...

    async def secret(self, name: str) -> bytes:
        """Random bytes that all gateways know under this name."""
        ...
