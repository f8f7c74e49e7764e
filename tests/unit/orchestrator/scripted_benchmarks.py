"""Benchmarks of one step, two steps and two turns, and a catalog with those that a test puts in."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from shinsa_benchmarks.benchmark import Benchmark, Dataset, Steps
from shinsa_benchmarks.boards import Board
from shinsa_benchmarks.manifest import Manifest
from shinsa_benchmarks.suites import Suite
from shinsa_benchmarks.vocabulary import Case, Item, Outcome, Program, Sample, Sampling, messages


def manifest(name: str, steps: Sequence[str] = ("generate",), **changes: Any) -> Manifest:
    fields: dict[str, Any] = {
        "id": name,
        "version": "1",
        "title": name,
        "description": name,
        "licence": "Apache-2.0",
        "most_shots": 3,
        "metrics": [{"name": "exact_match", "primary": True, "binary": True}],
        "steps": list(steps),
        "judge_roles": ["grader"] if "judge" in steps else [],
        "settings": {"temperature": 0.0, "max_tokens": 16},
        "source": {"name": name, "licence": "Apache-2.0", "folder": name, "files": {"test": ["test.jsonl"]}},
    }
    return Manifest.model_validate({**fields, **changes})


class Sums:
    """One step: is the reply the gold answer?"""

    def __init__(self, name: str = "sums", size: int = 12, **changes: Any) -> None:
        self.manifest = manifest(name, **changes)
        samples = [Sample(f"{name}-{n}", {"n": n}, gold=str(2 * n), category=f"c{n % 2}") for n in range(size)]
        train = [Sample(f"train-{n}", {"n": n}, gold=str(2 * n)) for n in range(3)]
        self.dataset = Dataset(samples, train, digest=f"digest-{name}-{size}", origin="specimen")

    def load(self, folder: Path, origin: str = "specimen") -> Dataset:
        return self.dataset

    def check(self, samples: Sequence[Sample], shots: int, settings: Mapping[str, Any]) -> None:
        pass

    def sampling(self, item: Item) -> Sampling:
        return Sampling(temperature=item.settings["temperature"], max_tokens=item.settings["max_tokens"])

    async def examine(self, item: Item, steps: Steps) -> Outcome:
        prompt = messages(("user", f"{self.manifest.id} {item.repetition}: 2 * {item.sample.fields['n']} ="))
        reply = await steps.generate(prompt, self.sampling(item))
        return Outcome.scored({"exact_match": float(reply.text == item.sample.gold)}, answer=reply.text)


class Programs(Sums):
    """Two steps: generate, execute."""

    def __init__(self, name: str = "programs", size: int = 6) -> None:
        super().__init__(name, size, steps=("generate", "execute"))

    async def examine(self, item: Item, steps: Steps) -> Outcome:
        reply = await steps.generate(f"program {item.sample.id}", self.sampling(item))
        execution = await steps.execute(Program({"main.py": reply.text}, "main.py"))
        return Outcome.scored({"exact_match": float(execution.verdict == "pass")}, answer=reply.text)


class Essays(Sums):
    """Two turns, each judged; the turns of the judge run side by side."""

    def __init__(self, name: str = "essays", size: int = 4) -> None:
        metric = {"name": "rating", "primary": True, "lowest": 1, "highest": 10}
        super().__init__(name, size, steps=("generate", "judge"), metrics=[metric])

    async def examine(self, item: Item, steps: Steps) -> Outcome:
        first = await steps.generate(f"essay {item.sample.id}", self.sampling(item))
        second = await steps.generate(f"essay {item.sample.id} after {first.text}", self.sampling(item))
        verdicts = await asyncio.gather(
            *(steps.judge("grader", Case("single", {"text": reply.text})) for reply in (first, second))
        )
        if not all(verdict.readable for verdict in verdicts):
            return Outcome.infra_error("unreadable_verdict")
        return Outcome.scored({"rating": sum(verdict.value or 0 for verdict in verdicts) / 2})


class Shelf:
    """``Catalog`` with the benchmarks that a test puts in."""

    def __init__(self, *benchmarks: Any) -> None:
        self.installed: dict[str, Any] = {one.manifest.id: one for one in benchmarks}
        self.loads = 0
        self.known_suites: dict[str, Suite] = {}
        self.known_boards: dict[str, Board] = {}

    def benchmarks(self) -> Mapping[str, Benchmark]:
        return self.installed

    def suites(self) -> Mapping[str, Suite]:
        return self.known_suites

    def boards(self) -> Mapping[str, Board]:
        return self.known_boards

    def prepared(self, benchmark: str) -> bool:
        return False

    async def dataset(self, benchmark: str, wanted: str) -> Dataset:
        self.loads += 1
        return self.installed[benchmark].dataset
