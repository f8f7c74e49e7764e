"""What is said of a run when it is tallied."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from shinsa_orchestrator.domain.definition import Definitions
from shinsa_orchestrator.domain.item import LatencyTotals
from shinsa_orchestrator.domain.repeat import RepeatCount
from shinsa_orchestrator.domain.run import Run


@dataclass(frozen=True, slots=True)
class Score:
    """One metric of one benchmark at one shot count; ``None`` where it could not be measured."""

    benchmark: str
    shots: int
    metric: str
    primary: bool
    value: float | None
    stderr: float | None
    low: float | None
    high: float | None
    scored: int
    model_errors: int
    infra_errors: int
    items: int
    worst_case: float | None
    best_case: float | None
    scale: str


@dataclass(frozen=True, slots=True)
class ReasonCount:
    """How many items of a benchmark ended with this status and reason."""

    status: str
    reason: str
    count: int
    benchmark: str


@dataclass(frozen=True, slots=True)
class Provenance:
    """By what and with what a run was measured.

    ``reproduce`` is a command line that asks for the same of the same model, ``definitions`` what it and judges were.
    """

    shinsa_version: str
    engine_fingerprints: tuple[str, ...]
    judge_identities: tuple[str, ...]
    sandbox_tiers: tuple[str, ...]
    reproduce: str
    definitions: Definitions = field(default_factory=Definitions)


@dataclass(frozen=True, slots=True)
class TokenTotals:
    """Tokens over all recorded steps, adopted ones included."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    judge_prompt_tokens: int = 0
    judge_completion_tokens: int = 0


@dataclass(frozen=True, slots=True)
class JudgeUsage:
    """What one judge profile was asked for; ``costs`` by currency, without those whose price is not known."""

    profile: str
    verdicts: int = 0
    unreadable: int = 0
    disagreed: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    costs: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GenerationTotals:
    """What the examined model's completions took; each recorded step counts once.

    ``adopted`` and ``reused`` of the ``completions`` came from other runs, ``not_greedy`` were asked for here and
    cannot be reused. Sums of tokens are over all, those ``taken_over`` included; latency and ``costs`` (by currency)
    are of what was asked for here. ``finish_reasons`` counts choices.
    """

    completions: int = 0
    adopted: int = 0
    reused: int = 0
    not_greedy: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    reasoning_tokens: int = 0
    cached_tokens: int = 0
    tokens_taken_over: int = 0
    finish_reasons: Mapping[str, int] = field(default_factory=dict)
    costs: Mapping[str, float] = field(default_factory=dict)
    latency: LatencyTotals | None = None


@dataclass(frozen=True, slots=True)
class Ledger:
    """What was asked against what was needed, and why more than once.

    Asked again is what had no answer for too long, and what had failed in a run that was resumed. Delivered again is
    what its queue gave out once more, because the worker that had it died, was stopped or could not do it then.
    ``repeats`` has each cause apart; only ``TAKEN_OVER``, of which the queue took no notice, is in neither number.
    """

    steps_needed: int = 0
    steps_asked: int = 0
    steps_asked_again: int = 0
    steps_delivered_again: int = 0
    steps_failed: int = 0
    repeats: tuple[RepeatCount, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """A run's scores with everything they rest on."""

    run: Run
    scores: tuple[Score, ...]
    reasons: tuple[ReasonCount, ...]
    provenance: Provenance
    tokens: TokenTotals
    ledger: Ledger
    judges: tuple[JudgeUsage, ...] = ()
    generation: GenerationTotals = field(default_factory=GenerationTotals)


@dataclass(frozen=True, slots=True)
class SampleDifference:
    """One sample's values in both runs, means over repetitions; the items are those of its first repetition."""

    sample_id: str
    value_a: float
    value_b: float
    item_a: str
    item_b: str


@dataclass(frozen=True, slots=True)
class PairedComparison:
    """Run b against run a over the samples both have, for one metric."""

    benchmark: str
    shots: int
    metric: str
    shared: int
    mean_a: float
    mean_b: float
    difference: float
    stderr: float | None
    low: float | None
    high: float | None
    p_value: float | None
    a_better: int
    b_better: int
    rank_correlation: float | None = None
    differences: tuple[SampleDifference, ...] = ()
