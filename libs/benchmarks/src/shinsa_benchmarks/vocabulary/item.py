"""What is examined, and what it came to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


@dataclass(frozen=True, slots=True)
class Sample:
    """One question of a benchmark. ``fields`` holds what its task needs, JSON-like; ``gold`` is for people to read.

    ``alias`` is another name under which answers made elsewhere may speak of it.
    """

    id: str
    fields: Mapping[str, Any]
    gold: str = ""
    category: str = ""
    alias: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    """A sample at a given shot count and repetition.

    ``examples`` are the few-shot samples, in order. ``settings`` are the benchmark's settings with the run's overrides
    applied. ``seed`` is derived from the item's identity: any random choice must come from it. ``judges`` are the judge
    roles that somebody serves in this run: all of the manifest's ``judge_roles``, and of the optional ones those that
    are configured.
    """

    sample: Sample
    shots: int = 0
    repetition: int = 0
    examples: tuple[Sample, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    judges: frozenset[str] = frozenset()


class Status(StrEnum):
    """How an item ended. Only a scored item has metrics; a model error may have weights and parts of statistics."""

    SCORED = "scored"
    MODEL_ERROR = "model_error"
    INFRA_ERROR = "infra_error"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an item came to. ``reason`` is a closed word such as "truncated", ``detail`` a sentence."""

    status: Status
    metrics: Mapping[str, float] = field(default_factory=dict)
    answer: str = ""
    reason: str = ""
    detail: str = ""

    @classmethod
    def scored(cls, metrics: Mapping[str, float], answer: str = "") -> Outcome:
        if not metrics:
            raise ValueError("a scored outcome needs at least one metric")
        return cls(Status.SCORED, dict(metrics), answer)

    @classmethod
    def model_error(cls, reason: str, detail: str = "", answer: str = "") -> Outcome:
        """The model's own doing: refused, truncated, unparsable."""
        return cls(Status.MODEL_ERROR, {}, answer, reason, detail)

    @classmethod
    def infra_error(cls, reason: str, detail: str = "", answer: str = "") -> Outcome:
        """Could not be measured, for reasons that are not the model's."""
        return cls(Status.INFRA_ERROR, {}, answer, reason, detail)


class StepFailed(Exception):  # noqa: N818 - it reads as a fact: this step failed
    """A step could not be done. Benchmarks let it pass; whoever examines turns it into an outcome.

    ``reason`` is a word of ``shinsa.failure.v1.Reason`` in lower case without its prefix, such as "rate_limited".
    """

    def __init__(self, kind: str, reason: str, message: str) -> None:
        super().__init__(f"{kind}: {reason}: {message}")
        self.kind = kind
        self.reason = reason
        self.message = message
