"""What a program wrote to one of its streams: the beginning is kept, the rest counted."""

from __future__ import annotations

from shinsa_sandbox.domain.checks import ExpectedOutput
from shinsa_sandbox.domain.execution import Output
from shinsa_sandbox.domain.runtime import Job


class Kept:
    """The first ``keep`` bytes of a stream; with more than ``most`` it is flooded."""

    def __init__(self, keep: int, most: int) -> None:
        self._keep = keep
        self._most = most
        self._kept = bytearray()
        self._total = 0

    @classmethod
    def of(cls, job: Job, stream: str) -> Kept:
        """What is compared with an expected output is kept as a whole, however little of it is reported."""
        limits = job.limits
        compared = stream == "stdout" and isinstance(job.checks, ExpectedOutput)
        return cls(limits.flood_bytes if compared else min(limits.output_bytes, limits.flood_bytes), limits.flood_bytes)

    def add(self, piece: bytes) -> bytes:
        """The part of the piece that is kept."""
        self._total += len(piece)
        part = piece[: max(self._keep - len(self._kept), 0)]
        self._kept += part
        return part

    @property
    def flooded(self) -> bool:
        return self._total > self._most

    @property
    def content(self) -> bytes:
        return bytes(self._kept)

    def output(self, keep: int) -> Output:
        """Its first bytes with the count of all."""
        return Output(bytes(self._kept[:keep]), self._total)
