"""Specs, plans and progress as JSON in a column. Unknown keys of an older row are errors: migrations change rows."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from shinsa_orchestrator.domain.progress import Progress, StageCounts
from shinsa_orchestrator.domain.run import (
    BenchmarkChoice,
    JudgeBudget,
    JudgeChoice,
    Override,
    Pins,
    Plan,
    PlannedBenchmark,
    RunSpec,
)


def dump(value: RunSpec | Plan | Progress) -> str:
    """Compact JSON."""
    return json.dumps(asdict(value), ensure_ascii=True, separators=(",", ":"))


def spec(text: str) -> RunSpec:
    fields: dict[str, Any] = json.loads(text)
    fields["benchmarks"] = tuple(
        BenchmarkChoice(one["benchmark"], tuple(one["shots"]), one["repetitions"]) for one in fields["benchmarks"]
    )
    fields["judges"] = tuple(JudgeChoice(**one) for one in fields["judges"])
    fields["overrides"] = tuple(Override(**one) for one in fields["overrides"])
    # Rows from before there were budgets name none.
    fields["judge_budget"] = JudgeBudget(**fields.get("judge_budget", {}))
    return RunSpec(**fields)


def plan(text: str) -> Plan:
    fields: dict[str, Any] = json.loads(text)
    fields["lines"] = tuple(PlannedBenchmark(**{**one, "steps": tuple(one["steps"])}) for one in fields["lines"])
    # Rows from before there were pins name none.
    fields["pins"] = Pins(**fields.get("pins", {}))
    return Plan(**fields)


def progress(text: str) -> Progress:
    fields: dict[str, Any] = json.loads(text)
    fields["stages"] = {kind: StageCounts(**counts) for kind, counts in fields["stages"].items()}
    fields["done"] = {int(line): count for line, count in fields["done"].items()}
    return Progress(**fields)
