"""All services as processes, with one user each, TLS and certificates on both sides: told what is wrong, and a run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import pytest
from broker_rig import free_port
from grpc_health.v1 import health_pb2, health_pb2_grpc
from integration.wire.conftest import DEPLOY, USERS, WiredNats
from waiting import block_until

SERVING = health_pb2.HealthCheckResponse.SERVING
until = partial(block_until, seconds=300.0)


class Service:
    """One service as a process. ``told`` are its settings, without the prefix."""

    def __init__(self, name: str, folder: Path, told: dict[str, str]) -> None:
        self.name = name
        self.grpc_port, self.health_port = free_port(), free_port()
        self.told = told | {"log_format": "json"}
        if name != "gateway":
            self.told |= {"grpc_port": str(self.grpc_port), "health_port": str(self.health_port)}
        self._log = folder / f"{name}.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        environment = {key: value for key, value in os.environ.items() if not key.startswith("SHINSA_")}
        environment |= {f"SHINSA_{self.name.upper()}_{key.upper()}": value for key, value in self.told.items()}
        command = [sys.executable, "-m", f"shinsa_{self.name}"]
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(90)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def is_ready(self) -> bool:
        """As a probe without TLS sees it."""
        with grpc.insecure_channel(f"127.0.0.1:{self.health_port}") as channel:
            try:
                stub = health_pb2_grpc.HealthStub(channel)
                return bool(stub.Check(health_pb2.HealthCheckRequest(), timeout=5).status == SERVING)
            except grpc.RpcError:
                return False

    def events(self, name: str) -> list[dict[str, Any]]:
        text = self._log.read_text("utf-8") if self._log.exists() else ""
        lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
        return [line for line in lines if line.get("event") == name]

    def tail(self) -> str:
        return self._log.read_text("utf-8")[-3000:]


class Mesh:
    """Five processes and their settings; nothing runs until it is started."""

    def __init__(self, folder: Path, wired: WiredNats) -> None:
        self.services = {name: Service(name, folder, self._wire(wired, name)) for name in (*USERS, "gateway")}
        config = DEPLOY / "compose/config"
        self.http_port = free_port()
        address = {name: f"localhost:{service.grpc_port}" for name, service in self.services.items()}
        self.services["orchestrator"].told |= {
            "state_dir": str(folder / "state"),
            "judge_address": address["judge"],
            "sandbox_address": address["sandbox"],
            "hub_url": "none",
        }
        self.services["inference"].told |= {"models_file": str(config / "models.toml")}
        self.services["judge"].told |= {
            "judges_file": str(config / "judges.toml"),
            "inference_address": address["inference"],
        }
        self.services["sandbox"].told |= {"tier_required": "1", "slots": "1"}
        self.services["gateway"].told |= {
            "http_port": str(self.http_port),
            **{f"{name}_address": address[name] for name in USERS},
        }

    @staticmethod
    def _wire(wired: WiredNats, name: str) -> dict[str, str]:
        own = wired.certificates / name
        files = {f"grpc_{what}_file": str(own / f"{what}.pem") for what in ("ca", "cert", "key")}
        return {"grpc_tls": "mutual", **files, **(wired.settings_of(name) if name in USERS else {})}

    def start(self, *names: str) -> None:
        for name in names or self.services:
            self.services[name].start()

    def stop(self) -> None:
        for name in ("gateway", "judge", "sandbox", "inference", "orchestrator"):
            self.services[name].stop()

    def tails(self) -> str:
        return "\n".join(f"--- {name}\n{service.tail()}" for name, service in self.services.items() if service.process)

    def call(self, path: str, body: dict[str, Any] | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.http_port}{path}", data, {"content-type": "application/json"}
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.loads(answer.read())
        except urllib.error.HTTPError as error:
            if error.code < 500:
                raise AssertionError(f"{path}: {error.code} {error.read()[:500]!r}") from error
            return None
        except OSError:
            return None


@pytest.fixture
def mesh(tmp_path: Path, wired: WiredNats) -> Iterator[Mesh]:
    made = Mesh(tmp_path, wired)
    yield made
    made.stop()


@pytest.mark.timeout(900)
def test_a_run_with_tls_and_permissions_everywhere(mesh: Mesh) -> None:
    mesh.start()
    until(lambda: mesh.call("/readyz"), mesh.tails)
    for name in USERS:
        until(mesh.services[name].is_ready, mesh.tails)
    model = {"name": "scripted", "scripted": {"otherwise": "0"}}
    assert mesh.call("/v1/models", model), mesh.tails()
    # Choices, a program for the sandbox, and an answer for the judge.
    choices = [{"benchmark": name, "shots": [0]} for name in ("jcommonsenseqa", "jhumaneval", "mt_bench_ja")]
    run = mesh.call("/v1/runs", {"model": "scripted", "benchmarks": choices})
    assert run, mesh.tails()

    def ended() -> Any:
        found = mesh.call(f"/v1/runs/{run['id']}")
        return found if found and found["state"] not in ("queued", "running", "pending") else None

    done = until(ended, mesh.tails)
    assert done["state"] == "complete", (done, mesh.tails())
    for service in mesh.services.values():
        assert service.events("nats_not_permitted") == [], service.name
        assert service.events("result_refused") == [], service.name
    # Nobody gets in without a certificate of ours.
    orchestrator = mesh.services["orchestrator"]
    door = f"localhost:{orchestrator.grpc_port}"
    trusted = grpc.ssl_channel_credentials(Path(orchestrator.told["grpc_ca_file"]).read_bytes())
    for channel in (grpc.insecure_channel(door), grpc.secure_channel(door, trusted)):
        with channel, pytest.raises(grpc.RpcError):
            health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=10)


@pytest.mark.timeout(900)
def test_a_wrong_password_and_an_unknown_authority_are_told_and_recovered_from(
    mesh: Mesh, wired: WiredNats, make_certificates: Callable[[], Path], tmp_path: Path
) -> None:
    judge, orchestrator, sandbox = (mesh.services[name] for name in ("judge", "orchestrator", "sandbox"))
    password = tmp_path / "password"
    password.write_text("wrong\n", "utf-8")
    del judge.told["nats_password"]
    judge.told["nats_password_file"] = str(password)
    authority = tmp_path / "authority.pem"
    authority.write_bytes((make_certificates() / "judge/ca.pem").read_bytes())
    orchestrator.told["nats_ca_file"] = str(authority)
    sandbox.told["nats_url"] = wired.url.replace("localhost", "127.0.0.1")
    sandbox.told["nats_server_name"] = "nats.elsewhere"
    mesh.start("judge", "orchestrator", "sandbox")

    def told(service: Service) -> str:
        until(lambda: service.events("nats_refused"), service.tail)
        assert not service.is_ready()
        return str(service.events("nats_refused")[0]["remedy"])

    assert "SHINSA_JUDGE_NATS_PASSWORD" in told(judge)
    assert "SHINSA_ORCHESTRATOR_NATS_CA_FILE" in told(orchestrator)
    assert "SHINSA_SANDBOX_NATS_SERVER_NAME" in told(sandbox)

    password.write_text(wired.passwords["judge"], "utf-8")
    authority.write_bytes((wired.certificates / "orchestrator/ca.pem").read_bytes())
    for service in (judge, orchestrator):
        until(service.is_ready, service.tail)

    # Credentials that change under a running service: refused, told, and in again when it has the new ones.
    wired.passwords["judge"] = "renewed"
    wired.kill()
    wired.start()
    before = len(judge.events("nats_refused"))
    until(lambda: len(judge.events("nats_refused")) > before, judge.tail)
    password.write_text("renewed", "utf-8")
    until(lambda: judge.events("nats_reconnected"), judge.tail)
    assert judge.process is not None
    assert judge.process.poll() is None
