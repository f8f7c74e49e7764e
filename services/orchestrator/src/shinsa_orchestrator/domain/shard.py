"""A shard: a slice of every line of the plan, so that all benchmarks of a run are in flight at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shinsa_orchestrator.domain.progress import Progress
from shinsa_orchestrator.domain.run import Plan, Run


@dataclass(frozen=True, slots=True)
class Place:
    """Where an item stands: line of the plan, repetition, index of its sample, and its number in the run."""

    line: int
    repetition: int
    sample: int
    position: int


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to examine a shard until it runs out. ``epoch`` counts the owners it has had, from 1."""

    run: Run
    number: int
    epoch: int
    progress: Progress

    @property
    def key(self) -> tuple[str, int]:
        return (self.run.id, self.number)

    @property
    def inbox(self) -> str:
        """Name under which results for this shard are sent."""
        return f"{self.run.id}-{self.number}"


def run_of_inbox(inbox: str) -> str:
    """The id of the run that an inbox belongs to."""
    return inbox.rpartition("-")[0]


def bounds(items: int, shards: int, number: int) -> tuple[int, int]:
    """First and one past the last of the items of a line that belong to shard ``number``."""
    return items * number // shards, items * (number + 1) // shards


def shard_items(plan: Plan, number: int) -> int:
    """How many items a shard holds."""
    return sum(high - low for low, high in (bounds(line.items, plan.shards, number) for line in plan.lines))


def places(plan: Plan, number: int) -> Sequence[Place]:
    """The shard's items in the order in which they are started.

    Lines are mixed in proportion to their size. A line with longer chains of steps (execute, judge) comes earlier, so
    that what follows its generations does not trail behind everything else.
    """
    ranked = []
    for index, line in enumerate(plan.lines):
        low, high = bounds(line.items, plan.shards, number)
        first = plan.positions(index).start
        pace = 1.0 / ((high - low) * max(1, len(line.steps))) if high > low else 0.0
        for at in range(low, high):
            place = Place(index, at // line.samples, at % line.samples, first + at)
            ranked.append(((at - low + 0.5) * pace, index, place))
    ranked.sort(key=lambda entry: entry[:2])
    return [place for _, _, place in ranked]
