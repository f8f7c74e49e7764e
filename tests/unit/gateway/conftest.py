"""The gateway's application over services that remember how they were asked."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from functools import cache
from typing import Any, cast

import httpx
import pytest
from fastapi import FastAPI
from shinsa_chassis.lifecycle import Drain
from shinsa_gateway.domain.access import Keyring
from shinsa_gateway.inbound.http.app import HttpLimits, create_app
from shinsa_gateway.inbound.http.dependencies import Streaming
from shinsa_gateway.ports.services import Services
from structlog.testing import capture_logs
from unit.gateway.fake_orchestrator import FakeOrchestrator
from unit.gateway.fake_services import (
    FakeAccess,
    FakeInference,
    FakeJudges,
    FakeOperations,
    FakeRemarks,
    FakeSandbox,
    FakeSubmissions,
    FakeWebhooks,
)

LOCAL = "http://127.0.0.1"


@pytest.fixture(autouse=True)
def lines() -> Iterator[list[Any]]:
    """Lines of the log, caught: to render each would take longer than most tests."""
    with capture_logs() as caught:
        yield caught


@pytest.fixture
def remarks() -> FakeRemarks:
    return FakeRemarks()


@pytest.fixture
def webhooks() -> FakeWebhooks:
    return FakeWebhooks()


@pytest.fixture
def operations() -> FakeOperations:
    return FakeOperations()


@pytest.fixture
def access() -> FakeAccess:
    return FakeAccess()


@pytest.fixture
def submissions() -> FakeSubmissions:
    return FakeSubmissions()


@pytest.fixture
def orchestrator() -> FakeOrchestrator:
    return FakeOrchestrator()


@pytest.fixture
def inference() -> FakeInference:
    return FakeInference()


@pytest.fixture
def judges() -> FakeJudges:
    return FakeJudges()


@pytest.fixture
def sandbox() -> FakeSandbox:
    return FakeSandbox()


@cache
def bare_app(
    keyring: Keyring | None, max_body_bytes: int, cors_origins: tuple[str, ...], requests_per_minute: int = 0
) -> FastAPI:
    """An application whose services are still to be set; building one takes a tenth of a second."""
    services = cast("Services", None)
    streaming = Streaming(15, Drain().wait)
    limits = HttpLimits(max_body_bytes, cors_origins, requests_per_minute=requests_per_minute)
    return create_app(services, keyring or Keyring(), limits, streaming)


@pytest.fixture
def unserved() -> Callable[..., FastAPI]:
    """``bare_app``, for tests that bring their own services."""
    return bare_app


@pytest.fixture
def build(
    orchestrator: FakeOrchestrator,
    inference: FakeInference,
    judges: FakeJudges,
    sandbox: FakeSandbox,
    submissions: FakeSubmissions,
    access: FakeAccess,
    remarks: FakeRemarks,
    webhooks: FakeWebhooks,
    operations: FakeOperations,
) -> Callable[..., FastAPI]:
    """The application over fakes: ``build(keyring, max_body_bytes=..., cors_origins=...)`` and so on."""

    def built(
        keyring: Keyring | None = None,
        *,
        max_body_bytes: int = 4096,
        cors_origins: tuple[str, ...] = (),
        drain: Drain | None = None,
        heartbeat: float = 15,
        requests_per_minute: int = 0,
    ) -> FastAPI:
        app = bare_app(keyring, max_body_bytes, cors_origins, requests_per_minute)
        app.state.services = Services(
            orchestrator, inference, judges, sandbox, submissions, access, remarks, webhooks, operations
        )
        app.state.streaming = Streaming(heartbeat, (drain or Drain()).wait)
        return app

    return built


@pytest.fixture
def client_of() -> Callable[..., httpx.AsyncClient]:
    """A client of an application, without a network in between."""

    def client(app: FastAPI, **headers: str) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        return httpx.AsyncClient(transport=transport, base_url=LOCAL, headers=headers)

    return client


@pytest.fixture
async def http(build: Any, client_of: Any) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a gateway that asks for no key."""
    async with client_of(build()) as client:
        yield client
