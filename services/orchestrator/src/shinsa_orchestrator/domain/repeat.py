"""Why a step was asked or delivered more than once."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class RepeatCause(StrEnum):
    """``UNKNOWN``: asked again by a version that did not note why."""

    UNKNOWN = "unknown"
    NO_ANSWER = "no_answer"
    RESUMED = "resumed"
    RETRIED = "retried"
    DRAINED = "drained"
    SILENT = "silent"
    TAKEN_OVER = "taken_over"


# We put it into its queue once more.
ASKED_AGAIN = frozenset({RepeatCause.UNKNOWN, RepeatCause.NO_ANSWER, RepeatCause.RESUMED})
# A worker gave it back and said why; its queue gave it out once more.
HANDED_BACK = frozenset({RepeatCause.RETRIED, RepeatCause.DRAINED})


@dataclass(frozen=True, slots=True)
class Repeat:
    """One repetition, as it is noted in the sample log: the first word on an attempt and ``number`` stays.

    ``number`` is that of the delivery that a worker gave back; 0 of an attempt that is asked again; below 0, by the
    number of the owner, where the shard was taken over. ``reason`` is that of the failure behind it, if there is one.
    """

    step_id: str
    run_id: str
    shard: int
    cause: RepeatCause
    attempt: int
    number: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class RepeatCount:
    """How often that was noted in a run. ``told`` of the ``count`` explain a delivery that recorded results count."""

    cause: RepeatCause
    reason: str
    count: int
    told: int = 0
