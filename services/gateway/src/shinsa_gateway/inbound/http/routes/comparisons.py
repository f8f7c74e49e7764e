"""Two runs, side by side."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from shinsa_gateway.domain.access import Scope
from shinsa_gateway.domain.comparison import RunComparison
from shinsa_gateway.domain.resource import Writable
from shinsa_gateway.inbound.http.auth import needs
from shinsa_gateway.inbound.http.dependencies import AskOrchestrator
from shinsa_gateway.inbound.http.openapi import problems

router = APIRouter(prefix="/v1/compare", tags=["runs"])


class ComparisonQuery(Writable):
    """Which runs."""

    a: str = Query(min_length=1, description="Id of the run to compare with.")
    b: str = Query(min_length=1, description="Id of the run that may differ.")
    samples: int = Query(
        default=0,
        ge=0,
        le=500,
        description="How many differing samples to list for each primary metric, those furthest apart first.",
    )


@router.get("", operation_id="compare_runs", responses=problems(404, 409), dependencies=[needs(Scope.READ)])
async def compare_runs(wanted: Annotated[ComparisonQuery, Query()], orchestrator: AskOrchestrator) -> RunComparison:
    """How run b differs from run a, over the samples that both scored, with paired tests."""
    return await orchestrator.compare_runs(wanted.a, wanted.b, samples=wanted.samples)
