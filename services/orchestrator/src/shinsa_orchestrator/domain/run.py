"""A run: what was asked for, how it was planned, how far it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from shinsa_orchestrator.domain.progress import Progress

Setting = str | int | float | bool


class RunState(StrEnum):
    """Where a run stands; the values are stored."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETE = "complete"
    INCOMPLETE = "incomplete"
    CANCELLED = "cancelled"
    FAILED = "failed"
    PAUSED = "paused"

    @property
    def active(self) -> bool:
        """Whether shards of such a run may be leased."""
        return self in (RunState.PENDING, RunState.RUNNING)


ACTIVE = (RunState.PENDING, RunState.RUNNING)
OVER = (RunState.COMPLETE, RunState.INCOMPLETE, RunState.CANCELLED, RunState.FAILED)


@dataclass(frozen=True, slots=True)
class JudgeBudget:
    """What the judges of a run may use up before it is paused; 0: no bound. ``cost`` in the currency of the prices."""

    tokens: int = 0
    cost: float = 0.0

    @property
    def bounded(self) -> bool:
        return bool(self.tokens or self.cost)

    def used_up(self, tokens: int, cost: float) -> bool:
        """Whether so much spending reaches a bound."""
        return bool((self.tokens and tokens >= self.tokens) or (self.cost and cost >= self.cost))

    def exceeded(self, tokens: float, cost: float) -> bool:
        """Whether so much spending goes beyond a bound."""
        return bool((self.tokens and tokens > self.tokens) or (self.cost and cost > self.cost))


@dataclass(frozen=True, slots=True)
class BenchmarkChoice:
    """One benchmark of a run. Empty ``shots``: the benchmark's own list. ``repetitions`` 0: once."""

    benchmark: str
    shots: tuple[int, ...] = ()
    repetitions: int = 0


@dataclass(frozen=True, slots=True)
class JudgeChoice:
    """A judge profile for a role; the role ``*`` stands for every role."""

    role: str
    profile: str


@dataclass(frozen=True, slots=True)
class Override:
    """``setting`` or ``benchmark.setting``, and its value as text."""

    key: str
    value: str


@dataclass(frozen=True, slots=True)
class RunSpec:
    """What to examine, as the submitter said it."""

    model: str
    suite: str = ""
    benchmarks: tuple[BenchmarkChoice, ...] = ()
    limit: int = 0
    judges: tuple[JudgeChoice, ...] = ()
    overrides: tuple[Override, ...] = ()
    dataset: str = ""
    note: str = ""
    window: int = 0
    judge_budget: JudgeBudget = JudgeBudget()
    reuse: bool = False


@dataclass(frozen=True, slots=True)
class PlannedBenchmark:
    """One benchmark at one shot count, pinned. ``samples`` of its dataset are examined ``repetitions`` times each."""

    benchmark: str
    version: str
    shots: int
    repetitions: int
    samples: int
    dataset: str
    dataset_digest: str
    steps: tuple[str, ...]
    settings: Mapping[str, Setting] = field(default_factory=dict)

    @property
    def items(self) -> int:
        return self.samples * self.repetitions


@dataclass(frozen=True, slots=True)
class Pins:
    """Just whom a run asks; empty where that is whoever is in force.

    ``model`` is the version of the model's entry, ``judges`` the digest of each profile that is asked, ``judge_models``
    the version of each model of this mesh that judges ask, by name. ``kept`` names the definitions that are kept: by
    profile, that of the model as ``MODEL``, those of judges' models with their names after that. ``mixed``: the run was
    resumed with others than those that it was begun with.
    """

    model: str = ""
    judges: Mapping[str, str] = field(default_factory=dict)
    kept: Mapping[str, str] = field(default_factory=dict)
    mixed: bool = False
    judge_models: Mapping[str, str] = field(default_factory=dict)

    def other_than(self, model: str, examined: str, version: str) -> bool:
        """Whether this version of a model is another than the run asks, which examines the one called ``examined``."""
        asked = {self.model if model == examined else "", self.judge_models.get(model, "")} - {""}
        return bool(asked - {version})


# Among what ``Pins`` keeps; no judge profile is called so.
MODEL = "*model"


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run consists of. Nothing here grows with the number of samples."""

    lines: tuple[PlannedBenchmark, ...]
    judges: Mapping[str, str]
    items_per_shard: int
    window: int
    # Of a run that adopts another: its generations are scored anew, and only what is not recorded is asked.
    regrades: bool = False
    pins: Pins = Pins()

    @property
    def items(self) -> int:
        return sum(line.items for line in self.lines)

    @property
    def shards(self) -> int:
        """At least one, so that a run without items ends like any other."""
        return max(1, -(-self.items // self.items_per_shard))

    def positions(self, line: int) -> range:
        """The numbers in the run that the items of a line have."""
        first = sum(one.items for one in self.lines[:line])
        return range(first, first + self.lines[line].items)


@dataclass(frozen=True, slots=True)
class Run:
    """One examination of one model. Times are seconds since the epoch.

    ``round`` counts its starts (1 plus the number of resumptions). ``adopts`` names the run whose generations and
    executions this one takes over (re-judging), empty for an ordinary run. ``versions``, by name, are those of what
    measured it; there are none before its end. ``samples_forgotten_at``: since when prompts, replies and evidence are
    no longer kept.
    """

    id: str
    spec: RunSpec
    plan: Plan
    state: RunState = RunState.PENDING
    round: int = 1
    adopts: str = ""
    problem: str = ""
    created_at: float = 0.0
    started_at: float | None = None
    finished_at: float | None = None
    progress: Progress = field(default_factory=Progress)
    versions: Mapping[str, str] = field(default_factory=dict)
    samples_forgotten_at: float | None = None
