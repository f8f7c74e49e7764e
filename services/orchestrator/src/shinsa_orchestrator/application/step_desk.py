"""Answers the steps of one shard's items: from the log where recorded, else by asking and waiting for the result."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial

from shinsa_benchmarks.vocabulary import StepFailed

from shinsa_orchestrator.application.examination_tools import Tools
from shinsa_orchestrator.application.item_steps import ItemSteps
from shinsa_orchestrator.application.judge_budget import JudgePurse
from shinsa_orchestrator.application.reuse import ReuseShelf
from shinsa_orchestrator.application.step_asks import StepAsks
from shinsa_orchestrator.application.step_results import StepResults, Waiting
from shinsa_orchestrator.application.window import RunWindow
from shinsa_orchestrator.domain.identity import question as question_of
from shinsa_orchestrator.domain.identity import step_id
from shinsa_orchestrator.domain.progress import Progress
from shinsa_orchestrator.domain.shard import Lease
from shinsa_orchestrator.domain.step import KnownStep, StepKind, StepResult, StoredResult

Ask = Callable[[], Awaitable[StoredResult]]


class StepDesk:
    """The steps of one shard under one lease. ``adoptable``: steps of the run that it takes over from."""

    def __init__(
        self,
        lease: Lease,
        window: RunWindow,
        purse: JudgePurse,
        reuse: ReuseShelf | None,
        tools: Tools,
        progress: Progress,
    ) -> None:
        self.adoptable: set[str] = set()
        self.results = StepResults(lease, window, reuse, tools, progress)
        self.asks = StepAsks(lease, window, self.results, tools, progress)
        self._run = lease.run
        self._purse = purse
        self._reuse = reuse
        self._tools = tools
        self._progress = progress

    async def step(self, item: ItemSteps, kind: StepKind, key: str, request: bytes, occurrence: int) -> bytes:
        identity = step_id(item.id, kind, request, occurrence)
        question = question_of(request, item.repetition, occurrence) if kind == "generate" else ""
        known = self.results.known.get(identity)
        if known is not None and not (known.failed and known.round < self._run.round):
            return _body(kind, await self._replay(identity, kind, request, question, known))
        source = step_id(item.adopted_id, kind, request, occurrence) if item.adopted_id else ""
        if source and self._takes_over(kind, source):
            return _body(kind, await self._adopt(identity, source, item, kind, request))
        ask = partial(self.asks.ask, identity, item, kind, key, request, question, known)
        if kind == "generate" and self._reuse is not None:
            return _body(kind, await self._reused(self._reuse, identity, item, request, question, ask))
        if kind != "judge":
            return _body(kind, await ask())
        async with self._purse.admitted():
            return _body(kind, await ask())

    def _takes_over(self, kind: StepKind, source: str) -> bool:
        """Judging again takes over all but verdicts; grading again what is recorded, and never asks the model."""
        if self._run.plan.regrades:
            return kind == "generate" or source in self.adoptable
        return kind != "judge"

    async def _replay(
        self, identity: str, kind: StepKind, request: bytes, question: str, known: KnownStep
    ) -> StoredResult:
        if not known.has_request:
            self._tools.recorder.request(identity, kind, request, question)
            self.results.known[identity] = replace(known, kind=kind, has_request=True)
            if not known.kind:
                self.results.count_recorded(kind, None, known.failed)
        self._progress.stages[kind].replayed += 1
        stored = await self._tools.replays.get(identity)
        if stored is None:
            raise RuntimeError(f"step {identity} was recorded and is gone from the sample log")
        return stored

    async def _adopt(self, identity: str, source: str, item: ItemSteps, kind: StepKind, request: bytes) -> StoredResult:
        if source not in self.adoptable:
            raise StepFailed(
                kind, "not_found", f"run {self._run.adopts} has no recorded result for this step; resume that run first"
            )
        copy = await self._tools.copies.get(source)
        if copy is None:
            raise RuntimeError(f"step {source} was recorded and is gone from the sample log")
        return await self._take_over(replace(copy, step_id=identity, item_id=item.id), kind, request)

    async def _reused(
        self, shelf: ReuseShelf, identity: str, item: ItemSteps, request: bytes, question: str, ask: Ask
    ) -> StoredResult:
        found = await shelf.find(question)
        if found is None:
            try:
                return await ask()
            finally:
                shelf.asked()
        copy = replace(found, step_id=identity, item_id=item.id, reused_from=found.item_id)
        return await self._take_over(copy, "generate", request)

    async def _take_over(self, copy: StepResult, kind: StepKind, request: bytes) -> StoredResult:
        """Records what another run was told as ours."""
        future: asyncio.Future[StoredResult] = asyncio.get_running_loop().create_future()
        self.results.waiting[copy.step_id] = Waiting(kind, request, "", future)
        self._progress.stages[kind].replayed += 1
        try:
            self.results.record(copy, kind, request, adopted=True)
            return await future
        finally:
            self.results.waiting.pop(copy.step_id, None)


def _body(kind: StepKind, stored: StoredResult) -> bytes:
    if stored.failed:
        raise StepFailed(kind, stored.reason, stored.message)
    return stored.body
