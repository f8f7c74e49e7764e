"""Images from a registry, with a real engine: by digest, missing, broken off halfway, counted, and evicted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

import docker
import pytest
import pytest_asyncio
from docker.errors import ImageNotFound
from integration.sandbox.docker_rig import image_of_this_machine
from integration.sandbox.registry import Registry, file_layer
from integration.sandbox.repositories import GOLD, OWNER, Instance, make_repository
from shinsa_chassis.errors import Reason, ShinsaError
from shinsa_sandbox.domain.execution import Verdict
from shinsa_sandbox.domain.runtime import Capabilities
from shinsa_sandbox.outbound.docker.engine import Engine, EngineSettings
from shinsa_sandbox.outbound.docker.images import Images
from shinsa_sandbox.outbound.docker.repository_executor import RepositoryExecutor, RepositorySettings
from shinsa_sandbox.outbound.ownership import this_process

pytestmark = [pytest.mark.docker, pytest.mark.timeout(600)]
MIB = 1 << 20
T = TypeVar("T")


@pytest_asyncio.fixture
async def registry() -> AsyncIterator[Registry]:
    async with Registry().serving() as served:
        yield served


@pytest_asyncio.fixture
async def engine(docker_url: str) -> AsyncIterator[Engine]:
    opened = Engine(EngineSettings(docker_url), this_process())
    await opened.open()
    yield opened
    opened.close()


def is_here(url: str, name: str) -> bool:
    api = docker.APIClient(base_url=url, timeout=60, version="auto")
    try:
        api.inspect_image(name)
    except ImageNotFound:
        return False
    finally:
        api.close()
    return True


async def use(images: Images, name: str) -> str:
    async with images.in_use(name) as image:
        return image


async def patiently(work: Callable[[], Awaitable[T]]) -> T:
    """As the queue does: what could not be done now is tried again. Engines try TLS first and may stumble over that."""
    for _ in range(4):
        try:
            return await work()
        except ShinsaError as error:
            if not error.retryable:
                raise
    return await work()


async def test_an_image_is_pulled_by_digest_once(docker_url: str, engine: Engine, registry: Registry) -> None:
    name = registry.add("once", [file_layer("a", MIB)])
    assert not is_here(docker_url, name)
    images = Images(engine, 0, pull=True)
    found = await patiently(lambda: asyncio.gather(*(use(images, name) for _ in range(5))))
    assert len(set(found)) == 1
    assert found[0].startswith("sha256:")
    assert registry.pulled == {"once": 1}
    assert await use(images, name) == found[0]
    assert await use(images, f"{registry.address}/once") == found[0]


async def test_without_leave_nothing_is_pulled(engine: Engine, registry: Registry) -> None:
    name = registry.add("unwanted", [file_layer("a", 1000)])
    with pytest.raises(ShinsaError) as caught:
        await use(Images(engine, 0), name)
    assert (caught.value.reason, caught.value.field) == (Reason.NOT_FOUND, "image")
    assert registry.pulled == {}


async def test_what_the_registry_does_not_have_is_no_matter_of_time(engine: Engine, registry: Registry) -> None:
    images = Images(engine, 0, pull=True)
    for name in (f"{registry.address}/nothing:1", f"{registry.address}/nothing@sha256:{'0' * 64}"):
        with pytest.raises(ShinsaError) as caught:
            await use(images, name)
        assert (caught.value.reason, caught.value.field, caught.value.retryable) == (Reason.NOT_FOUND, "image", False)
        assert name in caught.value.message


async def test_a_pull_that_breaks_off_is_tried_again(docker_url: str, engine: Engine, registry: Registry) -> None:
    name = registry.add("halfway", [file_layer("a", 2 * MIB), file_layer("b", 3 * MIB)])
    images = Images(engine, 0, pull=True)
    registry.break_blobs = 1000
    with pytest.raises(ShinsaError) as caught:
        await use(images, name)
    assert (caught.value.reason, caught.value.field, caught.value.retryable) == (Reason.UNAVAILABLE, "image", True)
    assert not is_here(docker_url, name)
    registry.break_blobs = 0
    assert (await patiently(lambda: use(images, name))).startswith("sha256:")
    assert is_here(docker_url, name)


async def test_a_registry_that_is_away_is_a_matter_of_time(engine: Engine) -> None:
    async with Registry().serving() as gone:
        name = gone.add("gone", [file_layer("a", 1000)])
    with pytest.raises(ShinsaError) as caught:
        await use(Images(engine, 0, pull=True), name)
    assert (caught.value.reason, caught.value.retryable) == (Reason.UNAVAILABLE, True)


async def test_beyond_the_budget_the_longest_unused_goes(docker_url: str, engine: Engine, registry: Registry) -> None:
    """But none that is in use, and none that was here before."""
    names = [registry.add(f"part-{number}", [file_layer("a", 2 * MIB)]) for number in range(4)]
    old = registry.add("here-before", [file_layer("a", 2 * MIB)])
    await patiently(lambda: use(Images(engine, 0, pull=True), old))
    images = Images(engine, 5 * MIB, pull=True)
    await use(images, old)
    await patiently(lambda: use(images, names[0]))
    async with images.in_use(names[0]):
        for name in names[1:]:
            await patiently(partial(use, images, name))
            assert is_here(docker_url, names[0])
        # Six of five MiB in the second round, eight in the third: the first of those not in use had to go.
        assert [is_here(docker_url, name) for name in names] == [True, False, False, True]
    assert is_here(docker_url, old)
    await patiently(lambda: use(images, names[1]))
    assert is_here(docker_url, names[1])
    assert registry.pulled["part-1"] == 2
    assert not is_here(docker_url, names[3]) or not is_here(docker_url, names[0])


async def test_a_patch_in_an_image_that_had_to_be_pulled(docker_url: str, registry: Registry, tmp_path: Path) -> None:
    made = image_of_this_machine(docker_url, "shinsa-to-be-pulled", {"/testbed": make_repository(tmp_path)}, OWNER)
    name = registry.add_saved(docker_url, made, "shop")
    api = docker.APIClient(base_url=docker_url, timeout=60, version="auto")
    api.remove_image("shinsa-to-be-pulled:test")
    api.close()
    assert not is_here(docker_url, name)
    settings = RepositorySettings(EngineSettings(docker_url), pull=True, budget_bytes=MIB, slots=1)
    executor = RepositoryExecutor(settings)
    try:
        assert isinstance(await executor.probe(), Capabilities)
        execution = await patiently(lambda: executor.run(Instance(name).job(GOLD)))
    finally:
        await executor.drain()
    assert execution.verdict is Verdict.PASS, execution.reason
    # More than the budget, so gone as soon as nobody used it: and its container was gone before.
    assert not is_here(docker_url, name)
