"""Judges."""

from __future__ import annotations

from fastapi import APIRouter

from shinsa_gateway.domain.access import Scope
from shinsa_gateway.domain.judge import JudgeCatalog
from shinsa_gateway.inbound.http.auth import needs
from shinsa_gateway.inbound.http.dependencies import AskJudges
from shinsa_gateway.inbound.http.openapi import problems

router = APIRouter(prefix="/v1/judges", tags=["catalog"])


@router.get("", operation_id="list_judges", responses=problems(), dependencies=[needs(Scope.READ)])
async def list_judges(judges: AskJudges) -> JudgeCatalog:
    """Judge profiles, rubrics, and which profile serves a role when a run names none."""
    return await judges.list_profiles()
