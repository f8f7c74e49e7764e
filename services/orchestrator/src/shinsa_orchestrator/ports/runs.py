"""Runs, their shards and their scores, and where it is shown how they are doing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

from shinsa_orchestrator.domain.board_table import ScoredRun
from shinsa_orchestrator.domain.progress import Progress
from shinsa_orchestrator.domain.report import Score
from shinsa_orchestrator.domain.run import Plan, Run, RunSpec, RunState
from shinsa_orchestrator.domain.shard import Lease

ShardKey = tuple[str, int]
NO_VERSIONS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Pulse:
    """What the owner of a shard learns when it renews its lease."""

    state: RunState
    round: int


class RunStore(Protocol):
    """Runs, their shards and their scores."""

    async def add_run(self, run: Run, shards: Sequence[Progress], idempotency_key: str) -> Run | None:
        """Stores a run with its shards; with a known key, changes nothing and returns the run of that key.

        None where the samples of the run that it adopts are no longer kept: from this moment on they are, if they were.
        """
        ...

    async def run_of_key(self, idempotency_key: str) -> Run | None: ...

    async def run(self, run_id: str) -> Run | None:
        """The run with its progress summed over its shards, or as it was at the end."""
        ...

    async def runs(self, *, model: str, before: str, limit: int) -> Sequence[Run]:
        """Newest first, those older than the run ``before``; empty strings do not filter."""
        ...

    async def change_state(self, run_id: str, state: RunState, *, of: Sequence[RunState], problem: str = "") -> bool:
        """Moves a run that is in one of the states ``of``; False if it is in another. An end is stamped."""
        ...

    async def resume(
        self, run_id: str, *, of: Sequence[RunState], spec: RunSpec | None = None, plan: Plan | None = None
    ) -> bool:
        """Starts a new round of a run in one of the states ``of``, with ``spec`` and ``plan`` from now on if given.

        Unfinished shards, and those with infra errors, open again; leases of earlier rounds end. False also where the
        samples of the run, or of one that it adopts, are no longer kept.
        """
        ...

    async def pausable(self) -> Sequence[str]:
        """Active runs whose shards are all done or parked, at least one of them parked."""
        ...

    async def pause(self, run_id: str, round_: int, problem: str) -> bool:
        """Pauses this round of such a run; False if it is not such a run (any more)."""
        ...

    async def shard_progress(self, run_id: str) -> Mapping[int, Progress]:
        """The progress of every shard as it was last stored."""
        ...

    async def lease_shard(self, owner: str, seconds: float, *, not_of: Sequence[str]) -> Lease | None:
        """Leases an open shard of an active run that nobody holds, oldest run first; none of the runs ``not_of``."""
        ...

    async def renew(self, owner: str, seconds: float, held: Mapping[ShardKey, Progress]) -> Mapping[ShardKey, Pulse]:
        """Extends the leases and stores their progress; what is missing in the answer is not the owner's any more."""
        ...

    async def release(self, owner: str, lease: Lease, progress: Progress, *, done: bool, parked: bool = False) -> bool:
        """Gives a shard back: finished, ``parked`` until its run is resumed, or neither, for anybody to take again.

        False if the owner does not hold it under this lease any more.
        """
        ...

    async def finishable(self) -> Sequence[str]:
        """Active runs whose shards are all done."""
        ...

    async def claim_end(self, run_id: str, owner: str, seconds: float) -> bool:
        """The right to end a run whose shards are all done, for so long; False where it is another's, or is over."""
        ...

    async def release_end(self, run_id: str, owner: str) -> None:
        """Gives that right back, if it is still the owner's."""
        ...

    async def finish(
        self,
        run_id: str,
        round_: int,
        state: RunState,
        progress: Progress,
        scores: Sequence[Score],
        versions: Mapping[str, str] = NO_VERSIONS,
    ) -> bool:
        """Ends this round of an active run whose shards are all done; False if it is not such a run (any more).

        ``versions`` are those of what measured it, by name.
        """
        ...

    async def save_scores(
        self, run_id: str, scores: Sequence[Score], versions: Mapping[str, str] = NO_VERSIONS
    ) -> None:
        """They take the place of those that were stored."""
        ...

    async def scores(self, run_ids: Sequence[str]) -> Mapping[str, Sequence[Score]]: ...

    async def active_runs(self) -> Sequence[Run]:
        """Every run that is pending or running, oldest first."""
        ...

    async def state_counts(self) -> Mapping[RunState, int]:
        """How many runs are in each state."""
        ...

    async def scored_runs(self) -> Sequence[ScoredRun]:
        """Every run in state complete, newest first."""
        ...

    async def forgettable(self, seconds: float) -> Sequence[str]:
        """Runs that were over so long ago, whose samples are kept and taken over by no active run."""
        ...

    async def forgotten(self, seconds: float) -> Sequence[str]:
        """Runs whose samples were forgotten at most so long ago."""
        ...

    async def note_forgotten(self, run_id: str) -> bool:
        """Says that the samples of a run are forgotten; False where it is not over, or an active run adopts it."""
        ...

    async def board_changes(self) -> int:
        """A number that grows whenever something changed that a board may show: scores, models, reference rows."""
        ...


class RunGauges(Protocol):
    """Where it is shown how runs are doing."""

    def show(self, states: Mapping[RunState, int], active: Sequence[tuple[Run, float | None]]) -> None:
        """``active`` runs with the seconds that each still takes, as far as that can be told."""
        ...
