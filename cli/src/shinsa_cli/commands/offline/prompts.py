"""`shinsa prompts`: what would be asked, written to a file."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from shinsa_cli.commands.offline.items import (
    BenchmarkArgument,
    LimitOption,
    SetOption,
    ShotsOption,
    UpstreamOption,
    dataset_summary,
    find_benchmark,
    open_items,
    read_answers,
    stated,
)
from shinsa_cli.commands.offline.judging import case_head
from shinsa_cli.commands.options import JsonOption, SplitOption
from shinsa_cli.files import write_file
from shinsa_cli.problem import bad_input

if TYPE_CHECKING:
    from shinsa_benchmarks.benchmark import Benchmark
    from shinsa_benchmarks.examination.offline import Request
    from shinsa_benchmarks.vocabulary import Choice, Item


def prompts(
    benchmark: BenchmarkArgument,
    out: Annotated[
        Path, typer.Option("--out", metavar="FILE", help="Where to write; `-` is standard output.", show_default=False)
    ],
    data: UpstreamOption = None,
    shots: ShotsOption = None,
    limit: LimitOption = 0,
    settings: SetOption = None,
    split: SplitOption = "",
    after: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Answers so far: writes what is asked after them (later turns).", show_default=False
        ),
    ] = None,
    cases: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Where to write what a judge is asked about the answers so far.", show_default=False
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Writes the prompts of a benchmark as JSON lines, to have them answered elsewhere.

    A line holds id, category, call, messages (or raw text) and sampling. Add a field `response` to each, and score them
    with `shinsa score`. With --after and --cases it writes what a judge is asked about these answers, too: id, call,
    role, rubric and fields; add `value` to each (and `findings`), and give the file as --verdicts.
    """
    from shinsa_benchmarks.examination.offline import open_requests

    from shinsa_cli.render.console import err, print_json

    asked = find_benchmark(benchmark)
    if cases is not None:
        _check_cases(asked, after)
    optional = asked.manifest.optional_judge_roles if cases is not None else ()
    dataset, items = open_items(asked, data, shots, limit, settings, split, optional)
    answers = {name: one.choices for name, one in (read_answers(after, asked, items) if after else {}).items()}
    requests = asyncio.run(open_requests(asked, items, answers))
    _write(out, [_line(asked, items[0].shots, request) for request in requests], "--out")
    counts: dict[str, Any] = {"samples": len(items), "prompts": len(requests), "out": str(out)}
    if cases is not None:
        told = _cases(asked, items, answers, {request.sample for request in requests})
        _write(cases, told, "--cases")
        counts |= {"cases": len(told)}
        err().print(f"{len(told)} cases for a judge in {cases}", soft_wrap=True)
    if as_json:
        print_json(
            {"benchmark": asked.manifest.id, "shots": items[0].shots, "dataset": dataset_summary(dataset), **counts}
        )
    err().print(f"{len(requests)} prompts of {len(items)} samples in {out}", soft_wrap=True)


def _check_cases(asked: Benchmark, after: Path | None) -> None:
    manifest = asked.manifest
    if not manifest.judge_roles and not manifest.optional_judge_roles:
        raise bad_input(f"{manifest.id} asks no judge", field="--cases")
    if after is None:
        raise bad_input("a judge is asked about answers; there are none", field="--cases", remedy="name them: --after")


def _cases(
    asked: Benchmark, items: Sequence[Item], answers: Mapping[str, Sequence[Choice]], unfinished: Collection[str]
) -> list[dict[str, Any]]:
    """Of the samples that are answered whole."""
    from shinsa_benchmarks.examination.offline import open_cases

    whole = {name: choices for name, choices in answers.items() if name not in unfinished}
    try:
        requests = asyncio.run(open_cases(asked, items, whole))
    except ValueError as error:
        raise bad_input(str(error), field="--after") from error
    return [
        {**case_head(one), "benchmark": asked.manifest.id, "rubric": one.case.rubric, "fields": dict(one.case.fields)}
        for one in requests
    ]


def _write(path: Path, lines: Sequence[Mapping[str, Any]], option: str) -> None:
    from shinsa_cli.render.console import json_text

    write_file(path, "".join(json_text(line) + "\n" for line in lines), option)


def _line(asked: Benchmark, shots: int, request: Request) -> dict[str, Any]:
    where = {"id": request.sample, "benchmark": asked.manifest.id, "shots": shots, "category": request.category}
    if isinstance(request.prompt, str):
        prompt: dict[str, Any] = {"raw": request.prompt}
    else:
        prompt = {"messages": [stated(asdict(message)) for message in request.prompt]}
    sampling = stated(asdict(request.sampling))
    return {**where, "call": request.call, **prompt, "sampling": sampling}
