"""Lists: models, runs, items, benchmarks, judges, prepared data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text
from shinsa_client.catalog import Benchmark, Finding, JudgeCatalog, Model, Suite
from shinsa_client.item import Item
from shinsa_client.run import Run

from shinsa_cli.render.console import clean
from shinsa_cli.render.item import STATUS_STYLES, metrics_text
from shinsa_cli.render.listing import listing
from shinsa_cli.render.numbers import day, since
from shinsa_cli.render.report import STATE_STYLES

if TYPE_CHECKING:
    from shinsa_chassis.endpoint_presets import EndpointPreset

_VERDICT_STYLES = {"works": "green", "taken": "cyan", "ignored": "red", "refused": "yellow"}
_HEALTHY_STYLES = {"ready": "green", "failed": "red", "loading": "cyan"}


def model_table(models: Iterable[Model]) -> Table:
    """Registered models and how the inference service fares with them."""
    table = listing("!model", "engine", "serves", "state", ">in flight", "labels")
    for model in models:
        state = Text(model.state, _HEALTHY_STYLES.get(model.state, "")).append(_because(model.problem), "dim")
        labels = ", ".join(f"{key}={value}" for key, value in model.labels.items())
        table.add_row(model.name, model.engine, clean(model.serves), state, str(model.in_flight), clean(labels))
    return table


def finding_table(findings: Iterable[Finding]) -> Table:
    """How a model fared, thing by thing."""
    table = listing("!subject", "!verdict", "detail")
    for one in findings:
        table.add_row(one.subject, Text(one.verdict, _VERDICT_STYLES.get(one.verdict, "dim")), clean(one.detail))
    return table


def preset_table(presets: Mapping[str, EndpointPreset]) -> Table:
    """Known providers of endpoints."""
    table = listing("!preset", "address", "key variable", "takes", "compared", "documentation")
    for name, preset in presets.items():
        address, key, takes = preset.base_url or "-", preset.api_key_env or "-", ", ".join(preset.accepts)
        table.add_row(name, address, key, takes, preset.checked, preset.source)
    return table


def run_table(runs: Iterable[Run]) -> Table:
    """Runs, newest first."""
    table = listing("!run", "model", "of", "!state", ">!items", ">!infra\nerrors", "!began", "took", "note")
    for run in runs:
        progress = run.progress
        table.add_row(
            run.id,
            clean(run.spec.model),
            clean(run.spec.subject),
            Text(run.state, STATE_STYLES.get(run.state, "")),
            f"{progress.done}/{progress.items}",
            Text(str(progress.infra_errors), "red" if progress.infra_errors else "dim"),
            day(run.started_at or run.created_at),
            since(run.started_at, run.finished_at),
            clean(run.spec.note),
        )
    return table


def item_table(items: Iterable[Item]) -> Table:
    """Items, one a line, with the answer beside the gold."""
    table = listing("!item", "benchmark", "sample", "status", "metrics", "answer", "gold")
    for item in items:
        status = Text(item.status, STATUS_STYLES.get(item.status, "")).append(_because(item.reason), "dim")
        table.add_row(
            item.id,
            f"{clean(item.benchmark)} @{item.shots}",
            clean(item.sample_id),
            status,
            clean(metrics_text(item.metrics)),
            _short(item.answer),
            _short(item.gold),
        )
    return table


def benchmark_table(benchmarks: Iterable[Benchmark]) -> Table:
    """What can be asked."""
    table = listing(
        "!benchmark", "title", "version", "shots", "primary metric", "steps", "judge roles", "data", "licence"
    )
    for benchmark in benchmarks:
        data = (
            Text("prepared", "green")
            if benchmark.prepared
            else Text(f"specimen ({benchmark.specimen_samples})", "yellow")
        )
        table.add_row(
            benchmark.id,
            benchmark.title,
            benchmark.version,
            ",".join(map(str, benchmark.shots)),
            benchmark.primary_metric,
            ", ".join(benchmark.steps),
            ", ".join(benchmark.judge_roles),
            data,
            benchmark.licence,
        )
    return table


def suite_table(suites: Iterable[Suite]) -> Table:
    """Named lists of benchmarks."""
    table = listing("!suite", "title", "benchmarks")
    for suite in suites:
        table.add_row(
            suite.id, suite.title, ", ".join(_choice(choice.benchmark, choice.shots) for choice in suite.benchmarks)
        )
    return table


def judge_tables(judges: JudgeCatalog) -> list[Table]:
    """Profiles, roles, rubrics."""
    profiles = listing("!profile", "kind", "model", "digest", "state", "for roles")
    for profile in judges.profiles:
        state = (
            Text("available", "green") if profile.available else Text(clean(profile.problem) or "not available", "red")
        )
        roles = ", ".join(role.role for role in judges.roles if role.profile == profile.name)
        profiles.add_row(profile.name, profile.kind, clean(profile.model), profile.digest[:12], state, roles)
    rubrics = listing("rubric", "!scale", "digest", "fields", "about")
    for rubric in judges.rubrics:
        scale = f"{rubric.lowest:g} … {rubric.highest:g}"
        about = clean(rubric.description)
        rubrics.add_row(rubric.id, scale, rubric.digest[:12], ", ".join(rubric.fields), about)
    return [profiles, rubrics]


def _choice(benchmark: str, shots: Sequence[int]) -> str:
    return f"{benchmark}@{'/'.join(map(str, shots))}" if shots else benchmark


def _because(text: str) -> str:
    return f" ({clean(text)})" if text else ""


def _short(text: str, length: int = 40) -> str:
    line = clean(" ".join(text.split()))
    return line if len(line) <= length else line[: length - 1] + "…"
