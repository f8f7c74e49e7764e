"""Asks the gateway through its client, and turns its problems into ours."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx
from shinsa_client import Client, ClientError, Refused, Unreachable
from shinsa_client.answer import JsonObject
from shinsa_client.http import Query, Request, json_of, segment

from shinsa_cli import version
from shinsa_cli.gateway.discovery import Server
from shinsa_cli.problem import BAD_INPUT, INCOMPLETE, UNREACHABLE, Problem, unreachable

__all__ = ["MODEL_PATIENCE", "GatewayClient", "Query", "cannot_reach", "read_problem", "segment"]

# A model may have to be loaded first, and may think long. Seconds.
MODEL_PATIENCE = 900.0
# Some files are written whole before their first byte is sent. Seconds.
FILE_PATIENCE = 900.0
_GATEWAY_TROUBLE = (502, 503, 504)

T = TypeVar("T")


class GatewayClient:
    """One conversation with a gateway. All methods raise ``Problem``."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._client = Client(server.url, api_key=server.api_key, user_agent=f"shinsa-cli/{version()}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def get(self, path: str, query: Query | None = None, *, patience: float = 0) -> JsonObject:
        """Safe to repeat, and repeated where the connection breaks. ``patience`` as for ``post``."""
        return self._json(Request("GET", path, query or {}, repeatable=True, patience=patience))

    def post(
        self,
        path: str,
        body: object = None,
        *,
        idempotency_key: str = "",
        patience: float = 0,
    ) -> JsonObject:
        """Repeated after a broken connection only under an idempotency key.

        ``patience``: seconds to wait for the answer; 0: the usual ones.
        """
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
        repeatable = bool(idempotency_key)
        return self._json(Request("POST", path, {}, body, headers, repeatable=repeatable, patience=patience))

    def put(self, path: str, body: object) -> JsonObject:
        return self._json(Request("PUT", path, body=body, repeatable=True))

    def delete(self, path: str) -> None:
        self._told(lambda: self._client.answer(Request("DELETE", path)))

    def download(self, path: str, query: Query | None = None) -> bytes:
        """A file as it comes; of a large run it takes its time to begin."""
        request = Request("GET", path, query or {}, repeatable=True, patience=FILE_PATIENCE)
        return self._told(lambda: self._client.answer(request)).content

    def pages(self, path: str, key: str, query: Query, *, limit: int = 0) -> Iterator[JsonObject]:
        """The entries under ``key`` over all pages, at most ``limit`` of them; 0: all."""
        given, cursor = 0, None
        while True:
            page = self.get(path, {**query, "cursor": cursor})
            for entry in page[key]:
                yield entry
                given += 1
                if given == limit:
                    return
            cursor = page.get("next_cursor")
            if not cursor:
                return

    def stream(self, path: str) -> Iterator[str]:
        """Lines of an event stream, until the gateway ends it. Raises ``httpx.TransportError`` where it breaks off."""
        try:
            yield from self._client.lines(path)
        except Refused as error:
            raise read_problem(error.document, error.status) from error

    def told(self, ask: Callable[[Client], T]) -> T:
        """What the typed client says."""
        return self._told(lambda: ask(self._client))

    def _json(self, request: Request) -> JsonObject:
        return self._told(lambda: json_of(self._client.answer(request), self.server.url))

    def _told(self, ask: Callable[[], T]) -> T:
        """What came, or what went wrong in our words."""
        try:
            return ask()
        except Unreachable as error:
            raise cannot_reach(self.server, error) from error
        except Refused as error:
            raise read_problem(error.document, error.status) from error
        except ClientError as error:
            raise Problem(str(error), remedy="check the address; is it the gateway's?") from error


def cannot_reach(server: Server, error: Unreachable | httpx.TransportError) -> Problem:
    """The gateway does not answer."""
    why = error.why if isinstance(error, Unreachable) else str(error) or type(error).__name__
    return unreachable(
        f"cannot reach the gateway at {server.url} ({why}; address from {server.found_in})",
        remedy="see `shinsa status`, start a mesh with `shinsa up`, or name another gateway with --server",
    )


def read_problem(document: dict[str, Any], status: int) -> Problem:
    """A problem document (RFC 9457) with the gateway's own members; ``errors`` lists every field at fault."""
    message = document.get("detail") or document.get("title") or f"HTTP {status}"
    return Problem(
        str(message),
        field=str(document.get("field") or ""),
        near_matches=[str(match) for match in document.get("near_matches") or ()],
        excerpt="\n".join(f"{error.get('field')}: {error.get('detail')}" for error in document.get("errors") or ()),
        remedy=_remedy(status),
        exit_code=_exit_code(status),
    )


def _remedy(status: int) -> str:
    if status == 401:
        return "set $SHINSA_API_KEY to a key of this gateway"
    if status == 429:
        return "wait a little, then ask again"
    return "see `shinsa status` and the logs it names" if status in _GATEWAY_TROUBLE else ""


def _exit_code(status: int) -> int:
    if status in _GATEWAY_TROUBLE:
        return UNREACHABLE
    return INCOMPLETE if status >= 500 or status == 429 else BAD_INPUT
