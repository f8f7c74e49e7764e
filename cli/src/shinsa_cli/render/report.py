"""A run's report: scores with intervals and denominators, what is missing and why, where the numbers come from."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console
from rich.table import Table
from rich.text import Text
from shinsa_client.report import JudgeUsage, ReasonCount, Repeat, Report
from shinsa_client.run import Run

from shinsa_cli.render.completion_totals import generation_lines
from shinsa_cli.render.console import clean
from shinsa_cli.render.judgement import cost_text
from shinsa_cli.render.listing import titled
from shinsa_cli.render.numbers import moment, since
from shinsa_cli.render.scores import bounds_table, reason_table, score_table

STATE_STYLES = {
    "complete": "bold green",
    "incomplete": "bold yellow",
    "failed": "bold red",
    "cancelled": "bold yellow",
    "paused": "bold yellow",
    "running": "bold cyan",
    "pending": "cyan",
}


def show_report(console: Console, report: Report, *, by_category: bool = False, server: str = "") -> None:
    """The whole report, ending with where to look next."""
    console.print(run_heading(report.run) if report.run.state == "complete" else state_line(report.run))
    if report.run.problem:
        console.print(Text(clean(report.run.problem), "red"))
    scores = [score for score in report.scores if by_category or not score.by_category]
    for table in (score_table(scores), bounds_table(scores), reason_table(_unscored(report))):
        if table is not None:
            console.print()
            console.print(table)
    console.print()
    for label, text in _provenance(report):
        if text:
            console.print(Text(f"{label:<12}", "dim").append(clean(text), "default"), soft_wrap=True)
    console.print()
    _show_next_steps(console, report, by_category=by_category, server=server)


def run_heading(run: Run) -> Text:
    """One line: which run, of what, in which state."""
    heading = Text("run ").append(run.id, "bold").append(f"  {clean(run.spec.model)} on {clean(run.spec.subject)}  ")
    return heading.append(run.state, STATE_STYLES.get(run.state, "bold"))


def state_line(run: Run) -> Text:
    """The heading, and how far the run has come."""
    return run_heading(run).append(f"  {run.progress.done}/{run.progress.items} items ({denominators(run)})")


def denominators(run: Run) -> str:
    """How the items that are done have ended."""
    progress = run.progress
    return f"{progress.scored} scored, {progress.model_errors} model errors, {progress.infra_errors} infra errors"


def _unscored(report: Report) -> list[ReasonCount]:
    """The report counts scored items, too."""
    return [count for count in report.reasons if count.status != "scored"]


def _provenance(report: Report) -> Iterable[tuple[str, str]]:
    provenance, tokens, ledger = report.provenance, report.tokens, report.ledger
    yield "time", f"{moment(report.run.started_at)}, {since(report.run.started_at, report.run.finished_at)}"
    yield from (("engine", engine) for engine in provenance.engine_fingerprints)
    yield from (("judge", judge) for judge in provenance.judge_identities)
    yield "sandbox", "; ".join(provenance.sandbox_tiers)
    yield from _data_lines(report)
    yield (
        "tokens",
        f"{tokens.prompt_tokens:,} in, {tokens.completion_tokens:,} out"
        + (
            f"; judge {tokens.judge_prompt_tokens:,} in, {tokens.judge_completion_tokens:,} out"
            if tokens.judge_prompt_tokens or tokens.judge_completion_tokens
            else ""
        ),
    )
    yield from generation_lines(report.generation, asked_to_reuse=report.run.spec.reuse)
    yield from (("judge used", _usage_text(usage)) for usage in report.judges)
    yield (
        "steps",
        (
            f"{ledger.steps_needed:,} needed, {ledger.steps_asked:,} asked, "
            f"{ledger.steps_asked_again:,} asked again, {ledger.steps_delivered_again:,} delivered again, "
            f"{ledger.steps_failed:,} failed"
        ),
    )
    yield from (("again", _repeat_text(repeat)) for repeat in ledger.repeats)
    yield "version", f"shinsa {provenance.shinsa_version}" if provenance.shinsa_version else ""
    yield "again with", provenance.reproduce


_CAUSES = {
    "unknown": "asked again, why was not noted",
    "no_answer": "asked again: no answer came in time",
    "resumed": "asked again: failed before the run was resumed",
    "retried": "delivered again: the worker met what may pass",
    "drained": "delivered again: the worker stopped and gave it back",
    "silent": "delivered again: no word from the worker that had it",
    "taken_over": "asked by the shard's next owner too: the queue knew it already",
}


def _repeat_text(repeat: Repeat) -> str:
    reason = f" ({repeat.reason})" if repeat.reason else ""
    return f"{repeat.count:,} {_CAUSES.get(repeat.cause, repeat.cause)}{reason}"


def _usage_text(usage: JudgeUsage) -> str:
    told = [f"{usage.profile}: {usage.verdicts:,} verdicts"]
    told += [
        f"{count:,} {word}"
        for count, word in ((usage.unreadable, "unreadable"), (usage.disagreed, "disagreed"))
        if count
    ]
    told.append(f"{usage.prompt_tokens:,} tokens in, {usage.completion_tokens:,} out")
    return ", ".join([*told, *map(cost_text, usage.costs)])


def _data_lines(report: Report) -> Iterable[tuple[str, str]]:
    seen: set[tuple[str, str]] = set()
    for planned in report.provenance.benchmarks or report.run.plan:
        if (planned.benchmark, planned.dataset_digest) not in seen:
            seen.add((planned.benchmark, planned.dataset_digest))
            digest = planned.dataset_digest.removeprefix("sha256:")[:12]
            yield "data", f"{planned.benchmark} v{planned.version}: {planned.dataset} {digest}"


def _show_next_steps(console: Console, report: Report, *, by_category: bool, server: str) -> None:
    run = report.run
    steps = [(f"shinsa items {run.id} --wrong", "items that are not fully right; `shinsa item ID` shows one whole")]
    if any(score.model_errors for score in report.scores):
        steps.append((f"shinsa items {run.id} --status model_error", "replies that could not be scored"))
    if any(score.infra_errors for score in report.scores):
        steps.append((f"shinsa items {run.id} --status infra_error", "items that could not be measured"))
    if any(usage.disagreed for usage in report.judges):
        steps.append((f"shinsa items {run.id} --disagreed", "items on which judges did not agree"))
    if run.over and run.state not in ("complete", "paused"):
        steps.append((f"shinsa resume {run.id} --wait", "does what is missing, and only that"))
    if not by_category and any(score.by_category for score in report.scores):
        steps.append((f"shinsa report {run.id} --by-category", "scores of each category"))
    steps.append(("shinsa board show", "models side by side"))
    if server:
        steps.append((server, "the same in a browser"))
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True, style="cyan")
    table.add_column(style="dim")
    for command, meaning in steps:
        table.add_row(command, meaning)
    console.print(titled("Where to look next", table))
