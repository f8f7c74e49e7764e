"""Pods of the kubepod executor really run: the same patches as for the docker executor, and the same verdicts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from integration.sandbox.cluster import NAMESPACE, Cluster, serving
from integration.sandbox.docker_kubelet import DockerKubelet
from integration.sandbox.docker_rig import image_of_this_machine
from integration.sandbox.repositories import (
    FORGED,
    GOLD,
    LIAR,
    LIMITS,
    PARTIAL,
    WRONG_COUNTS,
    Instance,
    added,
    make_repository,
    started_with,
)
from integration.sandbox.test_kubepod import executor_on
from shinsa_sandbox.domain.execution import Execution, Verdict
from shinsa_sandbox.domain.limits import Limits
from shinsa_sandbox.domain.repository import Resolution
from shinsa_sandbox.outbound.kubepod.pod import PodSettings

pytestmark = [pytest.mark.docker, pytest.mark.timeout(600)]
LOOK = """\
import os, socket, sys
def attempt(what, action):
    try: action()
    except OSError: return
    print("REACHED", what, file=sys.stderr)
attempt("network", lambda: socket.create_connection(("192.0.2.1", 443), 2))
attempt("orders", lambda: open("/shinsa/orders/eval.sh", "a"))
attempt("token", lambda: os.listdir("/var/run/secrets"))
attempt("work", lambda: os.listdir("/shinsa/work"))
for number in filter(str.isdigit, os.listdir("/proc")):
    if b"shinsa-patch" in open(f"/proc/{number}/cmdline", "rb").read(): print("REACHED orders", file=sys.stderr)
print("UID", os.getuid(), file=sys.stderr)
"""


@pytest.fixture(scope="module")
def instance(docker_url: str, tmp_path_factory: pytest.TempPathFactory) -> Instance:
    """Of an image in which everything is root's, as in those that are published."""
    folder = make_repository(tmp_path_factory.mktemp("shop"))
    folder.chmod(0o755)
    return Instance(image_of_this_machine(docker_url, "shinsa-shop-in-a-pod", {"/testbed": folder}, 0))


@asynccontextmanager
async def cluster_of(url: str, folder: Path) -> AsyncIterator[Cluster]:
    kubelet = DockerKubelet(url, folder / "volumes")
    try:
        async with serving(Cluster(kubelet)) as cluster:
            yield cluster
    finally:
        kubelet.kill()


async def examined(url: str, folder: Path, instance: Instance, patch: str, limits: Limits = LIMITS) -> Execution:
    async with cluster_of(url, folder) as cluster:
        settings = PodSettings(NAMESPACE, processors=1.0)
        async with executor_on(cluster, folder, settings, digests_only=False) as executor:
            execution = await executor.run(instance.job(patch, limits))
        assert not cluster.pods
    return execution


@pytest.mark.parametrize(
    ("patch", "resolution", "step"),
    [
        (GOLD, Resolution.FULL, "git apply"),
        (WRONG_COUNTS.rstrip("\n").replace("\n", "\r\n"), Resolution.FULL, "git apply --recount"),
        (PARTIAL, Resolution.PARTIAL, "git apply"),
        (GOLD.replace("shop/prices.py", "shop/nothing.py"), Resolution.NO, ""),
    ],
    ids=["gold", "wrong counts and line ends", "partial", "does not apply"],
)
async def test_patches_come_to_what_they_come_to_in_containers(
    docker_url: str, instance: Instance, tmp_path: Path, patch: str, resolution: Resolution, step: str
) -> None:
    execution = await examined(docker_url, tmp_path, instance, patch)
    evidence = execution.repository
    assert evidence is not None
    assert (evidence.resolution, evidence.applied) == (resolution, step), execution.reason
    assert (execution.verdict is Verdict.PASS) is (resolution is Resolution.FULL)
    assert evidence.user == "10001:10001"
    assert evidence.image == instance.image
    assert not evidence.suspicions
    if patch and not step:
        assert [attempt.worked for attempt in evidence.attempts] == [False] * 5
        assert "No such file" in execution.reason


async def test_files_that_run_the_tests_are_restored_and_watched(
    docker_url: str, instance: Instance, tmp_path: Path
) -> None:
    execution = await examined(docker_url, tmp_path, instance, FORGED + GOLD)
    assert execution.repository is not None
    assert execution.repository.restored == ("tests/conftest.py",)
    assert execution.verdict is Verdict.PASS, execution.reason
    again = added("tests/conftest.py", "x = 1") + started_with("open('tests/conftest.py', 'w').write('x = 2')")
    execution = await examined(docker_url, tmp_path, instance, again + GOLD)
    assert execution.verdict is Verdict.FAIL
    assert "changed while these ran" in execution.reason
    execution = await examined(docker_url, tmp_path, instance, LIAR)
    assert execution.verdict is Verdict.FAIL
    assert execution.repository is not None
    assert execution.repository.suspicions


async def test_patched_code_reaches_nothing(docker_url: str, instance: Instance, tmp_path: Path) -> None:
    execution = await examined(docker_url, tmp_path, instance, started_with(LOOK))
    said = execution.stdout.content.decode()
    assert "UID 10001" in said
    assert "REACHED" not in said


@pytest.mark.parametrize(
    ("source", "limits", "verdict"),
    [
        ("import time; time.sleep(600)", replace(LIMITS, wall_seconds=3), Verdict.TIMEOUT),
        ("x = bytearray(400 << 20)\nwhile True: x += x", LIMITS, Verdict.MEMORY),
    ],
    ids=["hang", "memory"],
)
async def test_limits(
    docker_url: str, instance: Instance, tmp_path: Path, source: str, limits: Limits, verdict: Verdict
) -> None:
    execution = await examined(docker_url, tmp_path, instance, started_with(source), limits)
    assert execution.verdict is verdict, execution.reason


async def test_an_image_without_the_repository_is_named(docker_url: str, docker_image: str, tmp_path: Path) -> None:
    from shinsa_chassis.errors import Reason, ShinsaError

    with pytest.raises(ShinsaError) as caught:
        await examined(docker_url, tmp_path, Instance(docker_image), GOLD)
    assert (caught.value.reason, caught.value.field) == (Reason.FAILED_PRECONDITION, "checks.repository.folder")
