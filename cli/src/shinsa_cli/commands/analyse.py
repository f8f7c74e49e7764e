"""`shinsa analyse`: what a board as a whole tells."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from shinsa_cli.commands.options import JsonOption, ServerOption, StateOption, open_gateway
from shinsa_cli.files import check_folder, write_file
from shinsa_cli.problem import bad_input, refuse_unheeded

KINDS = ("statistics", "shots", "correlation", "size-trend", "pca", "groups")


def analyse(
    kind: Annotated[
        str, typer.Argument(metavar="KIND", help="statistics, shots, correlation, size-trend, pca or groups.")
    ],
    board: Annotated[str, typer.Option("--board", metavar="BOARD", help="Id of the board.")],
    rows: Annotated[str, typer.Option("--rows", metavar="ID,...", help="Ids of rows; default: all.")] = "all",
    columns: Annotated[
        str, typer.Option("--columns", metavar="ID,...", help="Ids of columns; default: those that make up the total.")
    ] = "",
    shots: Annotated[str, typer.Option("--shots", metavar="N", help="Only rows at this shot count.")] = "",
    by: Annotated[str, typer.Option("--by", help="Of groups: architecture, type or size.")] = "",
    method: Annotated[str, typer.Option("--method", help="Of correlation: pearson or spearman.")] = "",
    standardize: Annotated[
        bool, typer.Option("--standardize", help="Of pca: every column scaled to unit variance.")
    ] = False,
    output: Annotated[
        Path | None, typer.Option("--csv", metavar="FILE", help="Write the data there as a table.", show_default=False)
    ] = None,
    server: ServerOption = "",
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Analyses a board: statistics of its models, box plots, correlations, size trend, principal components."""
    from shinsa_cli.render.analysis import show_analysis
    from shinsa_cli.render.console import out, print_json

    if kind not in KINDS:
        raise bad_input(f"there is no analysis {kind!r}", remedy=f"there are: {', '.join(KINDS)}", field="KIND")
    if output is not None:
        refuse_unheeded({"--json": as_json}, "with --csv")
    check_folder(output, "--csv")
    query: dict[str, Any] = {
        "board": board,
        "rows": rows,
        "columns": columns,
        "shots": shots,
        "by": by,
        "method": method,
        "standardize": standardize,
    }
    with open_gateway(server, state) as gateway:
        if output is not None:
            write_file(output, gateway.download(f"/v1/analyses/{kind}", {**query, "format": "csv"}), "--csv")
            return
        answer = gateway.get(f"/v1/analyses/{kind}", query)
    if as_json:
        print_json(answer)
    else:
        show_analysis(out(), answer)
