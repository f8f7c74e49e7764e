"""What can be done with runs: submit, watch, cancel, resume, judge again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace

import structlog
from shinsa_chassis.errors import Reason, ShinsaError

from shinsa_orchestrator.application.lines import open_lines, with_installed_version
from shinsa_orchestrator.application.paging import Pages, page
from shinsa_orchestrator.application.planning import Planner
from shinsa_orchestrator.application.refusals import no_run
from shinsa_orchestrator.domain.identity import run_id as new_run_id
from shinsa_orchestrator.domain.progress import Progress
from shinsa_orchestrator.domain.run import ACTIVE, OVER, JudgeBudget, JudgeChoice, Plan, Run, RunSpec, RunState
from shinsa_orchestrator.domain.shard import shard_items
from shinsa_orchestrator.ports.catalog import Catalog
from shinsa_orchestrator.ports.clock import Clock
from shinsa_orchestrator.ports.runs import RunStore

log = structlog.get_logger(__name__)

_PAGES = Pages(50, 200)
WATCH_SECONDS = 1.0
_RESUMABLE = (*OVER, RunState.PAUSED)


class RunDesk:
    """Where runs are asked for. ``changed`` tells the keeper of shards that there may be something to do."""

    def __init__(
        self, runs: RunStore, planner: Planner, catalog: Catalog, clock: Clock, changed: Callable[[], None]
    ) -> None:
        self._runs = runs
        self._planner = planner
        self._catalog = catalog
        self._clock = clock
        self._changed = changed

    async def submit(self, spec: RunSpec, idempotency_key: str = "") -> Run:
        """Validates, plans and starts a run. The same key gives the same run; with another spec it is refused."""
        earlier = await self._runs.run_of_key(idempotency_key) if idempotency_key else None
        if earlier is not None:
            return _same(earlier, spec, idempotency_key)
        plan = await self._planner.plan(spec)
        return await self._start(spec, plan, idempotency_key=idempotency_key)

    async def _start(self, spec: RunSpec, plan: Plan, *, adopts: str = "", idempotency_key: str = "") -> Run:
        now = self._clock.now()
        run = Run(id=new_run_id(now), spec=spec, plan=plan, adopts=adopts, created_at=now)
        shards = [Progress(items=shard_items(plan, number)) for number in range(plan.shards)]
        stored = await self._runs.add_run(run, shards, idempotency_key)
        if stored is None:
            raise _no_longer_kept(adopts)
        if stored.id != run.id:
            return _same(stored, spec, idempotency_key)
        log.info("run_submitted", run_id=run.id, model=spec.model, items=plan.items, shards=plan.shards)
        self._changed()
        return stored

    async def get(self, run_id: str) -> Run:
        """Raises ``ShinsaError`` (not_found) where there is no such run."""
        run = await self._runs.run(run_id)
        if run is None:
            raise no_run(run_id)
        return run

    async def listing(self, *, model: str = "", page_size: int = 0, cursor: str = "") -> tuple[Sequence[Run], str]:
        """A page of runs, newest first, and the cursor of the next page ("" if there is none)."""
        size = _PAGES.size(page_size)
        runs = await self._runs.runs(model=model, before=cursor, limit=size + 1)
        return page(runs, size, lambda run: run.id)

    async def watch(self, run_id: str) -> AsyncIterator[Run]:
        """The run now, then whenever it has changed, at most about once a second, until it is over."""
        last = None
        while True:
            run = await self.get(run_id)
            if run != last:
                yield run
                last = run
            if not run.state.active:
                return
            await asyncio.sleep(WATCH_SECONDS)

    async def cancel(self, run_id: str) -> Run:
        """Stops asking. Cancelling a cancelled run changes nothing."""
        if not await self._runs.change_state(run_id, RunState.CANCELLED, of=(*ACTIVE, RunState.PAUSED)):
            run = await self.get(run_id)
            if run.state is not RunState.CANCELLED:
                raise _wrong_state(run, "only a pending, running or paused run can be cancelled")
            return run
        log.info("run_cancelled", run_id=run_id)
        self._changed()
        return await self.get(run_id)

    async def resume(self, run_id: str, budget: JudgeBudget | None = None) -> Run:
        """Does what is missing or failed for reasons of ours, with another judge budget if one is given.

        Refused where a pinned version or data has changed, or the judge budget is spent already.
        """
        run = await self.get(run_id)
        if run.state.active:
            raise _wrong_state(run, "it is not over yet; watch it or cancel it")
        if run.state is RunState.COMPLETE and not run.progress.infra_errors:
            raise _wrong_state(run, "there is nothing left to do")
        _check_kept(run)
        if run.adopts:
            _check_kept(await self.get(run.adopts))
        spec = run.spec if budget is None else replace(run.spec, judge_budget=budget)
        _check_something_left(run, spec.judge_budget)
        await open_lines(run.plan, self._catalog)
        if budget is not None:
            await self._planner.check_budget(budget, run.plan.judges)
        plan = await self._planner.pinned_anew(run.plan, "" if run.adopts else run.spec.model)
        if not await self._runs.resume(run_id, of=_RESUMABLE, spec=spec, plan=plan):
            if run.adopts:
                _check_kept(await self.get(run.adopts))
            raise _wrong_state(await self.get(run_id), "somebody else has just resumed it")
        log.info("run_resumed", run_id=run_id, round=run.round + 1)
        self._changed()
        return await self.get(run_id)

    async def rejudge(self, run_id: str, judges: Sequence[JudgeChoice], budget: JudgeBudget | None = None) -> Run:
        """A new run with the same plan that takes over recorded generations and executions and asks only judges.

        Its judge budget is ``budget``, or as large as that of the old run.
        """
        old = await self.get(run_id)
        if old.state.active:
            raise _wrong_state(old, "judge it again when it is over, or cancel it first")
        _check_kept(old)
        lines = await open_lines(old.plan, self._catalog)
        manifests = [line.manifest for line in lines]
        if not any(manifest.judge_roles or manifest.optional_judge_roles for manifest in manifests):
            raise _wrong_state(old, "none of its benchmarks asks a judge")
        spec = replace(
            old.spec,
            judges=_merged(old.spec.judges, judges),
            judge_budget=old.spec.judge_budget if budget is None else budget,
        )
        plan = await self._planner.judged(replace(old.plan, regrades=False), spec, manifests)
        return await self._start(spec, plan, adopts=old.id)

    async def regrade(self, run_id: str) -> Run:
        """A new run that scores the recorded generations of an old one with the versions installed now.

        The model is not asked; programs are run and judges asked only for what is not recorded.
        """
        old = await self.get(run_id)
        if old.state.active:
            raise _wrong_state(old, "grade it again when it is over, or cancel it first")
        _check_kept(old)
        lines = tuple(with_installed_version(line, self._catalog) for line in old.plan.lines)
        if lines == old.plan.lines:
            raise _wrong_state(old, "its versions are those installed now; `rescore` tallies it again")
        plan = replace(old.plan, lines=lines, regrades=True)
        await open_lines(plan, self._catalog)
        return await self._start(old.spec, plan, adopts=old.id)


def _same(earlier: Run, spec: RunSpec, key: str) -> Run:
    # A resumption may have given it another budget.
    if replace(earlier.spec, judge_budget=spec.judge_budget) != spec:
        raise ShinsaError(
            Reason.ALREADY_EXISTS,
            f"idempotency key {key!r} belongs to run {earlier.id} with another spec; use a new key",
            field="idempotency_key",
        )
    return earlier


def _merged(old: Sequence[JudgeChoice], new: Sequence[JudgeChoice]) -> tuple[JudgeChoice, ...]:
    """New choices go before old ones; a new choice for every role before all of them."""
    if any(choice.role == "*" for choice in new):
        return tuple(new)
    renewed = {choice.role for choice in new}
    return (*new, *(choice for choice in old if choice.role not in renewed))


def _check_something_left(run: Run, budget: JudgeBudget) -> None:
    spent = run.progress.stages["judge"]
    if not budget.used_up(spent.tokens, spent.cost):
        return
    by_tokens = budget.used_up(spent.tokens, 0.0)
    used = f"{spent.tokens:,} judge tokens" if by_tokens else f"{spent.cost:.4g} of judge cost"
    raise ShinsaError(
        Reason.FAILED_PRECONDITION,
        f"run {run.id} has used {used}, and its judge budget is not larger than that; give more, or 0 for no bound",
        field=f"judge_budget.{'tokens' if by_tokens else 'cost'}",
    )


def _check_kept(run: Run) -> None:
    """What was forgotten cannot be gone on with, or taken over."""
    if run.samples_forgotten_at is not None:
        raise _no_longer_kept(run.id)


def _no_longer_kept(run_id: str) -> ShinsaError:
    message = f"the samples of run {run_id} are no longer kept, only its outcomes and scores; submit it anew"
    return ShinsaError(Reason.FAILED_PRECONDITION, message, field="run_id")


def _wrong_state(run: Run, why: str) -> ShinsaError:
    return ShinsaError(Reason.FAILED_PRECONDITION, f"run {run.id} is {run.state.value}: {why}", field="run_id")
