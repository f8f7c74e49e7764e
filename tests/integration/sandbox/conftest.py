"""What is made once because making it is most of what a short test would wait for: a jail, an engine, an image."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from integration.sandbox.docker_rig import engine, image_of_this_machine
from integration.sandbox.jails import jail
from shinsa_sandbox.domain.runtime import Capabilities
from shinsa_sandbox.outbound.jail.executor import JailExecutor


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def jailed() -> AsyncIterator[tuple[JailExecutor, Capabilities]]:
    async with jail() as opened:
        yield opened


@pytest.fixture(scope="session")
def docker_url() -> Iterator[str]:
    with engine() as url:
        yield url


@pytest.fixture(scope="session")
def docker_image(docker_url: str) -> str:
    return image_of_this_machine(docker_url, "shinsa-machine")
