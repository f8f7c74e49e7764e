"""The program `shinsa`."""

from __future__ import annotations

import os
import sys

import typer

from shinsa_cli.commands import (
    admin,
    analyse,
    catalog,
    data,
    doctor,
    execute,
    export,
    gate,
    generate,
    judge_eval,
    keys,
    mesh,
    models,
    offline,
    references,
    remarks,
    results,
    run,
    steering,
    submissions,
    version,
    webhooks,
)
from shinsa_cli.problem import INCOMPLETE, INTERRUPTED, Problem

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Shinsa examines language models: start a mesh, register a model, run a suite, read the report.",
    epilog="Exit codes: 0 done and complete, 1 incomplete or failed, 2 bad input, 3 the mesh cannot be reached.",
)

for command, panel in (
    (mesh.up, "Mesh"),
    (mesh.down, "Mesh"),
    (mesh.status, "Mesh"),
    (doctor.doctor, "Mesh"),
    (version.version, "Mesh"),
    (run.run, "Examine"),
    (generate.generate, "Examine"),
    (steering.watch, "Examine"),
    (steering.cancel, "Examine"),
    (steering.resume, "Examine"),
    (steering.rejudge, "Examine"),
    (steering.regrade, "Examine"),
    (submissions.submit, "Examine"),
    (execute.execute, "Examine"),
    (results.report, "Read"),
    (results.runs, "Read"),
    (results.items, "Read"),
    (results.item, "Read"),
    (results.compare, "Read"),
    (results.rescore, "Read"),
    (export.export, "Read"),
    (analyse.analyse, "Read"),
    (gate.gate, "Read"),
    (judge_eval.judge_eval, "Read"),
    (offline.prompts, "Offline"),
    (offline.score, "Offline"),
):
    app.command(rich_help_panel=panel)(command)
catalog.board_app.command("compute")(offline.compute_board)
catalog.board_app.command("import")(references.import_references)
catalog.board_app.command("references")(references.list_references)
catalog.board_app.command("forget")(references.forget_references)
for group, name, panel in (
    (catalog.board_app, "board", "Read"),
    (models.app, "models", "Prepare"),
    (data.app, "data", "Prepare"),
    (catalog.benchmarks_app, "benchmarks", "Prepare"),
    (catalog.judges_app, "judges", "Prepare"),
    (submissions.app, "submissions", "Examine"),
    (remarks.app, "remarks", "Read"),
    (keys.app, "keys", "Mesh"),
    (admin.app, "admin", "Mesh"),
    (webhooks.app, "webhooks", "Mesh"),
):
    app.add_typer(group, name=name, rich_help_panel=panel)
# Both words come to mind.
app.add_typer(catalog.board_app, name="boards", hidden=True)


def main() -> None:
    """Runs the command line; what goes wrong becomes one readable message and an exit code."""
    debugging = os.environ.get("SHINSA_DEBUG", "") not in ("", "0")
    try:
        app()
    except Problem as problem:
        if debugging:
            raise
        _end_with(problem)
    except BrokenPipeError:
        # Whoever read our output has had enough; without this the interpreter would complain while closing it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(INCOMPLETE)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except Exception as error:
        if debugging:
            raise
        _end_with(data.broken_file(error) or _unforeseen(error))


def _unforeseen(error: Exception) -> Problem:
    what = " ".join(str(error).split())[:300]
    return Problem(
        f"something unforeseen went wrong: {type(error).__name__}: {what}",
        remedy="SHINSA_DEBUG=1 in the environment shows where; please report it",
    )


def _end_with(problem: Problem) -> None:
    from shinsa_cli.render.problem import show_problem

    show_problem(problem)
    sys.exit(problem.exit_code)


if __name__ == "__main__":
    main()
