"""Which benchmark is meant, its samples, and answers to them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from shinsa_cli.problem import bad_input

if TYPE_CHECKING:
    from shinsa_benchmarks.benchmark import Benchmark, Dataset
    from shinsa_benchmarks.sources.responses import Answered
    from shinsa_benchmarks.vocabulary import Item

BenchmarkArgument = Annotated[str, typer.Argument(metavar="BENCHMARK", help="Id of a benchmark.", show_default=False)]
UpstreamOption = Annotated[
    Path | None,
    typer.Option(
        "--data",
        metavar="DIR",
        help="Upstream files, or prepared data. Default: what is prepared, else the built-in specimen.",
        show_default=False,
    ),
]
ShotsOption = Annotated[
    int | None, typer.Option(min=0, help="Few-shot examples. Default: the benchmark's first.", show_default=False)
]
LimitOption = Annotated[int, typer.Option(min=0, help="Only the first samples; 0: all.")]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Override a setting of the benchmark.", show_default=False),
]


def find_benchmark(name: str) -> Benchmark:
    """The benchmark of this id. Raises ``Problem``."""
    from shinsa_benchmarks.discovery import benchmarks

    if name not in benchmarks():
        near = get_close_matches(name, list(benchmarks()))
        remedy = "`shinsa data list` shows all"
        raise bad_input(f"there is no benchmark {name!r}", field="BENCHMARK", near_matches=near, remedy=remedy)
    return benchmarks()[name]


def open_items(
    asked: Benchmark,
    data: Path | None,
    shots: int | None,
    limit: int,
    settings: Sequence[str] | None,
    split: str = "",
    judges: Collection[str] = (),
    state: Path | None = None,
) -> tuple[Dataset, list[Item]]:
    """The data that these options name, and its items. Raises ``Problem``.

    ``state`` is the mesh whose prepared data is taken where ``data`` names none.
    """
    from shinsa_benchmarks.benchmark import DatasetError, UnfitError
    from shinsa_benchmarks.examination.offline import offline_items
    from shinsa_benchmarks.sources.prepared import dataset_for, dataset_in

    from shinsa_cli.commands.data import data_to_read
    from shinsa_cli.render.console import err

    _check_split(asked, split)
    named = [f"split={split}"] if split and "split" in asked.manifest.settings else []
    chosen = _settings(asked, [*(settings or ()), *named])
    try:
        dataset = dataset_in(asked, data) if data else dataset_for(asked, data_to_read(None, state))
    except DatasetError as error:
        raise bad_input(str(error), field="--data") from error
    wanted = asked.manifest.shots[0] if shots is None else shots
    try:
        items = offline_items(asked, dataset, shots=wanted, settings=chosen, limit=limit, judges=judges)
    except UnfitError as error:
        raise bad_input(str(error), field="--shots" if error.setting == "shots" else "--set") from error
    except ValueError as error:
        raise bad_input(str(error), field="--split" if "split" in str(error) else "--shots") from error
    err().print(f"data: {dataset.origin}, digest {dataset.digest[:12]}", style="dim", soft_wrap=True)
    return dataset, items


def read_answers(path: Path, asked: Benchmark, items: Sequence[Item]) -> Mapping[str, Answered]:
    """Answers by sample, all of them to items that there are. Raises ``Problem``."""
    from shinsa_benchmarks.benchmark import DatasetError
    from shinsa_benchmarks.sources.responses import read_responses

    try:
        read = read_responses(path)
    except DatasetError as error:
        raise bad_input(str(error)) from error
    known = {item.sample.id for item in items}
    aliases = {item.sample.alias: item.sample.id for item in items if item.sample.alias}
    answers: dict[str, Answered] = {}
    for told, answered in read.items():
        _check_asked(path, answered, asked, items[0].shots)
        name = told if told in known else aliases.get(told, told)
        if name in answers:
            raise bad_input(
                f"{path}:{answered.line}: {told!r} and {name!r} are the same sample; first in line {answers[name].line}"
            )
        answers[name] = answered
        if name not in known:
            raise bad_input(
                f"{path}:{answered.line}: there is no sample {name!r} among the {len(known)} of this data",
                near_matches=get_close_matches(name, known),
                remedy="`shinsa prompts` with the same --data, --shots and --limit writes the ids",
            )
    return answers


def _check_asked(path: Path, answered: Answered, asked: Benchmark, shots: int) -> None:
    """Other questions may have the same ids: a line that says what it answers is taken at its word."""
    from shinsa_benchmarks.discovery import benchmarks

    here = f"{path}:{answered.line}"
    if answered.benchmark != asked.manifest.id and answered.benchmark in benchmarks():
        problem = f"{here}: answers {answered.benchmark}, not {asked.manifest.id}"
        raise bad_input(problem, field="benchmark", remedy=f"shinsa score {answered.benchmark} …, or other answers")
    if answered.shots is not None and answered.shots != shots:
        problem = f"{here}: answers a question with {answered.shots} shots, not with {shots}"
        raise bad_input(problem, field="shots", remedy=f"--shots {answered.shots}, or other answers")


def dataset_summary(dataset: Dataset) -> dict[str, str]:
    """What a document says of its data."""
    return {"origin": dataset.origin, "digest": dataset.digest}


def stated(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Without what is left to the engine."""
    return {name: value for name, value in fields.items() if value is not None and value not in ("", (), [])}


def _check_split(asked: Benchmark, split: str) -> None:
    splits: Sequence[str] = asked.manifest.splits
    if split and split not in splits:
        raise bad_input(
            f"{asked.manifest.id} has no split {split!r}",
            field="--split",
            near_matches=get_close_matches(split, splits),
            remedy=f"there is: {', '.join(splits)}",
        )


def _settings(asked: Benchmark, words: Sequence[str]) -> Mapping[str, str | int | float | bool]:
    known, chosen = asked.manifest.settings, {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or name not in known:
            problem = f"{asked.manifest.id} has no setting {name!r}" if equals else f"{word!r} is not KEY=VALUE"
            near = get_close_matches(name, list(known))
            raise bad_input(problem, field="--set", near_matches=near, remedy=f"there are: {', '.join(known)}")
        chosen[name] = value
    try:
        return asked.manifest.settings_with(chosen)
    except ValueError as error:
        raise bad_input(str(error), field="--set") from error
