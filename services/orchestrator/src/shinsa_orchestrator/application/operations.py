"""What whoever runs a mesh can do: let replicas rest, ask again for what was given up, forget old samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import structlog
from shinsa_chassis.errors import Reason, ShinsaError

from shinsa_orchestrator.application.findings import SERVICES
from shinsa_orchestrator.application.paging import Pages, page
from shinsa_orchestrator.application.refusals import unknown
from shinsa_orchestrator.application.runs import RunDesk
from shinsa_orchestrator.domain.operation import Letter, LetterFilter, Replica
from shinsa_orchestrator.domain.run import Run
from shinsa_orchestrator.ports.operations import LetterBox, ReplicaRoll

log = structlog.get_logger(__name__)

_PAGES = Pages(50, 200)


@dataclass(frozen=True, slots=True)
class Requeued:
    """Runs that go on, letters that are gone because of it, and why others stay."""

    runs: list[Run] = field(default_factory=list)
    letters: list[str] = field(default_factory=list)
    kept: dict[str, str] = field(default_factory=dict)


class OperationDesk:
    """Acts of operators."""

    def __init__(self, roll: ReplicaRoll, letters: LetterBox, runs: RunDesk) -> None:
        self._roll = roll
        self._letters = letters
        self._runs = runs

    # --- replicas ---

    async def replicas(self) -> Sequence[Replica]:
        return await self._roll.call(SERVICES)

    async def set_intake(self, service: str, replica: str, *, held: bool) -> Sequence[Replica]:
        """Those that have obeyed. Raises ``ShinsaError`` where nobody has."""
        if service and service not in SERVICES:
            raise unknown("service", "service that takes work", service, SERVICES)
        services = (service,) if service else SERVICES
        obeyed = await self._roll.call(services, replica=replica, held=held)
        if not obeyed:
            raise await self._nobody(services, replica)
        log.info("intake_set", service=service, replica=replica, held=held, replicas=len(obeyed))
        return obeyed

    async def _nobody(self, services: Sequence[str], replica: str) -> ShinsaError:
        if not replica:
            message = f"no replica of {' or '.join(services)} answers; `shinsa doctor` tells more"
            return ShinsaError(Reason.NOT_FOUND, message, field="service")
        return unknown(
            "replica", "replica that answers", replica, [one.name for one in await self._roll.call(services)]
        )

    # --- dead letters ---

    async def letters(
        self, wanted: LetterFilter, *, page_size: int = 0, cursor: str = ""
    ) -> tuple[Sequence[Letter], str, int]:
        """A page, oldest first; the cursor of the next ("" if there is none); how many letters there are at all."""
        size = _PAGES.size(page_size)
        found: list[Letter] = []
        async for letter in self._letters.letters(after=_number("cursor", cursor) if cursor else 0):
            if wanted.takes(letter):
                found.append(letter)
            if len(found) > size:
                break
        return *page(found, size, lambda letter: letter.id), await self._letters.count()

    async def letter(self, letter_id: str) -> Letter:
        _number("letter_id", letter_id)
        found = await self._letters.letter(letter_id)
        if found is None:
            message = f"there is no dead letter {letter_id!r}; list them to see which there are"
            raise ShinsaError(Reason.NOT_FOUND, message, field="letter_id")
        return found

    async def requeue(self, wanted: LetterFilter) -> Requeued:
        """Resumes the runs of these letters; a resumed run asks again for everything that failed."""
        done = Requeued()
        for run_id, letters in _by_run(await self._chosen(wanted)).items():
            why = await self._resume(run_id, done)
            for letter in letters:
                if why:
                    done.kept[letter.id] = why
                else:
                    await self._letters.remove(letter.id)
                    done.letters.append(letter.id)
        log.info("letters_requeued", runs=len(done.runs), letters=len(done.letters), kept=len(done.kept))
        return done

    async def _resume(self, run_id: str, done: Requeued) -> str:
        """Why nothing was done; "" if the run goes on, or has everything already."""
        if not run_id:
            return "its task cannot be read, so nobody knows what to ask again; drop it"
        try:
            run = await self._runs.get(run_id)
        except ShinsaError as error:
            if error.reason is not Reason.NOT_FOUND:
                raise
            return f"there is no run {run_id!r} any more; drop it"
        if run.state.active:
            return f"run {run_id} still goes on; requeue when it is over, or cancel it first"
        if run.progress.items == run.progress.scored + run.progress.model_errors:
            return ""
        try:
            done.runs.append(await self._runs.resume(run_id))
        except ShinsaError as error:
            return error.message
        return ""

    async def drop(self, wanted: LetterFilter) -> Sequence[str]:
        """Removes letters; what they tell of stays an infra error of its run."""
        gone = [letter.id for letter in await self._chosen(wanted) if await self._letters.remove(letter.id)]
        log.info("letters_dropped", letters=len(gone))
        return gone

    async def _chosen(self, wanted: LetterFilter) -> Sequence[Letter]:
        if wanted.ids:
            return [letter for letter in [await self.letter(one) for one in wanted.ids] if wanted.takes(letter)]
        return [letter async for letter in self._letters.letters() if wanted.takes(letter)]


def _by_run(letters: Sequence[Letter]) -> dict[str, list[Letter]]:
    found: dict[str, list[Letter]] = {}
    for letter in letters:
        found.setdefault(letter.run_id, []).append(letter)
    return found


def _number(field_name: str, text: str) -> int:
    if not text.isdecimal() or len(text) > 19:
        message = f"{field_name}: {text!r} is no number of a dead letter; list them to see which there are"
        raise ShinsaError(Reason.INVALID_ARGUMENT, message, field=field_name)
    return int(text)
