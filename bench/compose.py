"""The whole mesh in containers, as docs/deploy.md says, while one container after the other is killed.

Copies .env.example, fills in the secrets, builds the images, brings the mesh up and examines a model that answers by
rule: sums, programs that are executed, conversations that are judged. The same run is then repeated slowly while every
container in turn is killed and started again; its report must be the undisturbed one. At the end the mesh is taken down
and brought up again: the runs must still be there. With --weights a model in vLLM, on the processor, answers sums too.
Needs a Docker engine (DOCKER_HOST) with Compose 2.24 or later; where no registry can be reached, name images of your
own.

    .venv/bin/python bench/compose.py [--tls] [--weights FOLDER] [--skip-build]
        [--base IMAGE] [--nats IMAGE] [--postgres IMAGE]
"""

from __future__ import annotations

import argparse
import os
import re
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from processes import free_port, leave_cleanly
from through_gateway import (
    PATIENCE_SECONDS,
    Gateway,
    asked_again,
    ended_items,
    outcome,
    prepare_data,
    under_way,
    write_models,
)

COMPOSE = Path(__file__).parents[1] / "deploy" / "compose"
LATENCY_SECONDS = 1.0
WEIGHTS = """
[[model]]
name = "weights"
vllm = { model = "/weights", max_model_len = 1024, max_num_seqs = 16 }
"""
WEIGHED_SAMPLES = 20


class Composed:
    """One mesh of containers with a project name, data and secrets of its own."""

    def __init__(self, folder: Path, options: argparse.Namespace) -> None:
        self.folder = folder
        self.port = free_port()
        self.key = secrets.token_hex(32)
        self._files = ["compose.yaml", *(["compose.tls.yaml"] if options.tls else [])]
        self._environment = {name: value for name, value in os.environ.items() if not name.startswith("SHINSA_")}
        self._write_settings(options)

    def _write_settings(self, options: argparse.Namespace) -> None:
        changed = {
            "SHINSA_API_KEY": self.key,
            "SHINSA_PUBLISH": f"127.0.0.1:{self.port}",
            "SHINSA_DATA_DIR": str(self.folder / "data"),
            "SHINSA_CONFIG_DIR": str(self.folder / "config"),
            "SHINSA_MODELS_DIR": str(options.weights.resolve() if options.weights else self.folder / "models"),
            "COMPOSE_PROFILES": "cpu" if options.weights else "endpoint",
            "SHINSA_TLS_DIR": str(self.folder / "tls"),
            "PYTHON_IMAGE": options.base,
            "SHINSA_NATS_IMAGE": options.nats,
            "SHINSA_POSTGRES_IMAGE": options.postgres,
        }
        lines = (COMPOSE / ".env.example").read_text("utf-8").splitlines()
        # What must be filled in is a name without a value.
        filled = [f"{line}{secrets.token_hex(32)}" if re.fullmatch(r"\w+=", line) else line for line in lines]
        own = [f"{name}={value}" for name, value in changed.items() if value]
        (self.folder / "env").write_text("\n".join([*filled, *own, ""]), "utf-8")

    def compose(self, *words: str) -> str:
        files = [word for file in self._files for word in ("--file", str(COMPOSE / file))]
        return self.docker(
            "compose", "--project-name", "shinsa-trial", "--env-file", f"{self.folder}/env", *files, *words
        )

    def docker(self, *words: str) -> str:
        """What the command says. Raises ``RuntimeError`` with all of it if it fails."""
        done = subprocess.run(["docker", *words], env=self._environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"docker {' '.join(words)} → {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def up(self) -> float:
        """Brings it up as documented; the seconds until all is healthy."""
        began = time.monotonic()
        self.compose("up", "--detach", "--wait")
        return time.monotonic() - began

    def containers(self) -> list[str]:
        return sorted(self.compose("ps", "--format", "{{.Name}}").split())

    def kill(self, container: str) -> float:
        """Kills and starts it; the seconds until it is healthy again."""
        began = time.monotonic()
        self.docker("kill", container)
        self.docker("start", container)
        while self.docker("inspect", "--format", "{{.State.Health.Status}}", container).strip() != "healthy":
            if time.monotonic() - began > PATIENCE_SECONDS:
                raise RuntimeError(f"{container} does not come back:\n{self.docker('logs', '--tail', '20', container)}")
            time.sleep(0.5)
        return time.monotonic() - began


def prepare(composed: Composed, options: argparse.Namespace) -> None:
    """Data, configuration and folders, readable for the user of the containers."""
    folder = composed.folder
    prepare_data(folder, options.items)
    (folder / "config").mkdir()
    (folder / "models").mkdir()
    (folder / "config" / "judges.toml").write_bytes((COMPOSE / "config" / "judges.toml").read_bytes())
    models = folder / "config" / "models.toml"
    write_models(models, {"quick": 0.0, "slow": LATENCY_SECONDS})
    if options.weights:
        models.write_text(models.read_text("utf-8") + WEIGHTS, "utf-8")
    subprocess.run(["chmod", "--recursive", "a+rX", folder], check=True)


def besieged(composed: Composed, gateway: Gateway, run_id: str) -> None:
    """Kills every container once while the run goes on."""
    victims = composed.containers()
    before = -1
    for victim in victims:
        while (done := ended_items(run := gateway.run(run_id))) <= before and under_way(run):
            time.sleep(0.2)
        if not under_way(run):
            raise RuntimeError(f"the run was over before {victim} could be killed: take more --items")
        before = done
        seconds = composed.kill(victim)
        print(f"  {done:>6} items ended, killed {victim}, healthy again after {seconds:.0f} s", flush=True)


def weighed(gateway: Gateway) -> None:
    """A few sums answered by vLLM in its container."""
    began = time.monotonic()
    run_id = gateway.begin("weights", ["mawps"], limit=WEIGHED_SAMPLES, overrides={"mawps.max_tokens": "16"})
    report = gateway.finished(run_id)
    tokens, seconds = report["tokens"]["completion_tokens"], time.monotonic() - began
    engines = ", ".join(report["provenance"]["engine_fingerprints"])
    print(f"{WEIGHED_SAMPLES} answers of {tokens} tokens by {engines}; {seconds:.0f} s with loading", flush=True)


def measure(options: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        composed = Composed(Path(name), options)
        gateway = Gateway(f"http://127.0.0.1:{composed.port}", composed.key)
        prepare(composed, options)
        if options.tls:
            subprocess.run([COMPOSE / "certificates.sh", composed.folder / "tls"], check=True, capture_output=True)
        try:
            if not options.skip_build:
                composed.compose("build")
            print(f"up and healthy after {composed.up():.0f} s: {', '.join(composed.containers())}", flush=True)
            gateway.register(composed.folder / "config" / "models.toml")
            if options.weights:
                weighed(gateway)
            calm = gateway.finished(gateway.begin("quick"))
            run_id = gateway.begin("slow")
            besieged(composed, gateway, run_id)
            stormy = gateway.finished(run_id)
            verdict(calm, stormy)
            composed.compose("down")
            composed.up()
            kept = gateway.report(run_id)
            print(f"down and up: {'the report is still there' if kept == stormy else 'THE REPORT IS ANOTHER'}")
        finally:
            composed.compose("down", "--volumes", "--timeout", "20")


def verdict(calm: dict[str, Any], stormy: dict[str, Any]) -> None:
    same = outcome(calm) == outcome(stormy)
    again, needed = asked_again(stormy)
    print(f"report of the run under fire: {'as undisturbed' if same else 'DIFFERS'}")
    print(f"asked again: {again} of {needed} steps ({again / needed:.1%})")
    if not same:
        raise SystemExit(1)


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tls", action="store_true", help="with certificates between all services")
    parser.add_argument("--weights", type=Path, help="folder of a small model, for vLLM on the processor")
    parser.add_argument("--skip-build", action="store_true", help="take the images that are there")
    parser.add_argument("--items", type=int, default=2000, help="sums; programs and conversations are a tenth each")
    parser.add_argument("--base", default="", help="image of Python 3.11 instead of the published one")
    parser.add_argument("--nats", default="", help="image of NATS instead of the published one")
    parser.add_argument("--postgres", default="", help="image of PostgreSQL instead of the published one")
    leave_cleanly()
    measure(parser.parse_args(arguments))


if __name__ == "__main__":
    main(sys.argv[1:])
