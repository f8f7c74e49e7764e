"""The program in this process, over a gateway that answers what a test tells it to."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pytest
import typer
from shinsa_cli import __main__ as program
from unit.cli.fake_gateway import FakeGateway
from unit.cli.program import Ended, Shinsa

# Typer reads the signatures of all commands at each start, which takes longer than most of these tests.
_COMMANDS = typer.main.get_command(program.app)


@pytest.fixture
def gateway() -> Iterator[FakeGateway]:
    fake = FakeGateway()
    yield fake
    fake.close()


@pytest.fixture
def shinsa(
    gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Any
) -> Shinsa:
    """Runs the program with these words against the fake gateway."""
    monkeypatch.setenv("SHINSA_SERVER", gateway.url)
    monkeypatch.setenv("SHINSA_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("COLUMNS", "250")
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setattr(program, "app", _COMMANDS)

    def run(*words: str) -> Ended:
        capsys.readouterr()
        monkeypatch.setattr(sys, "argv", ["shinsa", *words])
        with pytest.raises(SystemExit) as ended:
            program.main()
        captured = capsys.readouterr()
        return Ended(int(ended.value.code or 0), captured.out, captured.err)

    return run
