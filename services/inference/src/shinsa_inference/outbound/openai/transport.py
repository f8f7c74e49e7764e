"""The official client's way to the wire, over aiohttp and without the parts of httpx that we have no use for.

The client takes any ``httpx2.AsyncClient``. Building and sending through httpx2 itself (cookies, redirects, event
hooks, three parses of the same address) costs more CPU than aiohttp's whole request; this class goes from one to the
other.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import httpx2

# Servers commonly close idle connections after 5 s (uvicorn, vLLM); we must be first.
KEEP_ALIVE_SECONDS = 4.0
CONNECT_SECONDS = 10.0
# The client describes machine and Python in these; an endpoint needs none of it.
_DROPPED_HEADERS = "x-stainless-"


class LeanClient(httpx2.AsyncClient):
    """Sends what the official client builds. Times in seconds.

    ``total`` bounds a request with its answer, ``silence`` each wait for a piece of one; None: not bounded.
    """

    def __init__(
        self, *, connections: int, total: float | None, silence: float | None = None, proxy: str | None = None
    ) -> None:
        super().__init__(transport=httpx2.AsyncBaseTransport(), timeout=total, trust_env=False)
        self._connections = connections
        self._times = aiohttp.ClientTimeout(
            total=total, sock_read=silence, sock_connect=min(CONNECT_SECONDS, total or CONNECT_SECONDS)
        )
        self._proxy = proxy
        self._session: aiohttp.ClientSession | None = None

    def build_request(self, method: str, url: Any, **options: Any) -> httpx2.Request:
        """A request whose body stays the bytes it is; everything but headers and content is ignored."""
        headers = [(name, value) for name, value in options.get("headers") or () if not _is_dropped(name)]
        # Without a stream the request would be given the length of an empty body.
        empty = httpx2.Request(method, url, headers=headers, stream=httpx2.ByteStream(b""))
        empty.extensions = {"address": str(empty.url), "headers": empty.headers.multi_items()}
        return with_body(empty, options.get("content"))

    async def send(self, request: httpx2.Request, *, stream: bool = False, **_options: Any) -> httpx2.Response:
        """The whole answer, or one whose body is still to be read. Raises ``httpx2.RequestError`` as httpx2 would."""
        try:
            response = await self._ask(request)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise _as_httpx(error, request) from error
        if stream:
            return _streamed(response, request)
        try:
            # Gives the connection back, or closes it if it fails.
            content = await response.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise _as_httpx(error, request) from error
        return _Answer(response.status, _headers(response), content, request)

    async def aclose(self) -> None:
        """Closes all connections."""
        if self._session is not None:
            await self._session.close()
        await super().aclose()

    async def _ask(self, request: httpx2.Request) -> aiohttp.ClientResponse:
        try:
            return await self._once(request)
        except aiohttp.ServerDisconnectedError:
            # Nearly always a pooled connection that the server closed at that moment; nothing was answered on it.
            return await self._once(request)

    async def _once(self, request: httpx2.Request) -> aiohttp.ClientResponse:
        if self._session is None:
            self._session = self._open()
        return await self._session.request(
            request.method,
            request.extensions["address"],
            headers=request.extensions["headers"],
            data=request.extensions["body"],
            allow_redirects=False,
        )

    def _open(self) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(limit=self._connections, keepalive_timeout=KEEP_ALIVE_SECONDS)
        # Not `trust_env`: it would read the environment and ~/.netrc in a thread for every single request.
        return aiohttp.ClientSession(connector=connector, timeout=self._times, proxy=self._proxy)


def with_body(request: httpx2.Request, content: Any) -> httpx2.Request:
    """A request of ``LeanClient`` with other bytes, which stay what they are."""
    return _SameWithBody(request, content or b"")


class _SameWithBody(httpx2.Request):
    """Shares method, address and headers with another request; httpx2 would copy and check them anew."""

    def __init__(self, like: httpx2.Request, body: bytes) -> None:
        self.method, self.url, self.headers = like.method, like.url, like.headers
        self.extensions = {**like.extensions, "body": body}
        self.stream = httpx2.ByteStream(body)


class _Answer(httpx2.Response):
    """An answer that has been read; httpx2 would add headers about its length and send the body through decoders."""

    def __init__(
        self, status: int, headers: list[tuple[bytes, bytes]], content: bytes, request: httpx2.Request
    ) -> None:
        super().__init__(status, headers=headers, stream=_READ, request=request)
        self._content = content
        self.is_closed = self.is_stream_consumed = True


_READ = httpx2.ByteStream(b"")


class _Body(httpx2.AsyncByteStream):
    """An answer's body while it is still coming."""

    def __init__(self, response: aiohttp.ClientResponse, request: httpx2.Request) -> None:
        self._response = response
        self._request = request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._response.content.iter_any():
                yield chunk
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise _as_httpx(error, self._request) from error

    async def aclose(self) -> None:
        self._response.close()


def _streamed(response: aiohttp.ClientResponse, request: httpx2.Request) -> httpx2.Response:
    return httpx2.Response(
        response.status, headers=_headers(response), stream=_Body(response, request), request=request
    )


def _is_dropped(name: str) -> bool:
    return name[: len(_DROPPED_HEADERS)].lower() == _DROPPED_HEADERS


def _headers(response: aiohttp.ClientResponse) -> list[tuple[bytes, bytes]]:
    # aiohttp has undone the encoding; httpx2 must not try again.
    return [(name, value) for name, value in response.raw_headers if name.lower() not in _TRANSFER_HEADERS]


_TRANSFER_HEADERS = frozenset({b"content-encoding", b"content-length", b"transfer-encoding"})


def _as_httpx(error: Exception, request: httpx2.Request) -> httpx2.RequestError:
    text = str(error) or type(error).__name__
    match error:
        case aiohttp.ConnectionTimeoutError() | aiohttp.ClientConnectorError() | ssl.SSLError():
            return httpx2.ConnectError(text, request=request)
        case TimeoutError():
            return httpx2.ReadTimeout(text, request=request)
        case _:
            return httpx2.ReadError(text, request=request)
