"""The register of models."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

import structlog
from shinsa_chassis.errors import Reason, ShinsaError

from shinsa_orchestrator.domain.model import ModelEntry, check_model
from shinsa_orchestrator.domain.run import ACTIVE, RunState
from shinsa_orchestrator.ports.models import ModelAnnouncer, ModelStore
from shinsa_orchestrator.ports.runs import RunStore

log = structlog.get_logger(__name__)


class ModelDesk:
    """Registers models and tells the inference replicas of them."""

    def __init__(self, models: ModelStore, announcer: ModelAnnouncer, runs: RunStore) -> None:
        self._models = models
        self._runs = runs
        self._announcer = announcer

    async def add(self, entry: ModelEntry, *, replace: bool) -> ModelEntry:
        """Registers a model, or changes it with ``replace``. The same entry again is no error.

        A run under way of a model that answers otherwise from now on ends as failed: nobody can answer it any more, and
        the new entry does not answer in place of the old one. Resuming it goes on with the new one.
        """
        check_model(entry)
        if not await self._models.save_model(entry, replace=replace):
            stored = await self._models.model(entry.name)
            if stored is None or stored.document != entry.document:
                raise ShinsaError(
                    Reason.ALREADY_EXISTS,
                    f"model {entry.name!r} is registered otherwise; say `replace` to change it, or take another name",
                    field="model.name",
                )
        await self._tell(entry)
        await self._end_runs_of_another(entry.name)
        log.info("model_registered", model=entry.name, engine=entry.engine)
        return entry

    async def _end_runs_of_another(self, name: str) -> None:
        stored = await self._models.model(name)
        for run in await self._runs.active_runs() if stored is not None else ():
            examined = "" if run.adopts else run.spec.model
            if stored is not None and run.plan.pins.other_than(name, examined, stored.version):
                problem = f"model {name!r} was registered otherwise meanwhile; resume the run to go on with it as it is"
                if await self._runs.change_state(run.id, RunState.FAILED, of=ACTIVE, problem=problem):
                    log.warning("run_failed", run_id=run.id, problem=problem)

    async def _tell(self, entry: ModelEntry) -> None:
        """Whoever changes the same model at the same time: the register's last word is the last that is heard."""
        await self._announcer.announce(entry)
        stored = await self._models.model(entry.name)
        if stored is None:
            await self._announcer.withdraw(entry.name)
        elif stored.document != entry.document:
            await self._announcer.announce(stored)

    async def remove(self, name: str) -> None:
        """Takes a model off the register and off the inference replicas; what runs of it have recorded stays."""
        await self._check_idle(name)
        if not await self._models.remove_model(name):
            known = [entry.name for entry in await self._models.models()]
            raise ShinsaError(
                Reason.NOT_FOUND,
                f"there is no model {name!r}; registered: {', '.join(known) or 'none'}",
                field="model",
                near_matches=difflib.get_close_matches(name, known),
            )
        await self._announcer.withdraw(name)
        log.info("model_removed", model=name)

    async def _check_idle(self, name: str) -> None:
        for run in await self._runs.active_runs():
            if name in (run.spec.model, *run.plan.pins.judge_models):
                does = "examines" if name == run.spec.model else "is judged by"
                message = f"run {run.id} {does} model {name!r} at this moment; cancel it or wait for its end"
                raise ShinsaError(Reason.FAILED_PRECONDITION, message, field="model")

    async def listing(self) -> Sequence[ModelEntry]:
        return await self._models.models()

    async def announce_all(self) -> None:
        """Tells of every model again: what the message bus remembered may be lost."""
        for entry in await self._models.models():
            await self._announcer.announce(entry)
