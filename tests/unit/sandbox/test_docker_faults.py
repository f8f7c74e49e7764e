"""What becomes of programs and patches when their engine, or something in a container, does what it should not."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from types import SimpleNamespace
from typing import Any

import pytest
from shinsa_chassis.errors import Reason, ShinsaError
from shinsa_sandbox.domain.limits import DEFAULTS
from shinsa_sandbox.domain.program import File, Program
from shinsa_sandbox.domain.runtime import Capabilities, Job, Refusal
from shinsa_sandbox.outbound.docker import judges, run
from shinsa_sandbox.outbound.docker.engine import EngineSettings
from shinsa_sandbox.outbound.docker.executor import DockerExecutor, DockerSettings
from shinsa_sandbox.outbound.docker.images import Images
from shinsa_sandbox.outbound.docker.judges import Judges
from shinsa_sandbox.outbound.docker.repository_executor import RepositoryExecutor, RepositorySettings
from shinsa_sandbox.outbound.docker.run import ContainerRun, Place
from structlog.testing import capture_logs

INFO = {
    "OSType": "linux",
    "SecurityOptions": ["name=seccomp,profile=builtin"],
    "MemoryLimit": True,
    "PidsLimit": True,
    "CpuCfsQuota": True,
}
PROGRAM = Job(Program("python", (File("a.py", b"print(1)"),), "a.py"), DEFAULTS)


class Engine:
    """As much of one as these need; ``away`` answers nothing."""

    def __init__(self) -> None:
        self.away = False
        self.closed = False
        self.made = 0
        self.removed: list[str] = []

    async def describe(self) -> dict[str, Any]:
        if self.away:
            raise ShinsaError(Reason.UNAVAILABLE, "the Docker engine does not answer", origin="docker")
        return INFO

    async def ask(self, what: str, question: Callable[[Any], Any]) -> Any:
        await self.describe()
        return {"Id": "sha256:1"}

    async def create(self, _box: Any, _purpose: str) -> str:
        self.made += 1
        return f"c{self.made}"

    async def attach(self, _container: str) -> None: ...

    async def start(self, _container: str) -> None: ...

    async def remove(self, container: str) -> None:
        self.removed.append(container)

    def close(self) -> None:
        self.closed = True


class Link:
    """Says these records, and then nothing more for as long as it is open."""

    last_words = ""

    def __init__(self, *reports: Any) -> None:
        self.reports = reports
        self.silence = asyncio.Event()

    async def send(self, _data: bytes) -> None: ...

    async def record(self, _letter: bytes, _content: bytes = b"") -> None: ...

    async def records(self) -> AsyncIterator[tuple[bytes, bytes]]:
        for report in self.reports:
            yield b"r", json.dumps(report).encode()
        await self.silence.wait()

    def close(self) -> None: ...


@pytest.mark.parametrize("kind", ["python", "repository"])
async def test_what_runs_outlasts_an_engine_that_is_away_for_a_moment(kind: str) -> None:
    engine: Any = Engine()
    opened: Any
    if kind == "python":
        opened = DockerExecutor(DockerSettings(EngineSettings(), "python:3.11", slots=1))
        opened._place = Place("sha256:1", 0, 1.0, 2, {})
    else:
        opened = RepositoryExecutor(RepositorySettings(EngineSettings()))
    opened._engine = engine
    engine.away = True
    assert isinstance(await opened.probe(), Refusal)
    assert (opened._engine, engine.closed) == (engine, False)
    engine.away = False
    assert isinstance(await opened.probe(), Capabilities)


class Registry(Engine):
    """Images come with a pull and go with a removal, which may be refused, or take as long as a test wants."""

    def __init__(self) -> None:
        super().__init__()
        self.here: set[str] = set()
        self.pulled: list[str] = []
        self.refusing = False
        self.removing = asyncio.Event()
        self.go_on = asyncio.Event()
        self.go_on.set()

    async def ask(self, what: str, question: Callable[[Any], Any]) -> Any:
        name = question.args[0] if hasattr(question, "args") else question.__closure__[0].cell_contents
        if what == "find an image":
            if name not in self.here:
                raise ShinsaError(Reason.NOT_FOUND, "no such image", origin="docker")
            return {"Id": f"id of {name}", "Size": 100}
        if what == "pull an image":
            self.pulled.append(name)
            self.here.add(name)
            return None
        self.removing.set()
        await self.go_on.wait()
        if self.refusing:
            raise ShinsaError(Reason.INTERNAL, "conflict: a container uses it", origin="docker")
        self.here.discard(name)
        return None


async def test_an_image_that_does_not_go_spoils_no_result() -> None:
    engine: Any = Registry()
    images = Images(engine, 150, pull=True)
    engine.refusing = True
    with capture_logs() as logs:
        for name in ("a", "b"):
            async with images.in_use(name) as image:
                assert image == f"id of {name}"
    assert [line["event"] for line in logs].count("image_not_evicted") >= 1
    assert engine.here == {"a", "b"}
    engine.refusing = False
    await images.evict()
    assert engine.here == {"b"}


async def test_an_image_that_is_being_removed_is_not_found_but_fetched_anew() -> None:
    engine: Any = Registry()
    images = Images(engine, 150, pull=True)
    async with images.in_use("a"):
        pass
    engine.go_on.clear()

    async def use(name: str) -> str:
        async with images.in_use(name) as image:
            return image if name in engine.here else "gone"

    other = asyncio.create_task(use("b"))
    await engine.removing.wait()
    again = asyncio.create_task(use("a"))
    for _ in range(10):
        await asyncio.sleep(0)
    engine.go_on.set()
    async with asyncio.timeout(60):
        assert await asyncio.gather(other, again) == ["id of b", "id of a"]
    assert engine.pulled == ["a", "b", "a"]


async def test_judges_are_made_anew_before_their_lease_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    engine: Any = Engine()
    now = 1000.0

    async def open_link(_attached: Any) -> Link:
        return Link({"started": True})

    monkeypatch.setattr(judges, "open_link", open_link)
    monkeypatch.setattr(judges, "time", SimpleNamespace(monotonic=lambda: now))
    kept = Judges(engine, "sha256:1", 63_001)
    await kept.open()
    now += judges._LEASE_SECONDS / 3
    await kept.open()
    assert (engine.made, engine.removed) == (1, [])
    now += judges._LEASE_SECONDS / 3
    await kept.open()
    assert (engine.made, engine.removed) == (2, ["c1"])
    await kept.close()


@pytest.mark.parametrize("said", [{"ending": 7}, {"ending": {}}, {"started": True, "stop": "cpu"}])
async def test_a_container_that_talks_nonsense_is_no_programs_fault(said: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    engine: Any = Engine()

    async def open_link(_attached: Any) -> Link:
        return Link({"started": True}, said)

    monkeypatch.setattr(run, "open_link", open_link)
    job = ContainerRun(engine, Place("sha256:1", 63_000, 1.0, 2, {}), PROGRAM, None, None)
    with pytest.raises(ShinsaError, match="the container did not work") as caught:
        async with asyncio.timeout(60):
            await job.perform()
    assert (caught.value.reason, caught.value.retryable) == (Reason.INTERNAL, True)
    await job.close()


class Shell:
    async def close(self) -> None:
        raise ShinsaError(Reason.INTERNAL, "Docker could not remove a container: no", origin="docker")


async def test_what_was_found_out_stands_though_the_container_does_not_go() -> None:
    shell: Any = Shell()
    with capture_logs() as logs:
        await RepositoryExecutor(RepositorySettings(EngineSettings()))._closed(shell)
    assert [line["event"] for line in logs] == ["container_not_removed"]
