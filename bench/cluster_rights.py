"""What our service accounts may do in a cluster, asked of its API one by one."""

from __future__ import annotations

from collections.abc import Iterator

from kubectl import Kubectl

SANDBOXES, INSTANCES = "shinsa-sandbox", "shinsa-instances"
# What a service account must not be able to do, wherever it is.
FORBIDDEN = (("get", "secrets"), ("list", "pods"), ("create", "pods"), ("create", "pods/exec"), ("get", "configmaps"))
# The sandbox of patches, in the namespace of its pods and nowhere else.
KUBEPOD = f"{SANDBOXES}:sandbox-repository"
KUBEPOD_MAY = (*((verb, "pods") for verb in ("create", "get", "list", "watch", "delete")), ("get", "pods/log"))
KUBEPOD_MUST_NOT = (
    *((verb, "pods") for verb in ("update", "patch", "deletecollection")),
    *(("create", f"pods/{part}") for part in ("exec", "attach", "portforward", "eviction", "ephemeralcontainers")),
    *((verb, "secrets") for verb in ("get", "list", "create")),
    *((verb, "configmaps") for verb in ("get", "create")),
    ("create", "serviceaccounts/token"),
    ("create", "rolebindings.rbac.authorization.k8s.io"),
)


def rights(kubectl: Kubectl, namespaces: list[str]) -> bool:
    """Whether our service accounts may what they need and nothing else."""
    wrong = [*_too_much(kubectl, namespaces), *_kubepod_wrong(kubectl)]
    print(f"  rights: {'as documented' if not wrong else '; '.join(wrong)}")
    return not wrong


def _too_much(kubectl: Kubectl, namespaces: list[str]) -> Iterator[str]:
    for namespace in namespaces:
        accounts = kubectl.asked("get", "serviceaccounts", "--namespace", namespace)["items"]
        for account in (f"{namespace}:{item['metadata']['name']}" for item in accounts):
            for verb, resource in FORBIDDEN:
                if kubectl.allowed(verb, resource, namespace, account):
                    yield f"{account} may {verb} {resource} in {namespace}"


def _kubepod_wrong(kubectl: Kubectl) -> Iterator[str]:
    if kubectl.attempt("get", "namespace", INSTANCES).returncode:
        return
    for verb, resource in KUBEPOD_MAY:
        if not kubectl.allowed(verb, resource, INSTANCES, KUBEPOD):
            yield f"{KUBEPOD} may not {verb} {resource}"
        if kubectl.allowed(verb, resource, "*", KUBEPOD):
            yield f"{KUBEPOD} may {verb} {resource} everywhere"
    for verb, resource in KUBEPOD_MUST_NOT:
        if kubectl.allowed(verb, resource, INSTANCES, KUBEPOD):
            yield f"{KUBEPOD} may {verb} {resource}"
