"""A kubelet that runs nothing: it says what a test wants to have happened to a pod."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field

from integration.sandbox.cluster import Cluster, now
from integration.sandbox.repositories import FAIL_TO_PASS, PASS_TO_PASS

DIGEST = "sha256:" + "d" * 64
IMAGE = f"registry.example/shop@{DIGEST}"
CONFINED = "".join(
    f"{name}:\t{value}\n"
    for name, value in (
        *((name, "0000000000000000") for name in ("CapInh", "CapPrm", "CapEff", "CapBnd")),
        ("NoNewPrivs", "1"),
        ("Seccomp", "2"),
    )
)
LOOPBACK = "bash: connect: Connection refused\nbash: line 1: /dev/tcp/127.0.0.1/1: Connection refused\n"


def log_of(statuses: dict[str, str], exit_code: int = 0) -> bytes:
    """What the instance's script writes."""
    lines = "".join(f"{name} ... {status}\n" for name, status in statuses.items())
    return (
        f"+ : '>>>>> Start Test Output'\n{lines}+ : '>>>>> End Test Output'\n>>>>> Test Exit Code: {exit_code}\n"
    ).encode()


GOOD = log_of(dict.fromkeys((*FAIL_TO_PASS, *PASS_TO_PASS), "ok"))


@dataclass
class Play:
    """A pod's life. Each stage may be replaced; what is not said goes well."""

    records: dict[str, str] = field(default_factory=dict)
    apply_code: int = 0
    log: bytes = GOOD
    fingerprints: str = "1234  tests/conftest.py\n"
    witnessed: str | None = None
    before_apply: tuple[dict[str, object], ...] = ()
    tests_end: dict[str, object] | None = None
    after_tests: dict[str, object] = field(default_factory=dict)
    tests_hang: bool = False

    async def __call__(self, cluster: Cluster, name: str) -> None:
        for change in self.before_apply:
            state = change.pop("apply", None)
            if isinstance(state, dict):
                await cluster.container(name, "apply", state)
            if change:
                await cluster.change(name, **change)
        if self.before_apply:
            return
        await self._apply(cluster, name)
        if self.apply_code:
            await cluster.change(name, phase="Failed")
            return
        await self._test(cluster, name)

    def _records(self, cluster: Cluster, name: str, records: dict[str, str]) -> bytes:
        command = cluster.pods[name]["spec"]["containers"][0]["command"][-1]
        found = re.search(r"[0-9a-f]{32}", command)
        assert found
        return b"".join(
            f"{found[0]} {key} {base64.b64encode(text.encode()).decode()}\n".encode() for key, text in records.items()
        )

    async def _apply(self, cluster: Cluster, name: str) -> None:
        # Nothing is to happen so fast that it is seen by a reading alone.
        await cluster.until(lambda: f"watch {name}" in cluster.opened)
        said = {
            "status": CONFINED,
            "loopback": LOOPBACK,
            "api": "bash: connect: Network is unreachable\n",
            "copy": "",
            **({} if any(key.startswith("attempt/") for key in self.records) else {"attempt/0/0": ""}),
            "fingerprints": self.fingerprints,
            **self.records,
        }
        await self._run(cluster, name, "apply", self._records(cluster, name, said), self.apply_code)

    async def _run(self, cluster: Cluster, name: str, container: str, log: bytes, code: int) -> None:
        began = now()
        await cluster.container(name, container, {"running": {"startedAt": began}}, f"registry.example/shop@{DIGEST}")
        await cluster.write(name, container, log)
        ended = {"exitCode": code, "startedAt": began, "finishedAt": now(), "reason": "Error" if code else "Completed"}
        await cluster.container(name, container, {"terminated": ended})

    async def _test(self, cluster: Cluster, name: str) -> None:
        began = now()
        await cluster.container(name, "tests", {"running": {"startedAt": began}})
        half = self.log.find(b"\n", len(self.log) // 2) + 1
        await cluster.write(name, "tests", self.log[:half])
        await cluster.write(name, "tests", self.log[half:])
        if self.tests_hang:
            return
        await cluster.until(lambda: f"log {name} tests" in cluster.opened)
        ended = {"exitCode": 0, "reason": "Completed", **(self.tests_end or {})}
        state = {"terminated": {"startedAt": began, "finishedAt": now(), **ended}}
        if self.after_tests:
            cluster.pods[name]["status"].update(self.after_tests)
        await cluster.container(name, "tests", state)
        if self.tests_end is None and not self.after_tests:
            seen = self.fingerprints if self.witnessed is None else self.witnessed
            await self._run(cluster, name, "witness", self._records(cluster, name, {"fingerprints": seen}), 0)
            await cluster.change(name, phase="Succeeded")
