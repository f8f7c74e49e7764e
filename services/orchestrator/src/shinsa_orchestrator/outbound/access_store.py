"""Keys, answered requests, the audit log and secrets in the results store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from shinsa_chassis.errors import Reason, ShinsaError
from sqlalchemy import Row, delete, insert, or_, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from shinsa_orchestrator.application.unbroken import unbroken
from shinsa_orchestrator.domain.access import Act, ApiKey, ClaimOutcome, StoredAnswer
from shinsa_orchestrator.outbound.access_tables import acts, answered_requests, api_keys, secrets
from shinsa_orchestrator.outbound.database import Database, cleaned, now

# How long an answer is remembered, and how long a request that was never settled keeps its key.
REMEMBERED_SECONDS = 86400.0
ABANDONED_SECONDS = 300.0
# Any number that nobody else takes: two who make keys wait for each other.
_LOCK = 7_461_873_203
_TEXTS = ("caller", "operation", "method", "path", "request_id", "client")


class SqlAccessStore:
    """``AccessStore`` over SQLite or PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # --- keys ---

    @unbroken
    async def add_key(self, key: ApiKey) -> None:
        alive = or_(api_keys.c.expires_at.is_(None), api_keys.c.expires_at > now())
        twin = select(api_keys.c.id).where(api_keys.c.name == key.name, api_keys.c.revoked_at.is_(None), alive)
        row = {
            "id": key.id,
            "name": key.name,
            "sha256": key.sha256,
            "scopes": ",".join(key.scopes),
            "requests_per_minute": key.requests_per_minute,
            "created_by": cleaned(key.created_by),
            "created_at": key.created_at,
            "expires_at": key.expires_at,
        }
        async with self._database.writing() as connection:
            if not self._database.embedded:
                await connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _LOCK})
            if (await connection.execute(twin)).first() is not None:
                message = f"name: a valid key is named {key.name!r}; revoke it first, or take another name"
                raise ShinsaError(Reason.ALREADY_EXISTS, message, field="name")
            await connection.execute(insert(api_keys).values(row))

    @unbroken
    async def keys(self) -> Sequence[ApiKey]:
        async with self._database.reading() as connection:
            return [_key(row) for row in await connection.execute(select(api_keys).order_by(api_keys.c.id.desc()))]

    @unbroken
    async def revoke(self, key_id: str) -> ApiKey | None:
        this = api_keys.c.id == cleaned(key_id)
        async with self._database.writing() as connection:
            await connection.execute(
                update(api_keys).where(this, api_keys.c.revoked_at.is_(None)).values(revoked_at=now())
            )
            row = (await connection.execute(select(api_keys).where(this))).one_or_none()
        return None if row is None else _key(row)

    @unbroken
    async def key_of(self, sha256: str) -> ApiKey | None:
        async with self._database.reading() as connection:
            row = (await connection.execute(select(api_keys).where(api_keys.c.sha256 == sha256))).one_or_none()
        return None if row is None else _key(row)

    # --- answered requests ---

    @unbroken
    async def claim(self, caller: str, key: str, fingerprint: str) -> tuple[ClaimOutcome, StoredAnswer | None]:
        unanswered = {"status": 0, "content_type": "", "location": "", "body": b""}
        row = {"caller": cleaned(caller), "key": key, "fingerprint": fingerprint, "claimed_at": now(), **unanswered}
        for _ in range(2):
            try:
                async with self._database.writing() as connection:
                    await _forget(connection, cleaned(caller), key)
                    await connection.execute(insert(answered_requests).values(row))
                return ClaimOutcome.CLAIMED, None
            except IntegrityError:
                found = await self._claimed(cleaned(caller), key)
            if found is not None:
                return _outcome(found, fingerprint)
        return ClaimOutcome.IN_PROGRESS, None

    async def _claimed(self, caller: str, key: str) -> Row[Any] | None:
        query = select(answered_requests).where(answered_requests.c.caller == caller, answered_requests.c.key == key)
        async with self._database.reading() as connection:
            return (await connection.execute(query)).one_or_none()

    @unbroken
    async def settle(self, caller: str, key: str, answer: StoredAnswer | None) -> None:
        this = (
            answered_requests.c.caller == cleaned(caller),
            answered_requests.c.key == key,
            answered_requests.c.status == 0,
        )
        async with self._database.writing() as connection:
            if answer is None:
                await connection.execute(delete(answered_requests).where(*this))
                return
            values = {
                "status": answer.status,
                "content_type": answer.content_type,
                "location": answer.location,
                "body": answer.body,
            }
            await connection.execute(update(answered_requests).where(*this).values(values))

    # --- audit log ---

    @unbroken
    async def record_act(self, act: Act) -> None:
        texts = {name: cleaned(getattr(act, name)) for name in _TEXTS}
        async with self._database.writing() as connection:
            await connection.execute(insert(acts).values(id=act.id, at=act.at, status=act.status, **texts))

    @unbroken
    async def acts(self, *, caller: str, operation: str, before: str, limit: int) -> Sequence[Act]:
        query = select(acts).order_by(acts.c.id.desc()).limit(limit)
        if caller:
            query = query.where(acts.c.caller == cleaned(caller))
        if operation:
            query = query.where(acts.c.operation == cleaned(operation))
        if before:
            query = query.where(acts.c.id < cleaned(before))
        async with self._database.reading() as connection:
            return [Act(**row._mapping) for row in await connection.execute(query)]

    # --- secrets ---

    @unbroken
    async def secret(self, name: str, fresh: bytes) -> bytes:
        query = select(secrets.c.value).where(secrets.c.name == name)
        try:
            async with self._database.writing() as connection:
                if (known := (await connection.execute(query)).scalar_one_or_none()) is not None:
                    return bytes(known)
                await connection.execute(insert(secrets).values(name=name, value=fresh))
                return fresh
        except IntegrityError:
            async with self._database.reading() as connection:
                return bytes((await connection.execute(query)).scalar_one())


async def _forget(connection: AsyncConnection, caller: str, key: str) -> None:
    """What is old, and what was abandoned under this key; to look for others a day's requests would be gone through."""
    old = answered_requests.c.claimed_at < now() - REMEMBERED_SECONDS
    await connection.execute(delete(answered_requests).where(old))
    this = answered_requests.c.caller == caller, answered_requests.c.key == key
    abandoned = answered_requests.c.status == 0, answered_requests.c.claimed_at < now() - ABANDONED_SECONDS
    await connection.execute(delete(answered_requests).where(*this, *abandoned))


def _outcome(row: Row[Any], fingerprint: str) -> tuple[ClaimOutcome, StoredAnswer | None]:
    if row.fingerprint != fingerprint:
        return ClaimOutcome.OTHER_REQUEST, None
    if not row.status:
        return ClaimOutcome.IN_PROGRESS, None
    return ClaimOutcome.ANSWERED, StoredAnswer(row.status, row.content_type, row.location, bytes(row.body))


def _key(row: Row[Any]) -> ApiKey:
    return ApiKey(**{**row._mapping, "scopes": tuple(row.scopes.split(","))})
