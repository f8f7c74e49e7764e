"""Whether a run is of the versions and the data that were asked for."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

from shinsa_client.answer import JsonObject

from shinsa_cli.gateway.client import GatewayClient, segment
from shinsa_cli.problem import Problem, bad_input


def demand_judges(gateway: GatewayClient, pins: Mapping[str, str]) -> None:
    """Raises ``Problem`` where a judge profile is not here, or is another. ``pins``: first digits of digests."""
    if not pins:
        return
    here = {str(one["name"]): str(one["digest"]) for one in gateway.get("/v1/judges")["profiles"]}
    for profile, digest in pins.items():
        if not here.get(profile, "").startswith(digest):
            found = f"another here ({here[profile][: len(digest)]}, not {digest})" if profile in here else "not here"
            raise bad_input(
                f"judge profile {profile!r} is {found}",
                remedy="write the judges file of the report with `shinsa judges restore REPORT.json judges.toml`, and "
                "start the mesh with it: `shinsa up --judges judges.toml`",
                field="--pin-judge",
            )


def demand_pins(
    gateway: GatewayClient, started: JsonObject, pins: Mapping[str, tuple[str, str]], plan: str = ""
) -> None:
    """Cancels a run that is of other versions or other data, and raises ``Problem`` that names them.

    ``pins``: version and first digits of the data's digest, by benchmark. ``plan``: first digits of the plan's.
    """
    differences, field = list(_differences(started.get("plan") or (), pins)), "--pin"
    if not differences and not str(started.get("plan_digest", "")).startswith(plan):
        differences, field = ["suite, settings, counts or judges by role are planned otherwise here"], "--pin-plan"
    if not differences:
        return
    run_id = str(started["id"])
    with contextlib.suppress(Problem):
        gateway.post(f"/v1/runs/{segment(run_id)}/cancel", {})
    raise bad_input(
        f"run {run_id} is not of what was pinned, and cancelled unless it is over: {'; '.join(differences)}",
        remedy="install that version and prepare that data, or leave the pins out to run with what is here",
        field=field,
    )


def _differences(plan: Any, pins: Mapping[str, tuple[str, str]]) -> Iterator[str]:
    planned = {str(line["benchmark"]): (str(line["version"]), str(line["dataset_digest"])) for line in plan}
    for benchmark, (version, digest) in pins.items():
        if benchmark not in planned:
            yield f"{benchmark} is not part of it"
            continue
        here, data = planned[benchmark]
        if here != version:
            yield f"{benchmark} has version {here} here, not {version}"
        if not data.startswith(digest):
            yield f"the data of {benchmark} has digest {data[: len(digest)]} here, not {digest}"
