"""Submissions and keys."""

from __future__ import annotations

from datetime import datetime

from shinsa_client.answer import Answer


class SubmissionOrder(Answer):
    """What was asked for."""

    source: str
    model: str
    model_type: str
    suite: str
    add_special_tokens: bool | None = None


class ValidityCheck(Answer):
    """One thing that was looked at."""

    name: str
    verdict: str
    detail: str


class SubmissionFailure(Answer):
    """Why it failed or was rejected."""

    code: str
    message: str


class Submission(Answer):
    """A submitted model and its place in the queue."""

    id: str
    order: SubmissionOrder
    submitter: str
    state: str
    approved: bool
    priority: int
    votes: int
    checks: tuple[ValidityCheck, ...]
    commit: str
    precision: str
    run_id: str | None
    attempts: int
    failure: SubmissionFailure | None
    created_at: datetime | None
    position: int | None
    expected_wait_seconds: float | None


class SubmissionEvent(Answer):
    """One line of a history."""

    at: datetime | None
    actor: str
    action: str
    detail: str


class SubmissionLog(Answer):
    """A submission with its history."""

    submission: Submission
    events: tuple[SubmissionEvent, ...]


class KeyEntry(Answer):
    """A key, without the secret."""

    id: str
    name: str
    scopes: tuple[str, ...]
    requests_per_minute: int
    created_by: str
    created_at: datetime | None
    expires_at: datetime | None
    revoked_at: datetime | None


class SubmissionPage(Answer):
    submissions: tuple[Submission, ...] = ()
    next_cursor: str | None = None
