"""`shinsa execute`: one program in the sandbox, with or without a test."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from shinsa_cli.commands.options import JsonOption, StateOption
from shinsa_cli.problem import BAD_INPUT, Problem, refuse_unheeded

if TYPE_CHECKING:
    from shinsa_cli.execute.result import Result


class Executor(StrEnum):
    """How the program is isolated."""

    JAIL = "jail"
    DOCKER = "docker"


def execute(
    file: Annotated[Path, typer.Argument(metavar="FILE.py", help="The program.", show_default=False)],
    entry: Annotated[
        str, typer.Option("--entry", metavar="NAME", help="Function that the test calls.", show_default=False)
    ] = "",
    test: Annotated[
        Path | None,
        typer.Option(
            "--test", metavar="TEST.py", help="Defines check(candidate), as in HumanEval.", show_default=False
        ),
    ] = None,
    limits: Annotated[
        str,
        typer.Option(
            "--limits",
            metavar="NAME=VALUE,…",
            help="wall=3,cpu=3,memory=128MiB,pids=32,disk=16MiB,output=64KiB.",
        ),
    ] = "",
    executor: Annotated[Executor, typer.Option(help="How the program is isolated.")] = Executor.JAIL,
    local: Annotated[bool, typer.Option("--local", help="Run it here, without a mesh.")] = False,
    sandbox_address: Annotated[
        str,
        typer.Option(
            "--sandbox-address",
            metavar="HOST:PORT",
            help="The sandbox service. Default: that of the mesh of the state directory.",
            show_default=False,
        ),
    ] = "",
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Runs one program in the sandbox and says what came of it.

    With --entry and --test, check(candidate) decides, in a process apart; without, the program is a script and its exit
    status decides. Ends with 0 for the verdict pass, 1 for any other, 2 where the program was refused.
    """
    if local:
        refuse_unheeded({"--sandbox-address": bool(sandbox_address), "--state": state is not None}, "with --local")
    if sandbox_address:
        refuse_unheeded({"--state": state is not None}, "with --sandbox-address")
    try:
        result = _result(file, entry, test, limits, executor.value, local, sandbox_address, state)
    except Problem as problem:
        if as_json:
            _print_document(problem)
        raise
    _show(result, as_json=as_json)
    raise typer.Exit(result.exit_code)


def _result(
    file: Path,
    entry: str,
    test: Path | None,
    limits: str,
    executor: str,
    local: bool,
    address: str,
    state: Path | None,
) -> Result:
    from shinsa_cli.execute.limits import parse_limits
    from shinsa_cli.execute.local import execute_here
    from shinsa_cli.execute.request import request_for
    from shinsa_cli.execute.service import ADDRESS_OPTION, SandboxService
    from shinsa_cli.reflection import address_of

    request = request_for(file, entry, test, parse_limits(limits))
    if local:
        return execute_here(request, executor)
    service = SandboxService(address or address_of("sandbox", state, ADDRESS_OPTION))
    try:
        return service.execute(request, executor)
    finally:
        service.close()


def _print_document(problem: Problem) -> None:
    """The document of a program that never reached a sandbox; what is wrong follows on standard error."""
    from shinsa_cli.execute.result import Result
    from shinsa_cli.render.console import print_json

    print_json(Result("refused" if problem.exit_code == BAD_INPUT else "error").document())


def _show(result: Result, *, as_json: bool) -> None:
    from shinsa_cli.render.console import clean, err, out, print_json

    if as_json:
        print_json(result.document())
        if result.reason:
            err().print(clean(result.reason), style="dim", soft_wrap=True)
        return
    if not result.execution:
        err().print(f"{result.verdict}: {clean(result.reason)}", soft_wrap=True)
        return
    from shinsa_client.execution import Execution, Output, Usage

    from shinsa_cli.execute.result import output_text
    from shinsa_cli.render.execution import execution_parts

    told = result.execution
    streams = {
        stream: Output(
            text=output_text(told, stream),
            total_bytes=int(told.get(stream, {}).get("total_bytes", 0)),
            truncated=told.get(stream, {}).get("truncated", False),
        )
        for stream in ("stdout", "stderr")
    }
    document = result.document()
    measured = {"checks": document["checks"], "usage": Usage(**document["usage"])}
    for part in execution_parts(Execution.model_validate({**told, **streams, **measured, "verdict": result.verdict})):
        out().print(part)
