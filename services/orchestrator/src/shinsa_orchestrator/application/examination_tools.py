"""What every examination in a process shares."""

from __future__ import annotations

from dataclasses import dataclass

from shinsa_orchestrator.application.gathering import GatheredReads
from shinsa_orchestrator.application.recorder import Recorder
from shinsa_orchestrator.domain.step import StepResult, StoredResult
from shinsa_orchestrator.ports.clock import Clock
from shinsa_orchestrator.ports.samples import SampleLog
from shinsa_orchestrator.ports.workers import StepCodec, StepQueue


@dataclass(frozen=True, slots=True)
class Tools:
    """What every examination in this process uses. ``patience`` in seconds."""

    queue: StepQueue
    sample_log: SampleLog
    recorder: Recorder
    codec: StepCodec
    clock: Clock
    replays: GatheredReads[StoredResult]
    copies: GatheredReads[StepResult]
    patience: float
