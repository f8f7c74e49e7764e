"""An overlay over an overlay: models that answer by rule, and questions for them, without a volume."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import yaml
from through_gateway import prepare_data, write_models

LATENCY_SECONDS = 1.0
AT_ONCE = 4


def write_trial(folder: Path, overlay: Path, namespace: str, items: int) -> None:
    """An overlay over the overlay: models that answer by rule, and questions for them in ConfigMaps."""
    write_models(folder / "models.toml", {"quick": 0.0, "slow": LATENCY_SECONDS}, AT_ONCE)
    data = prepare_data(folder, items)
    files = sorted(path for path in data.rglob("*") if path.is_file())
    names = {f"trial-data-{number}": path for number, path in enumerate(files)}
    sources = [
        {"configMap": {"name": name, "items": [{"key": path.name, "path": str(path.relative_to(data))}]}}
        for name, path in names.items()
    ]
    container = {
        "name": "orchestrator",
        "env": [{"name": "SHINSA_ORCHESTRATOR_DATA_DIR", "value": "/trial"}],
        "volumeMounts": [{"name": "trial", "mountPath": "/trial", "readOnly": True}],
    }
    volumes = [{"name": "trial", "projected": {"sources": sources}}]
    patch = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "orchestrator", "namespace": namespace},
        "spec": {"template": {"spec": {"containers": [container], "volumes": volumes}}},
    }
    maps: list[dict[str, Any]] = [
        {"name": name, "namespace": namespace, "files": [str(path.relative_to(folder))]} for name, path in names.items()
    ]
    kustomization = {
        "resources": [os.path.relpath(overlay.resolve(), folder.resolve())],
        "generatorOptions": {"disableNameSuffixHash": True},
        "configMapGenerator": [
            {"name": "models", "namespace": namespace, "behavior": "merge", "files": ["models.toml"]},
            *maps,
        ],
        "patches": [{"patch": yaml.safe_dump(patch)}],
    }
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(kustomization), "utf-8")
