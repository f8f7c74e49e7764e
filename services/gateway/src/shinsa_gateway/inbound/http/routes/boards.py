"""Boards."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Path, Response

from shinsa_gateway.domain.access import Scope
from shinsa_gateway.domain.board import Board
from shinsa_gateway.inbound.http.auth import needs
from shinsa_gateway.inbound.http.dependencies import AskOrchestrator
from shinsa_gateway.inbound.http.openapi import problems
from shinsa_gateway.inbound.http.schemas.listing import BoardList

router = APIRouter(prefix="/v1/boards", tags=["catalog"])


@router.get("", operation_id="list_boards", responses=problems(), dependencies=[needs(Scope.READ)])
async def list_boards(orchestrator: AskOrchestrator) -> BoardList:
    """All boards, without rows."""
    return BoardList(boards=await orchestrator.list_boards())


@router.get(
    "/{board}",
    operation_id="get_board",
    response_model=Board,
    responses=problems(404),
    dependencies=[needs(Scope.READ)],
)
async def get_board(
    board: Annotated[str, Path(description="Id of the board.", examples=["demo"])], orchestrator: AskOrchestrator
) -> Response:
    """One board with its rows."""
    found = await orchestrator.get_board(board)
    # A large board takes seconds to write, in which others must be served.
    return Response(await asyncio.to_thread(found.model_dump_json), media_type="application/json")
