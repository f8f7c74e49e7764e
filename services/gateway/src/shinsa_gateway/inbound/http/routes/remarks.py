"""Remarks on samples."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Path, Query, Response

from shinsa_gateway.domain.access import Scope
from shinsa_gateway.domain.remark import Moderation, Remark, RemarkOrder, RemarkPage, RemarkState
from shinsa_gateway.domain.resource import Writable
from shinsa_gateway.inbound.http.auth import AskingCaller, needs
from shinsa_gateway.inbound.http.dependencies import AskRemarks, SealedCursors
from shinsa_gateway.inbound.http.openapi import problems
from shinsa_gateway.ports.remarks import RemarkFilter

router = APIRouter(prefix="/v1", tags=["items"])


class RemarkQuery(Writable):
    """Which remarks."""

    item: str = Query(default="", max_length=64, description="Only remarks on this item.")
    run: str = Query(default="", max_length=64, description="Only remarks on items of this run.")
    benchmark: str = Query(default="", max_length=128, description="Only remarks on samples of this benchmark.")
    sample: str = Query(default="", max_length=256, description="Only remarks on this sample, in any run.")
    state: RemarkState | None = Query(default=None, description="Only remarks that stand so.")
    page_size: int = Query(default=50, ge=1, le=200)
    cursor: str = Query(default="", description="`next_cursor` of the page before.")


@router.post(
    "/items/{item_id}/remarks",
    operation_id="add_remark",
    status_code=201,
    responses=problems(404, body=True),
    dependencies=[needs(Scope.SUBMIT)],
)
async def add_remark(
    item_id: Annotated[str, Path(description="Id of the item.", examples=["5f0c1e"])],
    order: RemarkOrder,
    remarks: AskRemarks,
    caller: AskingCaller,
    response: Response,
) -> Remark:
    """A comment on a sample, or a report that its gold or its judgement is wrong. An operator shows it to others."""
    remark = await remarks.add(item_id, order, caller)
    response.headers["Location"] = f"/v1/remarks?item={quote(remark.item_id)}"
    return remark


@router.get("/remarks", operation_id="list_remarks", responses=problems(), dependencies=[needs(Scope.READ)])
async def list_remarks(
    wanted: Annotated[RemarkQuery, Query()], remarks: AskRemarks, caller: AskingCaller, cursors: SealedCursors
) -> RemarkPage:
    """Remarks, newest first: those that are shown, and your own; for operators, all."""
    asked = f"remarks {wanted.model_dump_json(exclude={'cursor', 'page_size'})}"
    states = (wanted.state,) if wanted.state else ()
    page = await remarks.listing(
        RemarkFilter(wanted.item, wanted.run, wanted.benchmark, wanted.sample, states),
        caller,
        page_size=wanted.page_size,
        cursor=await cursors.open(asked, wanted.cursor),
    )
    return page.model_copy(update={"next_cursor": await cursors.seal(asked, page.next_cursor)})


@router.put(
    "/remarks/{remark_id}/state",
    operation_id="moderate_remark",
    responses=problems(404, body=True),
    dependencies=[needs(Scope.OPERATE)],
)
async def moderate_remark(
    remark_id: Annotated[str, Path(description="Id of the remark.", examples=["c01jd3v8q6yk2m4pa"])],
    moderation: Moderation,
    remarks: AskRemarks,
    caller: AskingCaller,
) -> Remark:
    """Shows, hides or closes a remark."""
    return await remarks.moderate(remark_id, moderation, caller)
