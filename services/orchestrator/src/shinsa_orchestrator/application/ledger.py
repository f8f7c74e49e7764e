"""What was asked of the workers against what was needed, and why more than once. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from shinsa_orchestrator.domain.item import StepTotals
from shinsa_orchestrator.domain.progress import Progress
from shinsa_orchestrator.domain.repeat import ASKED_AGAIN, HANDED_BACK, RepeatCause, RepeatCount
from shinsa_orchestrator.domain.report import Ledger


def ledger(progress: Progress, totals: Sequence[StepTotals], noted: Sequence[RepeatCount]) -> Ledger:
    """``noted`` says why; what remains was delivered again without a word, or asked again before it was noted why."""
    counted = sum(stage.again for stage in progress.stages.values())
    unknown = max(0, counted - _sum(noted, ASKED_AGAIN))
    # Of an ask whose result was recorded by an owner who did not know of it, only the note is left.
    again = max(counted, _sum(noted, ASKED_AGAIN))
    silent = max(0, sum(total.delivered_again for total in totals) - sum(one.told for one in noted))
    unsaid = (RepeatCount(RepeatCause.UNKNOWN, "", unknown), RepeatCount(RepeatCause.SILENT, "", silent))
    repeats = [*noted, *(one for one in unsaid if one.count)]
    return Ledger(
        steps_needed=sum(total.recorded for total in totals),
        steps_asked=sum(stage.asked for stage in progress.stages.values()) + again - counted,
        steps_asked_again=again,
        steps_delivered_again=silent + _sum(noted, HANDED_BACK),
        steps_failed=sum(total.failed for total in totals),
        repeats=tuple(sorted(repeats, key=lambda one: (_ORDER[one.cause], one.reason))),
    )


_ORDER = {cause: number for number, cause in enumerate(RepeatCause)}


def _sum(noted: Sequence[RepeatCount], causes: frozenset[RepeatCause]) -> int:
    return sum(one.count for one in noted if one.cause in causes)
