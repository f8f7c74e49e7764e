"""Keys and the books that all gateways share."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

import structlog
from shinsa_chassis.errors import Reason, ShinsaError

from shinsa_orchestrator.application.paging import Pages, page
from shinsa_orchestrator.domain.access import (
    Act,
    ApiKey,
    ClaimOutcome,
    StoredAnswer,
    check_key,
    key_hash,
    new_secret,
)
from shinsa_orchestrator.domain.identity import act_id, key_id
from shinsa_orchestrator.ports.access import AccessStore
from shinsa_orchestrator.ports.clock import Clock

log = structlog.get_logger(__name__)

_PAGES = Pages(100, 500)
_SECRET_BYTES = 32


class AccessDesk:
    """Who may come in, what they were answered, and what they did."""

    def __init__(self, store: AccessStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def create_key(
        self, name: str, scopes: Sequence[str], *, requests_per_minute: int, valid_seconds: float, actor: str
    ) -> tuple[ApiKey, str]:
        """The stored key, and the secret itself, which is nowhere afterwards."""
        check_key(name, scopes)
        now, secret = self._clock.now(), new_secret()
        key = ApiKey(
            id=key_id(now),
            name=name,
            sha256=key_hash(secret),
            scopes=tuple(sorted(set(scopes))),
            requests_per_minute=requests_per_minute,
            created_by=actor,
            created_at=now,
            expires_at=now + valid_seconds if valid_seconds else None,
        )
        await self._store.add_key(key)
        log.info("key_created", key_id=key.id, name=key.name, scopes=key.scopes)
        return key, secret

    async def keys(self) -> Sequence[ApiKey]:
        return await self._store.keys()

    async def revoke_key(self, wanted: str) -> ApiKey:
        """Raises ``ShinsaError`` (not_found) for an unknown one."""
        key = await self._store.revoke(wanted)
        if key is None:
            message = f"there is no key {wanted!r}; list the keys to see which there are"
            raise ShinsaError(Reason.NOT_FOUND, message, field="key_id")
        log.info("key_revoked", key_id=key.id, name=key.name)
        return key

    async def identify(self, sha256: str) -> ApiKey | None:
        """The valid key with this hash."""
        key = await self._store.key_of(sha256)
        return key if key is not None and key.valid(self._clock.now()) else None

    async def claim(self, caller: str, key: str, fingerprint: str) -> tuple[ClaimOutcome, StoredAnswer | None]:
        return await self._store.claim(caller, key, fingerprint)

    async def settle(self, caller: str, key: str, answer: StoredAnswer | None) -> None:
        await self._store.settle(caller, key, answer)

    async def record(
        self, *, caller: str, operation: str, method: str, path: str, status: int, request_id: str, client: str
    ) -> None:
        now = self._clock.now()
        await self._store.record_act(Act(act_id(now), now, caller, operation, method, path, status, request_id, client))

    async def acts(
        self, *, caller: str = "", operation: str = "", page_size: int = 0, cursor: str = ""
    ) -> tuple[Sequence[Act], str]:
        """A page of the audit log, newest first, and the cursor of the next ("" if there is none)."""
        size = _PAGES.size(page_size)
        found = await self._store.acts(caller=caller, operation=operation, before=cursor, limit=size + 1)
        return page(found, size, lambda act: act.id)

    async def secret(self, name: str) -> bytes:
        """32 random bytes, the same for whoever asks."""
        return await self._store.secret(name, secrets.token_bytes(_SECRET_BYTES))
