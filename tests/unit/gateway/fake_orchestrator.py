"""An orchestrator that remembers how it was asked and answers the public examples."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import json
from collections.abc import AsyncGenerator, Mapping
from typing import Any, cast

from shinsa_gateway.domain.analysis import Analysis, AnalysisQuery
from shinsa_gateway.domain.board import Board
from shinsa_gateway.domain.board_table import BoardTable, TableDocument
from shinsa_gateway.domain.catalog import BenchmarkCatalog
from shinsa_gateway.domain.comparison import RunComparison
from shinsa_gateway.domain.gate import GateQuery, GateReport
from shinsa_gateway.domain.item import ItemDetail, ItemFilter, ItemPage
from shinsa_gateway.domain.model import ModelEntry
from shinsa_gateway.domain.reference import ImportedReferences, ReferenceImport, ReferenceTable
from shinsa_gateway.domain.report import Report
from shinsa_gateway.domain.run import JudgeBudget, Run, RunPage, RunSpec


class Fake:
    """Remembers how it was asked; answers the public example of a resource, or with ``error``."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.error: Exception | None = None

    def _asked(self, *call: Any) -> None:
        self.calls.append(call)
        if self.error is not None:
            raise self.error


def example(model: Any, **changes: Any) -> Any:
    return model.model_validate({**model.model_config["json_schema_extra"]["examples"][0], **changes})


class FakeOrchestrator(Fake):
    def __init__(self) -> None:
        super().__init__()
        self.watched: list[Run | Exception] = []
        self.models: tuple[ModelEntry, ...] = (example(ModelEntry),)
        self.closed = False
        self.table: Any = example(BoardTable).model_dump()

    async def ready(self) -> None:
        self._asked("ready")

    async def submit_run(self, spec: RunSpec, *, idempotency_key: str) -> Run:
        self._asked("submit_run", spec, idempotency_key)
        return example(Run)

    async def get_run(self, run_id: str) -> Run:
        self._asked("get_run", run_id)
        return example(Run, id=run_id)

    async def list_runs(self, *, model: str, page_size: int, cursor: str) -> RunPage:
        self._asked("list_runs", model, page_size, cursor)
        return RunPage(runs=(example(Run),), next_cursor="more")

    async def watch_run(self, run_id: str) -> AsyncGenerator[Run, None]:
        self._asked("watch_run", run_id)
        try:
            for step in self.watched:
                if isinstance(step, Exception):
                    raise step
                yield step
            if self.watched and not self.watched[-1].state.over:
                await asyncio.Event().wait()
        finally:
            self.closed = True

    async def cancel_run(self, run_id: str) -> Run:
        self._asked("cancel_run", run_id)
        return example(Run, id=run_id, state="cancelled")

    async def resume_run(self, run_id: str, *, judge_budget: JudgeBudget | None = None) -> Run:
        self._asked("resume_run", run_id, judge_budget)
        return example(Run, id=run_id)

    async def rejudge_run(
        self, run_id: str, judges: Mapping[str, str], *, judge_budget: JudgeBudget | None = None
    ) -> Run:
        self._asked("rejudge_run", run_id, dict(judges), judge_budget)
        return example(Run, id="rejudged")

    async def regrade_run(self, run_id: str) -> Run:
        self._asked("regrade_run", run_id)
        return example(Run, id="regraded")

    async def rescore_run(self, run_id: str) -> Report:
        self._asked("rescore_run", run_id)
        return example(Report)

    async def compare_runs(self, run_a: str, run_b: str, *, samples: int = 0) -> RunComparison:
        self._asked("compare_runs", run_a, run_b, samples)
        return example(RunComparison)

    async def get_report(self, run_id: str) -> Report:
        self._asked("get_report", run_id)
        return example(Report)

    async def list_items(self, run_id: str, wanted: ItemFilter, *, page_size: int, cursor: str) -> ItemPage:
        self._asked("list_items", run_id, wanted, page_size, cursor)
        return ItemPage(items=(example(ItemDetail),), next_cursor=None)

    async def get_item(self, item_id: str) -> ItemDetail:
        self._asked("get_item", item_id)
        return example(ItemDetail, id=item_id)

    async def list_benchmarks(self) -> BenchmarkCatalog:
        self._asked("list_benchmarks")
        return BenchmarkCatalog.model_validate(
            {"benchmarks": [], "suites": [{"id": "demo", "title": "Demo", "benchmarks": [{"benchmark": "jnli"}]}]}
        )

    async def list_boards(self) -> tuple[Board, ...]:
        self._asked("list_boards")
        return (example(Board, rows=()),)

    async def get_board(self, board: str) -> Board:
        self._asked("get_board", board)
        return example(Board, id=board)

    async def get_board_table(self, board: str, *, known_digest: str = "") -> TableDocument:
        self._asked("get_board_table", board, known_digest)
        text = json.dumps(self.table).encode()
        digest = hashlib.sha256(text).hexdigest()
        return TableDocument(digest, b"" if digest == known_digest else gzip.compress(text, mtime=0))

    async def analyse(self, kind: str, wanted: AnalysisQuery, *, csv: bool) -> bytes:
        self._asked("analyse", kind, wanted, csv)
        analysis = example(Analysis, kind=kind, board=wanted.board)
        return b"column,other\r\n" if csv else analysis.model_dump_json().encode()

    async def decide_gate(self, wanted: GateQuery) -> bytes:
        self._asked("decide_gate", wanted)
        return cast("GateReport", example(GateReport)).model_dump_json().encode()

    async def import_references(self, board: str, wanted: ReferenceImport) -> ImportedReferences:
        self._asked("import_references", board, wanted)
        return example(ImportedReferences)

    async def list_references(self, board: str) -> tuple[ReferenceTable, ...]:
        self._asked("list_references", board)
        return (example(ImportedReferences).table,)

    async def remove_references(self, board: str, source: str, version: str) -> None:
        self._asked("remove_references", board, source, version)

    async def list_models(self) -> tuple[ModelEntry, ...]:
        self._asked("list_models")
        return self.models

    async def add_model(self, entry: ModelEntry, *, replace: bool) -> ModelEntry:
        self._asked("add_model", entry, replace)
        return entry

    async def remove_model(self, name: str) -> None:
        self._asked("remove_model", name)
