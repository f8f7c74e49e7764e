"""Items and their steps, to be read by people."""

from __future__ import annotations

from collections.abc import Sequence

from shinsa_chassis.errors import Reason, ShinsaError

from shinsa_orchestrator.application.paging import Pages, page
from shinsa_orchestrator.application.refusals import no_run, unknown
from shinsa_orchestrator.domain.item import FinishedItem, ItemFilter, StepDetail
from shinsa_orchestrator.ports.runs import RunStore
from shinsa_orchestrator.ports.samples import SampleLog

_PAGES = Pages(100, 500)


class ItemShelf:
    """Reads the sample log."""

    def __init__(self, runs: RunStore, sample_log: SampleLog) -> None:
        self._runs = runs
        self._log = sample_log

    async def listing(
        self, wanted: ItemFilter, *, page_size: int = 0, cursor: str = ""
    ) -> tuple[Sequence[FinishedItem], str]:
        """A page of finished items in the order of the plan, and the cursor of the next page ("" if there is none)."""
        run = await self._runs.run(wanted.run_id)
        if run is None:
            raise no_run(wanted.run_id)
        names = {line.benchmark for line in run.plan.lines}
        if wanted.benchmark and wanted.benchmark not in names:
            raise unknown("benchmark", "benchmark of this run", wanted.benchmark, names)
        counts = {line.shots for line in run.plan.lines if wanted.benchmark in ("", line.benchmark)}
        if wanted.shots is not None and wanted.shots not in counts:
            raise unknown("shots", "shot count of this run", str(wanted.shots), map(str, sorted(counts)))
        size = _PAGES.size(page_size)
        items = await self._log.items(wanted, after=_position(cursor), limit=size + 1)
        return page(items, size, lambda item: str(item.position))

    async def get(self, item_id: str) -> tuple[FinishedItem, Sequence[StepDetail]]:
        """An item with all its recorded steps; without any where they are no longer kept."""
        item = await self._log.item(item_id)
        if item is None:
            raise ShinsaError(
                Reason.NOT_FOUND,
                f"there is no finished item {item_id!r}; list the items of a run, or wait until this one is done",
                field="item_id",
            )
        return item, () if await self.forgotten_at(item) is not None else await self._log.steps(item)

    async def forgotten_at(self, item: FinishedItem) -> float | None:
        """Since when the steps of its run are no longer kept."""
        run = await self._runs.run(item.run_id)
        return None if run is None else run.samples_forgotten_at


def _position(cursor: str) -> int:
    if not cursor:
        return -1
    if not cursor.isdecimal():
        raise ShinsaError(
            Reason.INVALID_ARGUMENT, f"cursor {cursor!r} did not come from a page of items", field="cursor"
        )
    return int(cursor)
