"""The sample log."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Protocol

from shinsa_orchestrator.domain.item import (
    CompletionSums,
    FinishedItem,
    ItemFilter,
    JudgeTotals,
    LatencyTotals,
    OutcomeRow,
    StatusCount,
    StepDetail,
    StepTotals,
)
from shinsa_orchestrator.domain.repeat import Repeat, RepeatCount
from shinsa_orchestrator.domain.step import KnownStep, StepRecord, StepResult, StoredResult


class SampleLog(Protocol):
    """Every recorded step and outcome."""

    async def record(
        self, steps: Sequence[StepRecord], items: Sequence[FinishedItem], repeats: Sequence[Repeat] = ()
    ) -> set[str]:
        """Writes all in one transaction and returns the steps that were *not* taken because they are recorded already.

        The first success of a step stays. A failure gives way to a success and to the failure of a later attempt, an
        infra error to the outcome of a later round; everything else recorded stays as it is. A repeat that is
        noted already is passed over.
        """
        ...

    async def fill_request(self, step_id: str, kind: str, request: bytes, question: str = "") -> None:
        """Adds kind, request and question to a step that was recorded without."""
        ...

    async def known_steps(self, run_id: str, shard: int) -> Mapping[str, KnownStep]: ...

    async def finished(self, run_id: str, shard: int) -> Mapping[int, tuple[str, int, int]]:
        """Status, round and line of every finished item of a shard, by position."""
        ...

    async def results(self, step_ids: Sequence[str]) -> Mapping[str, StoredResult]: ...

    async def successes(self, step_ids: Sequence[str]) -> set[str]:
        """Those of the steps that have a recorded success."""
        ...

    async def copies(self, step_ids: Sequence[str]) -> Mapping[str, StepResult]:
        """Recorded results in full, for a run that adopts them."""
        ...

    async def answers_of(self, questions: Sequence[str], *, engine: str, not_of: str) -> Mapping[str, StepResult]:
        """By question, the first greedy completion of just this engine that a run other than ``not_of`` asked for."""
        ...

    def outcomes(self, run_id: str, positions: range) -> AsyncIterator[Sequence[OutcomeRow]]:
        """All outcomes of the items at these positions, in pieces, in the order of the plan."""
        ...

    async def status_counts(self, run_id: str) -> Sequence[StatusCount]: ...

    async def step_totals(self, run_id: str) -> Sequence[StepTotals]: ...

    async def repeat_counts(self, run_id: str) -> Sequence[RepeatCount]:
        """What was noted of steps that were asked or given back once more, by cause and reason."""
        ...

    async def judge_totals(self, run_id: str) -> Sequence[JudgeTotals]:
        """Recorded verdicts by profile and currency."""
        ...

    async def completion_sums(self, run_id: str) -> Sequence[CompletionSums]:
        """Recorded completions, added up where they are alike."""
        ...

    async def latency_totals(self, run_id: str) -> LatencyTotals | None: ...

    async def origins(self, run_id: str) -> Mapping[str, Sequence[str]]:
        """Who answered, by kind of step, sorted."""
        ...

    async def forget(self, run_id: str, shard: int) -> None:
        """Empties requests, results, answers and golds of a shard; outcomes, counts and totals stay."""
        ...

    async def items(self, wanted: ItemFilter, *, after: int, limit: int) -> Sequence[FinishedItem]:
        """Items with a position greater than ``after``, in order of position."""
        ...

    async def item(self, item_id: str) -> FinishedItem | None: ...

    async def steps(self, item: FinishedItem) -> Sequence[StepDetail]:
        """The item's steps in the order in which they were begun."""
        ...
