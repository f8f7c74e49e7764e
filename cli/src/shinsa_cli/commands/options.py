"""Options that many commands share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from shinsa_cli.gateway.client import GatewayClient

ServerOption = Annotated[
    str,
    typer.Option(
        "--server",
        metavar="URL",
        help="Address of the gateway. Default: that of --state, else $SHINSA_SERVER, else of the mesh here.",
        show_default=False,
    ),
]
StateOption = Annotated[
    Path | None,
    typer.Option(
        "--state",
        metavar="DIR",
        help="State directory of a local mesh. Default: $SHINSA_STATE, else ./.shinsa/mesh.",
        show_default=False,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON, and nothing else.")]
JudgeOption = Annotated[
    list[str] | None,
    typer.Option(
        "--judge", metavar="[ROLE=]PROFILE", help="Judge profile, for every role or for one.", show_default=False
    ),
]
JudgeAddressOption = Annotated[
    str,
    typer.Option(
        "--judge-address",
        metavar="HOST:PORT",
        help="The judge service. Default: that of the mesh of the state directory.",
        show_default=False,
    ),
]
MaxJudgeTokensOption = Annotated[
    int | None,
    typer.Option(
        "--max-judge-tokens",
        metavar="N",
        min=0,
        help="Pause the run when its judges have used so many tokens; 0: no bound.",
        show_default=False,
    ),
]
MaxJudgeCostOption = Annotated[
    float | None,
    typer.Option(
        "--max-judge-cost",
        metavar="C",
        min=0,
        help="Pause the run when its judges have cost so much, in the currency of their prices; 0: no bound.",
        show_default=False,
    ),
]
SplitOption = Annotated[
    str,
    typer.Option("--split", metavar="test|dev", help="Which samples; default: those of the test.", show_default=False),
]
RunArgument = Annotated[
    str, typer.Argument(metavar="RUN", help="Id of a run, its first characters, or `latest`.", show_default=False)
]
ByCategoryOption = Annotated[bool, typer.Option("--by-category", help="Show the scores of each category, too.")]


@contextmanager
def open_gateway(server: str, state: Path | None) -> Iterator[GatewayClient]:
    """A conversation with the gateway that these options name."""
    from shinsa_cli.gateway.client import GatewayClient
    from shinsa_cli.gateway.discovery import find_server

    with GatewayClient(find_server(server, state)) as gateway:
        yield gateway
