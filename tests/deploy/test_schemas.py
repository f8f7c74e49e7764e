"""Every manifest against the schema of its kind: Kubernetes' own, strictly, and for custom kinds those in schemas/."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

Manifest = dict[str, Any]
SCHEMAS = Path(__file__).parent / "schemas"
# The oldest that the manifests are written for, and the newest that the package knows.
OLDEST = "1.33"


def _validate(manifest: Manifest, version: str) -> None:
    _validate_text(json.dumps(manifest), version)


@cache
def _validate_text(text: str, version: str) -> None:
    """Overlays have most manifests in common; each is validated once."""
    manifest = json.loads(text)
    kubernetes_validate = pytest.importorskip(
        "kubernetes_validate", reason="NOT CHECKED: kubernetes-validate is missing; pip install kubernetes-validate"
    )
    custom = SCHEMAS / f"{manifest['apiVersion'].replace('/', '_')}_{manifest['kind']}.json"
    if custom.exists():
        jsonschema = pytest.importorskip("jsonschema")
        jsonschema.Draft202012Validator(json.loads(custom.read_text("utf-8"))).validate(manifest)
    else:
        kubernetes_validate.validate(manifest, version or kubernetes_validate.latest_version(), strict=True)


@pytest.mark.parametrize("version", [OLDEST, ""], ids=["oldest", "newest"])
def test_manifests_are_valid(manifests: list[Manifest], version: str) -> None:
    for manifest in manifests:
        _validate(manifest, version)


def test_manifests_are_many_and_unique(manifests: list[Manifest]) -> None:
    keys = [(m["kind"], m["metadata"].get("namespace", ""), m["metadata"]["name"]) for m in manifests]
    assert len(keys) > 40
    assert len(set(keys)) == len(keys)


EXAMPLES = sorted((Path(__file__).parents[2] / "deploy/k8s/examples").glob("*.yaml"))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
@pytest.mark.parametrize("version", [OLDEST, ""], ids=["oldest", "newest"])
def test_examples_are_valid(example: Path, version: str, read_workloads: Callable[[list[Manifest]], list[Any]]) -> None:
    manifests = list(yaml.safe_load_all(example.read_text("utf-8")))
    assert manifests
    for manifest in manifests:
        _validate(manifest, version)
    # A pod inside a custom kind is held to Kubernetes' own schema, as one of its own.
    for one in read_workloads(manifests):
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": one.name}, "spec": one.pod}
        _validate(pod, version)


def test_every_component_is_in_something_that_is_checked(root: Path) -> None:
    """What nobody renders nobody checks."""
    folder = root / "deploy/k8s"
    checked = [*(folder / "overlays").glob("*/kustomization.yaml"), folder / "examples/fleet/kustomization.yaml"]
    named = {
        Path(one).name for path in checked for one in yaml.safe_load(path.read_text("utf-8")).get("components", [])
    }
    assert named == {path.name for path in (folder / "components").iterdir() if path.is_dir()}


def test_a_misspelt_field_is_found(rendered: Callable[[str], list[Manifest]]) -> None:
    """The checks above can fail: for a built-in kind and for a custom one."""
    pytest.importorskip("kubernetes_validate", reason="NOT CHECKED: pip install kubernetes-validate")
    examples = [manifest for path in EXAMPLES for manifest in yaml.safe_load_all(path.read_text("utf-8"))]
    by_kind = {manifest["kind"]: manifest for manifest in (*rendered("examples/fleet"), *examples)}
    custom = {path.stem.rpartition("_")[2] for path in SCHEMAS.iterdir()}
    assert custom <= by_kind.keys()
    for kind in ("Deployment", "CronJob", *sorted(custom)):
        broken = copy.deepcopy(by_kind[kind])
        broken["spec"]["replcas"] = 1
        with pytest.raises(Exception, match="replcas"):
            _validate(broken, "")
