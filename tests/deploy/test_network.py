"""Who may speak to whom: the policies evaluated as a cluster would, against the edges that the mesh needs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

Workload = Any
Manifest = dict[str, Any]


class Edge(NamedTuple):
    source: str
    target: str
    port: int


MESH = {
    Edge("gateway", "orchestrator", 50050),
    Edge("gateway", "inference", 50051),
    Edge("gateway", "judge", 50053),
    Edge("gateway", "sandbox", 50052),
    Edge("orchestrator", "nats", 4222),
    Edge("orchestrator", "judge", 50053),
    Edge("orchestrator", "sandbox", 50052),
    Edge("inference", "nats", 4222),
    Edge("judge", "nats", 4222),
    Edge("judge", "inference", 50051),
    Edge("sandbox", "nats", 4222),
    Edge("nats", "nats", 6222),
}
DATABASE = {Edge("orchestrator", "postgres", 5432), Edge("migrate", "postgres", 5432)}


def _selects(selector: Manifest | None, labels: dict[str, str]) -> bool:
    """A label selector; an empty one selects everything."""
    selector = selector or {}
    if any(labels.get(key) != value for key, value in selector.get("matchLabels", {}).items()):
        return False
    for expression in selector.get("matchExpressions", []):
        assert expression["operator"] == "In", "teach this test the operator"
        if labels.get(expression["key"]) not in expression["values"]:
            return False
    return True


def _peer_admits(peer: Manifest, own_namespace: str, other: Workload) -> bool:
    if "ipBlock" in peer:
        return False  # addresses outside the cluster
    if "namespaceSelector" in peer:
        labels = {"kubernetes.io/metadata.name": other.namespace}
        if other.namespace == "clients":
            labels["shinsa-clients"] = "true"
        if not _selects(peer["namespaceSelector"], labels):
            return False
    elif other.namespace != own_namespace:
        return False
    return _selects(peer.get("podSelector"), other.labels)


def _ports(workload: Workload) -> dict[str, int]:
    return {p["name"]: p["containerPort"] for c in workload.containers for p in c.get("ports", [])}


def _port_admits(ports: list[Manifest] | None, target: Workload, port: int) -> bool:
    if not ports:
        return True
    named = _ports(target)
    tcp = [entry["port"] for entry in ports if entry.get("protocol", "TCP") == "TCP"]
    return port in [named.get(entry) if isinstance(entry, str) else entry for entry in tcp]


class Policies:
    """The NetworkPolicies of one rendering."""

    def __init__(self, manifests: list[Manifest]) -> None:
        self._policies = [m for m in manifests if m["kind"] == "NetworkPolicy"]

    def of(self, workload: Workload, direction: str) -> list[Manifest]:
        return [
            policy
            for policy in self._policies
            if policy["metadata"]["namespace"] == workload.namespace
            and direction in policy["spec"]["policyTypes"]
            and _selects(policy["spec"]["podSelector"], workload.labels)
        ]

    def _admits(self, workload: Workload, direction: str, other: Workload, target: Workload, port: int) -> bool:
        rules, side = ("egress", "to") if direction == "Egress" else ("ingress", "from")
        return any(
            (not rule.get(side) or any(_peer_admits(peer, workload.namespace, other) for peer in rule[side]))
            and _port_admits(rule.get("ports"), target, port)
            for policy in self.of(workload, direction)
            for rule in policy["spec"].get(rules, [])
        )

    def admits(self, target: Workload, source: Any, port: int) -> bool:
        """Whether the target's own policies let the call in."""
        return self._admits(target, "Ingress", source, target, port)

    def releases(self, source: Workload, target: Any, port: int) -> bool:
        """Whether the source's own policies let the call out."""
        return self._admits(source, "Egress", target, target, port)

    def lets(self, source: Workload, target: Workload, port: int) -> bool:
        return self.releases(source, target, port) and self.admits(target, source, port)


def _edges(workloads: list[Workload], policies: Policies) -> Iterator[Edge]:
    for source in workloads:
        for target in workloads:
            for port in set(_ports(target).values()):
                if policies.lets(source, target, port):
                    yield Edge(source.name, target.name, port)


def test_the_needed_edges_and_no_others(manifests: list[Manifest], workloads: list[Workload]) -> None:
    names = {workload.name for workload in workloads}
    wanted = MESH | (DATABASE if "postgres" in names else set())
    wanted |= {Edge("sandbox-repository", "nats", 4222)} if "sandbox-repository" in names else set()
    assert set(_edges(workloads, Policies(manifests))) == wanted


def test_everything_is_denied_first(manifests: list[Manifest], workloads: list[Workload]) -> None:
    policies = Policies(manifests)
    for workload in workloads:
        for direction in ("Ingress", "Egress"):
            assert policies.of(workload, direction), f"{workload.name} is open: {direction}"


def test_sandbox_has_no_way_out_but_nats_and_names(manifests: list[Manifest], workloads: list[Workload]) -> None:
    sandbox = next(w for w in workloads if w.name == "sandbox")
    rules = [rule for p in Policies(manifests).of(sandbox, "Egress") for rule in p["spec"].get("egress", [])]
    ports = sorted(port["port"] for rule in rules for port in rule["ports"])
    assert ports == [53, 53, 4222]
    for rule in rules:
        assert rule["to"], "a rule without peers lets everything pass"
        assert all("ipBlock" not in peer and "podSelector" in peer for peer in rule["to"])


# Where clouds hand out a node's credentials.
METADATA = ("169.254.169.254", "fd00:ec2::254")


def _reaches(rule: Manifest, address: str) -> bool:
    blocks = [peer["ipBlock"] for peer in rule.get("to", []) if "ipBlock" in peer]
    inside = [block for block in blocks if ip_address(address) in ip_network(block["cidr"])]
    return any(not any(ip_address(address) in ip_network(one) for one in block.get("except", [])) for block in inside)


def test_cloud_credentials_stay_out_of_reach(manifests: list[Manifest], workloads: list[Workload]) -> None:
    policies = Policies(manifests)
    for workload in workloads:
        for policy in policies.of(workload, "Egress"):
            for rule in policy["spec"].get("egress", []):
                assert not [address for address in METADATA if _reaches(rule, address)], workload.name
                if not rule.get("to"):
                    assert [p["port"] for p in rule["ports"]] == [5432], f"{workload.name} may go anywhere"


# Ports outside the cluster, by who may go there.
OUTSIDE = {"inference": {443}, "judge": {443}}


def test_who_may_leave_the_cluster(manifests: list[Manifest], workloads: list[Workload]) -> None:
    policies = Policies(manifests)
    names = {policy["metadata"]["name"] for policy in manifests if policy["kind"] == "NetworkPolicy"}
    wanted = OUTSIDE | ({"orchestrator": {443}} if "orchestrator-outside" in names else {})
    for workload in workloads:
        rules = [rule for p in policies.of(workload, "Egress") for rule in p["spec"].get("egress", [])]
        found = {port["port"] for rule in rules if _reaches(rule, "93.184.216.34") for port in rule["ports"]}
        if workload.name == "sandbox-repository":
            assert found <= {443, 6443}
        else:
            assert found == wanted.get(workload.name, set()), workload.name


def _stranger(namespace: str) -> Workload:
    """A pod of somebody else, with a door on every port that is spoken of."""
    ports = [{"name": f"p{port}", "containerPort": port} for port in (443, 4317, 5432, 6379)]
    return Stranger("Deployment", namespace, "stranger", {"app.kubernetes.io/name": "gateway"}, ports)


class Stranger(NamedTuple):
    kind: str
    namespace: str
    name: str
    labels: dict[str, str]
    ports: list[Manifest]

    @property
    def containers(self) -> list[Manifest]:
        return [{"ports": self.ports}]


# The namespaces that some component knows, and what pods there may reach; of ``elsewhere`` nobody has heard.
ADMITTED = {
    "clients": {("gateway", 8800)},
    "keda": {("nats", 8222)},
    "monitoring": {
        *((name, 9100) for name in ("gateway", "orchestrator", "inference", "judge", "sandbox", "sandbox-repository")),
        ("nats", 7777),
    },
    "elsewhere": set(),
}


@pytest.mark.parametrize("namespace", sorted(ADMITTED))
@pytest.mark.parametrize("folder", ["overlays/prod", "overlays/swebench", "overlays/tls", "examples/fleet"])
def test_what_others_in_the_cluster_reach(
    folder: str,
    namespace: str,
    rendered: Callable[[str], list[Manifest]],
    workloads_of: Callable[[str], list[Workload]],
) -> None:
    """Whatever a stranger calls itself: only its namespace counts."""
    policies, stranger = Policies(rendered(folder)), _stranger(namespace)
    found = {
        (target.name, port)
        for target in workloads_of(folder)
        for port in set(_ports(target).values())
        if policies.admits(target, stranger, port)
    }
    names = {workload.name for workload in workloads_of(folder)}
    assert found == {(name, port) for name, port in ADMITTED[namespace] if name in names}


@pytest.mark.parametrize("folder", ["overlays/prod", "overlays/hpa"])
def test_traces_leave_for_the_collector_and_not_from_sandboxes(
    folder: str, rendered: Callable[[str], list[Manifest]], workloads_of: Callable[[str], list[Workload]]
) -> None:
    policies, told = Policies(rendered(folder)), set()
    for workload in workloads_of(folder):
        asked = [e for c in workload.containers for e in c.get("env", []) if e["name"].endswith("_OTLP_ENDPOINT")]
        told |= {workload.name} if asked else set()
        assert policies.releases(workload, _stranger("monitoring"), 4317) is bool(asked), workload.name
        assert not policies.releases(workload, _stranger("elsewhere"), 4317), workload.name
    assert told == {"gateway", "orchestrator", "inference", "judge"}


def test_the_way_out_is_for_the_orchestrator_and_not_inwards(
    root: Path, rendered: Callable[[str], list[Manifest]], workloads_of: Callable[[str], list[Workload]]
) -> None:
    policy = yaml.safe_load((root / "deploy/k8s/components/outside/network.yaml").read_text("utf-8"))
    together = Policies([*rendered("base"), policy])
    selected = [w.name for w in workloads_of("base") if policy in together.of(w, "Egress")]
    assert selected == ["orchestrator"]
    (rule,) = policy["spec"]["egress"]
    assert rule["ports"] == [{"port": 443}]
    denied = [ip_network(block) for peer in rule["to"] for block in peer["ipBlock"]["except"]]
    for inward in (
        "10.1.2.3",
        "172.20.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "127.0.0.1",
        "100.64.0.1",
        "fd00:ec2::254",
    ):
        assert any(ip_address(inward) in block for block in denied), inward
    assert not any(ip_address("93.184.216.34") in block for block in denied)
    assert set(_edges(workloads_of("base"), together)) == MESH, "inside nothing opens"


def test_every_address_leads_somewhere(manifests: list[Manifest], workloads: list[Workload]) -> None:
    """What a service is told to call is a Service, with that port, in front of pods that let the call in."""
    policies = Policies(manifests)
    services = {
        (m["metadata"]["namespace"], m["metadata"]["name"]): m["spec"] for m in manifests if m["kind"] == "Service"
    }
    checked = 0
    for workload in workloads:
        for entry in [e for c in workload.containers for e in c.get("env", [])]:
            if not entry["name"].endswith(("_ADDRESS", "_NATS_URL")):
                continue
            host, port = re.sub(r"^(nats|tls)://", "", entry["value"]).split(":")
            name, _, elsewhere = host.partition(".")
            namespace = elsewhere or workload.namespace
            service = services[(namespace, name)]
            door = next(p for p in service["ports"] if p["port"] == int(port))
            selector = {"matchLabels": service["selector"]}
            targets = [w for w in workloads if w.namespace == namespace and _selects(selector, w.labels)]
            assert targets, entry
            for target in targets:
                assert policies.lets(workload, target, _ports(target)[door["targetPort"]]), entry
            checked += 1
    assert checked >= 10


@pytest.mark.parametrize("folder", ["base", "overlays/prod"])
def test_an_edge_too_many_is_found(
    folder: str, rendered: Callable[[str], list[Manifest]], workloads_of: Callable[[str], list[Workload]]
) -> None:
    """The evaluation itself: an open policy opens what it selects."""
    hole = {
        "kind": "NetworkPolicy",
        "metadata": {"name": "hole", "namespace": "shinsa-sandbox"},
        "spec": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"], "ingress": [{}], "egress": [{}]},
    }
    edges = set(_edges(workloads_of(folder), Policies([*rendered(folder), hole])))
    assert edges - MESH == {Edge("sandbox", "sandbox", 50052), Edge("sandbox", "sandbox", 9100)}
