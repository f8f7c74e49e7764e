"""How the mesh is: message bus, stores and replicas, each looked at and judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shinsa_chassis.errors import ShinsaError

from shinsa_orchestrator.application.findings import (
    SERVICES,
    bus_findings,
    letter_findings,
    replica_findings,
    sentence,
    store_findings,
)
from shinsa_orchestrator.domain.operation import Finding, Replica, Severity
from shinsa_orchestrator.ports.operations import BusSurvey, LetterBox, ReplicaRoll, StoreSurvey


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What was found, and who answered."""

    findings: tuple[Finding, ...]
    replicas: tuple[Replica, ...]


class Doctor:
    """Looks at everything that the orchestrator can see; nothing is changed."""

    def __init__(
        self, bus: BusSurvey, stores: Sequence[StoreSurvey], roll: ReplicaRoll, letters: LetterBox, version: str
    ) -> None:
        self._bus = bus
        self._stores = stores
        self._roll = roll
        self._letters = letters
        self._version = version

    async def look(self) -> Diagnosis:
        """Never raises for what is wrong with the mesh: that is what is told."""
        findings: list[Finding] = []
        replicas: Sequence[Replica] = ()
        try:
            findings += bus_findings(await self._bus.look())
            findings += letter_findings(await self._letters.count())
            replicas = await self._roll.call(SERVICES)
            findings += replica_findings(replicas, self._version)
        except ShinsaError as error:
            findings.append(
                Finding(
                    "nats",
                    "message bus",
                    Severity.ERROR,
                    f"The message bus cannot be asked: {error.message}.",
                    "start NATS with JetStream on, check nats_url and credentials; services wait for it meanwhile",
                )
            )
        for store in self._stores:
            try:
                findings += store_findings(await store.look())
            except ShinsaError as error:
                remedy = "start the database, or mend its URL in the settings; runs wait for it meanwhile"
                findings.append(Finding("stores", store.name, Severity.ERROR, sentence(error.message), remedy))
        return Diagnosis(tuple(findings), tuple(replicas))
