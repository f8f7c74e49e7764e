"""`shinsa benchmarks`, `shinsa judges`, `shinsa board`: what can be asked, who judges, who leads."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from shinsa_cli.commands.options import JsonOption, ServerOption, StateOption, open_gateway

benchmarks_app = typer.Typer(no_args_is_help=True, help="Benchmarks and suites: what can be asked.")
judges_app = typer.Typer(no_args_is_help=True, help="Judges: who grades, and by which rubrics.")
board_app = typer.Typer(no_args_is_help=True, help="Boards: models side by side.")


@benchmarks_app.command("list")
def list_benchmarks(server: ServerOption = "", state: StateOption = None, as_json: JsonOption = False) -> None:
    """Lists benchmarks and suites."""
    from shinsa_client.catalog import Benchmark, Suite

    from shinsa_cli.render.console import out, print_json
    from shinsa_cli.render.tables import benchmark_table, suite_table

    with open_gateway(server, state) as gateway:
        answer = {**gateway.get("/v1/benchmarks"), **gateway.get("/v1/suites")}
    if as_json:
        print_json(answer)
        return
    out().print(benchmark_table([Benchmark.model_validate(one) for one in answer["benchmarks"]]))
    out().print()
    out().print(suite_table([Suite.model_validate(one) for one in answer["suites"]]))


@judges_app.command("list")
def list_judges(server: ServerOption = "", state: StateOption = None, as_json: JsonOption = False) -> None:
    """Lists judge profiles, the roles they fill and the rubrics."""
    from shinsa_client.catalog import JudgeCatalog

    from shinsa_cli.render.console import out, print_json
    from shinsa_cli.render.tables import judge_tables

    with open_gateway(server, state) as gateway:
        answer = gateway.get("/v1/judges")
    if as_json:
        print_json(answer)
        return
    profiles, rubrics = judge_tables(JudgeCatalog.model_validate(answer))
    out().print(profiles)
    out().print()
    out().print(rubrics)


@judges_app.command("restore")
def restore(
    report: Annotated[Path, typer.Argument(metavar="REPORT.json", help="As `shinsa report RUN --json` prints it.")],
    file: Annotated[Path, typer.Argument(metavar="JUDGES.toml", help="Where to write them; is not overwritten.")],
) -> None:
    """Writes the judge profiles of a report into a judges file, for `shinsa up --judges`.

    Models of the mesh that they ask go to JUDGES.models.toml, for `shinsa models add --file`.
    """
    from shinsa_cli.judges_restoring import read_report, restore_judges
    from shinsa_cli.render.console import err

    written = restore_judges(read_report(report).provenance, file)
    err().print("written: " + ", ".join(map(str, written)), soft_wrap=True)


@board_app.command("list")
def list_boards(server: ServerOption = "", state: StateOption = None, as_json: JsonOption = False) -> None:
    """Lists boards."""
    from shinsa_client.catalog import Board

    from shinsa_cli.render.board import board_list
    from shinsa_cli.render.console import out, print_json

    with open_gateway(server, state) as gateway:
        answer = gateway.get("/v1/boards")
    if as_json:
        print_json(answer)
    else:
        out().print(board_list([Board.model_validate(one) for one in answer["boards"]]))


@board_app.command("show")
def show_board(
    board: Annotated[
        str, typer.Argument(metavar="[BOARD]", help="Id of the board; may be left out where there is one.")
    ] = "",
    server: ServerOption = "",
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Shows models side by side."""
    from shinsa_client.catalog import Board

    from shinsa_cli.gateway.boards import fetch_board
    from shinsa_cli.render.board import show_board as show
    from shinsa_cli.render.console import out, print_json

    with open_gateway(server, state) as gateway:
        answer = fetch_board(gateway, board)
    if as_json:
        print_json(answer)
    else:
        show(out(), Board.model_validate(answer))
