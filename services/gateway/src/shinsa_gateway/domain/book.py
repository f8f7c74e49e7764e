"""The books that all gateways share: keys, answers already given, who did what."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, ConfigDict, Field

from shinsa_gateway.domain.access import Scope, name_of_a_key
from shinsa_gateway.domain.resource import Resource, Writable


class KeyOrder(Writable):
    """A key as it is wished for."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "nightly", "scopes": ["read", "submit"], "valid_days": 90}]}
    )

    name: Annotated[str, AfterValidator(name_of_a_key)] = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$",
        description="Names the caller in submissions, remarks and the audit log.",
    )
    scopes: Annotated[tuple[Scope, ...], Field(min_length=1, max_length=4)]
    requests_per_minute: int = Field(default=0, ge=0, le=1_000_000, description="0: the gateway's own limit.")
    valid_days: float = Field(default=0, ge=0, le=36500, allow_inf_nan=False, description="0: until it is revoked.")


class KeyEntry(Resource):
    """A key, without the secret, of which only a hash is kept."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "k01jd3v8q6yk2m4pa",
                    "name": "nightly",
                    "scopes": ["read", "submit"],
                    "requests_per_minute": 0,
                    "created_by": "admin",
                    "created_at": "2026-01-31T09:00:00Z",
                    "expires_at": None,
                    "revoked_at": None,
                }
            ]
        }
    )

    id: str
    name: str
    scopes: tuple[str, ...]
    requests_per_minute: int
    created_by: str
    created_at: datetime | None
    expires_at: datetime | None
    revoked_at: datetime | None


class NewKey(Resource):
    """A key that was just made."""

    key: KeyEntry
    secret: str = Field(description="The key itself. It is shown now and never again.")


class KeyList(Resource):
    """All keys, newest first, revoked ones too."""

    keys: tuple[KeyEntry, ...]


class Act(Resource):
    """One line of the audit log."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "a01jd3v8q6yk2m4pa",
                    "at": "2026-01-31T09:00:00Z",
                    "caller": "nightly",
                    "operation": "submit_run",
                    "method": "POST",
                    "path": "/v1/runs",
                    "status": 201,
                    "request_id": "6f1c0de2a9b74c55a0e4b7a3f0d1c2e3",
                    "client": "10.1.2.3",
                }
            ]
        }
    )

    id: str
    at: datetime | None
    caller: str
    operation: str
    method: str
    path: str
    status: int
    request_id: str
    client: str


class ActPage(Resource):
    """The audit log, newest first."""

    acts: tuple[Act, ...]
    next_cursor: str | None = Field(default=None, description="Give it as `cursor` for the next page; null: no more.")


class CallerEntry(Resource):
    """Who is asking."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "nightly", "scopes": ["read", "submit"]}]})

    name: str
    scopes: tuple[Scope, ...]


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """What was answered under an idempotency key."""

    status: int
    content_type: str
    location: str
    body: bytes


class ClaimOutcome(StrEnum):
    """What came of asking for an idempotency key."""

    CLAIMED = "claimed"
    ANSWERED = "answered"
    IN_PROGRESS = "in_progress"
    OTHER_REQUEST = "other_request"


@dataclass(frozen=True, slots=True)
class Claim:
    """The outcome, and with ANSWERED the answer."""

    outcome: ClaimOutcome
    answer: StoredAnswer | None = None
