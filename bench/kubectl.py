"""A cluster as kubectl shows it: what is applied, which pods are ready, and a port of this machine for the gateway."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from processes import free_port

OLDEST = (1, 33)
WORKLOADS = ("deployments.apps", "statefulsets.apps")


class NoClusterError(Exception):
    """There is no cluster that this command could use; the message says why, and what to do."""


class KubectlError(RuntimeError):
    """A command failed; the message has all that it said."""


@dataclass(frozen=True)
class Pod:
    """``workload`` is ``KIND/NAME`` of what made it; ``ready`` is false while it leaves."""

    namespace: str
    name: str
    uid: str
    workload: str
    ready: bool


class Kubectl:
    """``kubectl`` against one context. ``warnings`` are all that the API server gave besides its answers."""

    def __init__(self, context: str = "", kubeconfig: str = "") -> None:
        if not (program := shutil.which("kubectl")):
            raise NoClusterError("kubectl is missing: https://kubernetes.io/docs/tasks/tools/")
        config = ["--kubeconfig", kubeconfig] if kubeconfig else []
        self._command = [program, *config, *(["--context", context] if context else [])]
        self._context = context
        self.warnings: list[str] = []

    def __call__(self, *words: str, patience: float = 120.0) -> str:
        """What the command says. Raises ``KubectlError``."""
        done = self.attempt(*words, patience=patience)
        if done.returncode:
            raise KubectlError(f"kubectl {' '.join(words)} → {done.returncode}\n{done.stdout}{done.stderr}")
        self.warnings += [line for line in done.stderr.splitlines() if line.startswith("Warning:")]
        return done.stdout

    def attempt(self, *words: str, patience: float = 120.0) -> subprocess.CompletedProcess[str]:
        """Whatever comes of it. Raises ``KubectlError`` if nothing does."""
        command = [*self._command, *words]
        try:
            return subprocess.run(command, capture_output=True, text=True, check=False, timeout=patience)
        except subprocess.TimeoutExpired as error:
            raise KubectlError(f"kubectl {' '.join(words)}: no end after {patience:.0f} s") from error

    def asked(self, *words: str) -> dict[str, Any]:
        return dict(json.loads(self(*words, "--output", "json")))

    def check(self) -> str:
        """The server's version. Raises ``NoClusterError`` where there is none or it is too old."""
        done = self.attempt("version", "--output", "json", "--request-timeout", "20s")
        if done.returncode:
            raise NoClusterError(f"context {self._context!r}: {done.stderr.strip()} (kubectl config get-contexts)")
        server = json.loads(done.stdout)["serverVersion"]
        if (int(server["major"]), int("".join(filter(str.isdigit, server["minor"])))) < OLDEST:
            wanted = ".".join(map(str, OLDEST))
            raise NoClusterError(f"the cluster is {server['gitVersion']}; the manifests want {wanted} or later")
        return str(server["gitVersion"])

    def pods(self, namespaces: list[str]) -> list[Pod]:
        """Pods that are to go on, not those of jobs; one whose state is not known is not ready."""
        found = []
        for namespace in namespaces:
            for item in self.asked("get", "pods", "--namespace", namespace)["items"]:
                owners = item["metadata"].get("ownerReferences", [{"kind": "Pod", "name": item["metadata"]["name"]}])
                if owners[0]["kind"] in ("ReplicaSet", "StatefulSet"):
                    found.append(_pod(item, owners[0]))
        return found

    def wanted(self, namespaces: list[str]) -> dict[str, int]:
        """How many pods there should be of each workload, by ``NAMESPACE/KIND/NAME``."""
        counts = {}
        for namespace in namespaces:
            for item in self.asked("get", ",".join(WORKLOADS), "--namespace", namespace)["items"]:
                key = f"{namespace}/{item['kind'].lower()}/{item['metadata']['name']}"
                counts[key] = int(item["spec"]["replicas"])
        return counts

    def allowed(self, verb: str, resource: str, namespace: str, account: str) -> bool:
        """Whether a service account, as ``NAMESPACE:NAME``, may. Namespace ``*`` asks for all of them."""
        kind, _, part = resource.partition("/")
        where = ["--all-namespaces"] if namespace == "*" else ["--namespace", namespace]
        words = ["auth", "can-i", verb, kind, f"--subresource={part}", *where, f"--as=system:serviceaccount:{account}"]
        done = self.attempt(*words)
        if (told := done.stdout.strip()) not in ("yes", "no"):
            raise KubectlError(f"kubectl {' '.join(words)} → {done.returncode}\n{done.stdout}{done.stderr}")
        return told == "yes"

    @contextlib.contextmanager
    def forwarded(self, namespace: str, service: str, port: int) -> Iterator[str]:
        """The address of a service on this machine, taken up again whenever the pod behind it goes."""
        local, over = free_port(), threading.Event()
        command = [*self._command, "--namespace", namespace, "port-forward", f"service/{service}", f"{local}:{port}"]
        keeper = threading.Thread(target=_keep, args=(command, over), daemon=True)
        keeper.start()
        try:
            yield f"http://127.0.0.1:{local}"
        finally:
            over.set()
            keeper.join()


def _keep(command: list[str], over: threading.Event) -> None:
    while not over.is_set():
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            while process.poll() is None and not over.wait(0.2):
                pass
            process.terminate()
        over.wait(0.5)


def _pod(item: dict[str, Any], owner: dict[str, Any]) -> Pod:
    metadata = item["metadata"]
    conditions = {c["type"]: c["status"] for c in item.get("status", {}).get("conditions", [])}
    name = owner["name"]
    if owner["kind"] == "ReplicaSet":
        name = name.removesuffix(f"-{metadata['labels']['pod-template-hash']}")
    kind = "deployment" if owner["kind"] == "ReplicaSet" else "statefulset"
    ready = conditions.get("Ready") == "True" and "deletionTimestamp" not in metadata
    return Pod(metadata["namespace"], metadata["name"], metadata["uid"], f"{kind}/{name}", ready)
