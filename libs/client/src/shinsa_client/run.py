"""Runs: what is examined, and how far it has come."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from shinsa_client.answer import Answer

# Nothing more happens by itself.
ENDS = ("complete", "incomplete", "cancelled", "failed", "paused")


class BenchmarkChoice(Answer):
    benchmark: str
    shots: tuple[int, ...] = ()
    repetitions: int = 0


class JudgeBudget(Answer):
    tokens: int = 0
    cost: float = 0


class RunSpec(Answer):
    model: str
    suite: str = ""
    benchmarks: tuple[BenchmarkChoice, ...] = ()
    limit: int = 0
    judges: dict[str, str] = Field(default_factory=dict)
    overrides: dict[str, str | bool | int | float] = Field(default_factory=dict)
    dataset: str = ""
    note: str = ""
    judge_budget: JudgeBudget = JudgeBudget()
    reuse: bool = False

    @property
    def subject(self) -> str:
        """The suite's name, or the benchmarks."""
        return self.suite or ", ".join(choice.benchmark for choice in self.benchmarks)


class PlannedBenchmark(Answer):
    benchmark: str
    version: str = ""
    shots: int = 0
    items: int = 0
    dataset_digest: str = ""
    dataset: str = ""


class StageProgress(Answer):
    kind: str
    asked: int = 0
    recorded: int = 0
    failed: int = 0
    replayed: int = 0
    tokens: int = 0
    cost: float = 0


class BenchmarkProgress(Answer):
    benchmark: str
    shots: int = 0
    items: int = 0
    done: int = 0


class Progress(Answer):
    items: int = 0
    scored: int = 0
    model_errors: int = 0
    infra_errors: int = 0
    in_flight: int = 0
    stages: tuple[StageProgress, ...] = ()
    benchmarks: tuple[BenchmarkProgress, ...] = ()

    @property
    def done(self) -> int:
        """Items with an outcome."""
        return self.scored + self.model_errors + self.infra_errors


class Run(Answer):
    id: str
    spec: RunSpec
    state: str
    problem: str = ""
    created_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    progress: Progress = Progress()
    plan: tuple[PlannedBenchmark, ...] = ()
    samples_forgotten_at: datetime | None = None
    plan_digest: str = ""

    @property
    def over(self) -> bool:
        return self.state in ENDS


class RunPage(Answer):
    runs: tuple[Run, ...] = ()
    next_cursor: str | None = None
