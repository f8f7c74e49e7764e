"""What is asked of a judge, and what it finds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Case:
    """What is to be judged: a rubric's id and values for the names in its template."""

    rubric: str
    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Verdict:
    """A judge's finding, on the rubric's own scale. An unreadable verdict has no value.

    ``findings`` are everything that the rubric asks for, by name: flags, numbers, words.
    """

    readable: bool
    value: float | None = None
    label: str = ""
    explanation: str = ""
    unreadable_reason: str = ""
    findings: Mapping[str, bool | float | str] = field(default_factory=dict)
