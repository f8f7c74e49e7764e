"""A whole mesh under measurement, and the mock endpoint beside it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from processes import cpu_seconds, forget_peak, free_port, leave_cleanly, peak_memory, processes_below

HERE = Path(__file__).parent
SHINSA = Path(sys.executable).with_name("shinsa")


def get(url: str, body: dict[str, Any] | None = None, method: str | None = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"content-type": "application/json"}, method=method)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.loads(answer.read() or b"null")


class Endpoint:
    """The mock endpoint in a process of its own."""

    def __init__(self, latency: float) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/v1"
        self.process = subprocess.Popen(
            [sys.executable, HERE / "mock_endpoint.py", "--port", str(self.port), "--latency", str(latency)]
        )
        for _ in range(200):
            try:
                get(f"{self.url}/stats")
                return
            except OSError:
                time.sleep(0.05)
        raise RuntimeError("the mock endpoint did not start")

    def reset(self) -> None:
        get(f"{self.url}/reset", {})

    def stats(self) -> dict[str, Any]:
        return dict(get(f"{self.url}/stats"))

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()


class Mesh:
    """A whole mesh with one state directory, started and stopped by the command line."""

    def __init__(
        self,
        state: Path,
        upstream: Path,
        benchmarks: Sequence[str] = ("mawps",),
        options: Sequence[str] = (),
        **settings: str,
    ) -> None:
        self.state = state
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = os.environ | {
            "SHINSA_STATE": str(state),
            "SHINSA_SANDBOX_SLOTS": "1",
            **settings,
        }
        leave_cleanly()
        self.shinsa("data", "prepare", "--from", str(upstream), *benchmarks)
        try:
            self.shinsa("up", "--port", str(self.port), *options)
        except BaseException:
            self.stop()
            raise
        self.pids = processes_below(int(json.loads((state / "mesh.json").read_text())["supervisor_pid"]))

    def shinsa(self, *arguments: str) -> str:
        done = subprocess.run([SHINSA, *arguments], env=self.environment, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"shinsa {' '.join(arguments)}: {done.stdout}{done.stderr}")
        return done.stdout

    def cpu(self) -> dict[str, float]:
        return {name: cpu_seconds(pid) for pid, name in self.pids.items()}

    def peaks(self) -> dict[str, int]:
        """Most resident bytes of each process since ``forget_peaks``."""
        return {name: peak_memory(pid) for pid, name in self.pids.items()}

    def forget_peaks(self) -> None:
        for pid in self.pids:
            forget_peak(pid)

    def run(self, model: str, limit: int) -> tuple[dict[str, Any], float, dict[str, float]]:
        """The finished run of so many samples, the wall seconds it took, and the CPU seconds of each process."""
        before, started = self.cpu(), time.time()
        run = get(
            f"{self.url}/v1/runs",
            {"model": model, "benchmarks": [{"benchmark": "mawps", "shots": [0]}], "limit": limit},
        )
        while run["state"] in ("pending", "running"):
            time.sleep(0.1)
            run = get(f"{self.url}/v1/runs/{run['id']}")
        after = self.cpu()
        if run["state"] != "complete":
            raise RuntimeError(f"the run is {run['state']}: {run.get('problem')}")
        if (asked := int(run["progress"]["items"])) != limit:
            raise RuntimeError(f"the run asked {asked} samples instead of {limit}")
        wall = timestamp(run["finished_at"]) - started
        return run | {"submitted": started}, wall, {name: after[name] - before[name] for name in after}

    def score(self, run_id: str) -> float:
        report = get(f"{self.url}/v1/runs/{run_id}/report")
        return float(next(score["value"] for score in report["scores"] if score["primary"]))

    def stop(self) -> None:
        self.shinsa("down")


def timestamp(text: str) -> float:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
