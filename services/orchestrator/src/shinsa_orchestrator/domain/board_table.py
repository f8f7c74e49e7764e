"""A board as one table: columns, and rows of runs and of published tables side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from shinsa_benchmarks.boards import Board, Cell

from shinsa_orchestrator.domain.model import ModelCard
from shinsa_orchestrator.domain.reference import ReferenceTable


@dataclass(frozen=True, slots=True)
class ScoredRun:
    """A complete run as boards take it: newer ones have greater ids.

    ``change`` is another number whenever its scores were stored anew.
    """

    id: str
    model: str
    change: int = 0
    finished_at: float | None = None
    versions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TableRow:
    """A model at a shot count.

    ``id`` stays the same when a newer run takes the row over, and needs no escaping in a URL. ``source`` names who
    published a reference row, with its ``version``; both are empty for a row that was measured here. ``missing`` are
    the leaves that the total lacks; the row is complete where there are none. ``items`` counts those that its leaves
    were measured on, 0 of a reference row.
    """

    id: str
    model: str
    cells: tuple[Cell, ...]
    missing: tuple[str, ...]
    shots: int | None
    source: str = ""
    version: str = ""
    run_id: str = ""
    finished_at: float | None = None
    day: str = ""
    engine: str = ""
    card: ModelCard = field(default_factory=ModelCard)
    versions: Mapping[str, str] = field(default_factory=dict)
    items: int = 0


@dataclass(frozen=True, slots=True)
class BoardTable:
    """Rows by total, best first; those that are not complete come last. ``sources`` are without their rows."""

    board: Board
    rows: tuple[TableRow, ...]
    sources: tuple[ReferenceTable, ...] = ()
