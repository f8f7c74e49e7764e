"""The application: routes, and what every request passes on its way to them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from fastapi import Depends, FastAPI
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware

from shinsa_gateway.domain.access import Keyring
from shinsa_gateway.inbound.http.audit import AuditTrail
from shinsa_gateway.inbound.http.auth import Authentication
from shinsa_gateway.inbound.http.body_limit import BodyLimit
from shinsa_gateway.inbound.http.browser_guard import BrowserGuard
from shinsa_gateway.inbound.http.dependencies import Streaming, no_stray_parameters
from shinsa_gateway.inbound.http.entity_tag import EntityTag
from shinsa_gateway.inbound.http.idempotency import REPLAYED_HEADER, Idempotency
from shinsa_gateway.inbound.http.openapi import DESCRIPTION, install_document
from shinsa_gateway.inbound.http.problem import install_handlers
from shinsa_gateway.inbound.http.rate_limit import RateLimit
from shinsa_gateway.inbound.http.request_context import REQUEST_ID_HEADER, RequestContext
from shinsa_gateway.inbound.http.routes import (
    analyses,
    benchmarks,
    board_tables,
    boards,
    comparisons,
    exports,
    gates,
    items,
    judges,
    keys,
    models,
    operations,
    references,
    remarks,
    run_events,
    runs,
    sandboxes,
    service,
    submissions,
    webhooks,
)
from shinsa_gateway.inbound.http.site import routes as site
from shinsa_gateway.ports.services import Services

_ROUTERS = (
    models,
    submissions,
    keys,
    webhooks,
    runs,
    run_events,
    exports,
    items,
    remarks,
    comparisons,
    benchmarks,
    boards,
    board_tables,
    analyses,
    gates,
    references,
    judges,
    sandboxes,
    operations,
)
_GZIP_FROM_BYTES = 1024
# Level 9, the default, takes several times as long for a few per cent.
_GZIP_LEVEL = 5
_READABLE_HEADERS = (REQUEST_ID_HEADER, "ETag", REPLAYED_HEADER, "Location", "Retry-After", "WWW-Authenticate")
_SENDABLE_HEADERS = (
    "Authorization",
    "Content-Type",
    "Idempotency-Key",
    "If-None-Match",
    "Last-Event-ID",
    REQUEST_ID_HEADER,
)


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """What is let in. ``hosts`` are the names under which a gateway without keys may be addressed.

    A key without a limit of its own may ask ``requests_per_minute`` times; 0: without limit."""

    max_body_bytes: int
    cors_origins: Collection[str] = ()
    hosts: Collection[str] = ("127.0.0.1", "::1", "localhost")
    requests_per_minute: int = 0


def create_app(services: Services, keyring: Keyring, limits: HttpLimits, streaming: Streaming) -> FastAPI:
    """The ASGI application; it opens nothing and closes nothing."""
    app = FastAPI(
        title="Shinsa gateway",
        version=service.VERSION,
        description=DESCRIPTION,
        # Their pages load scripts from a content delivery network.
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        middleware=_middleware(keyring, limits),
    )
    app.state.services = services
    app.state.streaming = streaming
    app.include_router(service.router)
    app.include_router(site.router)
    for module in _ROUTERS:
        app.include_router(module.router, dependencies=[Depends(no_stray_parameters)])
    install_handlers(app)
    install_document(app)
    return app


def _middleware(keyring: Keyring, limits: HttpLimits) -> list[Middleware]:
    """From the outside in."""
    guard = [Middleware(BrowserGuard, hosts=limits.hosts, origins=limits.cors_origins)] if keyring.open else []
    return [
        Middleware(RequestContext),
        *guard,
        Middleware(
            CORSMiddleware,
            allow_origins=limits.cors_origins,
            allow_methods=("GET", "POST", "PUT", "DELETE"),
            allow_headers=_SENDABLE_HEADERS,
            expose_headers=_READABLE_HEADERS,
        ),
        Middleware(GZipMiddleware, minimum_size=_GZIP_FROM_BYTES, compresslevel=_GZIP_LEVEL),
        Middleware(EntityTag),
        Middleware(Authentication, keyring=keyring),
        Middleware(RateLimit, per_minute=limits.requests_per_minute),
        Middleware(AuditTrail),
        Middleware(BodyLimit, limit=limits.max_body_bytes),
        Middleware(Idempotency),
    ]
