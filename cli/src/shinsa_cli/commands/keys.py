"""`shinsa keys`: who may ask the gateway for what."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from shinsa_cli.commands.options import JsonOption, ServerOption, StateOption, open_gateway

app = typer.Typer(no_args_is_help=True, help="Keys: who may ask the gateway for what.")


class KeyScope(StrEnum):
    """What a key allows."""

    READ = "read"
    SUBMIT = "submit"
    OPERATE = "operate"
    ADMIN = "admin"


@app.command("create")
def create_key(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Names the caller from then on.")],
    scope: Annotated[list[KeyScope], typer.Option("--scope", help="What it allows; may be repeated.")],
    days: Annotated[float, typer.Option(min=0, help="Valid for so many days; 0: until it is revoked.")] = 0,
    requests_per_minute: Annotated[int, typer.Option(min=0, help="0: the gateway's own limit.")] = 0,
    server: ServerOption = "",
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Makes a key and prints it: this is the only time it is shown."""
    from shinsa_cli.render.console import err, out, print_json

    order = {
        "name": name,
        "scopes": [one.value for one in scope],
        "valid_days": days,
        "requests_per_minute": requests_per_minute,
    }
    with open_gateway(server, state) as gateway:
        answer = gateway.post("/v1/keys", order)
        everybody = not gateway.server.api_key
    if as_json:
        print_json(answer)
    else:
        out().print(answer["secret"], soft_wrap=True, markup=False, highlight=False)
        err().print(f"key {answer['key']['id']} of {name}; it is not shown again", style="dim")
    if everybody:
        # Who may do this without a key may do everything.
        err().print("this gateway lets everybody in without a key until SHINSA_GATEWAY_REQUIRE_KEYS=true", style="dim")


@app.command("list")
def list_keys(server: ServerOption = "", state: StateOption = None, as_json: JsonOption = False) -> None:
    """Lists keys, revoked ones too."""
    from shinsa_client.submission import KeyEntry

    from shinsa_cli.render.console import out, print_json
    from shinsa_cli.render.submissions import key_table

    with open_gateway(server, state) as gateway:
        answer = gateway.get("/v1/keys")
    if as_json:
        print_json(answer)
    else:
        out().print(key_table([KeyEntry.model_validate(one) for one in answer["keys"]]))


@app.command("revoke")
def revoke_key(
    key: Annotated[str, typer.Argument(metavar="KEY", help="Id, as `shinsa keys list` shows it.")],
    server: ServerOption = "",
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Lets nobody in by a key any more."""
    from shinsa_cli.gateway.client import segment
    from shinsa_cli.render.console import err, print_json

    with open_gateway(server, state) as gateway:
        gateway.delete("/v1/keys/" + segment(key))
    if as_json:
        print_json({"revoked": key})
    else:
        err().print(f"revoked: {key}", markup=False)
