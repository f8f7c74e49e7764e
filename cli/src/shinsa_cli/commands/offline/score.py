"""`shinsa score`: answers that were made elsewhere, scored."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
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
from shinsa_cli.commands.offline.judging import Judging, check_verdicts, judging_for
from shinsa_cli.commands.options import (
    ByCategoryOption,
    JsonOption,
    JudgeAddressOption,
    JudgeOption,
    SplitOption,
    StateOption,
)
from shinsa_cli.files import check_folder
from shinsa_cli.problem import Problem, bad_input

if TYPE_CHECKING:
    from rich.table import Table
    from shinsa_benchmarks.benchmark import Benchmark
    from shinsa_benchmarks.examination.offline import ScoredItem
    from shinsa_benchmarks.sources.responses import Answered
    from shinsa_benchmarks.tallies import Score
    from shinsa_benchmarks.vocabulary import Item


def score(
    benchmark: BenchmarkArgument,
    responses: Annotated[
        Path,
        typer.Option("--responses", metavar="FILE", help="JSON lines of id and response.", show_default=False),
    ],
    data: UpstreamOption = None,
    shots: ShotsOption = None,
    limit: LimitOption = 0,
    settings: SetOption = None,
    split: SplitOption = "",
    allow_missing: Annotated[
        bool, typer.Option("--allow-missing", help="Score what is there; samples without response are counted.")
    ] = False,
    verdicts: Annotated[
        Path | None,
        typer.Option(
            "--verdicts",
            metavar="FILE",
            help="JSON lines of id and value: verdicts of a judge. With --judge new ones are added to it.",
            show_default=False,
        ),
    ] = None,
    judge: JudgeOption = None,
    judge_address: JudgeAddressOption = "",
    state: StateOption = None,
    by_category: ByCategoryOption = False,
    as_json: JsonOption = False,
) -> None:
    """Scores answers that were made elsewhere, sample by sample and in total, without asking a model.

    Programs run in a sandbox of this command's own. Where a judge is asked, its verdicts come out of a file, or from
    the judge of a running mesh.

    FILE holds one object a line: `id` and `response`, or `responses` where a sample takes several.
    """
    from shinsa_benchmarks.examination.offline import total

    from shinsa_cli.render.console import err, out, print_json

    asked = find_benchmark(benchmark)
    check_folder(verdicts, "--verdicts")
    judging = judging_for(asked.manifest, verdicts, judge or (), judge_address, state)
    served = judging.roles(asked.manifest.optional_judge_roles) if judging else ()
    dataset, items = open_items(asked, data, shots, limit, settings, split, served, state)
    answers = read_answers(responses, asked, items)
    missing = [item.sample.id for item in items if item.sample.id not in answers]
    if missing and not allow_missing:
        raise _missing(responses, missing, len(items))
    if judging and verdicts and not judge:
        unjudged = _unjudged(asked, items, answers, judging, verdicts)
        if unjudged and not allow_missing:
            whole = len(judging.known) + len(unjudged)
            raise _missing(verdicts, unjudged, whole, "--verdicts", "cases have no verdict")
    scored = asyncio.run(_scored(asked, items, answers, responses, judging))
    totals = total(asked, items, scored)
    if as_json:
        head = {"benchmark": asked.manifest.id, "version": asked.manifest.version, "shots": items[0].shots}
        body = {"scores": _scores(asked, totals), "missing": missing, "items": [_item(one) for one in scored]}
        print_json({**head, "dataset": dataset_summary(dataset), **body})
        return
    out().print(_score_table(asked, items[0].shots, totals, by_category=by_category))
    if missing:
        err().print(f"{len(missing)} of {len(items)} samples have no response", style="yellow")


def _missing(
    path: Path,
    missing: Sequence[str],
    whole: int,
    option: str = "--responses",
    what: str = "samples have no response",
) -> Problem:
    first = ", ".join(missing[:5]) + (", …" if len(missing) > 5 else "")
    return bad_input(
        f"{path}: {len(missing)} of {whole} {what}: {first}",
        field=option,
        remedy="add them, or score what is there with --allow-missing (or fewer samples with --limit)",
    )


def _unjudged(
    asked: Benchmark, items: Sequence[Item], answers: Mapping[str, Answered], judging: Judging, path: Path
) -> list[str]:
    """The cases without a verdict. Raises ``Problem`` for a verdict on what is not judged."""
    from shinsa_benchmarks.examination.offline import open_cases

    choices = {name: one.choices for name, one in answers.items()}
    try:
        cases = asyncio.run(open_cases(asked, items, choices))
    except ValueError as error:
        raise bad_input(str(error), field="--responses") from error
    return check_verdicts(path, judging.known, cases)


async def _scored(
    asked: Benchmark,
    items: Sequence[Item],
    answers: Mapping[str, Answered],
    path: Path,
    judging: Judging | None,
) -> list[ScoredItem]:
    from shinsa_benchmarks.examination import all_together
    from shinsa_benchmarks.examination.offline import score_item

    from shinsa_cli.commands.offline.programs import ProgramRunner
    from shinsa_cli.execute.local import LocalSandbox

    async def one(item: Item, answered: Answered) -> ScoredItem:
        try:
            return await score_item(asked, item, answered.choices, ProgramRunner(sandbox), judge)
        except ValueError as error:
            raise bad_input(f"{path}:{answered.line}: sample {item.sample.id!r}: {error}") from error

    pairs = [(item, answers[item.sample.id]) for item in items if item.sample.id in answers]
    async with LocalSandbox(os.cpu_count() or 1) as sandbox, judging or nullcontext() as judge:
        if judge is not None or "execute" in asked.manifest.steps:
            return await all_together([one(item, answered) for item, answered in pairs])
        return [await one(item, answered) for item, answered in pairs]


def _scores(asked: Benchmark, totals: Sequence[Score]) -> dict[str, Any]:
    excluded = {metric.name for metric in asked.manifest.metrics if metric.model_error == "exclude"}
    return {
        score.metric: {
            "value": score.value,
            "stderr": score.stderr,
            "n": score.scored + (0 if score.metric.split("/")[0] in excluded else score.model_errors),
        }
        for score in totals
    }


def _item(one: ScoredItem) -> dict[str, Any]:
    outcome = one.outcome
    told = {"category": one.category, "answer": outcome.answer, "reason": outcome.reason, "detail": outcome.detail}
    return {"id": one.sample, "status": outcome.status.value, "metrics": dict(outcome.metrics), **stated(told)}


def _score_table(asked: Benchmark, shots: int, totals: Sequence[Score], *, by_category: bool) -> Table:
    from shinsa_client.report import Score as Shown

    from shinsa_cli.render.scores import score_table

    scores = [Shown(benchmark=asked.manifest.id, shots=shots, **asdict(score)) for score in totals]
    return score_table([score for score in scores if by_category or not score.by_category])
