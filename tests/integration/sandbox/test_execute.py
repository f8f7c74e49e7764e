"""`shinsa execute` with a real sandbox, alone and as a service: every verdict there is, and input that is none."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import pytest_asyncio
from broker_rig import NatsServer, free_port
from grpc_health.v1 import health_pb2
from integration.sandbox.jails import jail
from integration.sandbox.test_service import service, until

LIMITS = "wall=6,cpu=3,memory=128MiB,pids=32,disk=16MiB,output=64KiB"
TEST = (
    "def check(candidate):\n    assert candidate(2) == 4\n    assert helper(3) == 3 and math.isclose(candidate(1), 1)\n"
)
HELPER = "import math\ndef helper(x): return x\n"


class Kind(NamedTuple):
    """A program, and the verdicts that are right for it; ``lesser`` where no control group says what happened."""

    name: str
    verdict: str
    source: bytes
    limits: str = LIMITS
    lesser: str = ""


def body(*lines: str) -> bytes:
    inside = "".join(f"    {line}\n" for line in lines)
    return f"{HELPER}def square(x):\n{inside}    return x * x\n".encode()


KINDS = [
    Kind("right", "pass", body("print('hello')")),
    Kind("wrong", "fail", body("if x == 2: return 5")),
    Kind("raising", "fail", body("raise ValueError('no')")),
    Kind("missing function", "fail", b"def other(x): return x * x\n"),
    Kind("printed verdict", "fail", body("print('pass'); return None")),
    Kind("busy", "timeout", body("while True: pass"), "wall=9,cpu=0.3"),
    Kind("asleep", "timeout", body("import time; time.sleep(60)"), "wall=0.5,cpu=3"),
    Kind("hoarder", "memory", body("hoard = [bytes(1 << 20) for _ in iter(int, 1)]")),
    Kind("absurd allocation", "memory", body("bytearray(1 << 50)")),
    Kind(
        "forks", "pids", body("import os, time", "while True:", "    if os.fork() == 0: time.sleep(60)"), lesser="fail"
    ),
    Kind("flood", "output_limit", body("print('x' * 100_000)")),
    Kind("disk flood", "disk", body("open('f', 'wb').write(bytes(1 << 25))")),
    Kind(
        "disk flood that frees",
        "disk",
        body("import tempfile", "with tempfile.TemporaryFile() as f: f.write(bytes(1 << 25))"),
    ),
    Kind("abort", "crash", body("import os; os.abort()")),
    Kind("early exit", "crash", body("import sys; sys.exit(0)")),
    Kind("quiet exit", "crash", body("import os; os._exit(0)")),
    Kind("no Python", "crash", b"def square(x:\n"),
    Kind("no UTF-8", "crash", b"def square(x):\n    return '\xff\xfe'\n"),
    Kind("a NUL", "crash", b"def square(x):\n    return '\0'\n"),
    Kind("ten megabytes", "refused", b"# " + b"x" * 10_000_000),
    Kind("memory beyond the ceiling", "refused", body(), "memory=64GiB"),
    Kind("memory below the floor", "refused", body(), "memory=1KiB"),
    Kind("no time at all", "refused", body(), "wall=0"),
]
# Starting a sandbox costs seconds, so it is started once for each verdict and for what is decided before it runs.
ALONE = {"right", "wrong", "busy", "hoarder", "forks", "flood", "disk flood", "abort", "a NUL", "ten megabytes"}


@pytest.fixture(scope="module")
def test_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("execute") / "test.py"
    path.write_text(TEST)
    return path


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def tier_here() -> int:
    """What this machine gives; skips where that is nothing."""
    async with jail(slots=1) as (_, shown):
        return shown.tier


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def address(tier_here: int, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    server = NatsServer(tmp_path_factory.mktemp("nats"))
    server.start()
    try:
        async with service(server, free_port(), tier_required=str(tier_here)) as (running, channel):
            await until(channel, health_pb2.HealthCheckResponse.SERVING, 60)
            yield running.address
    finally:
        server.kill()


def execute(kind: Kind, test: Path, *options: str) -> tuple[int, dict[str, Any], str]:
    program = test.parent / f"{kind.name.replace(' ', '_')}.py"
    program.write_bytes(kind.source)
    words = [str(program), "--entry", "square", "--test", str(test), "--limits", kind.limits, "--json", *options]
    command = [sys.executable, "-m", "shinsa_cli", "execute", *words]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SHINSA_")}
    ended = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300, check=False)
    assert ended.stdout, ended.stderr
    return ended.returncode, json.loads(ended.stdout), ended.stderr


def problems(kinds: list[Kind], tier: int, test: Path, *options: str) -> list[str]:
    def problem(kind: Kind) -> str:
        code, document, said = execute(kind, test, *options)
        right = {kind.verdict} | ({kind.lesser} if kind.lesser and tier < 2 else set())
        code_right = code == {"pass": 0, "refused": 2}.get(document["verdict"], 1)
        fine = document["verdict"] in right and code_right and list(document) == KEYS
        return "" if fine else f"{kind.name}: {code} {document} {said}"

    with ThreadPoolExecutor(3) as pool:
        return [found for found in pool.map(problem, kinds) if found]


KEYS = ["verdict", "checks", "stdout", "stderr", "usage"]


@pytest.mark.timeout(900)
@pytest.mark.asyncio(loop_scope="module")
async def test_every_verdict_by_the_service(address: str, tier_here: int, test_file: Path) -> None:
    assert problems(KINDS, tier_here, test_file, "--sandbox-address", address) == []


@pytest.mark.timeout(900)
@pytest.mark.asyncio(loop_scope="module")
async def test_every_verdict_alone(tier_here: int, test_file: Path) -> None:
    assert problems([kind for kind in KINDS if kind.name in ALONE], tier_here, test_file, "--local") == []


@pytest.mark.asyncio(loop_scope="module")
async def test_the_document_holds_what_was_seen(address: str, test_file: Path) -> None:
    kind = Kind("shown", "fail", body("print('so far', x)", "import sys; print('日本語', file=sys.stderr)", "return 5"))
    _, document, said = execute(kind, test_file, "--sandbox-address", address)
    (check,) = document["checks"]
    assert (check["name"], check["passed"], sorted(check)) == ("check", False, ["detail", "name", "passed"])
    assert (document["stdout"], document["stderr"]) == ("so far 2\n", "日本語\n")
    assert document["usage"]["cpu_seconds"] > 0
    assert document["usage"]["peak_memory_bytes"] > 1 << 20
    assert "check" in said


@pytest.mark.asyncio(loop_scope="module")
async def test_a_broken_test_is_refused(address: str, test_file: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.py"
    for source, word in (("def check(", "SyntaxError"), ("def chekc(candidate): pass", "no function 'check'")):
        broken.write_text(source)
        code, document, said = execute(Kind("right", "pass", body()), broken, "--sandbox-address", address)
        assert (code, document["verdict"]) == (2, "refused")
        assert word in said
