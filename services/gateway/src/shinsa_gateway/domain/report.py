"""What a run came to."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import ConfigDict, Field

from shinsa_gateway.domain.generation import Cost
from shinsa_gateway.domain.model import ModelEntry
from shinsa_gateway.domain.resource import Resource
from shinsa_gateway.domain.run import RUN_EXAMPLE, PlannedBenchmark, Run


class Score(Resource):
    """One metric of one benchmark at one shot count. What could not be measured is null, never zero."""

    benchmark: str
    shots: int
    metric: str = Field(description="Name of the metric, or `metric/category`.")
    primary: bool
    value: float | None = None
    stderr: float | None = None
    low: float | None = Field(default=None, description="Lower end of the 95 % interval.")
    high: float | None = Field(default=None, description="Upper end of the 95 % interval.")
    scored: int
    model_errors: int
    infra_errors: int
    items: int
    worst_case: float | None = Field(
        default=None,
        description="The value if everything not measured had been worst; of mean weight where samples have weights.",
    )
    best_case: float | None = Field(
        default=None,
        description="The value if everything not measured had been best; of mean weight where samples have weights.",
    )
    scale: str = Field(default="", description="The metric's own range, such as `0-1`.")


class ReasonCount(Resource):
    """How many items ended for one reason."""

    status: str
    reason: str
    count: int
    benchmark: str


class JudgeDefinition(Resource):
    """A judge profile as it was when the run was planned."""

    profile: str
    digest: str = Field(description="As in the identities of its verdicts.")
    definition_json: str = Field(description="Its table in the judges file, as JSON.")
    prompts: str = Field(default="", description="Text of its file of prompts, where it has one.")


class Provenance(Resource):
    """What produced the numbers, precisely enough to ask for them again."""

    shinsa_version: str = ""
    suite: str = ""
    benchmarks: tuple[PlannedBenchmark, ...] = ()
    engine_fingerprints: tuple[str, ...] = ()
    judge_identities: tuple[str, ...] = ()
    sandbox_tiers: tuple[str, ...] = ()
    reproduce: str = Field(
        default="", description="A command line that asks for the same run, the model's entry included."
    )
    model: ModelEntry | None = Field(
        default=None, description="The model as it was registered; null of runs of before this was kept."
    )
    judges: tuple[JudgeDefinition, ...] = Field(
        default=(), description="Judge profiles as they were, members of panels included."
    )
    judge_models: tuple[ModelEntry, ...] = Field(
        default=(), description="Models of this mesh that those ask, as they were registered."
    )


class TokenTotals(Resource):
    """Tokens of all steps."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    judge_prompt_tokens: int = 0
    judge_completion_tokens: int = 0


class JudgeUsage(Resource):
    """What one judge profile was asked for."""

    profile: str
    verdicts: int
    unreadable: int = Field(description="Verdicts without a value.")
    disagreed: int = Field(description="Verdicts whose members did not agree: of a panel, its repeats, or a pair.")
    prompt_tokens: int
    completion_tokens: int
    costs: tuple[Cost, ...] = Field(default=(), description="One for each currency; none without a price.")


class Latency(Resource):
    """Seconds in the engine or on the wire, over completions that were asked for in this run."""

    completions: int
    mean: float
    p50: float = Field(description="By nearest rank.")
    p95: float
    longest: float


class GenerationTotals(Resource):
    """What the examined model's completions took; each recorded step counts once."""

    completions: int = Field(default=0, description="Those asked for here, adopted and reused together.")
    adopted: int = Field(default=0, description="Taken over from the run that is judged or graded again.")
    reused: int = Field(default=0, description="Taken over from other runs, since the run asked for that.")
    not_greedy: int = Field(default=0, description="Asked for here and decoded with sampling: not eligible for reuse.")
    prompt_tokens: int = 0
    completion_tokens: int = 0
    reasoning_tokens: int = Field(default=0, description="Part of `completion_tokens`.")
    cached_tokens: int = Field(default=0, description="Part of `prompt_tokens`.")
    tokens_taken_over: int = Field(default=0, description="Part of the sums above that was not spent here.")
    finish_reasons: dict[str, int] = Field(default_factory=dict, description="Choices by how they ended.")
    latency: Latency | None = Field(default=None, description="Null where nothing was asked for here.")
    costs: tuple[Cost, ...] = Field(
        default=(), description="Of what was asked for here, one for each currency; none without a price."
    )


RepeatCause = Literal["unknown", "no_answer", "resumed", "retried", "drained", "silent", "taken_over"]


class Repeat(Resource):
    """Why steps were asked or delivered more than once."""

    cause: RepeatCause = Field(
        description="Asked again: `no_answer` came in time, or the step had failed before the run was `resumed`; "
        "`unknown` where an older version did not note why. Delivered again: the worker met what may pass and "
        "`retried`, it stopped and was `drained`, or it was `silent`: it died, froze or was cut off. Neither: a shard "
        "was `taken_over`, and its next owner asked for what its queue knew already."
    )
    reason: str = Field(default="", description="Of the failure, where the cause is `resumed` or `retried`.")
    count: int


class Ledger(Resource):
    """Steps asked against steps needed."""

    steps_needed: int = 0
    steps_asked: int = 0
    steps_asked_again: int = Field(
        default=0, description="No answer came for too long, or the step had failed before the run was resumed."
    )
    steps_delivered_again: int = Field(
        default=0,
        description="The worker that had it died, was stopped or could not do it; its queue gave it out once more.",
    )
    steps_failed: int = 0
    repeats: tuple[Repeat, ...] = Field(
        default=(),
        description="Each cause and reason apart. Those of asked and of delivered again add up to the numbers above.",
    )


SCORE_EXAMPLE: dict[str, Any] = {
    "benchmark": "jcommonsenseqa",
    "shots": 0,
    "metric": "accuracy",
    "primary": True,
    "value": 0.8,
    "stderr": 0.126,
    "low": 0.49,
    "high": 0.94,
    "scored": 10,
    "model_errors": 0,
    "infra_errors": 0,
    "items": 10,
    "worst_case": 0.8,
    "best_case": 0.8,
    "scale": "0-1",
}


class Report(Resource):
    """Scores with intervals and denominators, and where they come from."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "run": RUN_EXAMPLE,
                    "scores": [SCORE_EXAMPLE],
                    "reasons": [
                        {"status": "model_error", "reason": "truncated", "count": 1, "benchmark": "mt_bench_ja"}
                    ],
                    "provenance": {
                        "shinsa_version": "0.1.0",
                        "suite": "demo",
                        "benchmarks": RUN_EXAMPLE["plan"],
                        "engine_fingerprints": ["vllm 0.32.0 smollm2-135m-instruct bfloat16"],
                        "judge_identities": [],
                        "sandbox_tiers": ["2"],
                        "reproduce": "shinsa run --model smollm2-135m-instruct --suite demo --limit 10",
                        "model": None,
                        "judges": [],
                        "judge_models": [],
                    },
                    "tokens": {
                        "prompt_tokens": 5120,
                        "completion_tokens": 640,
                        "judge_prompt_tokens": 0,
                        "judge_completion_tokens": 0,
                    },
                    "judges": [],
                    "generation": {
                        "completions": 10,
                        "adopted": 0,
                        "reused": 0,
                        "not_greedy": 0,
                        "prompt_tokens": 5120,
                        "completion_tokens": 640,
                        "reasoning_tokens": 0,
                        "cached_tokens": 4096,
                        "tokens_taken_over": 0,
                        "finish_reasons": {"length": 1, "stop": 9},
                        "latency": {"completions": 10, "mean": 1.3, "p50": 1.2, "p95": 2.1, "longest": 2.1},
                        "costs": [],
                    },
                    "ledger": {
                        "steps_needed": 10,
                        "steps_asked": 10,
                        "steps_asked_again": 0,
                        "steps_delivered_again": 1,
                        "steps_failed": 0,
                        "repeats": [{"cause": "retried", "reason": "rate_limited", "count": 1}],
                    },
                }
            ]
        }
    )

    run: Run
    scores: tuple[Score, ...] = ()
    reasons: tuple[ReasonCount, ...] = ()
    provenance: Provenance = Provenance()
    tokens: TokenTotals = TokenTotals()
    judges: tuple[JudgeUsage, ...] = Field(default=(), description="By profile.")
    generation: GenerationTotals = GenerationTotals()
    ledger: Ledger = Ledger()
