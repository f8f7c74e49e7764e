"""Pages of what is listed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from shinsa_orchestrator.application.refusals import invalid

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Pages:
    """How many entries a page has: ``usual`` where nobody says, and no more than ``most``."""

    usual: int
    most: int

    def size(self, wanted: int) -> int:
        """Raises ``ShinsaError`` (invalid_argument) for more than there may be; 0 is the usual size."""
        if wanted > self.most:
            raise invalid("page_size", f"at most {self.most}")
        return wanted or self.usual


def page(found: Sequence[T], size: int, cursor: Callable[[T], str]) -> tuple[Sequence[T], str]:
    """The page, and where the next one begins ("" if there is none), of ``size`` entries and one more, if it exists."""
    return found[:size], cursor(found[size - 1]) if len(found) > size else ""
