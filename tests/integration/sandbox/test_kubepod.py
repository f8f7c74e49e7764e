"""The kubepod executor against an API that is a real server and misbehaves as clusters do."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from integration.sandbox.cluster import NAMESPACE, TOKEN, Cluster, Fault, Kubelet, serving
from integration.sandbox.kubelet import CONFINED, GOOD, IMAGE, LOOPBACK, Play, log_of
from integration.sandbox.repositories import FAIL_TO_PASS, FORGED, GOLD, LIMITS, PASS_TO_PASS, Instance
from shinsa_chassis.errors import Reason, ShinsaError
from shinsa_sandbox.domain.execution import Execution, Trust, Verdict
from shinsa_sandbox.domain.repository import Resolution
from shinsa_sandbox.domain.runtime import Capabilities, Refusal
from shinsa_sandbox.outbound.kubepod.access import ApiSettings
from shinsa_sandbox.outbound.kubepod.api import PodApi
from shinsa_sandbox.outbound.kubepod.executor import KubepodExecutor, KubepodSettings
from shinsa_sandbox.outbound.kubepod.log_stream import Lines
from shinsa_sandbox.outbound.kubepod.pod import PodSettings
from shinsa_sandbox.outbound.kubepod.reaper import SUPERVISOR
from shinsa_sandbox.outbound.ownership import MARK, labels_of, this_process
from waiting import until

SHOP = Instance(IMAGE)
EVICTED = "Pod ephemeral local storage usage exceeds the total limit of containers 6Gi."


@asynccontextmanager
async def executor_on(
    cluster: Cluster, folder: Path, pods: PodSettings | None = None, **changes: Any
) -> AsyncIterator[KubepodExecutor]:
    """Open, with a token; nothing may be left in the cluster at the end."""
    token = folder / "token"
    token.write_text(f"{TOKEN}\n")
    settings = KubepodSettings(ApiSettings(cluster.url, str(token)), pods or PodSettings(NAMESPACE), **changes)
    executor = KubepodExecutor(settings)
    shown = await executor.probe()
    assert isinstance(shown, Capabilities), shown
    try:
        yield executor
    finally:
        await executor.drain()


async def examined(kubelet: Kubelet, folder: Path, *faults: Fault, **changes: Any) -> Execution:
    """What one patch comes to."""
    patch, limits = changes.pop("patch", GOLD), changes.pop("limits", LIMITS)
    async with serving(Cluster(kubelet, changes.pop("oldest_kept", 10**9))) as cluster:
        async with executor_on(cluster, folder, **changes) as executor:
            cluster.faults = list(faults)
            execution = await executor.run(SHOP.job(patch, limits))
        assert not cluster.pods
        assert all(not fault.times for fault in faults), "a fault that nothing met shows nothing"
    return execution


async def failed(kubelet: Kubelet, folder: Path, *faults: Fault, **changes: Any) -> ShinsaError:
    with pytest.raises(ShinsaError) as caught:
        await examined(kubelet, folder, *faults, **changes)
    return caught.value


async def test_a_pod_is_made_watched_read_and_deleted(tmp_path: Path) -> None:
    execution = await examined(Play(), tmp_path)
    evidence = execution.repository
    assert evidence is not None
    assert (execution.verdict, execution.reason) == (Verdict.PASS, "")
    assert (execution.executor, execution.trust, execution.tier) == ("kubepod", Trust.LOG, "2")
    assert (evidence.resolution, evidence.applied, evidence.user) == (Resolution.FULL, "git apply", "10001:10001")
    assert evidence.image == IMAGE
    assert set(evidence.seconds) >= {"start", "apply", "test", "grade"}
    assert execution.stdout.content == GOOD


async def test_only_pods_and_their_logs_are_asked_for(tmp_path: Path) -> None:
    async with serving(Cluster(Play())) as cluster:
        async with executor_on(cluster, tmp_path) as executor:
            await executor.run(SHOP.job(GOLD))
        pods = f"/api/v1/namespaces/{NAMESPACE}/pods"
        kinds = {request.replace(cluster.deleted[0], "NAME") for request in cluster.requests}
    assert kinds == {
        *("GET /version", f"POST {pods}", f"GET {pods}", f"GET {pods}/NAME", f"GET {pods}/NAME/log"),
        f"DELETE {pods}/NAME",
    }


@pytest.mark.parametrize(
    "fault",
    [
        Fault("POST", "/pods", 429, "slow down", headers={"Retry-After": "1"}),
        Fault("POST", "/pods", 409, "the object has been modified; please apply your changes", "Conflict"),
        Fault("POST", "/pods", 503, "the server is currently unable to handle the request"),
        Fault("GET", "watch=true", 410, "too old resource version", times=2),
        Fault("GET", "watch=true", 500, "etcdserver: leader changed", times=2),
        Fault("GET", "watch=true", after_pieces=1),
        Fault("GET", "/pods/instance-[0-9a-f]+$", 429, "slow down", times=2),
        Fault("GET", "container=tests", 500, "kubelet is being restarted"),
        Fault("GET", "container=apply", 400, "container apply is waiting to start"),
        Fault("GET", "container=tests&timestamps=true&follow=true$", after_pieces=3),
        Fault("DELETE", "/pods", 503, "unavailable"),
    ],
    ids=lambda fault: f"{fault.method} {fault.path} {fault.status or 'breaks off'} {fault.reason}",
)
async def test_what_the_api_does_wrong_for_a_while_changes_nothing(tmp_path: Path, fault: Fault) -> None:
    execution = await examined(Play(), tmp_path, replace(fault))
    assert execution.verdict is Verdict.PASS, execution.reason
    assert execution.stdout.content == GOOD


async def test_a_repeated_creation_finds_its_own_pod(tmp_path: Path) -> None:
    """The first answer was lost, the pod was made."""

    async with serving(Cluster(Play())) as cluster, executor_on(cluster, tmp_path) as executor:
        create = cluster.create

        async def make_and_fail(request: Any) -> Any:
            made = await create(request)
            if made.status == 201:
                request.transport.abort()
            return made

        cluster.create = make_and_fail  # type: ignore[method-assign]
        assert (await executor.run(SHOP.job(GOLD))).verdict is Verdict.PASS


async def test_an_expired_watch_is_begun_anew(tmp_path: Path) -> None:
    execution = await examined(Play(), tmp_path, Fault("GET", "watch=true", after_pieces=1), oldest_kept=0)
    assert execution.verdict is Verdict.PASS, execution.reason


async def test_a_watch_that_is_not_to_be_had_is_not_asked_for_without_a_rest(tmp_path: Path) -> None:
    async with serving(Cluster(Play())) as cluster, executor_on(cluster, tmp_path) as executor:
        cluster.faults = [refused := Fault("GET", "watch=true", 429, "too many requests", times=10**6)]
        running = asyncio.create_task(executor.run(SHOP.job(GOLD)))
        await until(lambda: refused.times < 10**6, "the watch is refused")
        await asyncio.sleep(1.5)
        assert 10**6 - refused.times <= 3
        refused.times = 0
        assert (await running).verdict is Verdict.PASS


async def test_a_list_that_expires_between_two_pages_is_an_error_like_any_other(tmp_path: Path) -> None:
    """Whoever reaps tries again later: nothing else would end his work."""
    async with serving(Cluster()) as cluster, executor_on(cluster, tmp_path):
        for name in ("one", "two"):
            cluster.pods[name] = {"metadata": {"name": name, "labels": {MARK: "repository"}}, "status": {}}
        api = PodApi(ApiSettings(cluster.url, str(tmp_path / "token")), NAMESPACE)
        await api.open()
        cluster.faults = [Fault("GET", "continue=", 410, "the provided continue parameter is too old", times=10**6)]
        with pytest.raises(ShinsaError, match=r"could not list pods \(410\): the provided continue") as caught:
            await api.listed(MARK, most=1)
        assert caught.value.retryable
        await api.close()


def waiting(reason: str, message: str) -> Play:
    return Play(before_apply=({"apply": {"waiting": {"reason": reason, "message": message}}},))


@pytest.mark.parametrize(
    ("play", "reason", "field", "said"),
    [
        (waiting("ErrImagePull", 'failed to resolve reference "x": not found'), Reason.NOT_FOUND, "image", IMAGE),
        (waiting("ImagePullBackOff", "Back-off: manifest unknown"), Reason.NOT_FOUND, "image", "manifest unknown"),
        (waiting("ErrImageNeverPull", ""), Reason.NOT_FOUND, "image", IMAGE),
        (waiting("InvalidImageName", "bad"), Reason.FAILED_PRECONDITION, "checks.repository.image", "InvalidImageName"),
        (
            waiting("CreateContainerConfigError", "container has runAsNonRoot and image will run as root"),
            *(Reason.FAILED_PRECONDITION, "checks.repository.image", "runAsNonRoot"),
        ),
        (
            Play(before_apply=({"phase": "Failed", "reason": "Evicted", "message": "low on resource: memory"},)),
            *(Reason.UNAVAILABLE, "", "low on resource"),
        ),
        (
            Play(before_apply=({"phase": "Failed", "reason": "DeadlineExceeded", "message": "active too long"},)),
            *(Reason.TIMEOUT, "", "active too long"),
        ),
        (
            Play(after_tests={"phase": "Failed", "reason": "Evicted", "message": "low on resource: memory"}),
            *(Reason.UNAVAILABLE, "", "Evicted"),
        ),
        (Play(tests_end={"exitCode": 137, "reason": "Error"}), Reason.UNAVAILABLE, "", "137"),
        (Play(apply_code=5), Reason.FAILED_PRECONDITION, "checks.repository.folder", "/testbed"),
        (
            Play(records={"copy": "cp: cannot open './x': Permission denied"}),
            *(Reason.FAILED_PRECONDITION, "checks.repository.folder", "Permission denied"),
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_what_is_not_the_patchs_doing(tmp_path: Path, play: Play, reason: Reason, field: str, said: str) -> None:
    error = await failed(play, tmp_path)
    assert (error.reason, error.field) == (reason, field), error.message
    assert said in error.message


@pytest.mark.parametrize(
    ("play", "verdict", "said"),
    [
        (Play(tests_end={"exitCode": 137, "reason": "OOMKilled"}), Verdict.MEMORY, "memory"),
        (
            Play(after_tests={"phase": "Failed", "reason": "Evicted", "message": EVICTED}),
            *(Verdict.DISK, "ephemeral local storage"),
        ),
        (
            Play(after_tests={"phase": "Failed", "reason": "DeadlineExceeded", "message": "active too long"}),
            *(Verdict.TIMEOUT, "timeout(wall)"),
        ),
        (Play(records={"attempt/0/1": "error: patch failed"}, apply_code=3), Verdict.FAIL, "patch failed"),
        (Play(log=b"nothing"), Verdict.FAIL, "not graded"),
        (
            Play(log=log_of({FAIL_TO_PASS[0]: "FAIL", **dict.fromkeys(PASS_TO_PASS, "ok")}, 1)),
            *(Verdict.FAIL, "FAIL_TO_PASS test_nothing"),
        ),
    ],
    ids=["out of memory", "disk", "deadline", "does not apply", "no tests", "one fails"],
)
async def test_what_is(tmp_path: Path, play: Play, verdict: Verdict, said: str) -> None:
    execution = await examined(play, tmp_path)
    assert execution.verdict is verdict
    assert said in execution.reason


async def test_tests_that_hang_and_logs_without_end(tmp_path: Path) -> None:
    execution = await examined(Play(tests_hang=True), tmp_path, limits=replace(LIMITS, wall_seconds=1))
    assert (execution.verdict, execution.reason) == (Verdict.TIMEOUT, "timeout(wall)")
    assert execution.stdout.content == GOOD
    flood = Play(log=b"again and again\n" * 5000, tests_hang=True)
    execution = await examined(flood, tmp_path, limits=replace(LIMITS, flood_bytes=20_000))
    assert execution.verdict is Verdict.OUTPUT_LIMIT


async def test_changed_test_files_are_suspicious(tmp_path: Path) -> None:
    for play in (Play(witnessed="9999  tests/conftest.py\n"), Play(witnessed="")):
        execution = await examined(play, tmp_path, patch=FORGED + GOLD)
        assert execution.verdict is Verdict.FAIL
        assert "suspicious" in execution.reason
    execution = await examined(Play(), tmp_path, patch=FORGED + GOLD)
    assert execution.verdict is Verdict.PASS
    assert execution.repository is not None
    assert execution.repository.restored == ("tests/conftest.py",)


@pytest.mark.parametrize(
    ("records", "said"),
    [
        ({"status": CONFINED.replace("NoNewPrivs:\t1", "NoNewPrivs:\t0")}, "NoNewPrivs is 0"),
        ({"status": CONFINED.replace("Seccomp:\t2", "Seccomp:\t0")}, "Seccomp is 0"),
        ({"status": ""}, "CapInh is unknown"),
        ({"api": "connected\n"}, "NetworkPolicy"),
        ({"loopback": "bash: not found\n"}, "cannot be told"),
    ],
)
async def test_a_pod_that_is_not_isolated_runs_nothing(tmp_path: Path, records: dict[str, str], said: str) -> None:
    error = await failed(Play(records=records), tmp_path)
    assert error.reason is Reason.ISOLATION_MISSING
    assert said in error.message


async def test_behind_a_kernel_of_its_own_no_filter_is_wanted(tmp_path: Path) -> None:
    unfiltered = Play(records={"status": CONFINED.replace("Seccomp:\t2", "Seccomp:\t0"), "loopback": LOOPBACK})
    execution = await examined(unfiltered, tmp_path, pods=PodSettings(NAMESPACE, runtime_class="gvisor"))
    assert (execution.verdict, execution.tier) == (Verdict.PASS, "3")


async def test_no_node_and_no_image_in_time(tmp_path: Path) -> None:
    full = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes: cpu"}
    pods = PodSettings(NAMESPACE, start_seconds=0.5)
    error = await failed(Play(before_apply=({"conditions": [full]},)), tmp_path, pods=pods)
    assert (error.reason, error.retry_after) == (Reason.OVERLOADED, 60.0)
    assert "0/3 nodes" in error.message
    slow = waiting("ErrImagePull", "dial tcp: i/o timeout")
    error = await failed(slow, tmp_path, pods=pods)
    assert (error.reason, error.retryable) == (Reason.UNAVAILABLE, True)
    assert "i/o timeout" in error.message


@pytest.mark.parametrize(
    ("fault", "reason", "said"),
    [
        (Fault("POST", "/pods", 403, "exceeded quota: pods, requested: pods=1"), Reason.OVERLOADED, "exceeded quota"),
        (Fault("POST", "/pods", 403, 'violates PodSecurity "restricted"'), Reason.PERMISSION_DENIED, "PodSecurity"),
        (Fault("POST", "/pods", 422, "spec.priorityClassName: not found"), Reason.FAILED_PRECONDITION, "priorityClass"),
    ],
    ids=["quota", "security", "invalid"],
)
async def test_a_pod_that_may_not_be(tmp_path: Path, fault: Fault, reason: Reason, said: str) -> None:
    fault = replace(fault, times=4 if reason is Reason.OVERLOADED else 1, headers={})
    async with serving(Cluster(Play())) as cluster, executor_on(cluster, tmp_path) as executor:
        cluster.faults = [fault]
        with pytest.raises(ShinsaError) as caught:
            await executor.run(SHOP.job(GOLD))
    assert caught.value.reason is reason
    assert said in caught.value.message


async def test_a_pod_deleted_by_somebody_is_tried_again(tmp_path: Path) -> None:
    async def deleting(cluster: Cluster, name: str) -> None:
        await cluster.container(name, "apply", {"running": {"startedAt": "2026-01-01T00:00:00Z"}})
        await cluster.remove(name)

    error = await failed(deleting, tmp_path)
    assert (error.reason, error.retryable) == (Reason.UNAVAILABLE, True)
    assert "deleted" in error.message


async def test_a_cancelled_run_leaves_no_pod(tmp_path: Path) -> None:
    async with serving(Cluster(Play(tests_hang=True))) as cluster, executor_on(cluster, tmp_path) as executor:
        running = asyncio.create_task(executor.run(SHOP.job(GOLD)))
        await until(lambda: any(key[1] == "tests" for key in cluster.logs))
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        assert running.cancelled()
        assert not cluster.pods


async def test_images_by_tag_and_unfit_patches_make_no_pod(tmp_path: Path) -> None:
    async with serving(Cluster(Play())) as cluster, executor_on(cluster, tmp_path, namespace="here") as executor:
        with pytest.raises(ShinsaError) as caught:
            await executor.run(Instance("shop:latest").job(GOLD))
        assert (caught.value.reason, caught.value.field) == (Reason.FAILED_PRECONDITION, "checks.repository.image")
        assert "here/shop:latest" in caught.value.message
        execution = await executor.run(SHOP.job("This is no patch.\n"))
        assert execution.verdict is Verdict.FAIL
        assert "does not apply" in execution.reason
        with pytest.raises(ShinsaError) as caught:
            await executor.run(SHOP.job(GOLD, script="# " + "".join(map(chr, range(0x4E00, 0x9FFF))) * 100))
        assert (caught.value.reason, caught.value.field) == (Reason.INVALID_ARGUMENT, "program.files")
        assert not any(request.startswith("POST") for request in cluster.requests)


async def test_what_nobody_wants_is_reaped_and_nothing_else(tmp_path: Path) -> None:
    owner, later, past = this_process(), time.time() + 1000, time.time() - 1
    dead = replace(owner, pid=2**22 + 1)
    elsewhere = replace(owner, machine="another/1")
    pods = {
        "of-a-dead-process": labels_of(dead, "repository", later),
        "forgotten": labels_of(owner, "repository", later),
        "overdue": labels_of(elsewhere, "repository", past),
        "unmarked": {},
        "in-use-elsewhere": labels_of(elsewhere, "repository", later),
    }
    async with serving(Cluster()) as cluster:
        for name, annotations in pods.items():
            labels = {MARK: "repository"} if name != "unmarked" else {}
            meta = {"name": name, "labels": labels, "annotations": annotations}
            cluster.pods[name] = {"metadata": meta, "status": {}}
        async with executor_on(cluster, tmp_path):
            assert set(cluster.pods) == {"unmarked", "in-use-elsewhere"}


async def test_what_the_container_before_left_is_reaped_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a cluster a supervisor that died is started again in the same pod, under another process number."""
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "192.0.2.1")
    monkeypatch.setenv("HOSTNAME", "sandbox-repository-1")
    before = labels_of(replace(this_process(), machine="another/1"), "repository", time.time() + 1000)
    async with serving(Cluster()) as cluster:
        for name, supervisor in (("mine", "sandbox-repository-1"), ("anothers", "sandbox-repository-2")):
            annotations = {**before, SUPERVISOR: supervisor}
            meta = {"name": name, "labels": {MARK: "repository"}, "annotations": annotations}
            cluster.pods[name] = {"metadata": meta, "status": {}}
        async with executor_on(cluster, tmp_path):
            assert set(cluster.pods) == {"anothers"}


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Fault("GET", "/pods", 403, "pods is forbidden"), "Role"),
        (Fault("GET", "/pods", 401, "Unauthorized"), "token"),
    ],
)
async def test_without_rights_nothing_is_offered(tmp_path: Path, fault: Fault, said: str) -> None:
    async with serving(Cluster()) as cluster:
        cluster.faults = [fault]
        executor = KubepodExecutor(KubepodSettings(ApiSettings(cluster.url), PodSettings(NAMESPACE)))
        shown = await executor.probe()
        assert isinstance(shown, Refusal)
        assert said in str(shown)
        await executor.drain()


async def test_without_a_cluster_nothing_is_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    for settings, said in ((ApiSettings(), "pod_api_url"), (ApiSettings("http://127.0.0.1:9"), "does not answer")):
        executor = KubepodExecutor(KubepodSettings(settings, PodSettings(NAMESPACE)))
        shown = await executor.probe()
        assert isinstance(shown, Refusal)
        assert said in str(shown)
        await executor.drain()


@pytest.mark.parametrize("size", [1, 7, 64, 100_000])
def test_a_log_is_taken_up_where_it_broke_off(size: int) -> None:
    """Whatever the pieces, wherever the break, lines of one time and lines without any included."""
    lines = [
        *(b"2026-01-01T00:00:01.5Z one\n", b"2026-01-01T00:00:01.5Z one\n", b"2026-01-01T00:00:01.50001Z two\n"),
        *(b"no time, as part of a line that was cut\n", b"2026-01-01T00:00:02Z \n", b"2026-01-01T00:00:02Z end"),
    ]
    whole = b"".join(lines)
    wanted = b"one\none\ntwo\nno time, as part of a line that was cut\n\nend"
    for broken in range(len(whole)):
        taken: list[bytes] = []
        reader = Lines(taken.append)
        reader.begin_anew()
        for start in range(0, broken, size):
            reader.add(whole[start : min(start + size, broken)])
        reader.begin_anew()
        rest = b"".join(line for line in lines if line[:4] != b"2026" or line[:19].decode() >= reader.last[:19])
        reader.add(rest)
        reader.finish()
        if b"no time" not in whole[:broken] or reader.last[:19] < "2026-01-01T00:00:02":
            assert b"".join(taken) == wanted, broken
