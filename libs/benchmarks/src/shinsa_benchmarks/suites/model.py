"""What a suite is, and how its file is read."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, model_validator

from shinsa_benchmarks.documents import read_document
from shinsa_benchmarks.manifest import Setting


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SuiteBenchmark(_Part):
    """One benchmark of a suite. Empty ``shots`` are the benchmark's own list; ``limit`` 0 is all samples."""

    id: str
    shots: list[int] = []
    limit: int = Field(0, ge=0)
    repetitions: int = Field(1, ge=1)
    # Overrides of the benchmark's settings; those of the run come on top.
    settings: dict[str, Setting] = {}


class Suite(_Part):
    """A named list of benchmarks. ``board`` is the board that its scores fill, if any."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_-]*$")
    title: str
    description: str = ""
    board: str = ""
    benchmarks: list[SuiteBenchmark] = Field(min_length=1)

    @model_validator(mode="after")
    def _each_once(self) -> Suite:
        names = [benchmark.id for benchmark in self.benchmarks]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"benchmarks: {twice[0]!r} stands twice; list its shots in one entry")
        return self


def read_suite(path: Path) -> Suite:
    """Reads and validates one suite. Raises ``DocumentError``."""
    return read_document(path, Suite)
