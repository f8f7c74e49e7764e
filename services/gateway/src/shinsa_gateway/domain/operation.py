"""What whoever runs a mesh reads and orders."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from shinsa_gateway.domain.failure import Failure
from shinsa_gateway.domain.item import Step
from shinsa_gateway.domain.resource import Resource, Writable
from shinsa_gateway.domain.run import RUN_EXAMPLE, Run


class Severity(StrEnum):
    """`ok`, `warning` (works, but somebody should look) or `error` (does not work, or soon will not)."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


class WorkService(StrEnum):
    """A service that takes work."""

    ORCHESTRATOR = "orchestrator"
    INFERENCE = "inference"
    SANDBOX = "sandbox"
    JUDGE = "judge"


class CheckFinding(Resource):
    """What one check found of one thing."""

    check: str = Field(
        description="`gateway`, `nats`, `streams`, `queues`, `dead_letters`, `stores`, `replicas`, `versions`, "
        "`clocks`, `disks`, `models`, `judges` or `sandboxes`."
    )
    subject: str = Field(description="What was looked at, such as a stream or a replica.")
    severity: Severity
    message: str = Field(description="One sentence.")
    remedy: str = Field(default="", description="What to do; empty where nothing is to be done.")


class Disk(Resource):
    """A file system that a replica writes to."""

    path: str
    free_bytes: int
    total_bytes: int


REPLICA_EXAMPLE: dict[str, Any] = {
    "service": "judge",
    "replica": "judge-5d9f7c-x2x4k-1",
    "version": "0.1.0",
    "started_at": "2026-01-31T09:00:00Z",
    "taking_work": True,
    "in_flight": 3,
    "disks": [{"path": "/data", "free_bytes": 8589934592, "total_bytes": 10737418240}],
    "problems": [],
}


class Replica(Resource):
    """A process of a service, by its own word."""

    service: str
    replica: str
    version: str
    started_at: datetime | None
    taking_work: bool = Field(description="False after `hold`, until `open` or the end of the process.")
    in_flight: int = Field(description="Tasks that it holds; of an orchestrator, shards.")
    disks: tuple[Disk, ...] = ()
    problems: tuple[str, ...] = Field(default=(), description="Why it is not ready, with what to do; empty if it is.")


class ReplicaList(Resource):
    """Replicas by service and name; the gateway takes no work and is not among them."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"replicas": [REPLICA_EXAMPLE]}]})

    replicas: tuple[Replica, ...]


class Diagnosis(Resource):
    """How the mesh is."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "severity": "warning",
                    "findings": [
                        {
                            "check": "dead_letters",
                            "subject": "SHINSA_DEAD_LETTERS",
                            "severity": "warning",
                            "message": "3 tasks were given up by their queues.",
                            "remedy": "`shinsa admin dead-letters list` says why; requeue or drop them",
                        }
                    ],
                    "replicas": [REPLICA_EXAMPLE],
                    "gateway_version": "0.1.0",
                    "orchestrator_version": "0.1.0",
                }
            ]
        }
    )

    severity: Severity = Field(description="The worst of all findings.")
    findings: tuple[CheckFinding, ...]
    replicas: tuple[Replica, ...] = ()
    gateway_version: str
    orchestrator_version: str = Field(default="", description="Empty where it did not answer.")


class IntakeOrder(Writable):
    """Who shall take no new work, or take it again."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"service": "judge", "taking_work": False}]})

    service: WorkService | None = Field(default=None, description="Null: all services.")
    replica: Annotated[str, Field(max_length=256)] = Field(default="", description="Empty: all of the service.")
    taking_work: bool


class DeadLetter(Resource):
    """A task that its queue has given up."""

    id: str
    service: str
    key: str = Field(description="Model, runtime or judge profile.")
    run_id: str
    item_id: str
    step_id: str
    attempt: int
    deliveries: int
    worker: str
    at: datetime | None
    failure: Failure
    readable: bool = Field(description="Whether the task could be read; if not, run, item and step are unknown.")
    task_bytes: int


LETTER_EXAMPLE: dict[str, Any] = {
    "id": "17",
    "service": "sandbox",
    "key": "python",
    "run_id": "01JD3V8Q6Y",
    "item_id": "7c1d2e3f4a5b6c7d8e9f",
    "step_id": "6f1c0de2a9b74c55a0e4b7a3f0d1c2e3",
    "attempt": 1,
    "deliveries": 6,
    "worker": "sandbox-6c9d-1",
    "at": "2026-01-31T09:00:00Z",
    "failure": {
        "reason": "gave_up",
        "message": "the task was delivered 6 times and no worker lived to answer it",
        "field": "",
        "near_matches": [],
        "retryable": False,
        "retry_after": None,
        "origin": "sandbox",
        "attempts": 6,
    },
    "readable": True,
    "task_bytes": 1804,
}


class DeadLetterPage(Resource):
    """Dead letters, oldest first."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"letters": [LETTER_EXAMPLE], "total": 1, "next_cursor": None}]}
    )

    letters: tuple[DeadLetter, ...]
    total: int = Field(description="In the queue of dead letters altogether.")
    next_cursor: str | None = Field(default=None, description="Give it as `cursor` for the next page; null: no more.")


class DeadLetterDetail(Resource):
    """A dead letter with what was asked."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"letter": LETTER_EXAMPLE, "step": None}]})

    letter: DeadLetter
    step: Step | None = Field(default=None, description="Without result; null where the task cannot be read.")


class LetterChoice(Writable):
    """Which dead letters: those that fit all that is set, or `all` and nothing else for every one."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"run_id": "01JD3V8Q6Y"}]})

    letters: Annotated[tuple[Annotated[str, Field(pattern=r"^\d{1,18}$")], ...], Field(max_length=1000)] = ()
    run_id: Annotated[str, Field(max_length=256)] = ""
    service: WorkService | None = None
    all: bool = False

    @model_validator(mode="after")
    def _some(self) -> Self:
        some = bool(self.letters or self.run_id or self.service)
        if not some and not self.all:
            message = "say which: letters, run_id or service; or all for every one"
            raise PydanticCustomError("one_of", message, {"field": "all"})
        if some and self.all:
            raise PydanticCustomError("one_of", "takes every one; leave it out, or what narrows", {"field": "all"})
        return self


class KeptLetter(Resource):
    """A dead letter that stays where it is."""

    letter: str
    why: str


class Requeued(Resource):
    """What came of asking again."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"resumed": [RUN_EXAMPLE], "letters": ["17"], "kept": []}]}
    )

    resumed: tuple[Run, ...] = Field(description="Runs that go on, and ask again for everything that failed.")
    letters: tuple[str, ...] = Field(description="Gone from the dead letters.")
    kept: tuple[KeptLetter, ...]


class Dropped(Resource):
    """Dead letters that are gone."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"letters": ["17"]}]})

    letters: tuple[str, ...]
