"""What tests of several packages need: a NATS server, an endpoint, a whole mesh, and no settings from outside."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

import pytest
from broker_rig import NatsServer
from e2e.rig import Endpoint, Mesh
from hypothesis import HealthCheck, settings

# The same examples each time, however slow the machine: a test that fails fails because of the change.
settings.register_profile("steady", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("steady")


# Tests start hundreds of processes. Where none may keep what it has compiled, each compiles all that it imports, which
# takes longer than what it is started for.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# What vLLM's processes speak through; a container has 64 MB unless it is told otherwise.
VLLM_SHARED_MEMORY = 500 * 2**20


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("vllm") and shutil.disk_usage("/dev/shm").free < VLLM_SHARED_MEMORY:
        pytest.skip("vLLM IS NOT TESTED: it needs 500 MB of /dev/shm; docker run --shm-size=1g")


@pytest.fixture
def nats(tmp_path: Path) -> Iterator[NatsServer]:
    """A real NATS server with JetStream, thrown away afterwards."""
    server = NatsServer(tmp_path / "nats")
    server.start()
    yield server
    server.kill()


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    """The model that a mesh examines."""
    with closing(Endpoint()) as served:
        yield served


@pytest.fixture
def mesh_settings() -> Mapping[str, str]:
    """Environment of ``mesh``; a test that wants settings has a fixture of this name."""
    return {}


@pytest.fixture
def mesh(tmp_path: Path, mesh_settings: Mapping[str, str]) -> Iterator[Mesh]:
    """Not started yet: prepare data first if need be, then ``mesh.up()``."""
    made = Mesh(tmp_path, **mesh_settings)
    yield made
    made.down()


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings come from tests alone, not from the shell that runs them."""
    for name in os.environ:
        if name.startswith("SHINSA_") and name not in ("SHINSA_UPSTREAM_DATA", "SHINSA_SMALL_MODEL"):
            monkeypatch.delenv(name)
