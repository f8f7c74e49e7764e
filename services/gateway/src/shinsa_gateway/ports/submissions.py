"""The queue of models that others want to see examined."""

from __future__ import annotations

from typing import Protocol

from shinsa_gateway.domain.access import Caller
from shinsa_gateway.domain.submission import (
    Submission,
    SubmissionLog,
    SubmissionOrder,
    SubmissionPage,
    SubmissionState,
    ValidityReport,
)


class Submissions(Protocol):
    """The queue of models that others want to see examined."""

    async def check(self, order: SubmissionOrder) -> ValidityReport: ...

    async def submit(self, order: SubmissionOrder, caller: Caller) -> Submission: ...

    async def log(self, submission_id: str) -> SubmissionLog: ...

    async def listing(
        self, *, states: tuple[SubmissionState, ...], submitter: str, search: str, page_size: int, cursor: str
    ) -> SubmissionPage:
        """Newest first. Empty values do not filter."""
        ...

    async def withdraw(self, submission_id: str, caller: Caller) -> Submission: ...

    async def resubmit(self, submission_id: str, caller: Caller) -> Submission: ...

    async def vote(self, submission_id: str, caller: Caller, *, retract: bool) -> Submission: ...

    async def approve(self, submission_id: str, caller: Caller) -> Submission: ...

    async def reject(self, submission_id: str, caller: Caller, reason: str) -> Submission: ...

    async def move(self, submission_id: str, caller: Caller, priority: int) -> Submission: ...
