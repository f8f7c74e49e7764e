"""Whatever names something else in a rendering names something that is there: a misspelt selector is valid and dead."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

Workload = Any
Manifest = dict[str, Any]


def _of_kind(manifests: list[Manifest], *kinds: str) -> Iterator[Manifest]:
    return (manifest for manifest in manifests if manifest["kind"] in kinds)


def _selects(selector: Manifest, labels: dict[str, str]) -> bool:
    wanted = selector.get("matchLabels", {}).items() <= labels.items()
    return wanted and all(labels.get(one["key"]) in one["values"] for one in selector.get("matchExpressions", []))


def _chosen(workloads: list[Workload], namespace: str, selector: Manifest) -> list[Workload]:
    return [one for one in workloads if one.namespace == namespace and _selects(selector, one.labels)]


def _port_names(workload: Workload) -> set[str]:
    return {port["name"] for container in workload.containers for port in container.get("ports", [])}


def test_services_stand_before_pods_with_these_ports(manifests: list[Manifest], workloads: list[Workload]) -> None:
    for service in _of_kind(manifests, "Service"):
        name, namespace = service["metadata"]["name"], service["metadata"]["namespace"]
        (behind,) = _chosen(workloads, namespace, {"matchLabels": service["spec"]["selector"]})
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= _port_names(behind), name


def test_budgets_and_policies_select_pods(manifests: list[Manifest], workloads: list[Workload]) -> None:
    for one in _of_kind(manifests, "PodDisruptionBudget", "NetworkPolicy"):
        name, namespace = one["metadata"]["name"], one["metadata"]["namespace"]
        selector = one["spec"].get("podSelector", one["spec"].get("selector"))
        chosen = _chosen(workloads, namespace, selector)
        # Pods of patches are made while the mesh runs.
        assert chosen or namespace == "shinsa-instances", name
        named = {port["port"] for rule in one["spec"].get("ingress", []) for port in rule["ports"]}
        known = set().union(*(_port_names(workload) for workload in chosen))
        assert {port for port in named if isinstance(port, str)} <= known, name


def test_whatever_counts_something_is_scraped(manifests: list[Manifest], workloads: list[Workload]) -> None:
    monitors = list(_of_kind(manifests, "ServiceMonitor"))
    if not monitors:
        assert not list(_of_kind(manifests, "PrometheusRule")), "alerts over nothing"
        return
    scraped = set()
    for monitor in monitors:
        namespace = monitor["metadata"]["namespace"]
        found = [
            service
            for service in _of_kind(manifests, "Service")
            if service["metadata"]["namespace"] == namespace
            and _selects(monitor["spec"]["selector"], service["metadata"].get("labels", {}))
        ]
        assert found, monitor["metadata"]["name"]
        for service in found:
            # The alerts know services by their job, which is this label.
            assert service["metadata"]["labels"][monitor["spec"]["jobLabel"]] == monitor["metadata"]["name"]
            offered = {port["name"]: port["targetPort"] for port in service["spec"]["ports"]}
            for endpoint in monitor["spec"]["endpoints"]:
                assert offered[endpoint["port"]] == "metrics"
            (behind,) = _chosen(workloads, namespace, {"matchLabels": service["spec"]["selector"]})
            scraped.add(behind.name)
    assert scraped == {workload.name for workload in workloads if "metrics" in _port_names(workload)}


def test_scalers_have_targets_that_do_not_say_how_many(manifests: list[Manifest]) -> None:
    targets = {(m["metadata"]["namespace"], m["metadata"]["name"]): m for m in _of_kind(manifests, "Deployment")}
    scaled = []
    for scaler in _of_kind(manifests, "ScaledObject", "HorizontalPodAutoscaler"):
        reference = scaler["spec"]["scaleTargetRef"]
        target = targets[(scaler["metadata"]["namespace"], reference["name"])]
        scaled.append(reference["name"])
        assert "replicas" not in target["spec"], reference["name"]
        for container in target["spec"]["template"]["spec"]["containers"]:
            assert "cpu" in container["resources"]["requests"], "a share of nothing"
    assert len(scaled) == len(set(scaled)), "two scalers of one target fight"


def test_what_pods_mount_is_there(manifests: list[Manifest], workloads: list[Workload]) -> None:
    known = {(m["kind"], m["metadata"].get("namespace"), m["metadata"]["name"]) for m in manifests}
    for workload in workloads:
        for volume in workload.pod.get("volumes", []):
            for one in (volume, *volume.get("projected", {}).get("sources", [])):
                if "configMap" in one:
                    assert ("ConfigMap", workload.namespace, one["configMap"]["name"]) in known, workload.name
                if "persistentVolumeClaim" in one:
                    claim = one["persistentVolumeClaim"]["claimName"]
                    assert ("PersistentVolumeClaim", workload.namespace, claim) in known, workload.name
        mounted = [mount["name"] for container in workload.containers for mount in container.get("volumeMounts", [])]
        made = [volume["name"] for volume in workload.pod.get("volumes", [])]
        claimed = ["data"] if workload.kind == "StatefulSet" else []
        assert set(mounted) == {*made, *claimed}, workload.name


def _wanted_secrets(workloads: list[Workload]) -> Iterator[tuple[str, str, str]]:
    """Namespace, Secret and key that some pod cannot start without."""
    for workload in workloads:
        for container in workload.containers:
            for entry in container.get("env", []):
                if reference := entry.get("valueFrom", {}).get("secretKeyRef"):
                    yield workload.namespace, reference["name"], reference["key"]
        for volume in workload.pod.get("volumes", []):
            if "secret" in volume:
                yield workload.namespace, volume["secret"]["secretName"], ""


def test_examples_from_a_vault_hold_every_secret_that_base_wants(root: Path, workloads_of: Any) -> None:
    text = (root / "deploy/k8s/examples/external-secrets.yaml").read_text("utf-8")
    given: dict[tuple[str, str], set[str]] = {}
    for one in yaml.safe_load_all(text):
        keys = {entry["secretKey"] for entry in one["spec"].get("data", [])}
        given[(one["metadata"]["namespace"], one["spec"]["target"]["name"])] = keys
    for namespace, name, key in _wanted_secrets(workloads_of("base")):
        assert key in {"", *given[(namespace, name)]}, (namespace, name)
    mounted = next(w for w in workloads_of("base") if w.name == "gateway")
    told = {e["name"]: e.get("value", "") for e in mounted.containers[0]["env"]}
    assert Path(told["SHINSA_GATEWAY_API_KEYS_FILE"]).name in given[("shinsa", "shinsa-gateway")]


@pytest.mark.parametrize("example", ["ingress", "gateway-api"])
def test_the_way_in_leads_to_the_gateway(root: Path, example: str, rendered: Any) -> None:
    (manifest,) = yaml.safe_load_all((root / f"deploy/k8s/examples/{example}.yaml").read_text("utf-8"))
    (service,) = [one for one in _of_kind(rendered("overlays/prod"), "Service") if one["metadata"]["name"] == "gateway"]
    assert manifest["metadata"]["namespace"] == service["metadata"]["namespace"]
    ports = {port["name"]: port["port"] for port in service["spec"]["ports"]}
    if example == "ingress":
        (path,) = manifest["spec"]["rules"][0]["http"]["paths"]
        backend = path["backend"]["service"]
        assert (backend["name"], ports[backend["port"]["name"]]) == ("gateway", 8800)
    else:
        (backend,) = manifest["spec"]["rules"][0]["backendRefs"]
        assert (backend["name"], backend["port"]) == ("gateway", ports["http"])


def test_a_large_model_is_reached_by_inference_alone(root: Path, read_workloads: Any, workloads_of: Any) -> None:
    text = (root / "deploy/k8s/examples/vllm-leaderworkerset.yaml").read_text("utf-8")
    manifests = list(yaml.safe_load_all(text))
    leader, worker = read_workloads(manifests)
    (service,) = _of_kind(manifests, "Service")
    assert service["spec"]["selector"]["role"] == leader.labels["role"] != worker.labels["role"]
    assert {port["targetPort"] for port in service["spec"]["ports"]} <= _port_names(leader)
    policies = {one["metadata"]["namespace"]: one["spec"] for one in _of_kind(manifests, "NetworkPolicy")}
    (egress,) = policies["shinsa"]["egress"]
    for end, spec in (("to", egress), ("from", policies["models"]["ingress"][0])):
        (peer,) = spec[end]
        workload = leader if end == "to" else next(w for w in workloads_of("base") if w.name == "inference")
        assert peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"] == workload.namespace
        assert _selects(peer["podSelector"], workload.labels)
    assert policies["models"]["podSelector"]["matchLabels"].items() <= worker.labels.items()
    # Both halves speak of the same model and the same GPUs.
    assert leader.containers[0]["args"] == worker.containers[0]["args"]
    assert leader.containers[0]["command"][2] == worker.containers[0]["command"][2]
