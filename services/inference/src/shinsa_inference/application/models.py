"""The models of this replica: asking them, and keeping their engines in order."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from difflib import get_close_matches

import structlog
from shinsa_chassis.errors import Reason, ShinsaError

from shinsa_inference.application.check import check_engine
from shinsa_inference.application.engine_room import EngineRoom
from shinsa_inference.application.residence import Residence
from shinsa_inference.domain.check import Finding
from shinsa_inference.domain.completion import Completion, Piece
from shinsa_inference.domain.model import ModelEntry, ModelState, OpenAiEngine, ServedModel
from shinsa_inference.domain.request import GenerateRequest
from shinsa_inference.ports import EngineMaker

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


class Models:
    """Both doors call this. Engines are loaded on first demand; endpoints and scripts at once, since they cost nothing.

    A load that failed is not tried again for ``reload_after_seconds``, unless the entry changes or ``load`` is called;
    an engine that died is loaded anew by the next demand.
    """

    def __init__(
        self, make: EngineMaker, *, most_loaded: int, settle_seconds: float, reload_after_seconds: float
    ) -> None:
        self._make = make
        self._room = EngineRoom(most_loaded, settle_seconds)
        self._reload_after = reload_after_seconds
        self._entries: dict[str, ModelEntry] = {}
        self._residences: dict[str, Residence] = {}
        self._side_tasks: set[asyncio.Task[None]] = set()

    # --- which models there are ---

    def put(self, entry: ModelEntry) -> bool:
        """Adds or changes a model; a changed one serves what it has begun before its engine is replaced.

        Returns whether anything is new.
        """
        if self._entries.get(entry.name) == entry:
            self._take_version(entry)
            return False
        changed = entry.name in self._entries
        self._entries[entry.name] = entry
        old = self._residences.get(entry.name)
        if old is not None and old.untouched and old.entry.holds_weights == entry.holds_weights:
            old.replace_entry(entry)
        elif old is not None:
            self._retire(old)
            del self._residences[entry.name]
        _log.info("model_changed" if changed else "model_added", model=entry.name)
        if not entry.holds_weights:
            self._keep(asyncio.create_task(self._load_quietly(entry.name), name=f"load-{entry.name}"))
        return True

    def _take_version(self, entry: ModelEntry) -> None:
        """The same entry under the version by which it is asked from now on."""
        self._entries[entry.name] = entry
        residence = self._residences.get(entry.name)
        if residence is not None and not residence.over:
            residence.entry = entry

    def remove(self, name: str) -> None:
        """Forgets a model; its engine ends when what it has begun is done."""
        self._entries.pop(name, None)
        residence = self._residences.pop(name, None)
        if residence is not None:
            self._retire(residence)
        _log.info("model_removed", model=name)

    def served(self) -> list[ServedModel]:
        """All models as they stand, by name."""
        return [self.one(name) for name in sorted(self._entries)]

    def one(self, name: str) -> ServedModel:
        """One model as it stands. Raises NOT_FOUND."""
        entry = self._entry(name)
        residence = self._residences.get(name)
        if residence is None:
            return ServedModel(entry, ModelState.IDLE)
        return ServedModel(entry, residence.state, residence.problem, residence.in_flight)

    # --- asking ---

    async def generate(self, request: GenerateRequest, version: str = "") -> Completion:
        """Completes a prompt, loading the model if need be.

        Raises DATA_MISMATCH where ``version`` names another entry than the one in force: it may be on its way here.
        """
        residence = self._asked(request.model, version)
        async with residence.borrowed() as engine:
            entry = _of_version(residence.entry, version)
            completed = _completed(request, entry)
            return _accounted(completed, entry, await engine.generate(completed))

    async def stream(self, request: GenerateRequest, version: str = "") -> AsyncGenerator[Piece, None]:
        """The same piece by piece; the last piece is the completion."""
        residence = self._asked(request.model, version)
        async with residence.borrowed() as engine:
            entry = _of_version(residence.entry, version)
            completed = _completed(request, entry)
            async with aclosing(engine.stream(completed)) as pieces:
                async for piece in pieces:
                    yield _accounted(completed, entry, piece) if isinstance(piece, Completion) else piece

    def _asked(self, name: str, version: str) -> Residence:
        """Another version is not loaded for one who does not want it."""
        _of_version(self._entry(name), version)
        return self._residence(name)

    # --- by hand ---

    async def check(self, name: str) -> list[Finding]:
        """Finds out what of the model really works; see ``application.check``."""
        entry = self._entry(name)
        if not isinstance(entry.engine, OpenAiEngine):
            async with self._residence(name).borrowed() as engine:
                return await check_engine(engine, name)
        unguarded = await self._make(replace(entry, engine=entry.engine.unguarded()))
        try:
            return await check_engine(unguarded, name)
        finally:
            await unguarded.close()

    async def load(self, name: str) -> ServedModel:
        """Brings a model into memory and waits for it; tries again where loading had failed."""
        residence = self._residences.get(name)
        if residence is not None and residence.load_failure is not None:
            self._retire(residence)
        async with self._residence(name).borrowed():
            return self.one(name)

    async def unload(self, name: str) -> ServedModel:
        """Frees a model's memory once what it has begun is done. The next demand loads it again."""
        self._entry(name)
        residence = self._residences.pop(name, None)
        if residence is not None:
            await asyncio.shield(self._retire(residence))
        return self.one(name)

    async def close(self) -> None:
        """Ends all engines, after their work in flight."""
        for residence in self._residences.values():
            self._retire(residence)
        if self._side_tasks:
            await asyncio.gather(*self._side_tasks, return_exceptions=True)

    # --- inside ---

    def _entry(self, name: str) -> ModelEntry:
        entry = self._entries.get(name)
        if entry is not None:
            return entry
        near = get_close_matches(name, self._entries, n=3, cutoff=0.5)
        known = ", ".join(sorted(self._entries)) or "none"
        raise ShinsaError(
            Reason.NOT_FOUND, f"There is no model {name!r} here; known: {known}.", field="model", near_matches=near
        )

    def _residence(self, name: str) -> Residence:
        residence = self._residences.get(name)
        if residence is None or self._used_up(residence):
            residence = self._residences[name] = Residence(self._entry(name), self._make, self._room)
        return residence

    def _used_up(self, residence: Residence) -> bool:
        residence.look()
        if residence.load_failure is not None and time.monotonic() - residence.failed_at > self._reload_after:
            residence.end()
        if residence.over:
            self._retire(residence)
        return residence.over

    def _retire(self, residence: Residence) -> asyncio.Task[None]:
        return self._keep(residence.end())

    def _keep(self, task: asyncio.Task[None]) -> asyncio.Task[None]:
        self._side_tasks.add(task)
        task.add_done_callback(self._side_tasks.discard)
        return task

    async def _load_quietly(self, name: str) -> None:
        try:
            async with self._residence(name).borrowed():
                return
        except ShinsaError:
            return  # the state says it already


def _of_version(entry: ModelEntry, version: str) -> ModelEntry:
    if version and entry.version != version:
        raise ShinsaError(
            Reason.DATA_MISMATCH,
            f"Model {entry.name!r} is registered here as version {entry.version or 'unknown'}, and version {version} "
            "is asked: it was replaced meanwhile, and another does not answer for it. Resume the run to go on with "
            "the model as it is now.",
            field="model",
            retryable=True,
        )
    return entry


def _completed(request: GenerateRequest, entry: ModelEntry) -> GenerateRequest:
    defaults = entry.sampling
    return replace(request, sampling=request.sampling.filled_from(defaults)) if defaults.set_fields() else request


def _accounted(request: GenerateRequest, entry: ModelEntry, completion: Completion) -> Completion:
    cost = None if entry.price is None else entry.price.of(completion.usage)
    return replace(completion, greedy=request.sampling.greedy, cost=cost)
