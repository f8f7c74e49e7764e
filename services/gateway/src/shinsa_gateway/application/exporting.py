"""A run's items and scores as rows, and as the result file of llm-jp-eval."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from shinsa_chassis.errors import Reason, ShinsaError

from shinsa_gateway.domain.board_table import BoardTable, TableColumn
from shinsa_gateway.domain.item import GenerateStep, Item, ItemDetail, ItemFilter
from shinsa_gateway.domain.report import Report, Score
from shinsa_gateway.ports.orchestrator import Orchestrator

Row = dict[str, Any]

_PAGE = 500
_AT_ONCE = 8
# Ends of the names under which llm-jp-eval keeps scores; what stands before is its name of the dataset.
_METRICS = ("exact_match", "char_f1", "set_f1", "comet_wmt22", "code_exec", "rouge2", "pearson", "spearman")


@dataclass(frozen=True, slots=True)
class LlmJpEval:
    """A result document: ``scores`` by dataset and metric from 0 to 1, ``outputs`` of each dataset in turn, ``config``.

    All outputs of a large run together take more memory than a gateway has.
    """

    scores: dict[str, float]
    outputs: AsyncIterator[tuple[str, Sequence[Row]]]
    config: Row


async def item_pages(orchestrator: Orchestrator, run_id: str) -> AsyncIterator[Sequence[Item]]:
    """All finished items, page by page. The first page is asked for at once, so that an unknown run is told in time."""
    cursor = ""
    while True:
        page = await orchestrator.list_items(run_id, ItemFilter(), page_size=_PAGE, cursor=cursor)
        yield page.items
        if not page.next_cursor:
            return
        cursor = page.next_cursor


def item_row(item: Item) -> Row:
    return item.model_dump(mode="json")


def score_row(score: Score) -> Row:
    return score.model_dump(mode="json")


def llm_jp_eval(orchestrator: Orchestrator, report: Report, table: BoardTable, shots: int) -> LlmJpEval:
    """The run's scores on the table's datasets, and what its model gave out there.

    Raises ``ShinsaError`` where the run asked nothing of the board at this shot count.
    """
    leaves = {column.id: column for column in table.columns if column.kind == "leaf" and column.published_names}
    fitting = _at_shots(report, leaves, shots)
    wanted = {score.benchmark: score for score in fitting}
    return LlmJpEval(
        _scores(fitting, table.columns),
        _outputs(orchestrator, report.run.id, leaves, wanted),
        _config(report, shots),
    )


def _at_shots(report: Report, leaves: dict[str, TableColumn], shots: int) -> list[Score]:
    """Primary scores at this shot count; a benchmark that was run without examples alone stands for every count."""
    found = [
        score for score in report.scores if score.primary and "/" not in score.metric and score.benchmark in leaves
    ]
    counts: dict[str, set[int]] = {}
    for score in found:
        counts.setdefault(score.benchmark, set()).add(score.shots)
    if not any(score.shots == shots for score in found):
        there = ", ".join(map(str, sorted(set().union(*counts.values())))) or "none of a benchmark of llm-jp-eval"
        problem = f"the run has no score at {shots} shots; there are: {there}"
        raise ShinsaError(Reason.FAILED_PRECONDITION, problem, field="shots")
    return [score for score in found if score.shots == shots or counts[score.benchmark] == {0}]


def _scores(found: Sequence[Score], columns: Sequence[TableColumn]) -> dict[str, float]:
    """With the means of the categories, and their mean, in which a category without a result counts as 0."""
    values = {score.benchmark: score.value / _highest(score) for score in found if score.value is not None}
    named = {column.id: column for column in columns if column.published_names}
    scores = {named[name].published_names[0]: value for name, value in values.items()}
    means: dict[str, float] = {}
    for column in named.values():
        below = [values[leaf.id] for leaf in columns if leaf.parent == column.id and leaf.id in values]
        if column.kind == "category" and below:
            means[column.id] = scores[column.published_names[0]] = sum(below) / len(below)
    total = next((column for column in columns if column.kind == "total"), None)
    counted = [one for one in columns if total is not None and one.parent == total.id and one.weight > 0]
    if counted and total is not None and total.published_names:
        scores[total.published_names[0]] = sum(means.get(one.id, 0.0) for one in counted) / len(counted)
    return scores


def _highest(score: Score) -> float:
    try:
        return float(score.scale.rpartition("-")[2]) or 1.0
    except ValueError:
        return 1.0


async def _outputs(
    orchestrator: Orchestrator, run_id: str, leaves: dict[str, TableColumn], wanted: dict[str, Score]
) -> AsyncIterator[tuple[str, Sequence[Row]]]:
    """In the order of the items, in which those of a benchmark stand together."""
    gate = asyncio.Semaphore(_AT_ONCE)

    async def output(item: Item) -> Row:
        async with gate:
            return _output(await orchestrator.get_item(item.id))

    async for page in item_pages(orchestrator, run_id):
        fitting = [one for one in page if one.benchmark in wanted and one.shots == wanted[one.benchmark].shots]
        for benchmark, items in groupby(fitting, key=lambda item: item.benchmark):
            yield _dataset(leaves[benchmark]), await asyncio.gather(*map(output, items))


def _dataset(leaf: TableColumn) -> str:
    """As llm-jp-eval calls it."""
    published = leaf.published_names[0]
    ends = (f"_{metric}" for metric in _METRICS)
    return next((published.removesuffix(end) for end in ends if published.endswith(end)), leaf.id)


def _output(detail: ItemDetail) -> Row:
    asked = next((step.request for step in detail.steps if isinstance(step, GenerateStep)), None)
    contents = [message.content for message in asked.messages] if asked is not None else []
    prompt = (asked.raw if asked is not None else None) or "\n\n".join(contents)
    return {
        "prompt": prompt,
        "input": contents[-1] if contents else prompt,
        "pred": detail.answer,
        "gold": detail.gold,
    }


def _config(report: Report, shots: int) -> Row:
    datasets: Iterable[str] = sorted({one.dataset for one in report.provenance.benchmarks})
    return {
        "model": {"pretrained_model_name_or_path": report.run.spec.model},
        "metainfo": {
            "version": f"shinsa {report.provenance.shinsa_version}",
            "data_type": ", ".join(datasets),
            "num_few_shots": shots,
            "max_num_samples": report.run.spec.limit or -1,
        },
        "run": report.run.id,
        "engine_fingerprints": list(report.provenance.engine_fingerprints),
        "reproduce": report.provenance.reproduce,
    }
