"""Both leaderboards' suites with a real model: vLLM, the jail and the judge, over a mesh of its own.

    .venv/bin/python bench/suites.py --data UPSTREAM --model FOLDER [--limit 20] [--max-tokens 16] [--suite nejumi4]

UPSTREAM holds the benchmarks' files by family; what is not there runs on its specimen. Prints for every benchmark and
shot count how many items were scored and how many could not be, and for every run how long it took. With ``--state`` a
folder keeps mesh, data and runs: the same command given again after a stop goes on where it was. Ends with 1 where a
run is not complete.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from processes import leave_cleanly

SHINSA = Path(sys.executable).with_name("shinsa")
SUITES = ("nejumi4", "open-ja")
ACTIVE = ("pending", "running")


class Examination:
    """A mesh below ``home`` and the runs that it has made, by suite."""

    def __init__(self, home: Path, options: argparse.Namespace) -> None:
        self._home, self._options = home, options
        self._runs = home / "runs.json"

    def shinsa(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "SHINSA_STATE": str(self._home / "mesh")}
        done = subprocess.run([SHINSA, *words], env=environment, stdout=subprocess.PIPE, text=True, check=False)
        if check and done.returncode:
            raise SystemExit(f"shinsa {' '.join(words)} ended with {done.returncode}")
        return done

    def start(self) -> None:
        data = self._home / "data"
        if not data.is_dir():
            self.shinsa("data", "prepare", "--from", self._options.data, "--data", str(data))
        self.shinsa("up", "--port", "0", "--data", str(data))
        add = ["models", "add", "examined", "--engine", "vllm", "--model", self._options.model, "--enforce-eager"]
        self.shinsa(*add, "--max-model-len", "8192", "--concurrency", str(self._options.concurrency), "--replace")

    def stop(self) -> None:
        self.shinsa("down", check=False)

    def run(self, suite: str) -> str:
        """Id of the suite's run, which is going on or over: a new one, or the one that was stopped."""
        runs = json.loads(self._runs.read_text()) if self._runs.is_file() else {}
        if suite not in runs:
            words = ["--model", "examined", "--suite", suite, "--limit", str(self._options.limit)]
            words += ["--judge", self._options.judge, "--set", f"max_tokens={self._options.max_tokens}"]
            runs[suite] = json.loads(self.shinsa("run", *words, "--no-wait", "--json").stdout)["id"]
            self._runs.write_text(json.dumps(runs))
            return str(runs[suite])
        if self.report(runs[suite])["run"]["state"] not in (*ACTIVE, "complete"):
            self.shinsa("resume", runs[suite], "--no-wait")
        return str(runs[suite])

    def report(self, run: str) -> Mapping[str, Any]:
        told = self.shinsa("report", run, "--json", check=False).stdout
        return dict(json.loads(told))


def examined(mesh: Examination, suite: str) -> bool:
    """Sees one suite through and prints what came of it; whether it is complete."""
    started = time.monotonic()
    run = mesh.run(suite)
    mesh.shinsa("watch", run, check=False)
    report = mesh.report(run)
    primary = [score for score in report["scores"] if score["primary"]]
    for score in primary:
        print(line(score), flush=True)
    items, scored = (sum(score[name] for score in primary) for name in ("items", "scored"))
    state = report["run"]["state"]
    print(f"{suite}: {state}, {scored} of {items} items scored, {time.monotonic() - started:.0f} s", flush=True)
    for one in report["reasons"]:
        if one["status"] != "scored":
            print(f"  {one['benchmark']}: {one['count']} × {one['status']} {one['reason']}", flush=True)
    return bool(state == "complete")


def line(score: Mapping[str, Any]) -> str:
    value = "not measured" if score["value"] is None else f"{score['value']:.3f}"
    asked = f"{score['scored']}/{score['items']} scored, {score['model_errors']} model errors"
    return f"  {score['benchmark']:22} @{score['shots']}  {value:>12}  {asked}, {score['infra_errors']} infra errors"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="folder of upstream data by family")
    parser.add_argument("--model", required=True, help="folder of a model's weights")
    parser.add_argument("--limit", type=int, default=20)
    parser.add_argument("--max-tokens", type=int, default=16)
    parser.add_argument("--concurrency", type=int, default=16, help="requests that the engine holds at once")
    parser.add_argument("--judge", default="scripted", help="judge profile; scripted says nothing of quality")
    parser.add_argument("--suite", action="append", choices=SUITES, help="default: both")
    parser.add_argument("--state", type=Path, help="folder that is kept, to go on after a stop (default: none)")
    options = parser.parse_args()
    leave_cleanly()
    with ExitStack() as stack:
        kept = options.state or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="shinsa-suites-")))
        kept.mkdir(parents=True, exist_ok=True)
        mesh = Examination(kept.resolve(), options)
        stack.callback(mesh.stop)
        mesh.start()
        whole = [examined(mesh, suite) for suite in options.suite or SUITES]
    return 0 if all(whole) else 1


if __name__ == "__main__":
    sys.exit(main())
