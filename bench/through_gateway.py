"""A mesh that somebody else runs, examined by way of its gateway: the same sums, programs and conversations for all."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from mesh import SHINSA
from pipeline import write_upstream
from sums import write_samples

BENCHMARKS = ("mawps", "jhumaneval", "mt_bench_ja")
PROGRAM = "```python\ndef solve(x):\n    return x + 1\n```"
MODEL = """
[[model]]
name = "{name}"
concurrency = {concurrency}
[model.scripted]
otherwise = "5"
latency_seconds = {latency}
rules = [{{ pattern = "関数|def ", reply = {program} }}]
"""
PATIENCE_SECONDS = 600.0


def write_models(file: Path, latency: dict[str, float], concurrency: int = 16) -> None:
    """Models that answer by rule, each after the seconds that its name says."""
    program = json.dumps(PROGRAM)
    entries = [MODEL.format(name=n, latency=s, program=program, concurrency=concurrency) for n, s in latency.items()]
    file.write_text("".join(entries), "utf-8")


def prepare_data(folder: Path, items: int) -> Path:
    """A folder of prepared data: ``items`` sums, a tenth as many programs and conversations."""
    write_samples(folder / "upstream", items)
    write_upstream(folder / "upstream", items // 10, items // 10)
    command = [SHINSA, "data", "prepare", "--data", folder / "data", "--from", folder / "upstream", *BENCHMARKS]
    subprocess.run(command, check=True, capture_output=True)
    return folder / "data"


class Gateway:
    """The gateway at an address that may be away for a while."""

    def __init__(self, url: str, key: str) -> None:
        self.url, self.key = url, key

    def ask(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """Its answer. Raises ``RuntimeError`` where it refuses, or ``OSError`` where it stays away."""
        data = None if body is None else json.dumps(body).encode()
        head = {"content-type": "application/json", "authorization": f"Bearer {self.key}"}
        if body is not None:
            # The same order sent again is one order.
            head["idempotency-key"] = secrets.token_hex(16)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            request = urllib.request.Request(f"{self.url}{path}", data, head)
            try:
                with urllib.request.urlopen(request, timeout=30) as answer:
                    return json.loads(answer.read())
            except urllib.error.HTTPError as error:
                if error.code < 500 or time.monotonic() > deadline:
                    raise RuntimeError(f"{path}: {error.code} {error.read().decode()}") from error
            except (OSError, ValueError):
                if time.monotonic() > deadline:
                    raise
            time.sleep(0.5)

    def register(self, models: Path) -> None:
        """As documented: with the command line."""
        environment = os.environ | {"SHINSA_SERVER": self.url, "SHINSA_API_KEY": self.key}
        command = [SHINSA, "models", "add", "--file", models]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
        if done.returncode:
            raise RuntimeError(f"shinsa models add → {done.returncode}\n{done.stdout}\n{done.stderr}")

    def begin(self, model: str, benchmarks: Sequence[str] = BENCHMARKS, **more: Any) -> str:
        wanted = [{"benchmark": name, "shots": [0]} for name in benchmarks]
        return str(self.ask("/v1/runs", {"model": model, "benchmarks": wanted, **more})["id"])

    def run(self, run_id: str) -> dict[str, Any]:
        return dict(self.ask(f"/v1/runs/{run_id}"))

    def report(self, run_id: str) -> dict[str, Any]:
        return dict(self.ask(f"/v1/runs/{run_id}/report"))

    def finished(self, run_id: str) -> dict[str, Any]:
        """Its report. Raises where it did not end complete."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while under_way(run := self.run(run_id)):
            if time.monotonic() > deadline:
                raise RuntimeError(f"the run is not over: {json.dumps(run)}")
            time.sleep(0.5)
        if run["state"] != "complete":
            raise RuntimeError(f"the run is {run['state']}: {run.get('problem')} {run['progress']}")
        return self.report(run_id)


def under_way(run: dict[str, Any]) -> bool:
    return run["state"] in ("pending", "running")


def ended_items(run: dict[str, Any]) -> int:
    progress = run["progress"]
    return int(progress["scored"] + progress["model_errors"] + progress["infra_errors"])


def outcome(report: dict[str, Any]) -> dict[str, Any]:
    """What must not depend on who was killed."""
    return {name: report[name] for name in ("scores", "reasons")}


def asked_again(report: dict[str, Any]) -> tuple[int, int]:
    """How many steps were asked a second time, and how many the run needed."""
    return int(report["ledger"]["steps_asked_again"]), int(report["ledger"]["steps_needed"])


def wait_for(holds: Callable[[], bool], what: str, seconds: float = PATIENCE_SECONDS) -> float:
    """The seconds until ``holds``. Raises ``RuntimeError`` that names ``what`` if that takes too long."""
    began = time.monotonic()
    while not holds():
        if time.monotonic() - began > seconds:
            raise RuntimeError(f"{what}: not within {seconds:.0f} s")
        time.sleep(0.5)
    return time.monotonic() - began
