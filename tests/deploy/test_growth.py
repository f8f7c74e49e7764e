"""A component can be added to a mesh that runs: what Kubernetes does not let change stays as it is."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

Manifest = dict[str, Any]
KUBERNETES = Path(__file__).parents[2] / "deploy/k8s"
COMPONENTS = sorted(path.name for path in (KUBERNETES / "components").iterdir() if path.is_dir())
# Of a StatefulSet these alone may change.
CHANGEABLE = {
    "replicas",
    "ordinals",
    "template",
    "updateStrategy",
    "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy",
    "minReadySeconds",
}


def fixed(manifests: list[Manifest]) -> dict[tuple[str, str], Manifest]:
    """What of each workload is decided when it is made."""
    found = {}
    for one in manifests:
        place = (one["kind"], one["metadata"]["name"])
        if one["kind"] == "StatefulSet":
            found[place] = {name: value for name, value in one["spec"].items() if name not in CHANGEABLE}
        elif one["kind"] == "Deployment":
            found[place] = {"selector": one["spec"]["selector"]}
    return found


@pytest.mark.parametrize("component", COMPONENTS)
def test_a_component_can_be_added_later(
    component: str, rendered: Callable[[str], list[Manifest]], tmp_path: Path
) -> None:
    overlay = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": [os.path.relpath(KUBERNETES / "overlays/dev", tmp_path)],
        "components": [os.path.relpath(KUBERNETES / "components" / component, tmp_path)],
    }
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(overlay), "utf-8")
    before, after = fixed(rendered("overlays/dev")), fixed(rendered(str(tmp_path)))
    assert before.keys() <= after.keys()
    assert {place: after[place] for place in before} == before
