"""Two processes of every service, each stopped and started anew in turn while runs are in flight: nobody notices."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
import urllib.error
from pathlib import Path
from typing import Any

import pytest
from e2e.rig import CALM, ENDED, JUDGES, Endpoint, Mesh, write_upstream
from waiting import block_until

SERVICES = ("inference", "sandbox", "judge", "orchestrator")
CHOICES, PROGRAMS, CONVERSATIONS = 80, 8, 8
# Of each inference and each judge.
AT_ONCE = 4
BENCHMARKS = ("jcommonsenseqa", "jhumaneval", "mt_bench_ja")


class Second:
    """A second process of a service of the mesh, told the same as the first."""

    def __init__(self, mesh: Mesh, service: str) -> None:
        self.mesh, self.service = mesh, service
        told = Path(f"/proc/{mesh.child(service)['pid']}/environ").read_bytes().decode().split("\0")
        self._environment = dict(line.split("=", 1) for line in told if "=" in line)
        self._environment[f"SHINSA_{service.upper()}_GRPC_PORT"] = "0"
        self.process = self._started()

    def _started(self) -> subprocess.Popen[bytes]:
        with (self.mesh.state / "logs" / f"{self.service}-second.log").open("ab") as log:
            command = [sys.executable, "-m", f"shinsa_{self.service}"]
            return subprocess.Popen(command, env=self._environment, stdout=log, stderr=log)

    def answering(self) -> None:
        own = f"-{self.process.pid}"
        block_until(lambda: any(name.endswith(own) for name in replicas(self.mesh)), f"{self.service} does not answer")

    def roll(self) -> None:
        self.stop()
        self.process = self._started()
        self.answering()

    def stop(self) -> None:
        self.process.terminate()
        assert self.process.wait(120) == 0, f"{self.service}: {self.process.returncode}\n{self.mesh.tails()}"


class Client:
    """Asks for a run again and again, also where it gets no answer; ``refused``: what no repetition helps."""

    def __init__(self, mesh: Mesh) -> None:
        self.mesh = mesh
        self.run_id = ""
        self.answers = 0
        # The state of the run begun last, as it was told last.
        self.seen = ""
        self.refused: list[str] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._ask, daemon=True)

    def begin(self) -> str:
        """A run more, by somebody who tries until it is taken."""
        wanted = [{"benchmark": name, "shots": [0]} for name in BENCHMARKS]
        taken: list[str] = []

        def submit() -> bool:
            try:
                taken.append(str(self.mesh.post("/v1/runs", {"model": "m", "benchmarks": wanted})["id"]))
            except urllib.error.HTTPError as error:
                if error.code < 500:
                    raise
            except OSError:
                pass
            return bool(taken)

        block_until(submit, "no run was taken")
        self.run_id, self.seen = taken[0], ""
        return self.run_id

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        self._thread.join(60)

    def _ask(self) -> None:
        while not self._over.is_set():
            try:
                run = self.mesh.get(f"/v1/runs/{self.run_id}")
                self.answers, self.seen = self.answers + 1, str(run["state"]) if run["id"] == self.run_id else ""
            except urllib.error.HTTPError as error:
                if error.code < 500:
                    self.refused.append(f"{error.code} {error.read().decode()}")
            except OSError:
                pass
            time.sleep(0.05)


@pytest.fixture
def mesh_settings() -> dict[str, str]:
    # Whoever stops in peace hands back what it holds: nothing waits for these times, and no stall outlasts them.
    return {**CALM, "SHINSA_SANDBOX_SLOTS": "1"}


def replicas(mesh: Mesh) -> list[str]:
    try:
        return [one["replica"] for one in mesh.get("/v1/replicas")["replicas"]]
    except OSError:
        return []


def roll_first(mesh: Mesh, service: str) -> None:
    """The mesh's own process; its supervisor starts it anew."""
    before = mesh.child(service)
    os.kill(before["pid"], 15)

    def back() -> bool:
        now = mesh.child(service)
        return bool(now["restarts"] > before["restarts"] and now["state"] == "healthy")

    block_until(back, f"{service} did not come back\n{mesh.tails()}")


def measured(mesh: Mesh, run_id: str) -> dict[str, Any]:
    run = mesh.finished(run_id)
    assert run["state"] == "complete", run
    report = mesh.get(f"/v1/runs/{run_id}/report")
    return {name: report[name] for name in ("scores", "reasons")}


@pytest.mark.timeout(900)
def test_every_process_is_replaced_while_runs_are_in_flight(mesh: Mesh, endpoint: Endpoint, tmp_path: Path) -> None:
    write_upstream(tmp_path / "upstream", CHOICES, PROGRAMS, CONVERSATIONS)
    (tmp_path / "judges.toml").write_text(JUDGES.format(url=endpoint.url, at_once=AT_ONCE), "utf-8")
    mesh.shinsa("data", "prepare", "--from", str(tmp_path / "upstream"), *BENCHMARKS)
    mesh.up("--judges", str(tmp_path / "judges.toml"))
    entry = ["--engine", "openai", "--base-url", endpoint.url, "--model", "m", "--concurrency", str(AT_ONCE)]
    mesh.shinsa("models", "add", "m", *entry)
    client = Client(mesh)
    calm = measured(mesh, client.begin())
    asked_once = dict.fromkeys(endpoint.journal, 1)
    endpoint.journal.clear()
    seconds: list[Second] = []
    try:
        seconds += [Second(mesh, service) for service in SERVICES]
        for second in seconds:
            second.answering()
        runs = rolled(mesh, endpoint, client, seconds)
        assert [measured(mesh, run_id) for run_id in runs] == [calm] * len(runs)
    finally:
        for second in seconds:
            second.process.kill()
            second.process.wait()
    assert client.answers > 0
    assert not client.refused
    assert set(endpoint.journal) == set(asked_once)
    again = sum(map(len, endpoint.journal.values())) - len(asked_once) * len(runs)
    # A process that stops finishes what it holds or hands it back: no more than that can be asked a second time.
    assert 0 <= again <= AT_ONCE * 2 * (2 * len(SERVICES) + 1)


def rolled(mesh: Mesh, endpoint: Endpoint, client: Client, seconds: list[Second]) -> list[str]:
    """The runs that were in flight while every process was replaced; whenever one is over, another begins."""
    endpoint.latency = 0.3
    runs = [client.begin()]
    client.start()
    for second in seconds:
        for roll in (lambda: roll_first(mesh, second.service), second.roll):  # noqa: B023 - called at once
            if client.seen in ENDED:
                runs.append(client.begin())
            roll()
    roll_first(mesh, "gateway")
    client.stop()
    endpoint.latency = 0.0
    return runs
