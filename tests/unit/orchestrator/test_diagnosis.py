"""What the doctor makes of what was seen: severities, and a remedy for whatever is not well."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from shinsa_chassis.errors import Reason, ShinsaError
from shinsa_orchestrator.application.diagnosis import Doctor
from shinsa_orchestrator.application.findings import (
    SERVICES,
    bus_findings,
    letter_findings,
    replica_findings,
    store_findings,
)
from shinsa_orchestrator.domain.operation import (
    Bus,
    Disk,
    Finding,
    Letter,
    Queue,
    Replica,
    Severity,
    StoreState,
    Stream,
)

GIB = 1024**3
WELL = [
    Replica(name, f"{name}-1", "1.0", 0.0, 100.0, 0.001, 0.002, held=False, in_flight=2, disks=(Disk("/", 50, 100),))
    for name in SERVICES
]
STORE = StoreState("results store", "sqlite", "results_7", "results_7", 0.0, 0.01, 4096)


def of(findings: Sequence[Finding], check: str) -> list[tuple[str, Severity]]:
    for one in findings:
        assert one.message.endswith("."), one
        assert bool(one.remedy) == (one.severity is not Severity.OK), one
    return [(one.subject, one.severity) for one in findings if one.check == check]


def test_a_mesh_that_is_well_has_nothing_but_ok() -> None:
    streams = (Stream("S", exists=True, messages=3, bytes=10, oldest_seconds=2.0, queues=(Queue("q", 3, 0, 1),)),)
    findings = [
        *bus_findings(Bus(GIB, 10 * GIB, streams)),
        *letter_findings(0),
        *replica_findings(WELL, "1.0"),
        *store_findings(STORE),
    ]
    assert {one.severity for one in findings} == {Severity.OK}
    assert of(findings, "replicas") == [(name, Severity.OK) for name in SERVICES]


@pytest.mark.parametrize(
    ("stream", "severity"),
    [
        (Stream("S", exists=False), Severity.ERROR),
        (Stream("S", exists=True, differences=("retention is limits",)), Severity.WARNING),
        (Stream("S", exists=True, behind=("nats-2",)), Severity.WARNING),
    ],
)
def test_streams_against_what_was_declared(stream: Stream, severity: Severity) -> None:
    assert of(list(bus_findings(Bus(0, 0, (stream,)))), "streams") == [("S", severity)]


@pytest.mark.parametrize(
    ("queue", "oldest", "severity"),
    [
        (Queue("q", 5, 0, 0), 60.0, Severity.WARNING),
        (Queue("q", 5, 0, 0), 3600.0, Severity.ERROR),
        (Queue("q", 5, 2, 0), 3600.0, Severity.OK),
        (Queue("q", 5, 0, 1, ("ack_policy is none, not explicit",)), 1.0, Severity.ERROR),
    ],
)
def test_tasks_that_nobody_takes(queue: Queue, oldest: float, severity: Severity) -> None:
    stream = Stream("S", exists=True, messages=5, oldest_seconds=oldest, queues=(queue,))
    assert of(list(bus_findings(Bus(0, 0, (stream,)))), "queues") == [("S q", severity)]


@pytest.mark.parametrize(("used", "severity"), [(5, Severity.OK), (95, Severity.WARNING), (99, Severity.ERROR)])
def test_storage_and_disks_that_fill_up(used: int, severity: Severity) -> None:
    assert of(list(bus_findings(Bus(used * GIB, 100 * GIB, ()))), "nats") == [("JetStream", severity)]
    full = replace(WELL[0], disks=(Disk("/data", 100 - used, 100),))
    assert of(list(replica_findings([full], "1.0")), "disks") == [("orchestrator orchestrator-1 /data", severity)]


def test_a_replica_that_is_not_ready_says_why() -> None:
    hindered = replace(WELL[0], problems=("the sample log has no room: full; make room on its disk",))
    found = list(replica_findings([hindered, *WELL[1:]], "1.0"))
    assert ("orchestrator orchestrator-1", Severity.ERROR) in of(found, "replicas")
    told = next(one for one in found if one.subject == "orchestrator orchestrator-1" and one.check == "replicas")
    assert told.message == "It is not ready: the sample log has no room: full; make room on its disk."


@pytest.mark.parametrize(
    ("offset", "doubt", "severity"),
    [(1.9, 0.0, Severity.OK), (5.0, 4.0, Severity.OK), (-5.0, 0.1, Severity.WARNING), (90.0, 0.1, Severity.ERROR)],
)
def test_clocks(offset: float, doubt: float, severity: Severity) -> None:
    askew = replace(WELL[3], clock_offset=offset, clock_doubt=doubt)
    assert of(list(replica_findings([askew], "1.0")), "clocks") == [("judge judge-1", severity)]
    store = replace(STORE, clock_offset=offset, clock_doubt=doubt)
    assert of(list(store_findings(store)), "clocks") == [("results store", severity)]


def test_replicas_that_are_missing_resting_or_of_another_version() -> None:
    resting = replace(WELL[1], name="inference-2", held=True)
    findings = list(replica_findings([WELL[0], WELL[1], resting, replace(WELL[2], held=True, version="0.9")], "1.0"))
    assert of(findings, "replicas") == [
        ("orchestrator", Severity.OK),
        ("inference", Severity.WARNING),
        ("sandbox", Severity.ERROR),
        ("judge", Severity.ERROR),
    ]
    assert of(findings, "versions") == [("services", Severity.WARNING)]
    assert "0.9: sandbox sandbox-1" in next(one.message for one in findings if one.check == "versions")


def test_a_store_of_another_version() -> None:
    assert of(list(store_findings(replace(STORE, version="results_5"))), "stores") == [
        ("results store", Severity.ERROR)
    ]


def test_letters_are_a_warning() -> None:
    assert of(list(letter_findings(3)), "dead_letters") == [("SHINSA_DEAD_LETTERS", Severity.WARNING)]


class Away:
    """Nothing of it can be reached."""

    name = "sample log"

    async def look(self) -> Any:
        raise ShinsaError(Reason.UNAVAILABLE, "connection refused")

    async def count(self) -> int:
        raise ShinsaError(Reason.UNAVAILABLE, "connection refused")

    async def call(self, services: Sequence[str], *, replica: str = "", held: bool | None = None) -> Sequence[Replica]:
        raise ShinsaError(Reason.UNAVAILABLE, "connection refused")

    async def letters(self, *, after: int = 0) -> AsyncIterator[Letter]:
        raise ShinsaError(Reason.UNAVAILABLE, "connection refused")
        yield

    async def letter(self, letter_id: str) -> Letter | None:
        return None

    async def remove(self, letter_id: str) -> bool:
        return False


async def test_what_is_away_is_a_finding_and_no_error() -> None:
    away = Away()
    found = await Doctor(away, [away], away, away, "1.0").look()
    assert of(found.findings, "nats") == [("message bus", Severity.ERROR)]
    assert of(found.findings, "stores") == [("sample log", Severity.ERROR)]
    assert found.replicas == ()
