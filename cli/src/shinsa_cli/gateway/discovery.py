"""Which gateway is meant: that of ``--server`` or ``--state``, else ``$SHINSA_SERVER``, else that of the mesh here."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from shinsa_cli.mesh.processes import is_same_process
from shinsa_cli.mesh.state import StateDir
from shinsa_cli.problem import bad_input, unreachable


@dataclass(frozen=True, slots=True)
class Server:
    """A gateway and the key for it; ``found_in`` says where its address comes from."""

    url: str
    found_in: str
    api_key: str = field(default="", repr=False)


def find_server(option: str = "", state: Path | None = None) -> Server:
    """Raises ``Problem`` where no gateway is named and no mesh runs here, or the address is none."""
    api_key = os.environ.get("SHINSA_API_KEY", "")
    if option:
        if state is not None:
            raise bad_input("--server and --state both name a gateway", field="--state", remedy="give one of them")
        return Server(_checked(option, "--server"), "--server", api_key)
    if (named := os.environ.get("SHINSA_SERVER", "")) and state is None:
        return Server(_checked(named, "SHINSA_SERVER"), "$SHINSA_SERVER", api_key)
    folder = StateDir.chosen(state)
    record = folder.read()
    if record is None or not is_same_process(record.supervisor_pid, record.supervisor_ticks):
        raise unreachable(
            f"no mesh is running with the state directory {folder.root}",
            remedy="start one with `shinsa up`, or name a gateway with --server URL or $SHINSA_SERVER",
        )
    return Server(record.gateway_url, str(folder.record), api_key)


def _checked(url: str, where: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise bad_input(f"{url!r} is no address of a gateway", remedy="write it as http://HOST:PORT", field=where)
    return url.rstrip("/")
