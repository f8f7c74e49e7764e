"""Where models are submitted, and what may be done with a submission."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import structlog
from shinsa_chassis.errors import Reason, ShinsaError

from shinsa_orchestrator.application.paging import Pages, page
from shinsa_orchestrator.application.submission_orders import OrderExaminer
from shinsa_orchestrator.application.validity import first_failure
from shinsa_orchestrator.domain.identity import submission_id as new_submission_id
from shinsa_orchestrator.domain.submission import (
    MOST_PRIORITY,
    Placed,
    Submission,
    SubmissionEvent,
    SubmissionFilter,
    SubmissionOrder,
    SubmissionState,
    ValidityCheck,
    ValidityVerdict,
    expected_wait,
    refused,
)
from shinsa_orchestrator.ports.clock import Clock
from shinsa_orchestrator.ports.submissions import SubmissionStore, SubmitterLimits

log = structlog.get_logger(__name__)

_PAGES = Pages(50, 200)
_DURATIONS = 20
_PENDING = (SubmissionState.PENDING,)


@dataclass(frozen=True, slots=True)
class QueueTerms:
    """How submissions are taken. ``approval`` says which wait for an operator: "none", "unchecked" (those with a check
    that could not be made) or "all"."""

    at_once: int
    approval: str
    limits: SubmitterLimits


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks; an operator may do it to submissions of others."""

    name: str
    operator: bool = False


class SubmissionDesk:
    """Takes submissions in. ``changed`` tells the queue's worker that there may be something to do."""

    def __init__(
        self,
        store: SubmissionStore,
        orders: OrderExaminer,
        clock: Clock,
        terms: QueueTerms,
        changed: Callable[[], None],
    ) -> None:
        self._store = store
        self._orders = orders
        self._clock = clock
        self._terms = terms
        self._changed = changed

    # --- taking in ---

    async def check(self, order: SubmissionOrder) -> Sequence[ValidityCheck]:
        """Every check, and nothing is stored. Raises ``ShinsaError`` for an order that is wrong in itself."""
        return (await self._orders.examined(self._orders.completed(order), "")).checks

    async def submit(self, order: SubmissionOrder, actor: Actor) -> Placed:
        """Raises ``ShinsaError`` with the field and the words of the first check that fails."""
        order = self._orders.completed(order)
        examined = await self._orders.examined(order, actor.name)
        now = self._clock.now()
        submission = Submission(
            id=new_submission_id(now),
            order=order,
            submitter=actor.name,
            created_at=now,
            approved=self._approved(examined.checks),
            checks=examined.checks,
            facts=examined.facts,
        )
        if failed := first_failure(examined.checks):
            reason = Reason.ALREADY_EXISTS if failed.name == "duplicate" else Reason.INVALID_ARGUMENT
            raise ShinsaError(reason, f"{failed.field}: {failed.detail}", field=failed.field)
        await self._store.add(submission, self._terms.limits)
        log.info("submission_added", submission_id=submission.id, approved=submission.approved)
        self._changed()
        return await self.get(submission.id)

    def _approved(self, checks: Sequence[ValidityCheck]) -> bool:
        if self._terms.approval == "unchecked":
            return all(check.verdict is not ValidityVerdict.NOT_CHECKED for check in checks)
        return self._terms.approval == "none"

    # --- reading ---

    async def get(self, submission_id: str) -> Placed:
        """Raises ``ShinsaError`` (not_found) where there is none."""
        return (await self._placed([await self._existing(submission_id)]))[0]

    async def events(self, submission_id: str) -> Sequence[SubmissionEvent]:
        return await self._store.events(submission_id)

    async def listing(
        self, wanted: SubmissionFilter, *, page_size: int = 0, cursor: str = ""
    ) -> tuple[Sequence[Placed], str]:
        """A page, newest first, and the cursor of the next ("" if there is none)."""
        size = _PAGES.size(page_size)
        found = await self._store.submissions(wanted, before=cursor, limit=size + 1)
        shown, following = page(found, size, lambda one: one.id)
        return await self._placed(shown), following

    async def counts(self) -> Mapping[SubmissionState, int]:
        return await self._store.counts()

    async def _placed(self, found: Sequence[Submission]) -> list[Placed]:
        if not any(one.state is SubmissionState.PENDING for one in found):
            return [Placed(one) for one in found]
        order = {one: number for number, one in enumerate(await self._store.pending(), start=1)}
        running = len(await self._store.running())
        durations = list(await self._store.recent_durations(_DURATIONS))
        placed = []
        for one in found:
            position = order.get(one.id)
            wait = None
            if position is not None and one.approved:
                wait = expected_wait(position, running, self._terms.at_once, durations)
            placed.append(Placed(one, position, wait))
        return placed

    async def _existing(self, submission_id: str) -> Submission:
        found = await self._store.submission(submission_id)
        if found is None:
            message = f"there is no submission {submission_id!r}; list the submissions to see which there are"
            raise ShinsaError(Reason.NOT_FOUND, message, field="submission_id")
        return found

    # --- changing ---

    async def withdraw(self, submission_id: str, actor: Actor) -> Placed:
        """Takes a pending one out of the queue."""
        found = self._own(await self._existing(submission_id), actor)
        changed = replace(found, state=SubmissionState.WITHDRAWN, finished_at=self._clock.now())
        return await self._change(found, changed, actor, "withdrawn", "")

    async def resubmit(self, submission_id: str, actor: Actor) -> Placed:
        """Puts a failed one into the queue again."""
        found = self._own(await self._existing(submission_id), actor)
        changed = replace(
            found,
            state=SubmissionState.PENDING,
            attempts=found.attempts + 1,
            run_id="",
            earlier_run=found.run_id or found.earlier_run,
            failure_code="",
            failure_message="",
            started_at=None,
            finished_at=None,
        )
        return await self._change(found, changed, actor, "resubmitted", "", of=(SubmissionState.FAILED,))

    async def vote(self, submission_id: str, actor: Actor, *, retract: bool) -> Placed:
        """One voice for each actor, for a pending submission."""
        found = await self._existing(submission_id)
        if not await self._store.vote(submission_id, actor.name, retract=retract):
            raise _wrong_state(found, "votes are for pending ones")
        return await self.get(submission_id)

    async def approve(self, submission_id: str, actor: Actor) -> Placed:
        found = await self._existing(submission_id)
        return await self._change(found, replace(found, approved=True), actor, "approved", "")

    async def reject(self, submission_id: str, actor: Actor, reason: str) -> Placed:
        """``reason`` is what the submitter reads."""
        if not reason.strip():
            raise refused("reason", "is empty; tell the submitter why")
        found = await self._existing(submission_id)
        changed = replace(
            found,
            state=SubmissionState.REJECTED,
            finished_at=self._clock.now(),
            failure_code="rejected",
            failure_message=reason,
        )
        return await self._change(found, changed, actor, "rejected", reason)

    async def move(self, submission_id: str, actor: Actor, priority: int) -> Placed:
        if abs(priority) > MOST_PRIORITY:
            raise refused("priority", f"{priority} is out of bounds; -{MOST_PRIORITY} to {MOST_PRIORITY}")
        found = await self._existing(submission_id)
        return await self._change(found, replace(found, priority=priority), actor, "reprioritised", str(priority))

    async def _change(
        self,
        found: Submission,
        changed: Submission,
        actor: Actor,
        action: str,
        detail: str,
        of: Sequence[SubmissionState] = _PENDING,
    ) -> Placed:
        event = SubmissionEvent(self._clock.now(), actor.name, action, detail)
        if not await self._store.change(found, changed, event, of=of):
            raise _wrong_state(await self._existing(found.id), f"only a {of[0].value} one can be {action}")
        log.info("submission_changed", submission_id=found.id, action=action)
        self._changed()
        return await self.get(found.id)

    @staticmethod
    def _own(found: Submission, actor: Actor) -> Submission:
        if found.submitter != actor.name and not actor.operator:
            message = f"submission {found.id} is another submitter's; ask them, or an operator"
            raise ShinsaError(Reason.PERMISSION_DENIED, message, field="submission_id")
        return found


def _wrong_state(found: Submission, why: str) -> ShinsaError:
    message = f"submission {found.id} is {found.state.value}: {why}"
    return ShinsaError(Reason.FAILED_PRECONDITION, message, field="submission_id")
