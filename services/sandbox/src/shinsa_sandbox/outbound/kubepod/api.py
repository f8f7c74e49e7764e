"""The few things that are asked of the Kubernetes API, and what its answers mean to us.

Not by the generated client libraries: they cannot take a log up at a time, hold answers in memory whole, and bring
seven hundred classes where six calls are wanted.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from shinsa_chassis.errors import Reason, ShinsaError
from shinsa_chassis.retry import short_retry

from shinsa_sandbox.outbound.kubepod.access import Access, ApiSettings

Pod = dict[str, Any]

# Most that an answer, or the next piece of one, may take.
_CALL_SECONDS = 30.0
# After that the server ends a watch; a log may be silent as long as tests are.
_WATCH_SECONDS = 240
_PIECE = 1 << 16
_MOST_EVENT_BYTES = 8 << 20
_QUOTA = "exceeded quota"
_LOG = "read a log"
_WATCH = "watch a pod"
_REASONS = {
    400: Reason.INVALID_ARGUMENT,
    401: Reason.UNAUTHENTICATED,
    403: Reason.PERMISSION_DENIED,
    404: Reason.NOT_FOUND,
    409: Reason.ALREADY_EXISTS,
    422: Reason.FAILED_PRECONDITION,
    429: Reason.RATE_LIMITED,
}


class Expired(Exception):  # noqa: N818 - it reads as a fact
    """The version from which a watch was to go on is no longer known; what is there must be read anew."""


class PodApi:
    """Pods of one namespace. Every error is a ``ShinsaError``; calls are repeated for some seconds where that helps."""

    def __init__(self, settings: ApiSettings, namespace: str) -> None:
        self._access = Access(settings)
        self._pods = f"/api/v1/namespaces/{namespace}/pods"
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> str:
        """Connects, makes sure that pods may be listed, and returns the server's version."""
        if self._session is None:
            # No limit: a watch and a log hold a connection each for as long as a pod lives.
            connector = aiohttp.TCPConnector(limit=0, ssl=self._access.tls())
            self._session = aiohttp.ClientSession(connector=connector)
        await self.listed("", most=1)
        version = await self._ask("GET", "/version", "ask for the version")
        return str(version.get("gitVersion") or "")

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def create(self, manifest: Mapping[str, Any]) -> None:
        """Makes the pod. A repetition that finds it made is content: no name is used twice."""
        try:
            await self._ask("POST", self._pods, "create a pod", body=json.dumps(manifest))
        except ShinsaError as error:
            if error.reason is not Reason.ALREADY_EXISTS:
                raise

    async def read(self, name: str) -> Pod | None:
        """``None`` if there is no such pod."""
        try:
            return await self._ask("GET", f"{self._pods}/{name}", "read a pod")
        except ShinsaError as error:
            if error.reason is not Reason.NOT_FOUND:
                raise
            return None

    async def listed(self, label: str, most: int = 500) -> list[Pod]:
        """Those that have the label, page by page; with no label the first ``most``."""
        query = {"limit": str(most), **({"labelSelector": label} if label else {})}
        found: list[Pod] = []
        while True:
            page = await self._ask("GET", self._pods, "list pods", query=query)
            found += page.get("items") or []
            more = (page.get("metadata") or {}).get("continue")
            if not more or not label:
                return found
            query["continue"] = more

    async def delete(self, name: str) -> None:
        """Gone already is as good."""
        try:
            await self._ask("DELETE", f"{self._pods}/{name}", "delete a pod")
        except ShinsaError as error:
            if error.reason is not Reason.NOT_FOUND:
                raise

    async def watch(self, name: str, version: str) -> AsyncIterator[tuple[str, Pod]]:
        """Kind of event and pod, until the server ends it. ``Expired`` if ``version`` is too old."""
        query = {
            "watch": "true",
            "fieldSelector": f"metadata.name={name}",
            "resourceVersion": version,
            "timeoutSeconds": str(_WATCH_SECONDS),
        }
        async for line in self._lines(self._pods, _WATCH, query):
            event = _parsed(line)
            kind, pod = str(event.get("type") or ""), event.get("object") or {}
            if kind == "ERROR":
                raise _error(_WATCH, int(pod.get("code") or 500), pod, None)
            if kind != "BOOKMARK":
                yield kind, pod

    async def log(self, name: str, container: str, *, follow: bool, since: str = "") -> AsyncIterator[bytes]:
        """Pieces of a container's log with a time before each line, from the time ``since`` (RFC 3339)."""
        query = {"container": container, "timestamps": "true"}
        query |= {"follow": "true"} if follow else {}
        query |= {"sinceTime": since} if since else {}
        timeout = None if follow else _CALL_SECONDS
        async with self._answer("GET", f"{self._pods}/{name}/log", _LOG, query, "", timeout) as answer:
            async for piece in answer.content.iter_any():
                yield piece

    async def _lines(self, path: str, what: str, query: Mapping[str, str]) -> AsyncIterator[bytes]:
        """Of any length up to a bound: a pod's description is long."""
        pending = bytearray()
        async with self._answer("GET", path, what, query, "", _WATCH_SECONDS + _CALL_SECONDS) as answer:
            async for piece in answer.content.iter_any():
                *whole, rest = piece.split(b"\n")
                for part in whole:
                    yield bytes(pending + part)
                    pending.clear()
                pending += rest
                if len(pending) > _MOST_EVENT_BYTES:
                    raise _malformed(f"an event of more than {_MOST_EVENT_BYTES} bytes")

    async def _ask(
        self, method: str, path: str, what: str, query: Mapping[str, str] | None = None, body: str = ""
    ) -> dict[str, Any]:
        async for attempt in short_retry("kubernetes"):
            with attempt:
                async with self._answer(method, path, what, query or {}, body, _CALL_SECONDS) as answer:
                    return _parsed(await answer.read())
        raise AssertionError("the last attempt returns or raises")

    @asynccontextmanager
    async def _answer(
        self, method: str, path: str, what: str, query: Mapping[str, str], body: str, silent_seconds: float | None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """An answer that is no error. ``ShinsaError`` while it is read, too."""
        if self._session is None:
            raise ShinsaError(Reason.UNAVAILABLE, "the executor is closed; ask another replica", origin="sandbox")
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=_CALL_SECONDS, sock_read=silent_seconds)
        headers = self._access.headers() | ({"Content-Type": "application/json"} if body else {})
        try:
            async with self._session.request(
                method, self._access.url + path, params=query, data=body or None, headers=headers, timeout=timeout
            ) as answer:
                if answer.status >= 300:
                    said = _told(await answer.content.read(_PIECE))
                    raise _error(what, answer.status, said, answer.headers.get("Retry-After"))
                yield answer
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            text = f"the Kubernetes API does not answer ({str(error) or type(error).__name__}); could not {what}"
            raise ShinsaError(Reason.UNAVAILABLE, text, origin="kubernetes") from error


def _parsed(text: bytes) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise _malformed(str(error)) from error
    if not isinstance(found, dict):
        raise _malformed("no object")
    return found


def _told(text: bytes) -> Mapping[str, Any]:
    """The API's own words about an error, or those of whoever answers in its place."""
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {"message": text.decode("utf-8", "replace")}


def _error(what: str, status: int, said: Mapping[str, Any], retry_after: str | None) -> Exception:
    message = " ".join(str(said.get("message") or "").split())[:400]
    if status == 410 and what == _WATCH:
        return Expired()
    after = float(retry_after) if retry_after and retry_after.isdigit() else None
    if status == 403 and _QUOTA in message:
        text = f"The quota of the pods' namespace is used up: {message}"
        return ShinsaError(Reason.OVERLOADED, text, retry_after=after or 30.0, origin="kubernetes")
    reason = _REASONS.get(status, Reason.UNAVAILABLE)
    # A log that is not there yet, and writers who were in each other's way.
    if (status == 400 and what == _LOG) or (status == 409 and said.get("reason") != "AlreadyExists"):
        reason = Reason.UNAVAILABLE
    remedy = {401: "; check the service account's token", 403: "; see the Role in deploy/k8s/components/kubepod"}
    text = f"The Kubernetes API could not {what} ({status}): {message}{remedy.get(status, '')}"
    return ShinsaError(reason, text, retry_after=after, origin="kubernetes")


def _malformed(detail: str) -> ShinsaError:
    return ShinsaError(
        Reason.UPSTREAM_MALFORMED, f"The Kubernetes API's answer is no JSON: {detail}", origin="kubernetes"
    )
