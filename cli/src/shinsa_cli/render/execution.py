"""What was run in the sandbox, and what came of it."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.text import Text
from shinsa_client.execution import CheckResult, Checks, Execute, Execution, Output

from shinsa_cli.render.boxes import box, code, facts
from shinsa_cli.render.console import clean
from shinsa_cli.render.numbers import duration

_VERDICT_STYLES = {"pass": "bold green"}


def program_parts(request: Execute) -> Iterable[RenderableType]:
    for file in request.program.files:
        yield code(file.path, file.content.text)
    if request.program.stdin.text:
        yield box("standard input", request.program.stdin.text)
    yield from _checks(request.checks)
    limits = {name: value for name, value in request.limits.items() if value}
    yield facts(
        [
            ("runtime", f"{request.program.runtime}, entry {request.program.entry}"),
            ("limits", ", ".join(f"{name}={value:g}" for name, value in limits.items())),
        ]
    )


def _checks(checks: Checks) -> Iterable[RenderableType]:
    if checks.calls is not None:
        name = checks.calls.function
        lines = [f"{name}(*{call.arguments}, **{call.keywords}) == {call.expected}" for call in checks.calls.calls]
        yield box("checks", "\n".join(lines))
    if checks.script is not None:
        yield code("test.py", checks.script.source)
    if checks.expected_stdout is not None:
        yield box("expected output", checks.expected_stdout.text)


def execution_parts(result: Execution) -> Iterable[RenderableType]:
    verdict = Text(result.verdict, _VERDICT_STYLES.get(result.verdict, "bold red"))
    yield Group(Text("verdict ").append(verdict).append(f"  {clean(result.reason)}"), *map(_check_line, result.checks))
    yield from _output("standard output", result.stdout)
    yield from _output("standard error", result.stderr)
    usage = result.usage
    ended = f"exit status {result.exit_code}" if result.exit_code is not None else result.signal
    spent = f"cpu {duration(usage.cpu_seconds)}, wall {duration(usage.wall_seconds)}"
    # Of a program that the sandbox ended nobody can tell.
    peak = f"{usage.peak_memory_bytes / 2**20:.1f} MiB" if usage.peak_memory_bytes else "not known"
    yield facts(
        [
            ("ended", ended),
            ("used", f"{spent}, peak {peak}"),
            ("isolation", f"{result.executor}, tier {result.tier}, verdict by {result.trust}"),
        ]
    )


def _check_line(check: CheckResult) -> Text:
    mark = Text("  ✓ ", "green") if check.passed else Text("  ✗ ", "red")
    return mark.append(clean(check.name), "default").append(f"  {clean(check.detail)}" if check.detail else "", "dim")


def _output(title: str, output: Output) -> Iterable[RenderableType]:
    if output.text:
        cut = f" (cut; {output.total_bytes} bytes in all)" if output.truncated else ""
        yield box(title + cut, output.text)
