"""Which processes make a mesh, and what each is told: environment variables ``SHINSA_<SERVICE>_*``."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from shinsa_cli import version
from shinsa_cli.mesh.child import ChildSpec, Probe
from shinsa_cli.mesh.health import grpc_probe, http_probe
from shinsa_cli.mesh.nats import nats_argv, store_is_stuck, write_nats_config
from shinsa_cli.mesh.ports import PortClaims
from shinsa_cli.mesh.processes import MESH_MARK, start_ticks
from shinsa_cli.mesh.state import MeshRecord, StateDir, now
from shinsa_cli.own_program import own_program
from shinsa_cli.problem import bad_input

HOST = "127.0.0.1"
SERVICES = ("orchestrator", "inference", "sandbox", "judge", "gateway")
# Stopped from the highest to the lowest: first nobody asks any more, then the workers hand back what they have, then
# the orchestrator records the last results, then the queues close.
RANKS = {"nats": 0, "orchestrator": 1, "inference": 2, "sandbox": 2, "judge": 2, "gateway": 3}
# What a service needs beside its drain time to close its doors.
STOP_MARGIN = 5.0

# Settings that `shinsa up` has an option for.
_OPTIONS: Mapping[str, str] = {
    "SHINSA_ORCHESTRATOR_DATA_DIR": "--data",
    "SHINSA_ORCHESTRATOR_RESULTS_URL": "--database-url",
    "SHINSA_ORCHESTRATOR_SAMPLE_LOG_URL": "--database-url",
    "SHINSA_JUDGE_JUDGES_FILE": "--judges",
    "SHINSA_GATEWAY_HTTP_PORT": "--port",
    **{f"SHINSA_{name.upper()}_DRAIN_SECONDS": "--drain-seconds" for name in SERVICES},
}

# Variables that every process may see. Secrets such as provider keys reach only those that call providers.
_FOR_ALL = re.compile(
    r"(PATH|HOME|USER|LOGNAME|SHELL|TERM|TZ|LANG|LANGUAGE|LC_.*|TMPDIR|XDG_.*|LD_LIBRARY_PATH|PYTHON.*|VIRTUAL_ENV|OTEL_.*"
    r"|SSL_CERT_.*|COLUMNS|NO_COLOR)"
)
_FOR_SOME: Mapping[str, re.Pattern[str]] = {
    "orchestrator": re.compile(r"PG.*"),
    "inference": re.compile(r"(?!SHINSA_).*"),
    "judge": re.compile(r"(?!SHINSA_).*"),
    "sandbox": re.compile(r"DOCKER_.*"),
}


@dataclass(frozen=True, slots=True)
class MeshOptions:
    """What `shinsa up` was told. ``port`` 0 takes a free one; empty strings are "not said"."""

    state: Path
    port: int = 8800
    data: Path | None = None
    database_url: str = field(default="", repr=False)
    judges: Path | None = None
    drain_seconds: float = 10.0


@dataclass(frozen=True, slots=True)
class Plan:
    """A mesh before it starts. The claims on its ports must live as long as it does."""

    record: MeshRecord
    specs: tuple[ChildSpec, ...]
    claims: PortClaims


def plan_mesh(options: MeshOptions, environment: Mapping[str, str]) -> Plan:
    """Chooses ports, writes the configuration of NATS, and says what to run. Raises ``Problem``."""
    state = StateDir(options.state)
    claims = PortClaims()
    ports = _choose_ports(options, environment, claims)
    token = secrets.token_urlsafe(24)
    write_nats_config(state, HOST, ports["nats"], ports["nats_monitor"], token)
    data = options.data or state.data
    record = MeshRecord(
        mesh_id=secrets.token_hex(8),
        version=version(),
        gateway_url=f"http://{HOST}:{ports['gateway']}",
        nats_url=f"nats://{HOST}:{ports['nats']}",
        nats_token=token,
        data_dir=str(data),
        supervisor_pid=os.getpid(),
        supervisor_ticks=start_ticks(os.getpid()),
        started_at=now(),
        stop_seconds=len(set(RANKS.values())) * (options.drain_seconds + STOP_MARGIN),
    )
    specs = (_nats_spec(state, ports, record, environment), *_service_specs(options, ports, record, environment))
    return Plan(record, specs, claims)


def _choose_ports(options: MeshOptions, environment: Mapping[str, str], claims: PortClaims) -> dict[str, int]:
    ports = {"gateway": _gateway_port(options.port, claims)}
    for name in ("orchestrator", "inference", "sandbox", "judge"):
        variable = f"SHINSA_{name.upper()}_GRPC_PORT"
        ports[name] = _port_of(environment.get(variable, ""), variable, claims)
    for name in ("nats", "nats_monitor"):
        ports[name] = claims.free_port()
    return ports


def _gateway_port(port: int, claims: PortClaims) -> int:
    if port == 0:
        return claims.free_port()
    if not claims.claim(port):
        raise bad_input(
            f"port {port} is in use", field="--port", remedy="choose another, or --port 0 for one that is free"
        )
    return port


def _port_of(text: str, variable: str, claims: PortClaims) -> int:
    """The port that the environment asks for, else a free one."""
    if text in ("", "0"):
        return claims.free_port()
    if not text.isdigit() or not claims.claim(int(text)):
        raise bad_input(f"{variable}={text} is no free port", field=variable, remedy="unset it to take a free one")
    return int(text)


def _nats_spec(
    state: StateDir, ports: Mapping[str, int], record: MeshRecord, environment: Mapping[str, str]
) -> ChildSpec:
    return ChildSpec(
        name="nats",
        argv=nats_argv(state),
        env=_environment("nats", {}, record, environment),
        log=state.logs / "nats.log",
        address=f"{HOST}:{ports['nats']}",
        probe=http_probe(f"http://{HOST}:{ports['nats_monitor']}/healthz"),
        rank=RANKS["nats"],
        stuck=lambda problem: store_is_stuck(problem, state.nats_store),
    )


def _service_specs(
    options: MeshOptions, ports: Mapping[str, int], record: MeshRecord, environment: Mapping[str, str]
) -> Iterator[ChildSpec]:
    addresses = {name: f"{HOST}:{ports[name]}" for name in SERVICES}
    told = _settings(options, ports, record, addresses, environment)
    for name in SERVICES:
        yield ChildSpec(
            name=name,
            argv=own_program(f"shinsa_{name}"),
            env=_environment(name, {**_common(options, name, record, ports), **told[name]}, record, environment),
            log=StateDir(options.state).logs / f"{name}.log",
            address=addresses[name],
            probe=_probe(name, record, addresses[name]),
            rank=RANKS[name],
            stop_seconds=options.drain_seconds + STOP_MARGIN,
        )


def _probe(name: str, record: MeshRecord, address: str) -> Probe:
    return http_probe(f"{record.gateway_url}/readyz") if name == "gateway" else grpc_probe(address)


def _common(options: MeshOptions, name: str, record: MeshRecord, ports: Mapping[str, int]) -> dict[str, str]:
    drain = {"drain_seconds": f"{options.drain_seconds:g}"}
    if name == "gateway":
        return drain
    doors = {"grpc_host": HOST, "grpc_port": str(ports[name])}
    return {**drain, **doors, "nats_url": record.nats_url, "nats_token": record.nats_token}


def _settings(
    options: MeshOptions,
    ports: Mapping[str, int],
    record: MeshRecord,
    addresses: Mapping[str, str],
    environment: Mapping[str, str],
) -> dict[str, dict[str, str]]:
    """What each service is told beside what all are told; empty values are left out."""
    return {
        "orchestrator": {
            "state_dir": str(StateDir(options.state).store),
            "results_url": _asyncpg(options.database_url),
            "sample_log_url": _asyncpg(options.database_url),
            "data_dir": record.data_dir,
            "judge_address": addresses["judge"],
            "sandbox_address": addresses["sandbox"],
        },
        "inference": {},
        # A machine of one's own may lack control groups; reports say which tier was in force.
        "sandbox": {
            "tier_required": environment.get("SHINSA_SANDBOX_TIER_REQUIRED", "1"),
            "optional_runtimes": environment.get("SHINSA_SANDBOX_OPTIONAL_RUNTIMES", "repository"),
        },
        "judge": {
            "judges_file": str(options.judges) if options.judges else "",
            "inference_address": addresses["inference"],
        },
        "gateway": {
            "http_host": HOST,
            "http_port": str(ports["gateway"]),
            **{f"{name}_address": addresses[name] for name in SERVICES if name != "gateway"},
        },
    }


def _asyncpg(url: str) -> str:
    """A plain PostgreSQL URL with the driver that the orchestrator brings along."""
    return re.sub(r"^postgres(ql)?://", "postgresql+asyncpg://", url)


def _environment(
    name: str, told: Mapping[str, str], record: MeshRecord, environment: Mapping[str, str]
) -> dict[str, str]:
    """What is inherited, plus what the mesh decides. Settings of one service never reach another."""
    prefix = f"SHINSA_{name.upper()}_"
    some = _FOR_SOME.get(name)
    inherited = {
        variable: value
        for variable, value in environment.items()
        if _FOR_ALL.fullmatch(variable) or variable.startswith(prefix) or (some and some.fullmatch(variable))
    }
    own = {prefix + setting.upper(): value for setting, value in told.items() if value}
    _refuse_other_words(own, environment)
    return {**inherited, "PYTHONUNBUFFERED": "1", **own, MESH_MARK: record.mesh_id}


def _refuse_other_words(own: Mapping[str, str], environment: Mapping[str, str]) -> None:
    """What the mesh decides itself must not stand otherwise in the environment, where nobody would heed it."""
    for variable, value in own.items():
        # Ports are taken from there already, where 0 is any.
        if environment.get(variable, "") in ("", value) or variable.endswith("_GRPC_PORT"):
            continue
        option = f", or say it with {_OPTIONS[variable]}" if variable in _OPTIONS else ""
        raise bad_input(f"{variable} is for `shinsa up` to decide", field=variable, remedy=f"unset it{option}")
