"""What no pod of ours may do, and the two things beyond that which the sandbox alone is granted."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

Workload = Any
Manifest = dict[str, Any]

_PINNED = re.compile(r"(@sha256:[0-9a-f]{64}|:(?!latest$)[\w][\w.-]*)$")
_HOST_SHARING = ("hostNetwork", "hostPID", "hostIPC")


def _containers(workloads: list[Workload]) -> Iterator[tuple[str, Manifest, Manifest]]:
    for workload in workloads:
        for container in workload.containers:
            yield f"{workload.name}/{container['name']}", workload.pod, container


def test_there_is_something_to_check(workloads: list[Workload]) -> None:
    assert {"gateway", "orchestrator", "inference", "judge", "sandbox", "nats", "migrate"} <= {
        w.name for w in workloads
    }


def test_no_privilege(workloads: list[Workload]) -> None:
    for name, _, container in _containers(workloads):
        security = container["securityContext"]
        assert not security.get("privileged"), name
        assert security["allowPrivilegeEscalation"] is False, name
        assert security["capabilities"] == {"drop": ["ALL"]}, name
        assert security["readOnlyRootFilesystem"] is True, name


def test_not_root_and_filtered(workloads: list[Workload]) -> None:
    for workload in workloads:
        security = workload.pod["securityContext"]
        if security["runAsUser"] == 0:
            # To write its own control groups; such a root is nobody on the node.
            assert (workload.name, workload.pod["hostUsers"]) == ("sandbox", False)
            assert workload.pod["runtimeClassName"] == "shinsa-cgroups"
        else:
            assert security["runAsNonRoot"] is True, workload.name
            assert security["runAsUser"] >= 999, workload.name
        wanted = {"RuntimeDefault", "Localhost"} if workload.name == "sandbox" else {"RuntimeDefault"}
        assert security["seccompProfile"]["type"] in wanted, workload.name
        for container in workload.containers:
            assert not {"runAsUser", "runAsNonRoot", "seccompProfile"} & set(container["securityContext"]), (
                workload.name
            )


def test_nothing_of_the_node(workloads: list[Workload]) -> None:
    for workload in workloads:
        assert not any(workload.pod.get(shared) for shared in _HOST_SHARING), workload.name
        for volume in workload.pod.get("volumes", []):
            assert "hostPath" not in volume, f"{workload.name}: {volume['name']}"
        for container in workload.containers:
            assert not any("hostPort" in port for port in container.get("ports", [])), workload.name


def test_own_service_account_without_token(workloads: list[Workload], manifests: list[Manifest]) -> None:
    accounts = {
        (m["metadata"]["namespace"], m["metadata"]["name"]): m for m in manifests if m["kind"] == "ServiceAccount"
    }
    for workload in workloads:
        account = accounts.get((workload.namespace, workload.pod.get("serviceAccountName", "default")))
        assert account is not None, f"{workload.name} runs under the default service account"
        assert account["automountServiceAccountToken"] is False, workload.name
        # One service speaks to the API, and what it may there is checked in test_kubepod.py.
        speaks = workload.name == "sandbox-repository"
        assert workload.pod["automountServiceAccountToken"] is speaks, workload.name
        assert workload.pod["enableServiceLinks"] is False, workload.name
    rights = [m for m in manifests if m["kind"] in ("Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding")]
    assert {m["metadata"]["name"] for m in rights} <= {"sandbox-repository"}


def test_requests_and_limits(workloads: list[Workload]) -> None:
    for name, _, container in _containers(workloads):
        for side in ("requests", "limits"):
            assert {"cpu", "memory", "ephemeral-storage"} <= set(container["resources"][side]), f"{name}: {side}"
    for volume in [volume for workload in workloads for volume in workload.pod.get("volumes", [])]:
        assert "emptyDir" not in volume or "sizeLimit" in volume["emptyDir"], volume["name"]


def test_images_are_pinned(workloads: list[Workload]) -> None:
    for name, _, container in _containers(workloads):
        assert _PINNED.search(container["image"]), f"{name}: {container['image']}"


def test_probes(workloads: list[Workload]) -> None:
    for workload in workloads:
        for container in workload.pod["containers"]:
            if workload.kind not in ("Job", "CronJob"):
                assert "readinessProbe" in container, f"{workload.name}/{container['name']}"
            service = workload.name.partition("-")[0]
            if service in ("orchestrator", "inference", "judge", "sandbox") and workload.kind == "Deployment":
                ports = {port["name"]: port["containerPort"] for port in container["ports"]}
                # With TLS at the door, health has one of its own.
                told = {entry["name"]: entry.get("value") for entry in container.get("env", [])}
                health = told.get(f"SHINSA_{service.upper()}_HEALTH_PORT", ports["grpc"])
                assert container["readinessProbe"]["grpc"]["port"] == int(health), workload.name


def test_priority_spread_and_disruption(workloads: list[Workload], manifests: list[Manifest]) -> None:
    classes = {m["metadata"]["name"] for m in manifests if m["kind"] == "PriorityClass"}
    budgets = {m["metadata"]["name"] for m in manifests if m["kind"] == "PodDisruptionBudget"}
    for workload in workloads:
        assert workload.pod["priorityClassName"] in classes, workload.name
        if workload.kind not in ("Job", "CronJob") and workload.name != "postgres":
            assert workload.pod["topologySpreadConstraints"], workload.name
            assert workload.name in budgets


def test_only_the_sandbox_asks_for_more(workloads: list[Workload], request: pytest.FixtureRequest) -> None:
    for workload in workloads:
        if workload.name == "sandbox" and any(f"overlays/{kind}" in request.node.name for kind in ("gvisor", "tier2")):
            continue  # below, with what they change
        asked = {key for key in ("hostUsers", "runtimeClassName") if key in workload.pod}
        for container in workload.containers:
            asked |= {"procMount", "appArmorProfile"} & set(container["securityContext"])
        if workload.name == "sandbox":
            assert asked == {"hostUsers", "procMount", "appArmorProfile"}
            assert workload.pod["hostUsers"] is False
            assert workload.namespace == "shinsa-sandbox"
        else:
            assert not asked, workload.name


def test_gvisor_takes_it_back(
    workloads_of: Callable[[str], list[Workload]], rendered: Callable[[str], list[Manifest]]
) -> None:
    sandbox = next(w for w in workloads_of("overlays/gvisor") if w.name == "sandbox")
    assert sandbox.pod["runtimeClassName"] == "gvisor"
    assert "hostUsers" not in sandbox.pod
    assert sandbox.pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert not {"procMount", "appArmorProfile"} & set(sandbox.containers[0]["securityContext"])
    for manifest in rendered("overlays/gvisor"):
        if manifest["kind"] == "Namespace":
            assert manifest["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


TIERS = {"base": ("1", "1"), "overlays/prod": ("1", "1"), "overlays/gvisor": ("1", "1"), "overlays/tier2": ("2", "4")}


@pytest.mark.parametrize("folder", sorted(TIERS))
def test_a_tier_comes_with_its_settings(folder: str, workloads_of: Callable[[str], list[Workload]]) -> None:
    """Where the kernel limits the pod alone, one program at a time; where it limits each, one for each processor."""
    sandbox = next(w for w in workloads_of(folder) if w.name == "sandbox")
    (container,) = sandbox.containers
    environment = {entry["name"]: entry.get("value") for entry in container["env"]}
    tier, slots = environment["SHINSA_SANDBOX_TIER_REQUIRED"], environment["SHINSA_SANDBOX_SLOTS"]
    assert (tier, slots) == TIERS[folder]
    assert container["resources"]["limits"]["cpu"] == slots
    assert (sandbox.pod["securityContext"]["runAsUser"] == 0) is (tier == "2")


def test_secrets_are_references(manifests: list[Manifest], request: pytest.FixtureRequest) -> None:
    """No value of a secret anywhere but in the overlay that says it is for trying."""
    if "dev" not in request.node.name:
        assert not [m["metadata"]["name"] for m in manifests if m["kind"] == "Secret"]
    for manifest in manifests:
        if manifest["kind"] == "ConfigMap":
            assert "api_key =" not in str(manifest["data"])


# Who may hold what: each Secret with its keys, ``*`` for all of them.
_HELD = {
    "gateway": {("shinsa-gateway", "*")},
    "orchestrator": {
        ("shinsa-nats", "orchestrator"),
        ("shinsa-databases", "results-url"),
        ("shinsa-databases", "sample-log-url"),
    },
    "inference": {("shinsa-nats", "inference"), ("shinsa-endpoints", "*")},
    "judge": {("shinsa-nats", "judge"), ("shinsa-endpoints", "*")},
    "sandbox": {("shinsa-nats", "sandbox")},
    "sandbox-repository": {("shinsa-nats", "sandbox")},
    "nats": {("shinsa-nats", user) for user in ("orchestrator", "inference", "judge", "sandbox")},
    "migrate": {("shinsa-databases", "results-url"), ("shinsa-databases", "sample-log-url")},
    "backup": {("shinsa-databases", "results-url"), ("shinsa-databases", "sample-log-url")},
    "postgres": {("shinsa-databases", "password")},
}


def _secrets_of(workload: Workload) -> Iterator[tuple[str, str]]:
    """Every way in which a pod can be given one."""
    for container in workload.containers:
        for entry in container.get("env", []):
            if reference := entry.get("valueFrom", {}).get("secretKeyRef"):
                yield reference["name"], reference["key"]
        for source in container.get("envFrom", []):
            yield source["secretRef"]["name"], "*"
    for volume in workload.pod.get("volumes", []):
        for one in (volume, *volume.get("projected", {}).get("sources", [])):
            if "secret" in one:
                yield one["secret"].get("secretName", one["secret"].get("name")), "*"
    assert not workload.pod.get("imagePullSecrets"), "teach this test"


def test_secrets_reach_nobody_but_whom_they_are_for(workloads: list[Workload]) -> None:
    """Providers' keys reach inference and judge alone; a service has its own password of NATS and no other's."""
    for workload in workloads:
        # A certificate of its own is what the component tls adds.
        own = {(f"{workload.name.partition('-')[0]}-tls", "*")}
        assert set(_secrets_of(workload)) - own == _HELD[workload.name], workload.name


def test_gpu_overlay(workloads_of: Callable[[str], list[Workload]]) -> None:
    inference = next(w for w in workloads_of("overlays/gpu") if w.name == "inference")
    container = inference.containers[0]
    assert container["image"].endswith("-cuda")
    for side in ("requests", "limits"):
        assert container["resources"][side]["nvidia.com/gpu"] == "1"
    assert inference.pod["nodeSelector"]
    assert {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"} in inference.pod["tolerations"]
    claims = {v["persistentVolumeClaim"]["claimName"] for v in inference.pod["volumes"] if "persistentVolumeClaim" in v}
    assert claims == {"inference-models"}


def test_every_claim_says_what_the_api_demands(manifests: list[Manifest]) -> None:
    """The schemas take a claim without these; the API server refuses it."""
    claims = [m for m in manifests if m["kind"] == "PersistentVolumeClaim"]
    claims += [c for m in manifests if m["kind"] == "StatefulSet" for c in m["spec"].get("volumeClaimTemplates", [])]
    assert claims
    for claim in claims:
        assert claim["spec"].get("accessModes"), claim["metadata"]["name"]
        assert claim["spec"]["resources"]["requests"]["storage"], claim["metadata"]["name"]


def test_a_restart_leaves_the_modes_of_stored_files_alone(manifests: list[Manifest]) -> None:
    """Without it each start makes every file on the volume writable for the group, which PostgreSQL refuses."""
    for manifest in manifests:
        if manifest["kind"] == "StatefulSet":
            security = manifest["spec"]["template"]["spec"]["securityContext"]
            assert security["fsGroupChangePolicy"] == "OnRootMismatch", manifest["metadata"]["name"]
