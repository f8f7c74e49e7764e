"""`shinsa admin`: for whoever runs a mesh."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from shinsa_cli.commands import keys
from shinsa_cli.commands.options import JsonOption, RunArgument, ServerOption, StateOption, open_gateway
from shinsa_cli.problem import refuse_unheeded

if TYPE_CHECKING:
    from shinsa_client.answer import JsonObject

app = typer.Typer(no_args_is_help=True, help="For whoever runs a mesh. Wants a key with the scope `admin`.")
letters_app = typer.Typer(no_args_is_help=True, help="Tasks that their queues have given up.")
app.add_typer(letters_app, name="dead-letters")
app.add_typer(keys.app, name="keys")


class WorkService(StrEnum):
    """Who takes work."""

    ORCHESTRATOR = "orchestrator"
    INFERENCE = "inference"
    SANDBOX = "sandbox"
    JUDGE = "judge"


ServiceFilter = Annotated[WorkService | None, typer.Option("--service", help="Only those of this service.")]
RunFilter = Annotated[str, typer.Option("--run", metavar="RUN", help="Only those of this run.", show_default=False)]
LetterArguments = Annotated[
    list[str] | None, typer.Argument(metavar="[ID]...", help="Ids, as `list` shows them.", show_default=False)
]
AllOption = Annotated[bool, typer.Option("--all", help="Every one.")]


@app.command("replicas")
def list_replicas(server: ServerOption = "", state: StateOption = None, as_json: JsonOption = False) -> None:
    """Lists the processes that take work, and what they hold."""
    with open_gateway(server, state) as gateway:
        _show_replicas(gateway.get("/v1/replicas"), as_json)


@app.command("drain")
def drain(
    service: Annotated[
        WorkService | None, typer.Argument(help="Which service. Default: all of them.", show_default=False)
    ] = None,
    replica: Annotated[str, typer.Option(help="Only this one, as `replicas` names it.", show_default=False)] = "",
    undo: Annotated[bool, typer.Option("--undo", help="Let them take work again.")] = False,
    wait: Annotated[float, typer.Option("--wait", min=0, help="Seconds to wait until they hold nothing.")] = 0,
    server: ServerOption = "",
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Lets replicas take no new work: what they hold they finish, and tasks wait for others.

    An orchestrator gives its shards to others. It lasts until `--undo` or the end of the process: a replica that is
    started anew takes work. Exits with 1 if something is still held when the time to wait is over.
    """
    if undo:
        refuse_unheeded({"--wait": bool(wait)}, "with --undo")
    order = {"service": service.value if service else None, "replica": replica, "taking_work": undo}
    with open_gateway(server, state) as gateway:
        answer = gateway.put("/v1/replicas/intake", order)
        names = {one["replica"] for one in answer["replicas"]}
        if wait:
            answer = _until_idle(lambda: gateway.get("/v1/replicas"), names, wait)
    _show_replicas(answer, as_json)
    if wait and any(one["in_flight"] for one in answer["replicas"]):
        raise typer.Exit(1)


@app.command("requeue")
def requeue(
    run: RunArgument, server: ServerOption = "", state: StateOption = None, as_json: JsonOption = False
) -> None:
    """Asks again for everything of a run that failed for reasons of ours, as `shinsa resume` does."""
    from shinsa_cli.gateway.runs import run_path
    from shinsa_cli.render.console import err, print_json

    with open_gateway(server, state) as gateway:
        answer = gateway.post(run_path(gateway, run, "/resume"))
    if as_json:
        print_json(answer)
    else:
        err().print(f"run {answer['id']} goes on: watch it with `shinsa watch {answer['id']}`", markup=False)


@app.command("forget-samples")
def forget_samples(
    run: RunArgument, server: ServerOption = "", state: StateOption = None, as_json: JsonOption = False
) -> None:
    """Forgets prompts, replies and evidence of a run that is over. Its outcomes, scores and totals stay."""
    from shinsa_cli.gateway.runs import run_path
    from shinsa_cli.render.console import err, print_json

    with open_gateway(server, state) as gateway:
        path = run_path(gateway, run)
        gateway.delete(path + "/samples")
        answer = gateway.get(path)
    if as_json:
        print_json(answer)
    else:
        err().print(f"the samples of run {answer['id']} are no longer kept", markup=False)


@letters_app.command("list")
def list_letters(
    run: RunFilter = "",
    service: ServiceFilter = None,
    limit: Annotated[int, typer.Option(min=0, help="At most so many; 0: all.")] = 50,
    server: ServerOption = "",
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Lists tasks that their queues have given up, oldest first, with why."""
    from shinsa_client.operation import DeadLetter

    from shinsa_cli.render.console import err, out, print_json
    from shinsa_cli.render.operations import letter_table

    query = {"run_id": run, "service": service.value if service else None}
    with open_gateway(server, state) as gateway:
        found = list(gateway.pages("/v1/dead-letters", "letters", query, limit=limit))
    if as_json:
        print_json({"letters": found})
        return
    out().print(letter_table([DeadLetter.model_validate(one) for one in found]))
    if found:
        err().print("ask again with `shinsa admin dead-letters requeue`, or `drop` them", style="dim", markup=False)


@letters_app.command("show")
def show_letter(
    letter: Annotated[str, typer.Argument(metavar="ID", help="Id, as `list` shows it.", show_default=False)],
    server: ServerOption = "",
    state: StateOption = None,
) -> None:
    """Prints one as JSON, with what was asked."""
    from shinsa_cli.gateway.client import segment
    from shinsa_cli.render.console import print_json

    with open_gateway(server, state) as gateway:
        print_json(gateway.get("/v1/dead-letters/" + segment(letter)))


@letters_app.command("requeue")
def requeue_letters(
    letter: LetterArguments = None,
    run: RunFilter = "",
    service: ServiceFilter = None,
    everything: AllOption = False,
    server: ServerOption = "",
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Resumes the runs of dead letters: everything of theirs that failed is asked again, and the letters are gone.

    Exits with 1 where letters stay, such as those of a run that still goes on.
    """
    from shinsa_client.operation import Requeued

    from shinsa_cli.render.console import print_json
    from shinsa_cli.render.operations import show_requeued

    answer = _told("requeue", letter, run, service, everything, server, state)
    if as_json:
        print_json(answer)
    else:
        show_requeued(Requeued.model_validate(answer))
    if answer["kept"]:
        raise typer.Exit(1)


@letters_app.command("drop")
def drop_letters(
    letter: LetterArguments = None,
    run: RunFilter = "",
    service: ServiceFilter = None,
    everything: AllOption = False,
    server: ServerOption = "",
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Removes dead letters; what they tell of stays an infra error of its run."""
    from shinsa_cli.render.console import err, print_json

    answer = _told("drop", letter, run, service, everything, server, state)
    if as_json:
        print_json(answer)
    else:
        err().print(f"dropped: {len(answer['letters'])}")


def _show_replicas(answer: JsonObject, as_json: bool) -> None:
    from shinsa_client.operation import ReplicaList

    from shinsa_cli.render.console import out, print_json
    from shinsa_cli.render.operations import replica_table, show_problems

    if as_json:
        print_json(answer)
        return
    replicas = ReplicaList.model_validate(answer).replicas
    out().print(replica_table(replicas))
    show_problems(replicas)


def _until_idle(look: Callable[[], JsonObject], names: set[str], seconds: float) -> JsonObject:
    """Those replicas once they hold nothing, or when the time is over; one that ended holds nothing."""
    import time

    deadline = time.monotonic() + seconds
    while True:
        found = [one for one in look()["replicas"] if one["replica"] in names]
        if not any(one["in_flight"] for one in found) or time.monotonic() >= deadline:
            return {"replicas": found}
        time.sleep(0.5)


def _told(
    act: str,
    letters: list[str] | None,
    run: str,
    service: WorkService | None,
    everything: bool,
    server: str,
    state: Path | None,
) -> JsonObject:
    choice = {
        "letters": letters or [],
        "run_id": run,
        "service": service.value if service else None,
        "all": everything,
    }
    with open_gateway(server, state) as gateway:
        return gateway.post(f"/v1/dead-letters/{act}", choice)
