"""Runs: what is to be examined, and how far it has come."""

from __future__ import annotations

import math
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from shinsa_gateway.domain.resource import Amount, Resource, Small, Writable, one_of


def _scalar(value: object) -> object:
    if isinstance(value, str | bool | int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    raise PydanticCustomError("scalar", "should be a text, a number, true or false")


OverrideValue = Annotated[str | bool | int | float, BeforeValidator(_scalar)]
JUDGES_ARE = "Judge profile by role; the role `*` stands for every role."
Word = Annotated[str, Field(min_length=1)]
Judges = Annotated[dict[Word, Word], Field(description=JUDGES_ARE, examples=[{"*": "gpt-4o"}])]


class RunState(StrEnum):
    """Where a run stands. `complete`, `incomplete`, `cancelled` and `failed` are the ends; `paused` waits for somebody
    to resume it with a larger budget."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETE = "complete"
    INCOMPLETE = "incomplete"
    CANCELLED = "cancelled"
    FAILED = "failed"
    PAUSED = "paused"
    # A state that this gateway does not know.
    UNKNOWN = "unknown"

    @property
    def over(self) -> bool:
        """Nothing more happens by itself."""
        return self in _OVER


_OVER = (RunState.COMPLETE, RunState.INCOMPLETE, RunState.CANCELLED, RunState.FAILED, RunState.PAUSED)


class JudgeBudget(Writable):
    """What the judges of a run may use up before it is paused; 0: no bound."""

    tokens: int = Field(
        default=0, ge=0, le=2**53, description="Prompt and completion tokens of all asks together.", examples=[200000]
    )
    cost: Amount = Field(default=0, description="In the currency of the profiles' prices.", examples=[2.5])


class BenchmarkChoice(Writable):
    """One benchmark of a run or suite."""

    benchmark: str = Field(examples=["jcommonsenseqa"])
    shots: tuple[Small, ...] = Field(
        default=(), description="Shot counts to run, each on its own; empty: the benchmark's own list."
    )
    repetitions: Small = Field(default=0, description="0: once.")


class RunSpec(Writable):
    """What to examine: one model on either a suite or a list of benchmarks."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"model": "smollm2-135m-instruct", "suite": "demo"},
                {
                    "model": "gpt-4o-mini",
                    "benchmarks": [{"benchmark": "jcommonsenseqa", "shots": [0, 4]}, {"benchmark": "mt_bench_ja"}],
                    "limit": 100,
                    "judges": {"*": "gpt-4o"},
                    "overrides": {"temperature": 0.2, "mt_bench_ja.max_tokens": 512},
                },
            ]
        }
    )

    model: str = Field(description="Name of a registered model.")
    suite: str = Field(default="", description="Name of a suite; leave it out when `benchmarks` are given.")
    benchmarks: tuple[BenchmarkChoice, ...] = ()
    limit: Small = Field(default=0, description="At most this many samples of each benchmark and shot count; 0: all.")
    judges: dict[str, str] = Field(default_factory=dict, description=JUDGES_ARE)
    overrides: dict[str, OverrideValue] = Field(
        default_factory=dict,
        description="Settings of all benchmarks (`temperature`) or of one (`mt_bench_ja.max_tokens`).",
    )
    dataset: str = Field(
        default="",
        description="A folder or prepared set to read instead; empty: prepared data where present, else the specimen.",
    )
    note: str = Field(default="", description="Any words of yours; they stay with the run.")
    judge_budget: JudgeBudget = Field(
        default=JudgeBudget(),
        description="When it is spent no judge is asked any more; everything else goes on, then the run pauses.",
    )
    reuse: bool = Field(
        default=False,
        description="Takes greedy completions of earlier runs over where engine, settings, prompt and parameters are "
        "the same; the report counts them.",
    )
    window: Small = Field(default=0, description="Items in flight at once in each shard; 0: the service's default.")


class RunSubmission(RunSpec):
    """A run as it is submitted: narrower than what is read, so that no recorded run is ever unreadable."""

    model: str = Field(min_length=1, description="Name of a registered model.")
    judges: Judges = Field(default_factory=dict)
    note: str = Field(default="", max_length=4000, description="Any words of yours; they stay with the run.")

    @model_validator(mode="after")
    def _suite_or_benchmarks(self) -> Self:
        one_of(suite=self.suite or None, benchmarks=self.benchmarks or None)
        return self


class PlannedBenchmark(Resource):
    """One benchmark at one shot count, as it was planned and pinned."""

    benchmark: str
    version: str
    shots: int
    items: int
    dataset_digest: str
    dataset: str = Field(description="`specimen`, `prepared` or a path.")


class StageProgress(Resource):
    """Steps of one kind."""

    kind: str = Field(description="`generate`, `execute` or `judge`.")
    asked: int
    recorded: int
    failed: int
    replayed: int = Field(description="Steps whose recorded result was used instead of asking again.")
    tokens: int = Field(default=0, description="Prompt and completion tokens of recorded steps.")
    cost: float = Field(default=0, description="What they cost, where prices are known.")


class BenchmarkProgress(Resource):
    """Items of one benchmark at one shot count."""

    benchmark: str
    shots: int
    items: int
    done: int


class Progress(Resource):
    """How far a run has come, in items and in steps."""

    items: int = 0
    scored: int = 0
    model_errors: int = 0
    infra_errors: int = 0
    in_flight: int = 0
    stages: tuple[StageProgress, ...] = ()
    benchmarks: tuple[BenchmarkProgress, ...] = ()


RUN_EXAMPLE: dict[str, Any] = {
    "id": "01JD3V8Q6Y",
    "spec": {
        "model": "smollm2-135m-instruct",
        "suite": "demo",
        "benchmarks": [],
        "limit": 10,
        "judges": {},
        "overrides": {},
        "dataset": "",
        "note": "",
        "judge_budget": {"tokens": 0, "cost": 0},
        "reuse": False,
        "window": 0,
    },
    "state": "running",
    "problem": "",
    "created_at": "2026-01-31T09:00:00Z",
    "started_at": "2026-01-31T09:00:01Z",
    "finished_at": None,
    "progress": {
        "items": 10,
        "scored": 4,
        "model_errors": 1,
        "infra_errors": 0,
        "in_flight": 5,
        "stages": [
            {"kind": "generate", "asked": 10, "recorded": 5, "failed": 0, "replayed": 0, "tokens": 0, "cost": 0}
        ],
        "benchmarks": [{"benchmark": "jcommonsenseqa", "shots": 0, "items": 10, "done": 5}],
    },
    "plan": [
        {
            "benchmark": "jcommonsenseqa",
            "version": "1",
            "shots": 0,
            "items": 10,
            "dataset_digest": "9f86d081884c7d65",
            "dataset": "specimen",
        }
    ],
    "samples_forgotten_at": None,
    "plan_digest": "5d41402abc4b2a76b9719d911017c592",
}


class Run(Resource):
    """One model on its benchmarks, and how far it has come."""

    model_config = ConfigDict(json_schema_extra={"examples": [RUN_EXAMPLE]})

    id: str
    spec: RunSpec
    state: RunState
    problem: str = Field(default="", description="Why the run failed or is paused; empty otherwise.")
    created_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    progress: Progress = Progress()
    plan: tuple[PlannedBenchmark, ...] = ()
    samples_forgotten_at: datetime | None = Field(
        default=None, description="Since then prompts, replies and evidence are no longer kept; null: they are."
    )
    plan_digest: str = Field(
        default="", description="Over all that was planned: benchmarks, versions, data, settings, counts, judges."
    )


class RunPage(Resource):
    """Runs, newest first."""

    runs: tuple[Run, ...]
    next_cursor: str | None = Field(default=None, description="Give it as `cursor` for the next page; null: no more.")
