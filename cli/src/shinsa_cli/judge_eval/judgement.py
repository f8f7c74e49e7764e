"""One recorded judgement, and the case that it is about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

# What a pair's label is worth to A.
WORTH = {"A": 1.0, "tie": 0.5, "B": 0.0}


@dataclass(frozen=True, slots=True)
class Case:
    """What was, or is to be, judged.

    ``id`` is the same wherever the same answer to the same question is judged by the same rubric. ``cluster`` names the
    question: cases of one cluster are not independent. ``answers`` are the texts judged, two of a pair.
    """

    id: str
    subset: str
    cluster: str
    rubric: str
    fields: Mapping[str, str]
    answers: tuple[str, ...]

    @property
    def is_pair(self) -> bool:
        return len(self.answers) == 2

    @property
    def can_be_judged(self) -> bool:
        """Whether there is an answer at all: a judge is never asked about nothing."""
        return all(value.strip() for value in self.fields.values()) and all(one.strip() for one in self.answers)


@dataclass(frozen=True, slots=True)
class Judgement:
    """``judge`` is whoever judged. ``value`` is None where what was recorded holds none."""

    case: Case
    judge: str
    value: float | None


@dataclass(frozen=True, slots=True)
class Recorded:
    """Everything found in a folder, and the formats that it was in."""

    judgements: Sequence[Judgement]
    formats: Sequence[str] = field(default_factory=tuple)

    @property
    def judges(self) -> tuple[str, ...]:
        """Who judged, by name."""
        return tuple(sorted({one.judge for one in self.judgements}))

    def by(self, judge: str) -> dict[str, Judgement]:
        """That judge's judgements by case; of a case judged twice, the last."""
        return {one.case.id: one for one in self.judgements if one.judge == judge}
