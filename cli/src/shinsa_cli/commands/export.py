"""`shinsa export`: a run as a file, or as tables of Weights & Biases."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from shinsa_cli.commands.options import RunArgument, ServerOption, StateOption, open_gateway
from shinsa_cli.files import check_folder, write_file
from shinsa_cli.problem import refuse_unheeded


class What(StrEnum):
    """Which rows."""

    ITEMS = "items"
    SCORES = "scores"


class Format(StrEnum):
    """What they become."""

    CSV = "csv"
    JSONL = "jsonl"
    PARQUET = "parquet"
    LLM_JP_EVAL = "llm-jp-eval"
    WANDB = "wandb"


def export(
    run: RunArgument,
    form: Annotated[Format, typer.Option("--format", "-f", help="What it becomes.")] = Format.JSONL,
    what: Annotated[
        What | None,
        typer.Option("--what", help="csv, jsonl, parquet: which rows; default: items. The others take both."),
    ] = None,
    shots: Annotated[
        int | None, typer.Option(min=0, help="llm-jp-eval: at this shot count; default: 0.", show_default=False)
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="FILE", help="`-` is standard output. Default: a name made of the run's."),
    ] = None,
    project: Annotated[str, typer.Option(help="wandb: the project; default: shinsa.", show_default=False)] = "",
    server: ServerOption = "",
    state: StateOption = None,
) -> None:
    """Writes a run into a file: CSV, JSON Lines, Parquet, the result JSON of llm-jp-eval; or logs it as W&B tables."""
    from shinsa_cli.gateway.runs import find_run
    from shinsa_cli.gateway.wandb_tables import log_tables
    from shinsa_cli.render.console import err

    wandb, result = form is Format.WANDB, form is Format.LLM_JP_EVAL
    given = {
        "--what": what is not None and (wandb or result),
        "--shots": shots is not None and not result,
        "--out": out is not None and wandb,
        "--project": bool(project) and not wandb,
    }
    refuse_unheeded(given, f"with --format {form.value}")
    check_folder(out, "--out")
    with open_gateway(server, state) as gateway:
        run_id = find_run(gateway, run)
        if wandb:
            err().print(log_tables(gateway, run_id, project or "shinsa"), markup=False)
            return
        if result:
            content = gateway.download(f"/v1/runs/{run_id}/export/llm-jp-eval", {"shots": str(shots or 0)})
            target = out or Path(f"{run_id}-{shots or 0}shot.json")
        else:
            rows = (what or What.ITEMS).value
            content = gateway.download(f"/v1/runs/{run_id}/export/{rows}", {"format": form.value})
            target = out or Path(f"{run_id}-{rows}.{form.value}")
    write_file(target, content, "--out")
    err().print(f"{target} ({len(content)} bytes)", markup=False)
