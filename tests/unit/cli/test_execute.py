"""`shinsa execute`: what is asked of the sandbox, and how its answer is shown."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from shinsa_cli.execute.limits import parse_limits
from shinsa_cli.execute.request import request_for
from shinsa_cli.execute.result import executed, failed
from shinsa_cli.problem import Problem
from unit.cli.program import Shinsa

KEYS = ["verdict", "checks", "stdout", "stderr", "usage"]


def test_limits_as_people_write_them() -> None:
    limits = parse_limits("wall=3, cpu=2.5s,memory=128MiB,pids=32,disk=16M,output=64KiB")
    assert limits == {
        "wall_seconds": 3,
        "cpu_seconds": 2.5,
        "memory_bytes": 128 << 20,
        "pids": 32,
        "disk_bytes": 16 << 20,
        "output_bytes": 64 << 10,
        "flood_bytes": 64 << 10,
    }
    assert parse_limits("memory=1GB,disk=1.5KiB") == {"memory_bytes": 10**9, "disk_bytes": 1536}
    assert parse_limits("") == {}


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("memry=1", "memory"),
        ("wall=0", "not positive"),
        ("wall=-1", "not positive"),
        ("wall=nan", "not positive"),
        ("cpu=inf", "not positive"),
        ("cpu=soon", "no number of seconds"),
        ("memory=0", "not positive"),
        ("memory=-5MiB", "not positive"),
        ("memory=1QiB", "a size"),
        ("memory=", "no value"),
        ("memory", "no value"),
        ("pids=1.5", "whole number"),
        ("pids=3k", "whole number"),
        ("disk=1.0001KiB", "whole number"),
        ("memory=9999999999999GiB", "whole number"),
        ("wall=1,wall=2", "twice"),
    ],
)
def test_limits_that_are_none(text: str, word: str) -> None:
    with pytest.raises(Problem) as caught:
        parse_limits(text)
    assert (caught.value.field, caught.value.exit_code) == ("--limits", 2)
    assert word in f"{caught.value.message} {caught.value.near_matches}"


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "json.py"
    path.write_bytes(b"\xff def f(): pass\0")
    return path


def script(tmp_path: Path, program: Path, source: str) -> dict[str, object]:
    test = tmp_path / "test.py"
    test.write_text(source, "utf-8")
    checks: dict[str, object] = request_for(program, "f", test, {})["checks"]["script"]
    return checks


def test_bytes_arrive_as_they_are(tmp_path: Path, program: Path) -> None:
    request = request_for(program, "", None, {"pids": 3})
    (file,) = request["program"]["files"]
    assert base64.b64decode(file["content"]) == b"\xff def f(): pass\0"
    assert (file["path"], request["program"]["entry"], request["limits"]) == ("solution.py", "solution.py", {"pids": 3})
    assert "checks" not in request


def test_a_test_may_use_what_the_program_has(tmp_path: Path, program: Path) -> None:
    """As where the test is run behind the program: its other functions, and the modules it imports."""
    source = """
LIMIT = 3
def used(x): return helper(x) + LIMIT
def check(candidate):
    global made
    made = 4
    local = math.floor(2.5)
    assert [candidate(each) for each in range(local)] and used(made) and os.path
    assert encode(poly(candidate), key=lambda inner: inner + local)
"""
    assert script(tmp_path, program, source) == {
        "source": "import math, os\n" + source,
        "functions": ["f", "encode", "helper", "poly"],
        "check": "check",
    }


def test_a_test_that_is_no_python_is_left_to_the_sandbox(tmp_path: Path, program: Path) -> None:
    assert script(tmp_path, program, "def check(")["functions"] == ["f"]


def test_files_that_cannot_be_read(tmp_path: Path, program: Path) -> None:
    latin = tmp_path / "latin.py"
    latin.write_bytes(b"# caf\xe9")
    for arguments, field in (
        ((tmp_path / "nowhere.py", "", None), "FILE.py"),
        ((program, "f", tmp_path / "nowhere.py"), "--test"),
        ((program, "f", latin), "--test"),
    ):
        with pytest.raises(Problem) as caught:
            request_for(*arguments, {})
        assert caught.value.field == field
    with pytest.raises(Problem, match="--entry"):
        request_for(program, "f", None, {})


def test_the_document_has_five_keys() -> None:
    told = {
        "verdict": "VERDICT_OUTPUT_LIMIT",
        "reason": "it wrote without end",
        "checks": [{"name": "check"}],
        "stdout": {"content": base64.b64encode(b"\xffx").decode(), "total_bytes": "9"},
        "usage": {"peak_memory_bytes": "1024"},
    }
    result = executed(told)
    assert list(result.document()) == KEYS
    assert result.document() == {
        "verdict": "output_limit",
        "checks": [{"name": "check", "passed": False, "detail": ""}],
        "stdout": "\ufffdx",
        "stderr": "",
        "usage": {"cpu_seconds": 0.0, "wall_seconds": 0.0, "peak_memory_bytes": 1024},
    }
    assert result.exit_code == 1
    assert executed({"verdict": "VERDICT_PASS"}).exit_code == 0
    assert executed({}).verdict == "error"


@pytest.mark.parametrize(
    ("reason", "verdict", "code"),
    [
        ("REASON_INVALID_ARGUMENT", "refused", 2),
        ("REASON_ISOLATION_MISSING", "refused", 2),
        ("RESOURCE_EXHAUSTED", "refused", 2),
        ("FAILED_PRECONDITION", "refused", 2),
        ("REASON_INTERNAL", "error", 1),
        ("DEADLINE_EXCEEDED", "error", 1),
        ("UNAVAILABLE", "error", 3),
    ],
)
def test_failures_say_nothing_about_the_program(reason: str, verdict: str, code: int) -> None:
    result = failed(reason, "so it is")
    assert (result.verdict, result.exit_code, result.reason) == (verdict, code, "so it is")
    assert list(result.document()) == KEYS


def test_bad_input_is_a_document_too(shinsa: Shinsa, program: Path) -> None:
    ended = shinsa("execute", str(program), "--limits", "wall=0", "--json")
    assert (ended.code, ended.json["verdict"], list(ended.json)) == (2, "refused", KEYS)
    assert "wall=0 is not positive" in ended.err


def test_no_mesh_is_an_error_of_ours(shinsa: Shinsa, program: Path) -> None:
    ended = shinsa("execute", str(program), "--json")
    assert (ended.code, ended.json["verdict"]) == (3, "error")
    assert "no mesh with a sandbox" in ended.err
