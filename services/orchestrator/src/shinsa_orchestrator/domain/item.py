"""Items and their outcomes, as they are recorded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from shinsa_benchmarks.vocabulary import Status

_MODEL_REASONS = frozenset({"context_overflow", "content_filtered"})


def is_the_models_doing(kind: str, reason: str) -> bool:
    """Whether a failed step is the examined model's answer: it was asked, and this is what it does.

    The same of a judge says nothing about the model: what a judge cannot hold or will not read was not measured.
    """
    return kind == "generate" and reason in _MODEL_REASONS


@dataclass(frozen=True, slots=True)
class FinishedItem:
    """An item with its outcome. ``position`` numbers the items of a run; ``wrong``: below the primary metric's best."""

    id: str
    run_id: str
    shard: int
    round: int
    position: int
    line: int
    benchmark: str
    shots: int
    repetition: int
    sample_id: str
    category: str
    gold: str
    status: Status
    finished_at: float
    reason: str = ""
    detail: str = ""
    answer: str = ""
    wrong: bool = False
    metrics: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ItemFilter:
    """Which items of a run to list; empty fields and None do not filter."""

    run_id: str
    benchmark: str = ""
    status: Status | None = None
    category: str = ""
    wrong_only: bool = False
    reason: str = ""
    disagreed_only: bool = False
    shots: int | None = None
    sample_id: str = ""


@dataclass(frozen=True, slots=True)
class StepDetail:
    """A recorded step as a person wants to see it; ``request`` and ``body`` are serialized messages."""

    id: str
    kind: str
    request: bytes
    body: bytes
    failed: bool
    worker: str
    attempt: int
    deliveries: int
    started_at: float
    finished_at: float
    reused_from: str = ""


@dataclass(frozen=True, slots=True)
class OutcomeRow:
    """What a tally needs of an item."""

    sample_id: str
    repetition: int
    category: str
    status: Status
    metrics: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class StatusCount:
    """How many items of a line ended so."""

    line: int
    benchmark: str
    status: Status
    reason: str
    count: int


@dataclass(frozen=True, slots=True)
class StepTotals:
    """Recorded steps of one kind in a run. ``adopted`` of the ``recorded`` came from another run; ``asked`` counts how
    often the others were asked for, ``delivered_again`` how often their queue gave them to another worker, or later."""

    kind: str
    recorded: int
    failed: int
    adopted: int
    asked: int
    delivered_again: int
    prompt_tokens: int
    completion_tokens: int
    cost: float = 0.0


@dataclass(frozen=True, slots=True)
class JudgeTotals:
    """Recorded verdicts of one profile, as far as they cost in one currency ("" where no price is known)."""

    profile: str
    currency: str
    verdicts: int
    unreadable: int
    disagreed: int
    prompt_tokens: int
    completion_tokens: int
    cost: float


@dataclass(frozen=True, slots=True)
class CompletionSums:
    """Recorded completions of a run that are alike in how they ended, where they come from and what they are paid in.

    ``finish`` as in ``StepResult``. Tokens are sums; ``cost`` is in ``currency``.
    """

    finish: str
    currency: str
    adopted: bool
    reused: bool
    greedy: bool
    completions: int
    prompt_tokens: int
    completion_tokens: int
    reasoning_tokens: int
    cached_tokens: int
    cost: float


@dataclass(frozen=True, slots=True)
class LatencyTotals:
    """Seconds, over completions that a run has asked for itself; percentiles by nearest rank."""

    completions: int
    mean: float
    p50: float
    p95: float
    longest: float
