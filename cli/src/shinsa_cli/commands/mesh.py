"""`shinsa up`, `down`, `status`: a mesh on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from shinsa_cli.commands.options import JsonOption, StateOption

if TYPE_CHECKING:
    from shinsa_client.answer import JsonObject

    from shinsa_cli.mesh.plan import MeshOptions
    from shinsa_cli.mesh.state import MeshRecord, StateDir

_WAIT_SECONDS = 120.0


def up(
    state: StateOption = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the gateway; 0 takes a free one.")] = 8800,
    detach: Annotated[
        bool, typer.Option("--detach/--foreground", help="Return when it is healthy, or stay until Ctrl-C.")
    ] = True,
    database_url: Annotated[
        str,
        typer.Option(
            metavar="URL",
            envvar="SHINSA_DATABASE_URL",
            help="PostgreSQL instead of SQLite in the state directory.",
            show_default=False,
        ),
    ] = "",
    judges: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Judge profiles, a judges.toml.", show_default=False)
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Where prepared data lies. Default: $SHINSA_DATA, else STATE/data.", show_default=False
        ),
    ] = None,
    model_file: Annotated[
        Path | None,
        typer.Option("--model-file", metavar="MODELS.toml", help="Register these models, too.", show_default=False),
    ] = None,
    drain_seconds: Annotated[
        float, typer.Option(min=0, help="How long work in flight may take when the mesh stops.")
    ] = 10.0,
    wait_seconds: Annotated[
        float, typer.Option(min=1, help="With --detach: how long it may take to become healthy.")
    ] = _WAIT_SECONDS,
    as_json: JsonOption = False,
) -> None:
    """Starts NATS and the five services on this machine, with one state directory."""
    from shinsa_cli.commands.data import data_to_read
    from shinsa_cli.gateway.models import ModelOptions, read_model_file
    from shinsa_cli.mesh.plan import MeshOptions
    from shinsa_cli.mesh.state import StateDir
    from shinsa_cli.problem import bad_input, refuse_unheeded

    if not detach:
        refuse_unheeded({"--wait-seconds": wait_seconds != _WAIT_SECONDS}, "with --foreground")
    if judges is not None and not judges.is_file():
        raise bad_input(f"{judges} is no file", field="--judges", remedy="name a judges.toml")
    entries = read_model_file(model_file, "", ModelOptions(), "--model-file") if model_file else []
    place = StateDir.chosen(state)
    options = MeshOptions(
        state=place.root,
        port=port,
        data=data_to_read(data, state),
        database_url=database_url,
        judges=judges.absolute() if judges else None,
        drain_seconds=drain_seconds,
    )
    record = _detached(options, place, wait_seconds, entries) if detach else _foreground(options, place, entries)
    _tell(record, place, as_json=as_json)


def down(state: StateOption = None, as_json: JsonOption = False) -> None:
    """Stops the mesh of a state directory: work in flight is finished or handed back. Its data stays."""
    from shinsa_cli.mesh.launch import stop
    from shinsa_cli.mesh.state import StateDir
    from shinsa_cli.render.console import err, print_json
    from shinsa_cli.render.mesh import child_line

    place = StateDir.chosen(state)
    console = err()
    with console.status("stopping …") as status:
        was_running = stop(place, look=lambda record: status.update(child_line("stopping", record)))
    if as_json:
        print_json({"state_dir": str(place.root), "was_running": was_running})
    elif was_running:
        console.print(f"stopped; the data stays in {place.root}", soft_wrap=True)
    else:
        console.print(f"no mesh was running with the state directory {place.root}", soft_wrap=True)


def status(state: StateOption = None, as_json: JsonOption = False) -> None:
    """Shows the processes of a mesh. Ends with 0 only if all are healthy, with 3 if it does not run."""
    from shinsa_cli.mesh.launch import is_running
    from shinsa_cli.mesh.state import MeshState, StateDir
    from shinsa_cli.problem import COMPLETE, INCOMPLETE, UNREACHABLE, unreachable
    from shinsa_cli.render.console import out, print_json
    from shinsa_cli.render.mesh import child_table, mesh_heading

    place = StateDir.chosen(state)
    record = place.read()
    if record is None:
        raise unreachable(f"no mesh was ever started with the state directory {place.root}", remedy="shinsa up")
    running = is_running(record)
    word = record.state.value if running or record.state in (MeshState.STOPPED, MeshState.FAILED) else "killed"
    if as_json:
        print_json({**record.public(), "state": word, "running": running, "state_dir": str(place.root)})
    else:
        out().print(mesh_heading(record, word))
        if record.problem:
            out().print(record.problem, style="red", soft_wrap=True)
        out().print(child_table(record))
    if not running:
        raise typer.Exit(UNREACHABLE)
    raise typer.Exit(COMPLETE if record.state is MeshState.HEALTHY else INCOMPLETE)


def _detached(options: MeshOptions, place: StateDir, wait_seconds: float, entries: list[JsonObject]) -> MeshRecord:
    from shinsa_cli.mesh.launch import launch, stop, wait_until_healthy
    from shinsa_cli.problem import INTERRUPTED, Problem
    from shinsa_cli.render.console import err
    from shinsa_cli.render.mesh import child_line

    console = err()
    pid = launch(options)
    try:
        with console.status("starting …") as spinner:
            record = wait_until_healthy(
                place, pid, limit=wait_seconds, look=lambda now: spinner.update(child_line("starting", now))
            )
        _register(record, entries)
    except KeyboardInterrupt:
        stop(place)
        raise Problem("interrupted; the mesh is stopped again", exit_code=INTERRUPTED) from None
    except Problem:
        stop(place)
        raise
    return record


def _foreground(options: MeshOptions, place: StateDir, entries: list[JsonObject]) -> MeshRecord:
    import asyncio

    from shinsa_cli.mesh.serve import failure_of, serve_mesh, take_over
    from shinsa_cli.mesh.state import MeshState
    from shinsa_cli.render.console import err
    from shinsa_cli.render.mesh import child_table, mesh_heading

    console = err()
    shown: list[MeshState] = []

    def look(record: MeshRecord) -> None:
        if not shown or shown[-1] is not record.state:
            shown.append(record.state)
            console.print(mesh_heading(record, record.state))
            if record.state is MeshState.DEGRADED:
                console.print(child_table(record))

    lock = take_over(place)
    try:
        record = asyncio.run(
            serve_mesh(options, lock, on_change=look, on_healthy=lambda healthy: _register(healthy, entries))
        )
    finally:
        lock.close()
    if record.state is MeshState.FAILED:
        raise failure_of(record)
    return record


def _register(record: MeshRecord, entries: list[JsonObject]) -> None:
    import os

    from shinsa_cli.gateway.client import GatewayClient
    from shinsa_cli.gateway.discovery import Server
    from shinsa_cli.gateway.models import add_models

    if entries:
        server = Server(record.gateway_url, "the mesh that was just started", os.environ.get("SHINSA_API_KEY", ""))
        with GatewayClient(server) as gateway:
            add_models(gateway, entries, replace=True)


def _tell(record: MeshRecord, place: StateDir, *, as_json: bool) -> None:
    from shinsa_cli.mesh.state import MeshState
    from shinsa_cli.render.console import err, out, print_json
    from shinsa_cli.render.mesh import mesh_heading

    if as_json:
        print_json({**record.public(), "state_dir": str(place.root)})
        return
    if record.state is MeshState.STOPPED:
        return
    out().print(mesh_heading(record, record.state))
    if not any(Path(record.data_dir).glob("*/")):
        told = f"nothing is prepared in {record.data_dir}: benchmarks ask their built-in specimens; see `shinsa data`"
        err().print(told, style="dim", soft_wrap=True)
    err().print(f"state and logs in {place.root}; `shinsa status`, `shinsa down`", style="dim", soft_wrap=True)
