"""What lies in a benchmark's folder of the catalog beside its code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from shinsa_benchmarks.manifest import Manifest, read_manifest
from shinsa_benchmarks.prompting import Prompts
from shinsa_benchmarks.vocabulary import Sample


@dataclass(frozen=True)
class CatalogFolder:
    """What every course of an examination begins with: the manifest and the prompts of one folder."""

    folder: Path

    @cached_property
    def manifest(self) -> Manifest:
        return read_manifest(self.folder / "manifest.toml")

    @cached_property
    def prompts(self) -> Prompts:
        return Prompts(self.folder / "prompts", self.manifest.prompt_language)

    def check(self, samples: Sequence[Sample], shots: int, settings: Mapping[str, Any]) -> None:
        """Of most benchmarks a sample that was read can be examined with any setting."""
