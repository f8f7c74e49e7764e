"""Who is asking, and whether they may: keys are checked before anything of the request is read, scopes at the route."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import Depends, Request, Security
from fastapi.security import HTTPBearer, SecurityScopes
from shinsa_chassis.errors import Reason, ShinsaError
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from shinsa_gateway.application.known_keys import KnownKeys
from shinsa_gateway.domain import access
from shinsa_gateway.domain.access import ANONYMOUS, LOCAL_CALLER, Caller, Keyring
from shinsa_gateway.inbound.http.problem import error_response
from shinsa_gateway.inbound.http.site.routes import is_page

_CALLER_KEY: Final = "shinsa.caller"
OPEN_PATHS: Final = frozenset({"/healthz", "/readyz", "/openapi.json"})

# Only describes the scheme in the OpenAPI document; the middleware below is what checks.
_bearer = HTTPBearer(
    scheme_name="api_key",
    description="An API key of this gateway. A gateway without keys listens on loopback alone and asks for none.",
    auto_error=False,
)


class Authentication:
    """Middleware: every path but the open ones needs a known key, if there are keys at all."""

    def __init__(self, app: ASGIApp, keyring: Keyring) -> None:
        self._app = app
        self._keys = KnownKeys(keyring)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not _open(scope["path"]):
            try:
                scope[_CALLER_KEY] = await self._identify(scope)
            except ShinsaError as error:
                await error_response(error, scope)(scope, receive, send)
                return
        await self._app(scope, receive, send)

    async def _identify(self, scope: Scope) -> Caller:
        keyring, authorization = self._keys.keyring, Headers(scope=scope).get("authorization", "")
        if keyring.open:
            return LOCAL_CALLER
        if keyring.anonymous and not authorization:
            return Caller(ANONYMOUS, keyring.anonymous)
        scheme, _, key = authorization.partition(" ")
        if scheme.lower() != "bearer" or not key.strip():
            raise _unknown_caller("This gateway asks for an API key; send it as `Authorization: Bearer <key>`.")
        caller = await self._keys.identify(key.strip(), scope["app"].state.services.access)
        if caller is None:
            raise _unknown_caller("This API key is not known here; check it, or ask whoever runs this gateway for one.")
        return caller


def _open(path: str) -> bool:
    return path in OPEN_PATHS or is_page(path)


def needs(scope: access.Scope) -> Any:
    """Dependency of a route: the caller's key must have this scope."""
    return Security(_authorize, scopes=[scope.value])


def known() -> Any:
    """Dependency of a route that any known caller may use."""
    return Security(_authorize, scopes=[])


def caller_of(scope: Scope) -> Caller | None:
    """Whom the middleware found; None on open paths and for refused requests."""
    caller: Caller | None = scope.get(_CALLER_KEY)
    return caller


def _asking(request: Request) -> Caller:
    """The caller of a route behind ``needs``."""
    caller = caller_of(request.scope)
    assert caller is not None, "a route behind `needs` has a caller"
    return caller


AskingCaller = Annotated[Caller, Depends(_asking)]


async def _authorize(needed: SecurityScopes, request: Request, _scheme: Annotated[object, Security(_bearer)]) -> None:
    caller = caller_of(request.scope)
    for word in needed.scopes:
        if caller is None or not caller.may(access.Scope(word)):
            keyless = "Whoever shows no API key"
            who = keyless if caller is None or caller.name == ANONYMOUS else f"The API key {caller.name!r}"
            raise ShinsaError(Reason.PERMISSION_DENIED, f"{who} lacks the scope {word!r}; use a key that has it.")


def _unknown_caller(message: str) -> ShinsaError:
    return ShinsaError(Reason.UNAUTHENTICATED, message)
