"""`shinsa report`, `runs`, `items`, `item`, `rescore`, `compare`: what came of it."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from shinsa_cli.commands.options import (
    ByCategoryOption,
    JsonOption,
    RunArgument,
    ServerOption,
    StateOption,
    open_gateway,
)


class Status(StrEnum):
    """How an item ended; those that have not are not listed."""

    SCORED = "scored"
    MODEL_ERROR = "model_error"
    INFRA_ERROR = "infra_error"


def report(
    run: RunArgument,
    by_category: ByCategoryOption = False,
    server: ServerOption = "",
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Shows scores with intervals, denominators and provenance. Ends with 0 only if the run is complete."""
    from shinsa_cli.examination import print_report
    from shinsa_cli.gateway.runs import find_run

    with open_gateway(server, state) as gateway:
        code = print_report(gateway, find_run(gateway, run), as_json=as_json, by_category=by_category)
    raise typer.Exit(code)


def rescore(
    run: RunArgument,
    by_category: ByCategoryOption = False,
    server: ServerOption = "",
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tallies a run again from what is recorded, and shows the report."""
    from shinsa_cli.examination import show_answer
    from shinsa_cli.gateway.runs import run_path

    with open_gateway(server, state) as gateway:
        answer = gateway.post(run_path(gateway, run, "/rescore"))
        code = show_answer(answer, as_json=as_json, by_category=by_category, server=gateway.server.url)
    raise typer.Exit(code)


def runs(
    model: Annotated[str, typer.Option(help="Only runs of this model.", show_default=False)] = "",
    limit: Annotated[int, typer.Option(min=1, help="At most this many.")] = 20,
    server: ServerOption = "",
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Lists runs, newest first."""
    from shinsa_client.run import Run

    from shinsa_cli.render.console import out, print_json
    from shinsa_cli.render.tables import run_table

    with open_gateway(server, state) as gateway:
        found = list(gateway.pages("/v1/runs", "runs", {"model": model, "page_size": min(limit, 200)}, limit=limit))
    if as_json:
        print_json({"runs": found})
    else:
        out().print(run_table([Run.model_validate(one) for one in found]))


def items(
    run: RunArgument,
    benchmark: Annotated[
        str, typer.Option("--benchmark", "-b", help="Only of this benchmark.", show_default=False)
    ] = "",
    status: Annotated[Status | None, typer.Option(help="Only those that ended so.", show_default=False)] = None,
    wrong: Annotated[
        bool, typer.Option("--wrong", help="Only those below the best value of the primary metric.")
    ] = False,
    disagreed: Annotated[
        bool, typer.Option("--disagreed", help="Only those on which judges, repeats or orders of a pair did not agree.")
    ] = False,
    category: Annotated[str, typer.Option(help="Only of this category.", show_default=False)] = "",
    shots: Annotated[int | None, typer.Option(min=0, help="Only at this shot count.", show_default=False)] = None,
    sample: Annotated[str, typer.Option(help="Only of the sample with this id.", show_default=False)] = "",
    limit: Annotated[int, typer.Option(min=0, help="At most this many; 0: all.")] = 50,
    server: ServerOption = "",
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Lists the items of a run with answer and gold."""
    from shinsa_client.item import Item

    from shinsa_cli.gateway.runs import run_path
    from shinsa_cli.render.console import err, out, print_json
    from shinsa_cli.render.tables import item_table

    wanted = {
        "benchmark": benchmark,
        "status": status.value if status else "",
        "category": category,
        "wrong_only": wrong,
        "disagreed_only": disagreed,
        "sample_id": sample,
        "shots": shots,
    }
    with open_gateway(server, state) as gateway:
        # One more than asked for tells whether there are more.
        query = {**wanted, "page_size": min(limit + 1, 500) if limit else 500}
        found = list(gateway.pages(run_path(gateway, run, "/items"), "items", query, limit=limit and limit + 1))
    shown = found[:limit] if limit else found
    if as_json:
        print_json({"items": shown, "more": len(found) > len(shown)})
        return
    out().print(item_table([Item.model_validate(one) for one in shown]))
    more = "there are more: --limit 0 shows all; " if len(found) > len(shown) else ""
    err().print(f"{len(shown)} items; {more}`shinsa item ID` shows one whole", style="dim")


def item(
    item: Annotated[
        str, typer.Argument(metavar="ITEM", help="Id of an item, as `shinsa items` shows it.", show_default=False)
    ],
    server: ServerOption = "",
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Shows one item whole: prompt as sent, reply, reasoning, execution, verdict, gold, timings."""
    from shinsa_client.item import ItemDetail

    from shinsa_cli.gateway.client import segment
    from shinsa_cli.render.console import out, print_json
    from shinsa_cli.render.item import show_item

    with open_gateway(server, state) as gateway:
        answer = gateway.get("/v1/items/" + segment(item))
    if as_json:
        print_json(answer)
    else:
        show_item(out(), ItemDetail.model_validate(answer))


def compare(
    a: Annotated[str, typer.Argument(metavar="A", help="A run.", show_default=False)],
    b: Annotated[str, typer.Argument(metavar="B", help="Another run.", show_default=False)],
    samples: Annotated[
        int,
        typer.Option(min=0, max=500, help="List so many samples that differ for each benchmark, furthest apart first."),
    ] = 0,
    server: ServerOption = "",
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compares two runs over the samples that both scored: paired tests, rank correlation, samples that differ."""
    from shinsa_client.report import RunComparison

    from shinsa_cli.gateway.runs import find_run
    from shinsa_cli.render.comparison import comparison_table, difference_table
    from shinsa_cli.render.console import err, out, print_json

    with open_gateway(server, state) as gateway:
        run_a, run_b = find_run(gateway, a), find_run(gateway, b)
        answer = gateway.get("/v1/compare", {"a": run_a, "b": run_b, "samples": samples or None})
    if as_json:
        print_json(answer)
        return
    out().print(f"a = {run_a}, b = {run_b}")
    comparison = RunComparison.model_validate(answer)
    out().print(comparison_table(comparison))
    for entry in comparison.comparisons:
        if entry.differences:
            out().print(difference_table(entry))
    if not comparison.comparisons:
        err().print("the runs share no scored sample", style="yellow")
