"""Items, and every step that led to their outcome."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from shinsa_client.answer import Answer
from shinsa_client.execution import Execute, Execution
from shinsa_client.generation import Completion, Generate
from shinsa_client.judgement import Judge, Verdict


class Failure(Answer):
    reason: str = ""
    message: str = ""
    origin: str = ""
    attempts: int = 1


class _StepRecord(Answer):
    id: str = ""
    failure: Failure | None = None
    worker: str = ""
    attempt: int = 0
    deliveries: int = 0
    started_at: datetime | None = None
    finished_at: datetime | None = None

    @property
    def seconds(self) -> float | None:
        """How long the worker took."""
        if self.started_at is None or self.finished_at is None:
            return None
        return (self.finished_at - self.started_at).total_seconds()


class GenerateStep(_StepRecord):
    kind: Literal["generate"]
    reused_from: str = ""
    request: Generate
    result: Completion | None = None


class ExecuteStep(_StepRecord):
    kind: Literal["execute"]
    request: Execute
    result: Execution | None = None


class JudgeStep(_StepRecord):
    kind: Literal["judge"]
    request: Judge
    result: Verdict | None = None


Step = Annotated[GenerateStep | ExecuteStep | JudgeStep, Field(discriminator="kind")]


class Item(Answer):
    id: str
    run_id: str = ""
    benchmark: str
    shots: int = 0
    repetition: int = 0
    sample_id: str = ""
    status: str
    reason: str = ""
    detail: str = ""
    metrics: dict[str, float] = Field(default_factory=dict)
    answer: str = ""
    gold: str = ""
    category: str = ""
    finished_at: datetime | None = None


class ItemPage(Answer):
    items: tuple[Item, ...] = ()
    next_cursor: str | None = None


class ItemDetail(Item):
    steps: tuple[Step, ...] = ()
    samples_forgotten_at: datetime | None = None
