"""Whether a child is well, as the supervisor asks it."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator

import grpc
import pytest
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from shinsa_cli.mesh.health import grpc_probe, http_probe, read_health_status
from unit.cli.fake_gateway import FakeGateway, Reply


@pytest.mark.parametrize("status", health_pb2.HealthCheckResponse.ServingStatus.keys())
def test_every_status_of_the_health_protocol_is_read(status: str) -> None:
    message = health_pb2.HealthCheckResponse(status=health_pb2.HealthCheckResponse.ServingStatus.Value(status))
    assert read_health_status(message.SerializeToString()) == status.lower().replace("_", " ")


@pytest.fixture
async def server() -> AsyncIterator[tuple[health.aio.HealthServicer, str]]:
    grpc_server = grpc.aio.server()
    servicer = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(servicer, grpc_server)
    port = grpc_server.add_insecure_port("127.0.0.1:0")
    await grpc_server.start()
    yield servicer, f"127.0.0.1:{port}"
    await grpc_server.stop(None)


async def test_a_server_is_well_while_it_says_that_it_serves(server: tuple[health.aio.HealthServicer, str]) -> None:
    servicer, address = server
    probe = grpc_probe(address)
    await servicer.set("", health_pb2.HealthCheckResponse.SERVING)
    assert await probe() == ""
    await servicer.set("", health_pb2.HealthCheckResponse.NOT_SERVING)
    assert await probe() == "health check: not serving"


async def test_a_port_where_nobody_listens_is_not_well() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    assert await grpc_probe(f"127.0.0.1:{port}")() == "health check: unavailable"
    assert "ConnectError" in await http_probe(f"http://127.0.0.1:{port}/readyz")()


async def test_over_http_any_success_is_well_and_a_refusal_is_quoted(gateway: FakeGateway) -> None:
    gateway.says("GET /readyz", Reply({"status": "ready"}))
    assert await http_probe(f"{gateway.url}/readyz")() == ""
    gateway.refuses("GET /readyz", 503, "The orchestrator cannot be reached.")
    assert await http_probe(f"{gateway.url}/readyz")() == "HTTP 503: The orchestrator cannot be reached."
