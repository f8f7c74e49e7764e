"""A mesh with more than one process of a service: copies of what the mesh started, told the same."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from mesh import Mesh, get, timestamp
from processes import cpu_seconds, forget_peak, peak_memory

SERVICES = ("orchestrator", "inference", "sandbox", "judge")
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass
class Copy:
    """One more process of a service."""

    service: str
    process: subprocess.Popen[bytes]


@dataclass
class Stage:
    """What a run's steps of one kind took: from the first that began to the last that ended, in seconds."""

    seconds: float
    steps: int
    workers: Counter[str] = field(default_factory=Counter)


class Fleet:
    """Enter it over a mesh that runs; its copies end with the block."""

    def __init__(self, mesh: Mesh) -> None:
        self.mesh = mesh
        self._copies: list[Copy] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for service in SERVICES:
            self.scale(service, 1)

    def scale(self, service: str, wanted: int) -> None:
        """Exactly so many processes of a service, the mesh's own included; waits until they answer, or have ended."""
        mine = [copy for copy in self._copies if copy.service == service]
        for copy in mine[max(0, wanted - 1) :]:
            copy.process.send_signal(signal.SIGTERM)
            self._copies.remove(copy)
            copy.process.wait(60)
        for _ in range(wanted - 1 - len(mine)):
            self._copies.append(self._copy(service))
        if wanted > 1:
            self._until_answering(service, wanted)

    def _copy(self, service: str) -> Copy:
        told = Path(f"/proc/{self.pid(service)}/environ").read_bytes().decode().split("\0")
        environment = dict(line.split("=", 1) for line in told if "=" in line)
        environment[f"SHINSA_{service.upper()}_GRPC_PORT"] = "0"
        log = (self.mesh.state / "logs" / f"{service}-{len(self._copies)}.log").open("wb")
        process = subprocess.Popen(
            [sys.executable, "-m", f"shinsa_{service}"], env=environment, stdout=log, stderr=subprocess.STDOUT
        )
        return Copy(service, process)

    def _until_answering(self, service: str, wanted: int) -> None:
        deadline = time.monotonic() + 180
        while time.monotonic() < deadline:
            replicas = get(f"{self.mesh.url}/v1/replicas")["replicas"]
            if sum(one["service"] == service for one in replicas) >= wanted:
                return
        raise RuntimeError(f"{wanted} replicas of {service} do not answer")

    def pid(self, service: str) -> int:
        """The mesh's own process of a service, or of NATS."""
        children = json.loads((self.mesh.state / "mesh.json").read_text())["children"]
        return int(next(child["pid"] for child in children if child["name"] == service))

    def pids(self) -> dict[str, int]:
        """Every process by a readable name, such as ``judge 2``."""
        found = {service: self.pid(service) for service in (*SERVICES, "gateway", "nats")}
        counts: Counter[str] = Counter()
        for copy in self._copies:
            counts[copy.service] += 1
            found[f"{copy.service} {counts[copy.service] + 1}"] = copy.process.pid
        return found

    def cpu(self) -> dict[str, float]:
        """Seconds of processor time of each process so far."""
        return {name: cpu_seconds(pid) for name, pid in self.pids().items()}

    def memory(self) -> dict[str, int]:
        """Resident bytes of each process."""
        return {name: resident(pid) for name, pid in self.pids().items()}

    def peaks(self) -> dict[str, int]:
        """Most resident bytes of each process since ``forget_peaks``."""
        return {name: peak_memory(pid) for name, pid in self.pids().items()}

    def forget_peaks(self) -> None:
        for pid in self.pids().values():
            forget_peak(pid)

    def run(self, body: dict[str, Any]) -> dict[str, Any]:
        """The run that was begun."""
        return dict(get(f"{self.mesh.url}/v1/runs", body))

    def state(self, run_id: str) -> dict[str, Any]:
        return dict(get(f"{self.mesh.url}/v1/runs/{run_id}"))

    def finished(self, run_id: str) -> tuple[dict[str, Any], float]:
        """The run and its makespan in seconds. Raises where anything is missing or was counted twice."""
        while (run := self.state(run_id))["state"] in ("pending", "running"):
            time.sleep(0.2)
        progress = run["progress"]
        outcomes = progress["scored"] + progress["model_errors"]
        if run["state"] != "complete" or outcomes != progress["items"]:
            raise RuntimeError(f"the run is {run['state']}: {run.get('problem')} {progress}")
        return run, timestamp(run["finished_at"]) - timestamp(run["created_at"])

    def stages(self, run_id: str) -> dict[str, Stage]:
        """From the sample log, by kind of step."""
        with sqlite3.connect(f"file:{self.store / 'sample_log.sqlite3'}?mode=ro", uri=True) as log:
            spans = log.execute(
                "SELECT kind, max(finished_at) - min(started_at), count(*) FROM steps WHERE run_id = ? GROUP BY kind",
                (run_id,),
            ).fetchall()
            shares = log.execute(
                "SELECT kind, worker, count(*) FROM steps WHERE run_id = ? GROUP BY kind, worker", (run_id,)
            ).fetchall()
        stages = {kind: Stage(seconds, steps) for kind, seconds, steps in spans}
        for kind, worker, count in shares:
            stages[kind].workers[worker] = count
        return stages

    @property
    def store(self) -> Path:
        return self.mesh.state / "store"


def resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
    except OSError:
        return 0


def size_of(folders: Sequence[Path]) -> int:
    """Bytes of all files below."""
    return sum(file.stat().st_size for folder in folders for file in folder.rglob("*") if file.is_file())
