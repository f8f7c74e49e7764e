"""Chooses what stands behind each port, and puts the gateway together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from shinsa_chassis.grpc_channel import open_channel
from shinsa_chassis.lifecycle import Drain

from shinsa_gateway.domain.access import ALL_SCOPES, UNNAMED, ApiKey, Keyring, Scope, key_hash
from shinsa_gateway.inbound.http.app import HttpLimits, create_app
from shinsa_gateway.inbound.http.dependencies import Streaming
from shinsa_gateway.inbound.http.server import listen, serve_http
from shinsa_gateway.outbound.access import GrpcAccess
from shinsa_gateway.outbound.inference import GrpcInference
from shinsa_gateway.outbound.judge import GrpcJudges
from shinsa_gateway.outbound.key_file import read_key_file
from shinsa_gateway.outbound.operations import GrpcOperations
from shinsa_gateway.outbound.orchestrator import GrpcOrchestrator
from shinsa_gateway.outbound.remarks import GrpcRemarks
from shinsa_gateway.outbound.sandbox import GrpcSandbox
from shinsa_gateway.outbound.submissions import GrpcSubmissions
from shinsa_gateway.outbound.webhooks import GrpcWebhooks
from shinsa_gateway.ports.services import Services
from shinsa_gateway.settings import GatewaySettings

_LOCAL_NAMES = ("127.0.0.1", "::1", "localhost")


async def run_gateway(settings: GatewaySettings, drain: Drain) -> None:
    """Serves until the drain is requested. ``ShinsaError`` where it cannot begin."""
    keyring = read_keyring(settings)
    with listen(settings.http_host, settings.http_port) as listener:
        async with open_services(settings) as services:
            limits = HttpLimits(
                max_body_bytes=settings.max_body_bytes,
                cors_origins=settings.cors_origins,
                hosts=(*_LOCAL_NAMES, settings.http_host),
                requests_per_minute=settings.requests_per_minute,
            )
            app = create_app(services, keyring, limits, Streaming(settings.heartbeat_seconds, drain.wait))
            await serve_http(app, listener, drain, settings.drain_seconds)


def read_keyring(settings: GatewaySettings) -> Keyring:
    """The keys of both settings; none at all leaves the gateway open, which the settings allow only on loopback."""
    keys: list[ApiKey] = []
    if settings.api_key is not None:
        keys.append(ApiKey(UNNAMED, key_hash(settings.api_key.get_secret_value()), ALL_SCOPES))
    if settings.api_keys_file is not None:
        keys.extend(read_key_file(settings.api_keys_file))
    return Keyring(keys, required=settings.require_keys, anonymous=frozenset(map(Scope, settings.anonymous_scopes)))


@asynccontextmanager
async def open_services(settings: GatewaySettings) -> AsyncIterator[Services]:
    """Channels to all services; each connects when it is first used."""
    timeout = settings.call_timeout_seconds
    async with AsyncExitStack() as stack:
        orchestrator = await stack.enter_async_context(open_channel(settings.orchestrator_address, settings))
        inference = await stack.enter_async_context(open_channel(settings.inference_address, settings))
        judges = await stack.enter_async_context(open_channel(settings.judge_address, settings))
        sandbox = await stack.enter_async_context(open_channel(settings.sandbox_address, settings))
        yield Services(
            GrpcOrchestrator(orchestrator, timeout=timeout),
            GrpcInference(inference, timeout=timeout, model_timeout=settings.model_timeout_seconds),
            GrpcJudges(judges, timeout=timeout, model_timeout=settings.model_timeout_seconds),
            GrpcSandbox(sandbox, timeout=timeout),
            GrpcSubmissions(orchestrator, timeout=timeout),
            GrpcAccess(orchestrator, timeout=timeout),
            GrpcRemarks(orchestrator, timeout=timeout),
            GrpcWebhooks(orchestrator, timeout=timeout),
            GrpcOperations(orchestrator, timeout=timeout),
        )
