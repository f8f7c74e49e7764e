"""Comments and reports on samples, with moderation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import structlog
from shinsa_chassis.errors import Reason, ShinsaError

from shinsa_orchestrator.application.items import ItemShelf
from shinsa_orchestrator.application.paging import Pages, page
from shinsa_orchestrator.domain.identity import remark_id as new_remark_id
from shinsa_orchestrator.domain.remark import MOST_TEXT, Remark, RemarkFilter, RemarkKind, RemarkState
from shinsa_orchestrator.ports.clock import Clock
from shinsa_orchestrator.ports.remarks import RemarkStore

log = structlog.get_logger(__name__)

_PAGES = Pages(50, 200)


class RemarkDesk:
    """Takes remarks in; until an operator has shown one, only its author and operators see it."""

    def __init__(self, store: RemarkStore, items: ItemShelf, clock: Clock) -> None:
        self._store = store
        self._items = items
        self._clock = clock

    async def add(self, item_id: str, kind: RemarkKind, text: str, author: str) -> Remark:
        """Raises ``ShinsaError`` for an unknown item or an empty text."""
        if not text.strip() or len(text) > MOST_TEXT:
            message = f"text: write something, at most {MOST_TEXT} characters"
            raise ShinsaError(Reason.INVALID_ARGUMENT, message, field="text")
        item, _ = await self._items.get(item_id)
        now = self._clock.now()
        remark = Remark(
            new_remark_id(now), item.id, item.run_id, item.benchmark, item.sample_id, kind, text, author, now
        )
        await self._store.add(remark)
        log.info("remark_added", remark_id=remark.id, item_id=item.id, kind=kind.value)
        return remark

    async def listing(
        self, wanted: RemarkFilter, *, actor: str, operator: bool, page_size: int = 0, cursor: str = ""
    ) -> tuple[Sequence[Remark], str]:
        """A page of what the actor may see, newest first, and the cursor of the next ("" if there is none)."""
        size = _PAGES.size(page_size)
        if not operator:
            wanted = replace(wanted, author_sees=actor)
        found = await self._store.remarks(wanted, before=cursor, limit=size + 1)
        return page(found, size, lambda remark: remark.id)

    async def moderate(self, remark_id: str, state: RemarkState, answer: str, moderator: str) -> Remark:
        """Shows, hides or closes a remark."""
        found = await self._store.remark(remark_id)
        if found is None:
            message = f"there is no remark {remark_id!r}; list the remarks to see which there are"
            raise ShinsaError(Reason.NOT_FOUND, message, field="remark_id")
        changed = replace(
            found, state=state, answer=answer[:MOST_TEXT], moderator=moderator, moderated_at=self._clock.now()
        )
        await self._store.moderate(changed)
        log.info("remark_moderated", remark_id=remark_id, state=state.value)
        return changed
