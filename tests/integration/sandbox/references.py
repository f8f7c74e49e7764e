"""Reference solutions of the function benchmarks, and a command that judges each of them several times.

    SHINSA_UPSTREAM_DATA=DIR .venv/bin/python tests/integration/sandbox/references.py [--times 10]

Every one must pass its own tests through the split judge, with the limits that a request gets if it names none; it ends
with 1 if one does not.
"""

from __future__ import annotations

import argparse
import ast
import asyncio
import gzip
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from integration.sandbox.jails import program
from shinsa_sandbox.domain.checks import TestScript
from shinsa_sandbox.domain.execution import Verdict
from shinsa_sandbox.domain.limits import DEFAULTS
from shinsa_sandbox.domain.runtime import Job, Refusal
from shinsa_sandbox.outbound.jail.executor import JailExecutor, JailSettings

# Data that is wrong in itself: prompt and solution of this one, joined, are no valid Python.
BROKEN = {"JHumanEval/64"}

Reference = tuple[str, str, TestScript]


def completions(path: Path) -> Iterator[Reference]:
    """HumanEval's format. The prompt's other functions belong to the test as well."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            test = f"{row['prompt']}\n\n{row['test']}" if parses(row["prompt"]) else row["test"]
            checks = TestScript(test, (row["entry_point"],), "check")
            yield row["task_id"], row["prompt"] + row["canonical_solution"], checks


def parses(source: str) -> bool:
    try:
        ast.parse(source)
    except SyntaxError:
        return False
    return True


def asserts(path: Path) -> Iterator[Reference]:
    """MBPP's sanitized format. What the reference imports, its tests may use."""
    rows: list[dict[str, Any]] = json.loads(path.read_text("utf-8"))
    for row in rows:
        code = row["code"]
        tree = ast.parse(code)
        functions = tuple(node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef))
        imports = [ast.unparse(node) for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
        yield (
            f"MBPP/{row['task_id']}",
            code,
            TestScript("\n".join([*row["test_imports"], *imports, *row["test_list"]]), functions),
        )


# Name, reader, place below the data folder, and how many there are at least.
SETS: list[tuple[str, Callable[[Path], Iterator[Reference]], str, int]] = [
    ("humaneval", completions, "humaneval/HumanEval.jsonl.gz", 100),
    ("jhumaneval", completions, "jhumaneval/jhuman-eval.jsonl.gz", 100),
    ("mbpp", asserts, "mbpp/sanitized-mbpp.json", 300),
]


async def false_alarms(executor: JailExecutor, references: list[Reference]) -> list[str]:
    """One line for each that did not get the verdict that it must get."""

    async def judged(name: str, code: str, checks: TestScript) -> str:
        execution = await executor.run(Job(program(code), DEFAULTS, checks))
        right = execution.verdict is (Verdict.CRASH if name in BROKEN else Verdict.PASS)
        return "" if right else f"{name}: {execution.verdict.value}: {execution.reason}"

    found = await asyncio.gather(*(judged(*reference) for reference in references))
    return [problem for problem in found if problem]


async def main(times: int, root: Path) -> int:
    executor = JailExecutor(JailSettings())
    shown = await executor.probe()
    if isinstance(shown, Refusal):
        raise SystemExit(f"no jail here: {shown}")
    alarms = 0
    try:
        for name, read, path, _ in SETS:
            references = list(read(root / path))
            began = time.perf_counter()
            problems = [one for _ in range(times) for one in await false_alarms(executor, references)]
            seconds = time.perf_counter() - began
            alarms += len(problems)
            print(f"{name}: {len(references)} solutions, {times} times, {len(problems)} false alarms, {seconds:.0f} s")
            print(*problems, sep="\n", end="\n" if problems else "", flush=True)
    finally:
        await executor.drain()
    return 1 if alarms else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--times", type=int, default=10)
    data = os.environ.get("SHINSA_UPSTREAM_DATA") or sys.exit("SHINSA_UPSTREAM_DATA names no folder")
    sys.exit(asyncio.run(main(parser.parse_args().times, Path(data))))
