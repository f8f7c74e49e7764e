"""The whole mesh on a Kubernetes cluster, as docs/deploy.md says, while one pod after the other is taken away.

Applies an overlay, waits until the migration is done and every pod is ready, and examines a model that answers by rule:
sums, programs that are executed, conversations that are judged. While further such runs are under way every pod is
deleted in turn, then again by force, every workload is restarted, and judges are scaled from one to three. Each run's
report must be the undisturbed one. Then it asks the API what our service accounts may do, and removes what it made.

Needs kubectl, a cluster of version 1.33 or later that holds no mesh yet, a default storage class, images that its nodes
can get, and the sandbox's seccomp profile on the nodes (docs/deploy.md). Anything of your cluster's own, such as names
of images, goes into an overlay of your own, which --overlay names.

    .venv/bin/python bench/cluster.py --context kind-trial [--overlay FOLDER] [--key KEY] [--items 500]
        [--phases delete force restart scale rights] [--keep]
    .venv/bin/python bench/cluster.py --render [--overlay FOLDER] [--items 500]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cluster_overlay import write_trial
from cluster_rights import INSTANCES, SANDBOXES, rights
from kubectl import Kubectl, KubectlError, NoClusterError, Pod
from processes import leave_cleanly
from through_gateway import (
    PATIENCE_SECONDS,
    Gateway,
    asked_again,
    ended_items,
    outcome,
    under_way,
    wait_for,
)

OVERLAYS = Path(__file__).parents[1] / "deploy" / "k8s" / "overlays"
MESH = "shinsa"
NAMESPACES = [MESH, SANDBOXES]
MOST_ITEMS = 700
PHASES = ("delete", "force", "restart", "scale", "rights")


@dataclass
class Trial:
    """Runs under fire, and what was done to them. ``calm`` is what every report must say."""

    kubectl: Kubectl
    gateway: Gateway
    calm: dict[str, Any]
    runs: list[str] = field(default_factory=list)
    before: int = -1

    def going(self) -> int:
        """Waits until a run has got on since the last time; another one is begun if it is over. Its ended items."""
        wait_for(self._got_on, "a run that gets on")
        return self.before

    def _got_on(self) -> bool:
        if not self.runs or not under_way(run := self.gateway.run(self.runs[-1])):
            self.runs.append(self.gateway.begin("slow"))
            self.before = -1
            return False
        before, self.before = self.before, ended_items(run)
        return self.before > max(before, 0)

    def verdict(self, phase: str) -> bool:
        """Whether all runs of the phase say what the undisturbed one said."""
        reports = [self.gateway.finished(run_id) for run_id in self.runs]
        same = sum(outcome(report) == outcome(self.calm) for report in reports)
        again, needed = (sum(column) for column in zip(*map(asked_again, reports), strict=True))
        print(f"  {phase}: {same} of {len(reports)} reports as undisturbed; {again} of {needed} steps asked again")
        self.runs.clear()
        return same == len(reports)


def settled(kubectl: Kubectl, gone: Pod | None = None) -> bool:
    """Whether every workload has as many ready pods as it should, and ``gone`` is gone."""
    pods = kubectl.pods(NAMESPACES)
    if gone and any(pod.uid == gone.uid for pod in pods):
        return False
    counts = {
        key: sum(pod.ready for pod in pods if f"{pod.namespace}/{pod.workload}" == key)
        for key in kubectl.wanted(NAMESPACES)
    }
    return all(counts[key] >= wanted for key, wanted in kubectl.wanted(NAMESPACES).items())


def delete_in_turn(trial: Trial, *words: str) -> None:
    """Deletes every pod once, each when the run has got on and all others are ready."""
    for victim in sorted(trial.kubectl.pods(NAMESPACES), key=lambda pod: pod.workload):
        done = trial.going()
        began = time.monotonic()
        where = ("--namespace", victim.namespace)
        trial.kubectl("delete", "pod", victim.name, "--ignore-not-found", *where, *words, patience=PATIENCE_SECONDS)
        wait_for(lambda victim=victim: settled(trial.kubectl, victim), f"ready without {victim.name}")
        print(row(done, f"{victim.workload}", time.monotonic() - began), flush=True)


def restart_in_turn(trial: Trial) -> None:
    for key in sorted(trial.kubectl.wanted(NAMESPACES)):
        namespace, workload = key.split("/", 1)
        done = trial.going()
        began = time.monotonic()
        trial.kubectl("rollout", "restart", workload, "--namespace", namespace)
        rolled_out(trial.kubectl, namespace, workload)
        print(row(done, workload, time.monotonic() - began), flush=True)


def scale_judges(trial: Trial) -> None:
    for count in (3, 1):
        done = trial.going()
        began = time.monotonic()
        trial.kubectl("scale", "deployment/judge", "--namespace", MESH, f"--replicas={count}")
        rolled_out(trial.kubectl, MESH, "deployment/judge")
        print(row(done, f"deployment/judge to {count}", time.monotonic() - began), flush=True)


def rolled_out(kubectl: Kubectl, namespace: str, workload: str) -> None:
    patience = f"--timeout={PATIENCE_SECONDS:.0f}s"
    kubectl("rollout", "status", workload, "--namespace", namespace, patience, patience=PATIENCE_SECONDS + 30)


def row(done: int, what: str, seconds: float) -> str:
    return f"    {done:>6} items ended   {what:<32} ready again after {seconds:4.0f} s"


def phases(kubectl: Kubectl, gateway: Gateway, wanted: Sequence[str]) -> bool:
    calm = gateway.begin("quick")
    trial = Trial(kubectl, gateway, gateway.finished(calm))
    print(f"undisturbed: {ended_items(gateway.run(calm))} items", flush=True)
    kinds = {
        "delete": lambda: delete_in_turn(trial),
        "force": lambda: delete_in_turn(trial, "--force", "--grace-period=0"),
        "restart": lambda: restart_in_turn(trial),
        "scale": lambda: scale_judges(trial),
    }
    sound = []
    for phase in wanted:
        if phase == "rights":
            sound.append(rights(kubectl, NAMESPACES))
            continue
        print(f"{phase}:", flush=True)
        kinds[phase]()
        sound.append(trial.verdict(phase))
    return all(sound)


def apply(kubectl: Kubectl, folder: Path) -> None:
    began = time.monotonic()
    objects = kubectl("apply", "--kustomize", str(folder), patience=PATIENCE_SECONDS).splitlines()
    patience = f"--timeout={PATIENCE_SECONDS:.0f}s"
    kubectl("wait", "job/migrate", "--namespace", MESH, "--for=condition=complete", patience, patience=PATIENCE_SECONDS)
    wait_for(lambda: settled(kubectl), "every pod ready")
    print(f"{len(objects)} objects applied, migrated and ready after {time.monotonic() - began:.0f} s", flush=True)
    for warning in sorted(set(kubectl.warnings)):
        print(f"  {warning}")


def told(kubectl: Kubectl) -> str:
    """What the cluster says of pods that are not as they should be."""
    words = ("get", "pods", "--output", "wide", "--namespace")
    pods = "".join(kubectl.attempt(*words, namespace).stdout for namespace in NAMESPACES)
    events = "".join(
        kubectl.attempt("get", "events", "--namespace", namespace, "--field-selector=type=Warning").stdout
        for namespace in NAMESPACES
    )
    return f"{pods}\n{events[-4000:]}"


def render(options: argparse.Namespace) -> str:
    with tempfile.TemporaryDirectory() as name:
        write_trial(Path(name), options.overlay, MESH, options.items)
        return Kubectl()("kustomize", name)


def measure(options: argparse.Namespace) -> bool:
    kubectl = Kubectl(options.context, options.kubeconfig)
    print(f"{options.context}: Kubernetes {kubectl.check()}", flush=True)
    for namespace in [*NAMESPACES, INSTANCES]:
        if not kubectl.attempt("get", "namespace", namespace).returncode:
            raise NoClusterError(f"the namespace {namespace} is there already; this command would remove it at its end")
    with tempfile.TemporaryDirectory() as name:
        write_trial(Path(name), options.overlay, MESH, options.items)
        try:
            apply(kubectl, Path(name))
            with kubectl.forwarded(MESH, "gateway", 8800) as url:
                gateway = Gateway(url, options.key)
                gateway.register(Path(name) / "models.toml")
                return phases(kubectl, gateway, options.phases)
        except (KubectlError, RuntimeError) as error:
            raise SystemExit(f"{error}\n{told(kubectl)}") from error
        finally:
            if not options.keep:
                words = ("delete", "--ignore-not-found", "--kustomize", name)
                kubectl.attempt(*words, patience=PATIENCE_SECONDS)


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--context", help="of the kubeconfig; named, so that no other cluster is hit")
    parser.add_argument("--kubeconfig", default="", help="instead of KUBECONFIG or ~/.kube/config")
    parser.add_argument("--overlay", type=Path, default=OVERLAYS / "dev", help="what is applied (default: dev)")
    parser.add_argument(
        "--key", default="dev-only-key", help="of the gateway, with every scope (default: the one of dev)"
    )
    parser.add_argument("--items", type=int, default=500, help="sums; programs and conversations are a tenth each")
    parser.add_argument("--phases", nargs="+", choices=PHASES, default=PHASES)
    parser.add_argument("--keep", action="store_true", help="leave everything there")
    parser.add_argument("--render", action="store_true", help="print what would be applied, and do nothing")
    options = parser.parse_args(arguments)
    if not options.context and not options.render:
        parser.error("--context is missing: kubectl config get-contexts")
    if options.items > MOST_ITEMS:
        parser.error(f"--items is at most {MOST_ITEMS}: the questions lie in ConfigMaps")
    leave_cleanly()
    try:
        if options.render:
            print(render(options))
            return
        sound = measure(options)
    except NoClusterError as error:
        raise SystemExit(f"no cluster to try it on: {error}") from error
    raise SystemExit(0 if sound else 1)


if __name__ == "__main__":
    main(sys.argv[1:])
