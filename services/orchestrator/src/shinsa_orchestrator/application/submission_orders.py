"""What is ordered with a submission: completed, checked, and compared with what is there."""

from __future__ import annotations

from dataclasses import dataclass, replace

from shinsa_orchestrator.application.refusals import unknown
from shinsa_orchestrator.application.validity import Examined, ValidityTerms, examine
from shinsa_orchestrator.domain.submission import (
    ModelFacts,
    ModelSource,
    Submission,
    SubmissionOrder,
    ValidityCheck,
    ValidityVerdict,
    check_order,
)
from shinsa_orchestrator.ports.catalog import Catalog
from shinsa_orchestrator.ports.models import ModelStore
from shinsa_orchestrator.ports.submissions import ModelHub, SubmissionStore


@dataclass(frozen=True, slots=True)
class OrderTerms:
    """``suite`` is examined where an order names none."""

    suite: str
    validity: ValidityTerms


class OrderExaminer:
    """Says what an order comes to, and stores nothing."""

    def __init__(
        self, store: SubmissionStore, models: ModelStore, catalog: Catalog, hub: ModelHub | None, terms: OrderTerms
    ) -> None:
        self._store = store
        self._models = models
        self._catalog = catalog
        self._hub = hub
        self._terms = terms

    def completed(self, order: SubmissionOrder) -> SubmissionOrder:
        """With the defaults that an order may leave out. Raises ``ShinsaError`` for one that is wrong in itself."""
        suite = order.suite or self._terms.suite
        if order.source is ModelSource.HUB:
            order = replace(
                order,
                revision=order.revision or "main",
                precision=order.precision or "auto",
                add_special_tokens=not order.bare,
            )
        check_order(order)
        if suite not in self._catalog.suites():
            raise unknown("suite", "suite", suite, self._catalog.suites())
        return replace(order, suite=suite)

    async def examined(self, order: SubmissionOrder, submitter: str) -> Examined:
        """Every check of a completed order, and what was learned of its model."""
        if order.source is ModelSource.HUB:
            examined = await examine(order, self._hub, self._terms.validity)
        else:
            examined = await self._registered(order)
        wanted = Submission("", order, submitter, 0.0, facts=examined.facts)
        return replace(examined, checks=(*examined.checks, await self._duplicate(wanted)))

    async def _registered(self, order: SubmissionOrder) -> Examined:
        if await self._models.model(order.model) is None:
            raise unknown("model", "registered model", order.model, [one.name for one in await self._models.models()])
        check = ValidityCheck("exists", ValidityVerdict.PASSED, f"{order.model} is registered")
        return Examined((check,), ModelFacts())

    async def _duplicate(self, wanted: Submission) -> ValidityCheck:
        twin = await self._store.twin(wanted.duplicate_key)
        if twin is not None:
            return ValidityCheck("duplicate", ValidityVerdict.FAILED, duplicate_words(twin))
        if wanted.order.source is ModelSource.HUB and not wanted.facts.commit:
            detail = "not checked by commit: the revision could not be resolved, so its name alone was compared"
            return ValidityCheck("duplicate", ValidityVerdict.NOT_CHECKED, detail)
        return ValidityCheck("duplicate", ValidityVerdict.PASSED, "nothing open or finished examines the same")


def duplicate_words(twin: Submission) -> str:
    """Why the same is not examined twice."""
    same = "the same model, commit, precision, special tokens and suite"
    return f"submission {twin.id} ({twin.state.value}) examines {same}"
