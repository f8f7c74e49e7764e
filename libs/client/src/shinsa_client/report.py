"""What a run came to, and how two runs compare."""

from __future__ import annotations

from pydantic import Field

from shinsa_client.answer import Answer, JsonObject
from shinsa_client.generation import Cost
from shinsa_client.run import PlannedBenchmark, Run


class Score(Answer):
    """One metric of one benchmark at one shot count; ``None`` is "could not be measured", never zero."""

    benchmark: str
    shots: int = 0
    metric: str
    primary: bool = False
    value: float | None = None
    stderr: float | None = None
    low: float | None = None
    high: float | None = None
    scored: int = 0
    model_errors: int = 0
    infra_errors: int = 0
    items: int = 0
    worst_case: float | None = None
    best_case: float | None = None
    scale: str = ""

    @property
    def by_category(self) -> bool:
        return "/" in self.metric

    @property
    def missing(self) -> int:
        """Items that were not measured, for reasons of ours or because they are still to do."""
        return self.items - self.scored - self.model_errors


class ReasonCount(Answer):
    status: str
    reason: str
    count: int = 0
    benchmark: str = ""


class JudgeDefinition(Answer):
    """A judge profile as it was: its table in the judges file as JSON, and the text of its file of prompts."""

    profile: str
    digest: str
    definition_json: str
    prompts: str = ""


class Provenance(Answer):
    shinsa_version: str = ""
    suite: str = ""
    benchmarks: tuple[PlannedBenchmark, ...] = ()
    engine_fingerprints: tuple[str, ...] = ()
    judge_identities: tuple[str, ...] = ()
    sandbox_tiers: tuple[str, ...] = ()
    reproduce: str = ""
    model: JsonObject | None = None
    judges: tuple[JudgeDefinition, ...] = ()
    judge_models: tuple[JsonObject, ...] = ()


class TokenTotals(Answer):
    prompt_tokens: int = 0
    completion_tokens: int = 0
    judge_prompt_tokens: int = 0
    judge_completion_tokens: int = 0


class JudgeUsage(Answer):
    """What one judge profile was asked for."""

    profile: str
    verdicts: int = 0
    unreadable: int = 0
    disagreed: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    costs: tuple[Cost, ...] = ()


class Latency(Answer):
    """Seconds, over completions that the run asked for itself."""

    completions: int = 0
    mean: float = 0
    p50: float = 0
    p95: float = 0
    longest: float = 0


class GenerationTotals(Answer):
    """What the examined model's completions took; costs and latency are of those that the run asked for itself."""

    completions: int = 0
    adopted: int = 0
    reused: int = 0
    not_greedy: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    reasoning_tokens: int = 0
    cached_tokens: int = 0
    tokens_taken_over: int = 0
    finish_reasons: dict[str, int] = Field(default_factory=dict)
    latency: Latency | None = None
    costs: tuple[Cost, ...] = ()


class Repeat(Answer):
    """Why steps were asked or delivered more than once; ``reason`` of the failure behind it, if there is one."""

    cause: str
    reason: str = ""
    count: int


class Ledger(Answer):
    steps_needed: int = 0
    steps_asked: int = 0
    steps_asked_again: int = 0
    steps_delivered_again: int = 0
    steps_failed: int = 0
    repeats: tuple[Repeat, ...] = ()


class Report(Answer):
    run: Run
    scores: tuple[Score, ...] = ()
    reasons: tuple[ReasonCount, ...] = ()
    provenance: Provenance = Provenance()
    tokens: TokenTotals = TokenTotals()
    judges: tuple[JudgeUsage, ...] = ()
    ledger: Ledger = Ledger()
    generation: GenerationTotals = GenerationTotals()


class SampleDifference(Answer):
    sample_id: str
    value_a: float
    value_b: float
    item_a: str = ""
    item_b: str = ""


class Comparison(Answer):
    """One metric over the samples that both runs scored; ``difference`` is b - a."""

    benchmark: str
    shots: int = 0
    metric: str
    shared: int = 0
    mean_a: float
    mean_b: float
    difference: float
    stderr: float | None = None
    low: float | None = None
    high: float | None = None
    p_value: float | None = None
    a_better: int = 0
    b_better: int = 0
    rank_correlation: float | None = None
    differences: tuple[SampleDifference, ...] = ()


class RunComparison(Answer):
    comparisons: tuple[Comparison, ...] = ()
