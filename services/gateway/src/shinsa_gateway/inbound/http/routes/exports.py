"""A run as a file."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from fastapi.responses import StreamingResponse
from pydantic import Field

from shinsa_gateway.application import exporting
from shinsa_gateway.domain.access import Scope
from shinsa_gateway.domain.board_table import BoardTable, TableDocument
from shinsa_gateway.domain.resource import Resource, Writable
from shinsa_gateway.inbound.http.auth import needs
from shinsa_gateway.inbound.http.dependencies import AskBoardTables, AskOrchestrator
from shinsa_gateway.inbound.http.openapi import problems
from shinsa_gateway.inbound.http.routes.runs import RunId
from shinsa_gateway.inbound.http.table_files import MEDIA_TYPES, TableFormat, check_available, written

router = APIRouter(prefix="/v1/runs", tags=["runs"])

_BOARD = "open-ja"
_FILE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The file.",
        "content": {kind.partition(";")[0]: {"schema": {"type": "string"}} for kind in MEDIA_TYPES.values()},
    }
}


class FileQuery(Writable):
    """Which kind of file."""

    format: TableFormat = Query(
        default=TableFormat.JSONL,
        description="In `csv`, text that a spreadsheet would run as a formula begins with an apostrophe.",
    )


class LlmJpEvalOutput(Resource):
    """One sample."""

    prompt: str
    input: str
    pred: str
    gold: str


class LlmJpEvalResult(Resource):
    """The result file of llm-jp-eval."""

    scores: dict[str, float] = Field(description="By dataset and metric, from 0 to 1; with categories and `AVG`.")
    outputs: dict[str, tuple[LlmJpEvalOutput, ...]]
    config: dict[str, Any]


class ResultQuery(Writable):
    """Which row of the leaderboard."""

    shots: int = Query(default=0, ge=0, le=1000, description="At this shot count.")


@router.get(
    "/{run_id}/export/items",
    operation_id="export_items",
    response_class=Response,
    responses={**problems(404, 409), **_FILE},
    dependencies=[needs(Scope.READ)],
)
async def export_items(
    run_id: RunId, query: Annotated[FileQuery, Query()], orchestrator: AskOrchestrator
) -> StreamingResponse:
    """All finished items of a run, one a row, as they are listed."""
    check_available(query.format)
    pages = exporting.item_pages(orchestrator, run_id)
    first = await anext(pages)

    async def rows() -> AsyncIterator[Sequence[exporting.Row]]:
        yield [exporting.item_row(item) for item in first]
        async for page in pages:
            yield [exporting.item_row(item) for item in page]

    return _file(rows(), f"{run_id}-items", query.format)


@router.get(
    "/{run_id}/export/scores",
    operation_id="export_scores",
    response_class=Response,
    responses={**problems(404, 409), **_FILE},
    dependencies=[needs(Scope.READ)],
)
async def export_scores(
    run_id: RunId, query: Annotated[FileQuery, Query()], orchestrator: AskOrchestrator
) -> StreamingResponse:
    """All scores of a run, one a row, as its report has them."""
    check_available(query.format)
    report = await orchestrator.get_report(run_id)

    async def rows() -> AsyncIterator[Sequence[exporting.Row]]:
        yield [exporting.score_row(score) for score in report.scores]

    return _file(rows(), f"{run_id}-scores", query.format)


@router.get(
    "/{run_id}/export/llm-jp-eval",
    operation_id="export_llm_jp_eval",
    response_model=LlmJpEvalResult,
    responses=problems(404, 409),
    dependencies=[needs(Scope.READ)],
)
async def export_llm_jp_eval(
    run_id: RunId, query: Annotated[ResultQuery, Query()], orchestrator: AskOrchestrator, tables: AskBoardTables
) -> StreamingResponse:
    """The run as the result file of llm-jp-eval: scores by dataset and metric from 0 to 1, outputs, config."""
    report = await orchestrator.get_report(run_id)
    table = await asyncio.to_thread(_without_rows, await tables.document(_BOARD))
    found = exporting.llm_jp_eval(orchestrator, report, table, query.shots)
    return StreamingResponse(_result(found), media_type="application/json")


def _without_rows(document: TableDocument) -> BoardTable:
    """Of a large board they would take seconds to read."""
    return BoardTable.model_validate({**json.loads(gzip.decompress(document.content)), "rows": ()})


async def _result(found: exporting.LlmJpEval) -> AsyncIterator[bytes]:
    yield b'{"scores":' + _json(found.scores) + b',"outputs":{'
    before = None
    async for dataset, rows in found.outputs:
        if dataset != before:
            yield (b"" if before is None else b"],") + _json(dataset) + b":["
        else:
            yield b","
        yield b",".join(map(_json, rows))
        before = dataset
    yield (b"" if before is None else b"]") + b'},"config":' + _json(found.config) + b"}"


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")


def _file(rows: AsyncIterator[Sequence[exporting.Row]], name: str, form: TableFormat) -> StreamingResponse:
    safe = "".join(letter if (letter.isascii() and letter.isalnum()) or letter in "-_" else "_" for letter in name)
    headers = {"Content-Disposition": f'attachment; filename="{safe}.{form.value}"'}
    return StreamingResponse(written(rows, form), media_type=MEDIA_TYPES[form], headers=headers)
