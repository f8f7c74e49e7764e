"""All other services that the gateway asks, in the same way."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from shinsa_gateway.domain.access import Caller
from shinsa_gateway.domain.book import Act, ActPage, Claim, ClaimOutcome, KeyEntry, KeyOrder, NewKey, StoredAnswer
from shinsa_gateway.domain.catalog import Runtime
from shinsa_gateway.domain.generation import Choice, Completion, Order
from shinsa_gateway.domain.judge import JudgeCatalog
from shinsa_gateway.domain.judgement import Verdict
from shinsa_gateway.domain.model import ModelCheck, ServedModel
from shinsa_gateway.domain.operation import (
    CheckFinding,
    DeadLetterDetail,
    DeadLetterPage,
    Dropped,
    IntakeOrder,
    LetterChoice,
    Replica,
    ReplicaList,
    Requeued,
    Severity,
)
from shinsa_gateway.domain.remark import Moderation, Remark, RemarkOrder, RemarkPage
from shinsa_gateway.domain.run import Run
from shinsa_gateway.domain.submission import (
    Submission,
    SubmissionLog,
    SubmissionOrder,
    SubmissionPage,
    SubmissionState,
    ValidityReport,
)
from shinsa_gateway.domain.webhook import Delivery, DeliveryPage, DeliveryState, NewWebhook, Webhook, WebhookOrder
from shinsa_gateway.inbound.http.routes.service import VERSION
from shinsa_gateway.ports.operations import OrchestratorView
from shinsa_gateway.ports.remarks import RemarkFilter
from unit.gateway.fake_orchestrator import Fake, example


class FakeInference(Fake):
    def __init__(self) -> None:
        super().__init__()
        self.served: tuple[ServedModel, ...] = ()

    async def list_models(self) -> tuple[ServedModel, ...]:
        self._asked("list_models")
        return self.served

    async def generate(self, model: str, order: Order) -> Completion:
        self._asked("generate", model, order)
        return Completion(choices=(Choice(text="東京", finish_reason="stop"),))

    async def check(self, model: str) -> ModelCheck:
        self._asked("check", model)
        return example(ModelCheck)


class FakeJudges(Fake):
    async def judge(self, profile: str, rubric: str, fields: Mapping[str, str]) -> Verdict:
        self._asked("judge", profile, rubric, dict(fields))
        return Verdict(readable=True, value=5)

    async def list_profiles(self) -> JudgeCatalog:
        self._asked("list_profiles")
        return example(JudgeCatalog)


class FakeSandbox(Fake):
    async def list_runtimes(self) -> tuple[Runtime, ...]:
        self._asked("list_runtimes")
        return (example(Runtime),)


class FakeSubmissions(Fake):
    """Answers the example, with the state that the act leads to."""

    def _did(self, act: str, submission_id: str, caller: Caller, *more: Any, **changes: Any) -> Submission:
        self._asked(act, submission_id, caller.name, *more)
        return example(Submission, id=submission_id, **changes)

    async def check(self, order: SubmissionOrder) -> ValidityReport:
        self._asked("check", order)
        return example(ValidityReport)

    async def submit(self, order: SubmissionOrder, caller: Caller) -> Submission:
        self._asked("submit", order, caller.name)
        return example(Submission)

    async def log(self, submission_id: str) -> SubmissionLog:
        self._asked("log", submission_id)
        return SubmissionLog(submission=example(Submission, id=submission_id), events=())

    async def listing(
        self, *, states: tuple[SubmissionState, ...], submitter: str, search: str, page_size: int, cursor: str
    ) -> SubmissionPage:
        self._asked("listing", states, submitter, search, page_size, cursor)
        return SubmissionPage(submissions=(example(Submission),), counts={"pending": 1}, next_cursor="more")

    async def withdraw(self, submission_id: str, caller: Caller) -> Submission:
        return self._did("withdraw", submission_id, caller, state="withdrawn")

    async def resubmit(self, submission_id: str, caller: Caller) -> Submission:
        return self._did("resubmit", submission_id, caller)

    async def vote(self, submission_id: str, caller: Caller, *, retract: bool) -> Submission:
        return self._did("vote", submission_id, caller, retract)

    async def approve(self, submission_id: str, caller: Caller) -> Submission:
        return self._did("approve", submission_id, caller)

    async def reject(self, submission_id: str, caller: Caller, reason: str) -> Submission:
        return self._did("reject", submission_id, caller, reason, state="rejected")

    async def move(self, submission_id: str, caller: Caller, priority: int) -> Submission:
        return self._did("move", submission_id, caller, priority, priority=priority)


class FakeAccess(Fake):
    """Books in memory. Asking for keys, claims and secrets is not written into ``calls``: everybody does it."""

    def __init__(self) -> None:
        super().__init__()
        self.stored: dict[str, Caller] = {}
        self.identified = 0
        self.claims: dict[tuple[str, str], tuple[str, StoredAnswer | None]] = {}
        self.recorded: list[dict[str, Any]] = []

    async def identify(self, sha256: str) -> Caller | None:
        self.identified += 1
        if self.error is not None:
            raise self.error
        return self.stored.get(sha256)

    async def create_key(self, order: KeyOrder, caller: Caller) -> NewKey:
        self._asked("create_key", order, caller.name)
        return NewKey(key=example(KeyEntry, name=order.name), secret="shk_made")

    async def keys(self) -> tuple[KeyEntry, ...]:
        self._asked("keys")
        return (example(KeyEntry),)

    async def revoke_key(self, key_id: str) -> KeyEntry:
        self._asked("revoke_key", key_id)
        return example(KeyEntry, id=key_id)

    async def claim(self, caller: str, key: str, fingerprint: str) -> Claim:
        if (caller, key) not in self.claims:
            self.claims[caller, key] = (fingerprint, None)
            return Claim(ClaimOutcome.CLAIMED)
        known, answer = self.claims[caller, key]
        if known != fingerprint:
            return Claim(ClaimOutcome.OTHER_REQUEST)
        return Claim(ClaimOutcome.ANSWERED, answer) if answer else Claim(ClaimOutcome.IN_PROGRESS)

    async def settle(self, caller: str, key: str, answer: StoredAnswer | None) -> None:
        if answer is None:
            del self.claims[caller, key]
        else:
            self.claims[caller, key] = (self.claims[caller, key][0], answer)

    async def record(self, **act: Any) -> None:
        self.recorded.append(act)

    async def acts(self, *, caller: str, operation: str, page_size: int, cursor: str) -> ActPage:
        self._asked("acts", caller, operation, page_size, cursor)
        return ActPage(acts=(example(Act),), next_cursor="more")

    async def secret(self, name: str) -> bytes:
        return f"the secret of {name}".encode()


class FakeRemarks(Fake):
    async def add(self, item_id: str, order: RemarkOrder, caller: Caller) -> Remark:
        self._asked("add", item_id, order, caller.name)
        return example(Remark, item_id=item_id)

    async def listing(self, wanted: RemarkFilter, caller: Caller, *, page_size: int, cursor: str) -> RemarkPage:
        self._asked("listing", wanted, caller.name, page_size, cursor)
        return RemarkPage(remarks=(example(Remark),), next_cursor="more")

    async def moderate(self, remark_id: str, moderation: Moderation, caller: Caller) -> Remark:
        self._asked("moderate", remark_id, moderation, caller.name)
        return example(Remark, id=remark_id, state=moderation.state)


class FakeOperations(Fake):
    def __init__(self) -> None:
        super().__init__()
        self.view = OrchestratorView(
            (CheckFinding(check="nats", subject="JetStream", severity=Severity.OK, message="JetStream answers."),),
            example(ReplicaList).replicas,
            VERSION,
            time.time(),
        )

    async def diagnose(self) -> OrchestratorView:
        self._asked("diagnose")
        return self.view

    async def replicas(self) -> tuple[Replica, ...]:
        self._asked("replicas")
        return tuple(example(ReplicaList).replicas)

    async def set_intake(self, order: IntakeOrder) -> tuple[Replica, ...]:
        self._asked("set_intake", order)
        return tuple(example(ReplicaList).replicas)

    async def letters(self, *, run_id: str, service: str, page_size: int, cursor: str) -> DeadLetterPage:
        self._asked("letters", run_id, service, page_size, cursor)
        return example(DeadLetterPage, next_cursor="more")

    async def letter(self, letter_id: str) -> DeadLetterDetail:
        self._asked("letter", letter_id)
        return example(DeadLetterDetail)

    async def requeue(self, choice: LetterChoice) -> Requeued:
        self._asked("requeue", choice)
        return example(Requeued)

    async def drop(self, choice: LetterChoice) -> Dropped:
        self._asked("drop", choice)
        return example(Dropped)

    async def forget_samples(self, run_id: str) -> Run:
        self._asked("forget_samples", run_id)
        return example(Run, id=run_id, samples_forgotten_at="2026-03-01T00:00:00Z")


class FakeWebhooks(Fake):
    async def create(self, order: WebhookOrder, caller: Caller) -> NewWebhook:
        self._asked("create", order, caller.name)
        return NewWebhook(webhook=example(Webhook), secret="whs_made")

    async def listing(self) -> tuple[Webhook, ...]:
        self._asked("listing")
        return (example(Webhook),)

    async def delete(self, webhook_id: str) -> None:
        self._asked("delete", webhook_id)

    async def deliveries(
        self, webhook_id: str, states: tuple[DeliveryState, ...], *, page_size: int, cursor: str
    ) -> DeliveryPage:
        self._asked("deliveries", webhook_id, states, page_size, cursor)
        return DeliveryPage(deliveries=(example(Delivery),), next_cursor="more")

    async def retry(self, delivery_id: str) -> Delivery:
        self._asked("retry", delivery_id)
        return example(Delivery, id=delivery_id, state="waiting")
