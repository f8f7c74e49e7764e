"""What a benchmark is: samples, and a coroutine that examines one of them over three verbs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from shinsa_benchmarks.manifest import Manifest
from shinsa_benchmarks.vocabulary import (
    Case,
    Checks,
    Execution,
    Item,
    Limits,
    Message,
    Outcome,
    Program,
    Reply,
    Sample,
    Sampling,
    Verdict,
)


class Steps(Protocol):
    """The three verbs. Each call may come from the network or from the record of an earlier, interrupted run.

    A coroutine must therefore be deterministic given what these return. Each raises ``StepFailed`` when the step could
    not be done; benchmarks do not catch it.
    """

    async def generate(self, prompt: Sequence[Message] | str, sampling: Sampling) -> Reply:
        """Asks the examined model: a chat, or raw text that bypasses the chat template."""
        ...

    async def execute(self, program: Program, checks: Checks | None = None, limits: Limits | None = None) -> Execution:
        """Runs a program in the sandbox."""
        ...

    async def judge(self, role: str, case: Case) -> Verdict:
        """Asks the judge that the run has chosen for this role."""
        ...


@dataclass(frozen=True, slots=True)
class Dataset:
    """The samples of one benchmark. ``digest`` is SHA-256 over the files read, in hexadecimal.

    Few-shot examples are the first of ``train``, whichever split is examined; ``dev`` is empty where there is none.
    """

    test: Sequence[Sample]
    train: Sequence[Sample] = ()
    dev: Sequence[Sample] = ()
    digest: str = ""
    origin: str = "specimen"

    def examined(self, settings: Mapping[str, object]) -> Sequence[Sample]:
        """The samples of the split that the settings name; without the setting those of the test.

        Where a setting ``longest`` is greater than 0: those whose field ``characters`` is no more than that.
        """
        samples = self.dev if settings.get("split") == "dev" else self.test
        longest = settings.get("longest")
        if not isinstance(longest, int) or longest <= 0:
            return samples
        return [sample for sample in samples if sample.fields["characters"] <= longest]


def wanted(settings: Mapping[str, object]) -> str:
    """In words, which samples ``Dataset.examined`` gives."""
    longest = settings.get("longest")
    no_longer = f" of at most {longest} characters" if isinstance(longest, int) and longest > 0 else ""
    return f"of the split {settings.get('split', 'test')!r}{no_longer}"


class DatasetError(ValueError):
    """A file of upstream data is not as expected: where, and what was expected."""

    def __init__(self, path: Path, line: int | None, expected: str) -> None:
        where = f"{path}:{line}" if line is not None else str(path)
        super().__init__(f"{where}: {expected}")
        self.path = path
        self.line = line
        self.expected = expected


class UnfitError(ValueError):
    """Samples cannot be examined as a run asks for: by which setting (or "shots"), why, and the remedy."""

    def __init__(self, setting: str, message: str) -> None:
        super().__init__(message)
        self.setting = setting


class Benchmark(Protocol):
    """One folder of the catalog."""

    @property
    def manifest(self) -> Manifest: ...

    def load(self, folder: Path, origin: str = "specimen") -> Dataset:
        """Reads a folder that holds the files of ``manifest.source.files`` in upstream format.

        The built-in specimen lies in the same format. Raises ``DatasetError`` for a missing or broken file.
        """
        ...

    def check(self, samples: Sequence[Sample], shots: int, settings: Mapping[str, Any]) -> None:
        """Raises ``UnfitError`` where some of these samples could not be examined, whatever the model answers."""
        ...

    async def examine(self, item: Item, steps: Steps) -> Outcome:
        """Asks, scores and says what came of it."""
        ...
