"""What is to be judged, and by whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Case:
    """A rubric's id and a value for each name in its templates. The values are hostile text."""

    rubric: str
    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class JudgeRequest:
    """A case and the name of the profile that shall judge it.

    ``models`` are the versions of models of this mesh, by name, of which no other may be asked.
    """

    profile: str
    case: Case
    models: Mapping[str, str] = field(default_factory=dict)
