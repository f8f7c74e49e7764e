"""`shinsa doctor`: whether a mesh is well, and what to do where it is not."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from shinsa_cli.commands.options import JsonOption, ServerOption, StateOption, open_gateway
from shinsa_cli.problem import UNREACHABLE, Problem, refuse_unheeded

if TYPE_CHECKING:
    from shinsa_client.operation import CheckFinding, Diagnosis

# Models and judges may take their time to answer. Seconds.
_PROBE_PATIENCE = 300.0


def doctor(
    probe: Annotated[
        bool, typer.Option("--probe", help="Also put a small question to each judge and each model in memory.")
    ] = False,
    nats: Annotated[
        str, typer.Option("--nats", metavar="URL", help="Also look at this NATS server from here.", show_default=False)
    ] = "",
    nats_token: Annotated[
        str, typer.Option("--nats-token", envvar="SHINSA_NATS_TOKEN", help="For --nats.", show_default=False)
    ] = "",
    service: Annotated[
        list[str] | None,
        typer.Option("--service", metavar="NAME=HOST:PORT", help="Also ask this gRPC door from here; may be repeated."),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Also show what is well, thing by thing.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 1 for warnings, too.")] = False,
    server: ServerOption = "",
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Looks at NATS, stores, replicas, models, judges and sandboxes; says what is wrong and what to do.

    Exits with 0 where nothing is wrong, with 1 where something does not work or soon will not. Wants a key with the
    scope `admin`.
    """
    from shinsa_cli.render.console import out, print_json
    from shinsa_cli.render.operations import show_diagnosis

    if not nats:
        typed = nats_token != os.environ.get("SHINSA_NATS_TOKEN", "")
        refuse_unheeded({"--nats-token": typed}, "without --nats")
    found = _diagnosis(server, state, probe=probe)
    direct = _direct(nats, nats_token, service or [])
    severities = [found.severity, *(one.severity for one in direct)]
    worst = next(one for one in ("error", "warning", "ok") if one in severities)
    found = found.model_copy(update={"findings": (*direct, *found.findings), "severity": worst})
    if as_json:
        print_json(found.model_dump(mode="json"))
    else:
        show_diagnosis(out(), found, everything=everything)
    bad = ("error", "warning") if strict else ("error",)
    raise typer.Exit(1 if worst in bad else 0)


def _direct(nats: str, nats_token: str, services: list[str]) -> list[CheckFinding]:
    from shinsa_cli.direct_checks import check_directly

    return check_directly(nats, nats_token, services) if nats or services else []


def _diagnosis(server: str, state: Path | None, *, probe: bool) -> Diagnosis:
    """What the gateway says; where there is none, that is the finding."""
    from shinsa_client.operation import CheckFinding, Diagnosis

    try:
        with open_gateway(server, state) as gateway:
            answer = gateway.get(
                "/v1/diagnosis", {"probe": str(probe).lower()}, patience=_PROBE_PATIENCE if probe else 0
            )
            return Diagnosis.model_validate(answer)
    except Problem as problem:
        if problem.exit_code != UNREACHABLE:
            raise
        message = f"{problem.message[:1].upper()}{problem.message[1:]}."
        finding = CheckFinding(
            check="gateway", subject="gateway", severity="error", message=message, remedy=problem.remedy
        )
        return Diagnosis(severity="error", findings=(finding,))
