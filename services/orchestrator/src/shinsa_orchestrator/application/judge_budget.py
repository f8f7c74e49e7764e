"""A run's judge budget: nobody is asked who would go beyond it, and whoever waits for that learns that it is spent."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace

from shinsa_orchestrator.domain.progress import Progress, StageCounts
from shinsa_orchestrator.domain.run import JudgeBudget, Run

# Verdicts that are asked for at once before the first one has told what a verdict takes.
FIRST_ASKS = 4


class JudgeBudgetSpent(BaseException):
    """The item cannot go on before somebody raises the budget. No error of its: benchmarks do not catch it."""


class JudgePurse:
    """What the judges of one run may still spend, as far as this process can know.

    Its own shards are counted as they are, those of others as they were last stored. A verdict is asked for only if it
    and all that are under way would fit at the mean of those recorded so far; one at a time always may be, until
    nothing is left. So the bound is overshot by what one verdict takes, by how far those under way differ from the
    mean, and by what other replicas spent since they last stored their progress.
    """

    def __init__(self, budget: JudgeBudget) -> None:
        self._budget = budget
        self._here: dict[int, Progress] = {}
        # The most that was ever known of a shard. What is read may be older than what was counted here since.
        self._known: dict[int, StageCounts] = {}
        # Spent on shards that are examined elsewhere, and under way there; None until it is added up again. There may
        # be hundreds, and each verdict asks.
        self._elsewhere: tuple[StageCounts, int] | None = None
        self._under_way = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def bounded(self) -> bool:
        return self._budget.bounded

    def open(self, shard: int, progress: Progress) -> None:
        """A shard is examined here from now on; ``progress`` counts it from the moment that its log has been read."""
        self._here[shard] = progress
        self._elsewhere = None

    def close(self, shard: int) -> None:
        """It is not any more."""
        if shard in self._here:
            self._know(shard, self._here.pop(shard).stages["judge"])

    def learn(self, stored: Mapping[int, Progress]) -> None:
        """Takes in the stored progress of all shards of the run."""
        for shard, progress in stored.items():
            self._know(shard, progress.stages["judge"])
        self._serve()

    def _know(self, shard: int, counts: StageCounts) -> None:
        self._elsewhere = None
        known = self._known.get(shard)
        if known is None or counts.recorded >= known.recorded:
            self._known[shard] = counts

    @asynccontextmanager
    async def admitted(self) -> AsyncIterator[None]:
        """Around one ask, until its result is counted. Raises ``JudgeBudgetSpent`` instead of starting it."""
        if not self.bounded:
            yield
            return
        await self._admission()
        try:
            yield
        finally:
            self._leave()

    async def _admission(self) -> None:
        spent = self._spent()
        if self._budget.used_up(spent.tokens, spent.cost):
            raise JudgeBudgetSpent
        if not self._waiting and self._fits(spent):
            self._under_way += 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled() and turn.exception() is None:
                self._leave()
            raise

    def _leave(self) -> None:
        self._under_way -= 1
        self._serve()

    def _serve(self) -> None:
        """Lets in whoever fits, in order; turns all away once nothing is left."""
        spent = self._spent() if self._waiting else StageCounts()
        used_up = self._budget.used_up(spent.tokens, spent.cost)
        while self._waiting and (used_up or self._fits(spent)):
            turn = self._waiting.popleft()
            if turn.done():
                continue  # nobody waits for it any more
            if used_up:
                turn.set_exception(JudgeBudgetSpent())
            else:
                self._under_way += 1
                turn.set_result(None)

    def _spent(self) -> StageCounts:
        whole = replace(self._of_others()[0])
        for shard, progress in self._here.items():
            counted, known = progress.stages["judge"], self._known.get(shard)
            whole.add(counted if known is None or counted.recorded >= known.recorded else known)
        return whole

    def _of_others(self) -> tuple[StageCounts, int]:
        if self._elsewhere is None:
            others = [counts for shard, counts in self._known.items() if shard not in self._here]
            spent = StageCounts()
            for counts in others:
                spent.add(counts)
            self._elsewhere = spent, sum(counts.in_flight for counts in others)
        return self._elsewhere

    def _fits(self, spent: StageCounts) -> bool:
        if self._under_way == 0:
            return True
        under_way = self._under_way + self._of_others()[1]
        if not spent.recorded:
            return under_way < FIRST_ASKS
        grown = 1 + (under_way + 1) / spent.recorded
        return not self._budget.exceeded(spent.tokens * grown, spent.cost * grown)


def spent_problem(run: Run) -> str:
    """What a run whose judge budget is spent says about itself, with the way out."""
    budget, spent = run.spec.judge_budget, run.progress.stages["judge"]
    used, options = [], []
    if budget.tokens:
        used.append(f"{spent.tokens:,} of {budget.tokens:,} judge tokens")
        options.append("--max-judge-tokens N")
    if budget.cost:
        used.append(f"{spent.cost:.4g} of {budget.cost:.4g} judge cost")
        options.append("--max-judge-cost C")
    return f"{' and '.join(used)} are spent; `shinsa resume {run.id} {' '.join(options)}` with more goes on"
