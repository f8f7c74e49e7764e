"""Finding the gateway, and what happens when it does not answer as it should."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from shinsa_cli.gateway.discovery import find_server
from shinsa_cli.mesh.processes import start_ticks
from shinsa_cli.mesh.state import MeshRecord, StateDir
from shinsa_cli.problem import Problem
from unit.cli.fake_gateway import FakeGateway, Reply, problem
from unit.cli.program import Shinsa


def mesh_record(pid: int, url: str, data: str = "") -> MeshRecord:
    return MeshRecord("m1", "0.1.0", url, "nats://h:1", "secret", data, pid, start_ticks(pid), "now", 1.0)


def test_the_option_goes_before_the_environment_before_the_mesh(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = StateDir(tmp_path)
    running = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    with running:
        state.write(mesh_record(running.pid, "http://127.0.0.1:1"))
        monkeypatch.setenv("SHINSA_STATE", str(tmp_path))
        assert find_server().url == "http://127.0.0.1:1"
        monkeypatch.setenv("SHINSA_SERVER", "https://two.example/")
        monkeypatch.setenv("SHINSA_API_KEY", "key")
        assert find_server().url == "https://two.example"
        assert find_server("http://three:8800").url == "http://three:8800"
        assert find_server("http://three:8800").api_key == "key"
        # What a person has typed goes before what the environment says.
        assert find_server(state=tmp_path).url == "http://127.0.0.1:1"
        running.kill()
    with pytest.raises(Problem, match="no mesh is running") as gone:
        find_server(state=tmp_path)
    assert gone.value.exit_code == 3


def test_the_record_is_its_owners_alone_and_prints_without_its_token(tmp_path: Path) -> None:
    state = StateDir(tmp_path)
    state.write(mesh_record(1, "http://127.0.0.1:1"))
    assert state.record.stat().st_mode & 0o077 == 0
    written = state.read()
    assert written == mesh_record(1, "http://127.0.0.1:1")
    assert "secret" not in str(written.public())


@pytest.mark.parametrize("address", ["127.0.0.1:8800", "ftp://host", "http://"])
def test_an_address_that_is_none_is_refused(shinsa: Shinsa, address: str) -> None:
    ended = shinsa("runs", "--server", address)
    assert ended.code == 2
    assert "http://HOST:PORT" in ended.err


def test_a_gateway_that_cannot_be_reached(shinsa: Shinsa) -> None:
    ended = shinsa("runs", "--server", "http://127.0.0.1:1")
    assert ended.code == 3
    assert "cannot reach the gateway at http://127.0.0.1:1" in ended.err
    assert "shinsa up" in ended.err


def test_the_key_is_sent_and_a_missing_one_explained(
    gateway: FakeGateway, shinsa: Shinsa, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway.says("GET /v1/runs", problem(401, "This gateway asks for an API key."), Reply({"runs": []}))
    ended = shinsa("runs")
    assert ended.code == 2
    assert "SHINSA_API_KEY" in ended.err
    monkeypatch.setenv("SHINSA_API_KEY", "key-1")
    assert shinsa("runs").code == 0
    assert gateway.asked[-1].headers["Authorization"] == "Bearer key-1"


@pytest.mark.parametrize(("status", "code"), [(404, 2), (409, 2), (422, 2), (500, 1), (502, 3), (503, 3), (504, 3)])
def test_refusals_have_their_exit_codes(gateway: FakeGateway, shinsa: Shinsa, status: int, code: int) -> None:
    gateway.refuses("GET /v1/runs", status, "It is so.")
    ended = shinsa("runs")
    assert ended.code == code
    assert "It is so." in ended.err


def test_a_busy_gateway_is_asked_again_when_it_wants_to_be(gateway: FakeGateway, shinsa: Shinsa) -> None:
    busy = problem(429, "Too many requests.", retry_after=0.01)
    busy.headers["Retry-After"] = "0"
    gateway.says("GET /v1/runs", busy, busy, Reply({"runs": []}))
    assert shinsa("runs").code == 0
    gateway.says("GET /v1/runs", busy)
    ended = shinsa("runs")
    assert ended.code == 1
    assert "Too many requests." in ended.err


def test_every_field_at_fault_is_shown(gateway: FakeGateway, shinsa: Shinsa) -> None:
    errors = [{"field": "limit", "detail": "too large"}, {"field": "note", "detail": "too long"}]
    gateway.refuses("GET /v1/runs", 422, "Two fields are wrong.", errors=errors)
    ended = shinsa("runs")
    assert "limit: too large" in ended.err
    assert "note: too long" in ended.err


@pytest.mark.parametrize("body", [b"<html>hello</html>", b"[1, 2]", b'{"runs": [{"id": 1}]}'])
def test_what_is_no_answer_is_told_without_a_traceback(gateway: FakeGateway, shinsa: Shinsa, body: bytes) -> None:
    gateway.says("GET /v1/runs", Reply(body))
    ended = shinsa("runs")
    assert ended.code == 1
    assert "Traceback" not in ended.err
    assert ended.out == ""


def test_an_error_page_of_something_else_is_quoted(gateway: FakeGateway, shinsa: Shinsa) -> None:
    gateway.says("GET /v1/runs", Reply(b"<h1>Bad gateway</h1>", 502))
    ended = shinsa("runs")
    assert ended.code == 3
    assert "Bad gateway" in ended.err


def test_with_debugging_the_traceback_comes_through(
    gateway: FakeGateway, shinsa: Shinsa, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHINSA_DEBUG", "1")
    gateway.refuses("GET /v1/runs", 404, "No.")
    with pytest.raises(Problem):
        shinsa("runs")


def test_the_version_names_both_where_both_can_be_asked(gateway: FakeGateway, shinsa: Shinsa) -> None:
    gateway.says("GET /v1/version", {"version": "9.9", "api": "v1"})
    assert shinsa("version", "--json").json["gateway"] == "9.9"
    assert shinsa("version", "--server", "http://127.0.0.1:1").code == 3


def test_judges_and_benchmarks_are_listed(gateway: FakeGateway, shinsa: Shinsa) -> None:
    profile = {"name": "gpt", "kind": "openai", "model": "m", "digest": "d1", "available": False, "problem": "no key"}
    rubric = {"id": "mt", "digest": "d2", "description": "Grades.", "fields": ["answer"], "lowest": 1, "highest": 10}
    judges = {"profiles": [profile], "rubrics": [rubric], "roles": [{"role": "mt-bench", "profile": "gpt"}]}
    gateway.says("GET /v1/judges", judges)
    out = shinsa("judges", "list").out
    for words in ("gpt", "no key", "mt-bench", "1 … 10"):
        assert words in out
    assert shinsa("judges", "list", "--json").json == judges
    benchmark = {
        "id": "jnli",
        "title": "JNLI",
        "version": "1",
        "shots": [0, 4],
        "specimen_samples": 20,
        "prepared": False,
    }
    suite = {"id": "demo", "title": "Demo", "benchmarks": [{"benchmark": "jnli", "shots": [4]}]}
    gateway.says("GET /v1/benchmarks", {"benchmarks": [benchmark]})
    gateway.says("GET /v1/suites", {"suites": [suite]})
    out = shinsa("benchmarks", "list").out
    assert "specimen (20)" in out
    assert "jnli@4" in out
    assert shinsa("benchmarks", "list", "--json").json == {"benchmarks": [benchmark], "suites": [suite]}
