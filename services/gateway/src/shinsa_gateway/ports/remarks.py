"""What people say of samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from shinsa_gateway.domain.access import Caller
from shinsa_gateway.domain.remark import Moderation, Remark, RemarkOrder, RemarkPage, RemarkState


@dataclass(frozen=True, slots=True)
class RemarkFilter:
    """Which remarks; empty fields do not filter."""

    item_id: str = ""
    run_id: str = ""
    benchmark: str = ""
    sample_id: str = ""
    states: tuple[RemarkState, ...] = ()


class Remarks(Protocol):
    """What people say of samples."""

    async def add(self, item_id: str, order: RemarkOrder, caller: Caller) -> Remark: ...

    async def listing(self, wanted: RemarkFilter, caller: Caller, *, page_size: int, cursor: str) -> RemarkPage:
        """What the caller may see, newest first."""
        ...

    async def moderate(self, remark_id: str, moderation: Moderation, caller: Caller) -> Remark: ...
