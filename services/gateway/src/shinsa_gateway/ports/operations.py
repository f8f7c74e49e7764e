"""What whoever runs a mesh asks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from shinsa_gateway.domain.operation import (
    CheckFinding,
    DeadLetterDetail,
    DeadLetterPage,
    Dropped,
    IntakeOrder,
    LetterChoice,
    Replica,
    Requeued,
)
from shinsa_gateway.domain.run import Run


@dataclass(frozen=True, slots=True)
class OrchestratorView:
    """What the orchestrator found, its version, and its clock when it answered, in seconds since the epoch."""

    findings: tuple[CheckFinding, ...]
    replicas: tuple[Replica, ...]
    version: str
    now: float


class Operations(Protocol):
    """What whoever runs a mesh asks of the orchestrator."""

    async def diagnose(self) -> OrchestratorView: ...

    async def replicas(self) -> tuple[Replica, ...]: ...

    async def set_intake(self, order: IntakeOrder) -> tuple[Replica, ...]:
        """Those that have obeyed."""
        ...

    async def letters(self, *, run_id: str, service: str, page_size: int, cursor: str) -> DeadLetterPage: ...

    async def letter(self, letter_id: str) -> DeadLetterDetail: ...

    async def requeue(self, choice: LetterChoice) -> Requeued: ...

    async def drop(self, choice: LetterChoice) -> Dropped: ...

    async def forget_samples(self, run_id: str) -> Run: ...
