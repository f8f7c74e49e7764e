"""Items: the evidence behind every number."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query

from shinsa_gateway.domain.access import Scope
from shinsa_gateway.domain.item import ItemDetail, ItemFilter, ItemPage, ItemStatus
from shinsa_gateway.domain.resource import Writable
from shinsa_gateway.inbound.http.auth import needs
from shinsa_gateway.inbound.http.dependencies import AskOrchestrator, SealedCursors
from shinsa_gateway.inbound.http.openapi import problems
from shinsa_gateway.inbound.http.routes.runs import RunId

router = APIRouter(prefix="/v1", tags=["items"])


class ItemQuery(Writable):
    """Which items."""

    benchmark: str = Query(default="", description="Only items of this benchmark.")
    status: Literal["scored", "model_error", "infra_error"] | None = Query(
        default=None, description="Only items that ended so; those that have not are not listed."
    )
    category: str = Query(default="", description="Only items of this category.")
    wrong_only: bool = Query(default=False, description="Only items whose primary metric is below its best value.")
    reason: str = Query(default="", description="Only items that ended for this reason, such as `truncated`.")
    disagreed_only: bool = Query(
        default=False,
        description="Only items on which the judges of a panel, its repeats, or both orders of a pair did not agree.",
    )
    shots: int | None = Query(default=None, ge=0, le=1000, description="Only items at this shot count.")
    sample_id: str = Query(default="", max_length=1000, description="Only items of this sample.")
    page_size: int = Query(default=100, ge=1, le=500)
    cursor: str = Query(default="", description="`next_cursor` of the page before.")


@router.get(
    "/runs/{run_id}/items", operation_id="list_items", responses=problems(404), dependencies=[needs(Scope.READ)]
)
async def list_items(
    run_id: RunId, query: Annotated[ItemQuery, Query()], orchestrator: AskOrchestrator, cursors: SealedCursors
) -> ItemPage:
    """Items of a run, with their outcomes."""
    status = ItemStatus(query.status) if query.status else None
    wanted = ItemFilter(
        benchmark=query.benchmark,
        status=status,
        category=query.category,
        wrong_only=query.wrong_only,
        reason=query.reason,
        disagreed_only=query.disagreed_only,
        shots=query.shots,
        sample_id=query.sample_id,
    )
    asked = f"items {run_id} {query.model_dump_json(exclude={'cursor', 'page_size'})}"
    cursor = await cursors.open(asked, query.cursor)
    page = await orchestrator.list_items(run_id, wanted, page_size=query.page_size, cursor=cursor)
    return page.model_copy(update={"next_cursor": await cursors.seal(asked, page.next_cursor)})


@router.get("/items/{item_id}", operation_id="get_item", responses=problems(404), dependencies=[needs(Scope.READ)])
async def get_item(
    item_id: Annotated[str, Path(description="Id of the item.", examples=["5f0c1e"])], orchestrator: AskOrchestrator
) -> ItemDetail:
    """One item with every step: prompt, reply, program, execution, verdict."""
    return await orchestrator.get_item(item_id)
