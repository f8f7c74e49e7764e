"""What a board as a whole tells: over any selection of its rows and columns."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Response
from shinsa_chassis.errors import Reason, ShinsaError

from shinsa_gateway.domain.access import Scope
from shinsa_gateway.domain.analysis import Analysis, AnalysisQuery
from shinsa_gateway.domain.resource import Writable
from shinsa_gateway.inbound.http.auth import needs
from shinsa_gateway.inbound.http.dependencies import AskOrchestrator
from shinsa_gateway.inbound.http.openapi import problems

router = APIRouter(prefix="/v1/analyses", tags=["catalog"])

Kind = Literal["statistics", "shots", "correlation", "size-trend", "pca", "groups"]
# Parameters that one analysis alone heeds.
_OF_ONE = {"by": "groups", "method": "correlation", "standardize": "pca"}

_ANSWER: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The analysis, or its data as a table.",
        "model": Analysis,
        "content": {"text/csv": {"schema": {"type": "string"}}},
    }
}


class Asked(Writable):
    """Of what."""

    board: str = Query(min_length=1, max_length=128, description="Id of the board.", examples=["open-ja"])
    rows: str = Query(
        default="all",
        max_length=60_000,
        description="Ids of rows of the board's table with commas, or `all`.",
    )
    columns: str = Query(
        default="", max_length=10_000, description="Ids of columns with commas; empty: those that make up the total."
    )
    shots: str = Query(default="", max_length=8, description="Only rows at this shot count.")
    by: Literal["", "architecture", "type", "size"] = Query(default="", description="Of `groups`.")
    method: Literal["", "pearson", "spearman"] = Query(default="", description="Of `correlation`.")
    standardize: bool = Query(default=False, description="Of `pca`: every column scaled to unit variance.")
    format: Literal["json", "csv"] = Query(default="json", description="`csv`: the data as a table.")


@router.get(
    "/{kind}",
    operation_id="get_analysis",
    response_class=Response,
    responses={**_ANSWER, **problems(404, 409)},
    dependencies=[needs(Scope.READ)],
)
async def get_analysis(
    kind: Annotated[Kind, Path(description="Which analysis.")],
    asked: Annotated[Asked, Query()],
    orchestrator: AskOrchestrator,
) -> Response:
    """One analysis. Nothing that was not measured is made up: rows that cannot take part are listed with the reason."""
    _refuse_unheeded(kind, asked)
    wanted = AnalysisQuery(
        board=asked.board,
        rows=() if asked.rows == "all" else _words(asked.rows),
        columns=_words(asked.columns),
        shots=asked.shots,
        by=asked.by,
        method=asked.method,
        standardize=asked.standardize,
    )
    table = asked.format == "csv"
    document = await orchestrator.analyse(kind, wanted, csv=table)
    if not table:
        return Response(document, media_type="application/json")
    named = {"Content-Disposition": f'attachment; filename="shinsa-{kind}.csv"'}
    return Response(document, media_type="text/csv; charset=utf-8", headers=named)


def _refuse_unheeded(kind: str, asked: Asked) -> None:
    for name, heeds in _OF_ONE.items():
        if getattr(asked, name) and kind != heeds:
            message = f"{name}: the analysis {kind!r} does not heed it, {heeds!r} alone does; leave it out."
            raise ShinsaError(Reason.INVALID_ARGUMENT, message, field=name)


def _words(text: str) -> tuple[str, ...]:
    return tuple(word for word in (part.strip() for part in text.split(",")) if word)
