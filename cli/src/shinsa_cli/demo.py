"""``make demo``: the whole mesh on this machine, told as the commands that a person would type."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import time
from pathlib import Path

MODEL = "smollm2-135m"
MODEL_FOLDER = Path(".models") / MODEL
STATE = Path(".shinsa") / "demo"
SHINSA = Path(sys.executable).with_name("shinsa")


def main() -> int:
    """Runs the demo and returns its exit code: 0 only if the run is complete."""
    started = time.monotonic()
    environment = os.environ | {"SHINSA_STATE": str(STATE)}
    models = [str(SHINSA), "models"]
    _do([*models, "fetch-small", str(MODEL_FOLDER)], environment)
    # The first start of all compiles every module, beside whatever else the machine does.
    up = [str(SHINSA), "up", "--port", os.environ.get("SHINSA_DEMO_PORT", "8800"), "--wait-seconds", "600"]
    _do(up, environment)
    try:
        engine = ["--engine", "vllm", "--model", str(MODEL_FOLDER.resolve()), "--max-model-len", "4096"]
        _do([*models, "add", MODEL, *engine, "--enforce-eager", "--concurrency", "32", "--replace"], environment)
        code = _do([str(SHINSA), "run", "--model", MODEL, "--suite", "demo", "--wait"], environment, check=False)
        _do([str(SHINSA), "board", "show", "first_slice"], environment)
        _show_where_to_look(environment)
    finally:
        _do([str(SHINSA), "down"], environment)
    _say(f"done in {time.monotonic() - started:.0f} s; the state is kept in {STATE}")
    return code


def _show_where_to_look(environment: dict[str, str]) -> None:
    run_id = _newest_run(environment)
    item_id = _first_item(run_id, environment)
    _do([str(SHINSA), "item", item_id], environment)
    _say("where to look next")
    for line in (
        "export SHINSA_STATE=" + str(STATE),
        "shinsa up                                 # the mesh again, with everything that it knows",
        f"shinsa report {run_id}   # scores, reasons, provenance",
        f"shinsa items {run_id} --wrong",
        f"shinsa item {item_id}   # one sample: prompt, reply, verdict",
        "shinsa down",
    ):
        sys.stdout.write(f"    {line}\n")


def _newest_run(environment: dict[str, str]) -> str:
    runs = json.loads(_read([str(SHINSA), "runs", "--json"], environment))
    return str(runs["runs"][0]["id"])


def _first_item(run_id: str, environment: dict[str, str]) -> str:
    command = [str(SHINSA), "items", run_id, "--benchmark", "mt_bench_ja", "--limit", "1", "--json"]
    return str(json.loads(_read(command, environment))["items"][0]["id"])


def _do(command: list[str], environment: dict[str, str], *, check: bool = True) -> int:
    _say(shlex.join(["shinsa", *command[1:]]))
    code = subprocess.run(command, env=environment, check=False).returncode  # noqa: S603 - our own command line
    if check and code:
        raise SystemExit(code)
    return code


def _read(command: list[str], environment: dict[str, str]) -> str:
    return subprocess.run(  # noqa: S603 - our own command line
        command, env=environment, check=True, stdout=subprocess.PIPE, text=True
    ).stdout


def _say(text: str) -> None:
    sys.stdout.write(f"\n\033[1m$ {text}\033[0m\n" if sys.stdout.isatty() else f"\n$ {text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main())
