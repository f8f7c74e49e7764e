"""The order in which a mesh starts and stops, and what `mesh.json` says meanwhile."""

from __future__ import annotations

import asyncio
import errno
import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from shinsa_cli.mesh.child import ChildSpec, RestartPolicy
from shinsa_cli.mesh.logs import tail
from shinsa_cli.mesh.plan import MeshOptions, plan_mesh
from shinsa_cli.mesh.ports import PortClaims
from shinsa_cli.mesh.serve import RecordFile, failure_of
from shinsa_cli.mesh.state import ChildState, MeshRecord, MeshState, StateDir, write_private
from shinsa_cli.mesh.supervisor import Supervisor
from shinsa_cli.problem import Problem
from waiting import until

QUICK = RestartPolicy(first_delay=0.02, longest_delay=0.1, probe_fast=0.02, probe_slow=0.02)
STAYS = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
open(sys.argv[1], "w")
time.sleep(60)
"""


class Watched:
    """A supervisor over dummies, with every record it published."""

    def __init__(self, folder: Path, ranks: dict[str, int], broken: str = "") -> None:
        self.folder = folder
        self.published: list[MeshRecord] = []
        specs = [self._spec(name, rank, broken=name == broken) for name, rank in ranks.items()]
        record = MeshRecord("m1", "0", "http://h", "nats://h", "t", "data", os.getpid(), None, "now", 1.0)
        self.supervisor = Supervisor(record, specs, self.published.append, QUICK)
        self.stop = asyncio.Event()
        self._seen = 0

    def _spec(self, name: str, rank: int, *, broken: bool) -> ChildSpec:
        up = self.folder / f"{name}.up"

        async def probe() -> str:
            return "" if up.exists() else "not up"

        program = "raise SystemExit('no luck')" if broken else STAYS
        argv = (sys.executable, "-S", "-c", program, str(up))
        return ChildSpec(name, argv, dict(os.environ), self.folder / f"{name}.log", "nowhere", probe, rank)

    async def until(self, state: MeshState) -> None:
        """Waits for a state that was published since the last wait."""
        await until(lambda: state in [record.state for record in self.published[self._seen :]])
        self._seen = len(self.published)

    def first(self, name: str, *states: ChildState) -> int:
        """When the child first was in one of these states, counted in published records."""
        return next(
            number
            for number, record in enumerate(self.published)
            if any(child.name == name and child.state in states for child in record.children)
        )


async def test_the_first_rank_is_up_before_the_others_start_and_stops_last(tmp_path: Path) -> None:
    mesh = Watched(tmp_path, {"gateway": 3, "worker": 2, "orchestrator": 1, "nats": 0})
    running = asyncio.create_task(mesh.supervisor.run(mesh.stop))
    await mesh.until(MeshState.HEALTHY)
    mesh.stop.set()
    assert await running is MeshState.STOPPED
    up = mesh.first("nats", ChildState.HEALTHY)
    assert all(up < mesh.first(name, ChildState.STARTING) for name in ("gateway", "worker", "orchestrator"))
    stops = [mesh.first(name, ChildState.STOPPED) for name in ("gateway", "worker", "orchestrator", "nats")]
    assert stops == sorted(stops)
    states = [record.state for record in mesh.published]
    assert [state for state, before in zip(states, [None, *states], strict=False) if state is not before] == [
        MeshState.STARTING,
        MeshState.HEALTHY,
        MeshState.STOPPING,
        MeshState.STOPPED,
    ]


async def test_one_that_cannot_start_fails_the_mesh_and_stops_the_others(tmp_path: Path) -> None:
    mesh = Watched(tmp_path, {"nats": 0, "judge": 2, "gateway": 3}, broken="judge")
    async with asyncio.timeout(60):
        assert await mesh.supervisor.run(mesh.stop) is MeshState.FAILED
    record = mesh.supervisor.record
    assert {child.name: child.state for child in record.children} == {
        "nats": ChildState.STOPPED,
        "judge": ChildState.FAILED,
        "gateway": ChildState.STOPPED,
    }
    problem = failure_of(record)
    assert problem.message == "judge could not be started: exit status 1"
    assert "no luck" in problem.excerpt


def test_one_that_is_merely_slow_is_told_from_one_that_must_be_mended(tmp_path: Path) -> None:
    record = Watched(tmp_path, {"nats": 0, "judge": 2}).supervisor.record
    nats, judge = record.children
    slow = record.with_child(replace(nats, state=ChildState.HEALTHY)).with_child(
        replace(judge, state=ChildState.STARTING, problem="health check: unavailable")
    )
    assert "judge (health check: unavailable)" in failure_of(slow).message
    assert "--wait-seconds" in failure_of(slow).remedy
    broken = slow.with_child(replace(judge, state=ChildState.BACKING_OFF))
    assert "--wait-seconds" not in failure_of(broken).remedy


async def test_a_mesh_is_degraded_while_a_child_is_down(tmp_path: Path) -> None:
    mesh = Watched(tmp_path, {"nats": 0, "judge": 2})
    running = asyncio.create_task(mesh.supervisor.run(mesh.stop))
    await mesh.until(MeshState.HEALTHY)
    judge = mesh.supervisor.record.children[1].pid
    assert judge is not None
    os.kill(judge, 9)
    await mesh.until(MeshState.DEGRADED)
    await mesh.until(MeshState.HEALTHY)
    mesh.stop.set()
    await running
    assert mesh.supervisor.record.children[1].restarts == 1


async def test_a_stop_before_the_mesh_is_up_is_heeded(tmp_path: Path) -> None:
    mesh = Watched(tmp_path, {"nats": 0, "judge": 2})
    mesh.stop.set()
    async with asyncio.timeout(60):
        assert await mesh.supervisor.run(mesh.stop) is MeshState.STOPPED


def plan(tmp_path: Path, environment: dict[str, str], **options: object) -> dict[str, ChildSpec]:
    state = StateDir(tmp_path / "state")
    state.create()
    made = plan_mesh(MeshOptions(state=state.root, **{"port": 0, **options}), environment)  # type: ignore[arg-type]
    made.claims.release()
    return {spec.name: spec for spec in made.specs}


def test_services_are_told_where_the_others_are(tmp_path: Path) -> None:
    specs = plan(tmp_path, {}, database_url="postgres://u:p@h/d", judges=tmp_path / "judges.toml", drain_seconds=3)
    gateway, judge, orchestrator = (specs[name].env for name in ("gateway", "judge", "orchestrator"))
    assert gateway["SHINSA_GATEWAY_JUDGE_ADDRESS"] == specs["judge"].address
    assert gateway["SHINSA_GATEWAY_HTTP_PORT"] == specs["gateway"].address.split(":")[1]
    assert judge["SHINSA_JUDGE_INFERENCE_ADDRESS"] == specs["inference"].address
    assert judge["SHINSA_JUDGE_JUDGES_FILE"] == str(tmp_path / "judges.toml")
    assert orchestrator["SHINSA_ORCHESTRATOR_RESULTS_URL"] == "postgresql+asyncpg://u:p@h/d"
    assert orchestrator["SHINSA_ORCHESTRATOR_DATA_DIR"] == str(tmp_path / "state" / "data")
    assert judge["SHINSA_JUDGE_DRAIN_SECONDS"] == "3"
    tokens = {specs[name].env[f"SHINSA_{name.upper()}_NATS_TOKEN"] for name in specs if name not in ("nats", "gateway")}
    assert len(tokens) == 1
    assert tokens.pop() in (tmp_path / "state" / "nats.conf").read_text()
    assert not any("NATS" in variable for variable in gateway)
    assert (tmp_path / "state" / "nats.conf").stat().st_mode & 0o077 == 0


def test_secrets_reach_only_those_that_need_them(tmp_path: Path) -> None:
    environment = {"PATH": "/bin", "OPENAI_API_KEY": "k", "PGPASSWORD": "p", "SHINSA_SANDBOX_WORKERS": "2"}
    specs = plan(tmp_path, environment)
    assert {name for name, spec in specs.items() if "OPENAI_API_KEY" in spec.env} == {"inference", "judge"}
    assert "PGPASSWORD" not in specs["sandbox"].env
    assert {name for name, spec in specs.items() if "SHINSA_SANDBOX_WORKERS" in spec.env} == {"sandbox"}
    assert all(spec.env["PATH"] == "/bin" for spec in specs.values())
    assert not any("TOKEN" in part for spec in specs.values() for part in spec.argv)


def test_ports_of_the_environment_are_kept_or_refused(tmp_path: Path) -> None:
    claims = PortClaims()
    port = claims.free_port()
    taken = {"SHINSA_JUDGE_GRPC_PORT": str(port)}
    with pytest.raises(Problem, match="no free port") as refused:
        plan(tmp_path, taken)
    assert refused.value.field == "SHINSA_JUDGE_GRPC_PORT"
    claims.release()
    assert plan(tmp_path, taken)["judge"].address == f"127.0.0.1:{port}"


def test_two_meshes_that_start_at_once_never_choose_the_same_port() -> None:
    one, other = PortClaims(), PortClaims()
    port = one.free_port()
    assert not other.claim(port)
    one.release()
    assert other.claim(port)
    other.release()


def test_the_end_of_a_log_is_told_for_people(tmp_path: Path) -> None:
    log = tmp_path / "judge.log"
    assert "does not exist" in tail(log)
    log.write_text(
        '{"event": "judges_file_refused", "level": "error", "problem": "line 3", "service": "judge"}\nplain\n'
    )
    assert tail(log).splitlines()[1:] == ["error: judges_file_refused problem=line 3", "plain"]
    log.write_text("\n".join(map(str, range(100_000))))
    assert tail(log, 2).splitlines()[1:] == ["99998", "99999"]


async def test_a_record_that_finds_no_room_is_written_as_soon_as_there_is(tmp_path: Path) -> None:
    state = StateDir(tmp_path / "state")
    record = MeshRecord("m1", "0", "http://h", "nats://h", "t", "data", os.getpid(), None, "now", 1.0)
    file = RecordFile(state, again_seconds=0.02)
    file.write(record)
    newest = replace(record, state=MeshState.DEGRADED)
    file.write(newest)
    assert state.read() is None
    state.create()
    await until(lambda: state.read() == newest)
    file.close()


def test_a_record_that_cannot_be_put_in_place_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "no space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="no space"):
        write_private(tmp_path / "mesh.json", "{}")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("variable", "option"),
    [
        ("SHINSA_ORCHESTRATOR_DATA_DIR", "--data"),
        ("SHINSA_GATEWAY_HTTP_PORT", "--port"),
        ("SHINSA_JUDGE_DRAIN_SECONDS", "--drain-seconds"),
        ("SHINSA_SANDBOX_NATS_URL", ""),
    ],
)
def test_a_setting_that_the_mesh_decides_is_refused_where_it_says_something_else(
    tmp_path: Path, variable: str, option: str
) -> None:
    with pytest.raises(Problem, match=f"{variable} is for `shinsa up` to decide") as refused:
        plan(tmp_path, {variable: "7"})
    assert refused.value.field == variable
    assert option in refused.value.remedy
    assert len(plan(tmp_path, {variable: ""})) == 6
