"""The only service that knows runs."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from typing import Protocol

from shinsa_gateway.domain.analysis import AnalysisQuery
from shinsa_gateway.domain.board import Board
from shinsa_gateway.domain.board_table import TableDocument
from shinsa_gateway.domain.catalog import BenchmarkCatalog
from shinsa_gateway.domain.comparison import RunComparison
from shinsa_gateway.domain.gate import GateQuery
from shinsa_gateway.domain.item import ItemDetail, ItemFilter, ItemPage
from shinsa_gateway.domain.model import ModelEntry
from shinsa_gateway.domain.reference import ImportedReferences, ReferenceImport, ReferenceTable
from shinsa_gateway.domain.report import Report
from shinsa_gateway.domain.run import JudgeBudget, Run, RunPage, RunSpec


class Orchestrator(Protocol):
    """The only service that knows runs."""

    async def ready(self) -> None:
        """Returns if it would take calls now."""
        ...

    async def submit_run(self, spec: RunSpec, *, idempotency_key: str) -> Run:
        """The same key gives the same run; an empty one always a new run."""
        ...

    async def get_run(self, run_id: str) -> Run: ...

    async def list_runs(self, *, model: str, page_size: int, cursor: str) -> RunPage:
        """Newest first. ``page_size`` 0 is the orchestrator's own; an empty ``cursor`` is the first page."""
        ...

    def watch_run(self, run_id: str) -> AsyncGenerator[Run, None]:
        """The run now, then again whenever it changed, until it is over. Closing the generator frees the stream."""
        ...

    async def cancel_run(self, run_id: str) -> Run: ...

    async def resume_run(self, run_id: str, *, judge_budget: JudgeBudget | None = None) -> Run:
        """``judge_budget`` takes the place of the run's own; None: that stays."""
        ...

    async def rejudge_run(
        self, run_id: str, judges: Mapping[str, str], *, judge_budget: JudgeBudget | None = None
    ) -> Run:
        """A new run; ``judges`` are profiles by role; ``judge_budget`` None: that of the old run."""
        ...

    async def regrade_run(self, run_id: str) -> Run:
        """A new run: recorded generations, scored with what is installed now."""
        ...

    async def rescore_run(self, run_id: str) -> Report: ...

    async def compare_runs(self, run_a: str, run_b: str, *, samples: int = 0) -> RunComparison:
        """``samples``: how many differing samples to list for each primary metric."""
        ...

    async def get_report(self, run_id: str) -> Report: ...

    async def list_items(self, run_id: str, wanted: ItemFilter, *, page_size: int, cursor: str) -> ItemPage: ...

    async def get_item(self, item_id: str) -> ItemDetail: ...

    async def list_benchmarks(self) -> BenchmarkCatalog: ...

    async def list_boards(self) -> tuple[Board, ...]:
        """Without rows."""
        ...

    async def get_board(self, board: str) -> Board: ...

    async def get_board_table(self, board: str, *, known_digest: str = "") -> TableDocument:
        """Without content where the document of ``known_digest`` is still the current one."""
        ...

    async def analyse(self, kind: str, wanted: AnalysisQuery, *, csv: bool) -> bytes:
        """An ``Analysis`` in JSON, or its data in CSV."""
        ...

    async def decide_gate(self, wanted: GateQuery) -> bytes:
        """A ``GateReport`` in JSON."""
        ...

    async def import_references(self, board: str, wanted: ReferenceImport) -> ImportedReferences: ...

    async def list_references(self, board: str) -> tuple[ReferenceTable, ...]: ...

    async def remove_references(self, board: str, source: str, version: str) -> None: ...

    async def list_models(self) -> tuple[ModelEntry, ...]: ...

    async def add_model(self, entry: ModelEntry, *, replace: bool) -> ModelEntry: ...

    async def remove_model(self, name: str) -> None: ...
