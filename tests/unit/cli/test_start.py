"""The program starts fast, and its help is complete."""

from __future__ import annotations

import subprocess
import sys

from unit.cli.program import Shinsa

HEAVY = ("grpc", "httpx", "pydantic", "rich", "shinsa_benchmarks")


def test_nothing_heavy_is_imported_before_a_command_needs_it() -> None:
    program = f"import sys, shinsa_cli.__main__; print([name for name in {HEAVY!r} if name in sys.modules])"
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


def test_help_names_every_command(shinsa: Shinsa) -> None:
    ended = shinsa("--help")
    assert ended.code == 0
    commands = "up down status version run watch cancel resume rejudge execute report runs items item compare rescore"
    for word in [*commands.split(), "board", "models", "data", "benchmarks", "judges", "Exit codes"]:
        assert word in ended.out


def test_a_mistyped_command_is_answered_with_the_near_one(shinsa: Shinsa) -> None:
    ended = shinsa("reprot")
    assert ended.code == 2
    assert "report" in ended.err
