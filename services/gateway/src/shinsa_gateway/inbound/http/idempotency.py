"""The same request under the same key is done once, and answered alike however often it is sent."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Awaitable, Callable
from typing import Final

from fastapi import HTTPException
from shinsa_chassis.errors import Reason, ShinsaError
from shinsa_chassis.logging import get_logger
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shinsa_gateway.domain.book import ClaimOutcome, StoredAnswer
from shinsa_gateway.inbound.http.auth import caller_of
from shinsa_gateway.inbound.http.problem import error_response, http_problem, problem_response
from shinsa_gateway.ports.access import Access

HEADER: Final = "Idempotency-Key"
REPLAYED_HEADER: Final = "Idempotency-Replayed"
_KEY = re.compile(r"[!-~]{1,255}")
# Their answers hold secrets, which are stored nowhere.
_UNSTORED: Final = frozenset({"/v1/keys", "/v1/webhooks"})
_MOST_STORED_BYTES: Final = 1024 * 1024
_AGAIN_SECONDS: Final = 1.0

_log = get_logger(__name__)


class Idempotency:
    """Middleware behind authentication and the body's limit. Only what succeeded is remembered, for a day."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        key = Headers(scope=scope).get(HEADER) if scope["type"] == "http" and scope["method"] == "POST" else None
        caller = caller_of(scope) if key is not None else None
        if key is None or caller is None:
            await self._app(scope, receive, send)
            return
        try:
            _check(key, scope["path"])
            body = await _whole(receive)
            access: Access = scope["app"].state.services.access
            claim = await access.claim(caller.name, key, _fingerprint(scope, body))
        except ShinsaError as error:
            await error_response(error, scope)(scope, receive, send)
            return
        except HTTPException as error:
            problem = http_problem(error.status_code, str(error.detail), scope)
            await problem_response(problem, error.headers)(scope, receive, send)
            return
        if claim.outcome is ClaimOutcome.CLAIMED:
            await self._done(scope, body, send, access, caller.name, key)
        elif claim.answer is not None:
            await _replayed(claim.answer)(scope, receive, send)
        else:
            await error_response(_refusal(claim.outcome, key), scope)(scope, receive, send)

    async def _done(self, scope: Scope, body: bytes, send: Send, access: Access, caller: str, key: str) -> None:
        async def settle(answer: StoredAnswer | None) -> None:
            try:
                await access.settle(caller, key, answer)
            except ShinsaError as error:
                _log.error("answer_not_remembered", problem=error.message)

        heard = _Heard(send, settle)
        try:
            await self._app(scope, _given(body), heard.send)
        finally:
            await heard.end()


class _Heard:
    """Passes an answer on and keeps it. It is settled before its last part goes out: whoever has it may ask again."""

    def __init__(self, send: Send, settle: Callable[[StoredAnswer | None], Awaitable[None]]) -> None:
        self._send = send
        self._settle = settle
        self._settled = False
        self._status = 0
        self._headers = Headers()
        self._body = bytearray()
        self._whole = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status, self._headers = message["status"], Headers(raw=message["headers"])
        elif message["type"] == "http.response.body":
            if len(self._body) <= _MOST_STORED_BYTES:
                self._body += message.get("body", b"")
            self._whole = not message.get("more_body", False)
            if self._whole:
                await self.end()
        await self._send(message)

    async def end(self) -> None:
        if not self._settled:
            self._settled = True
            await self._settle(self.answer())

    def answer(self) -> StoredAnswer | None:
        """What is remembered: nothing of what failed, broke off or is very long."""
        if not (self._whole and 200 <= self._status < 300) or len(self._body) > _MOST_STORED_BYTES:
            return None
        kind, location = self._headers.get("content-type", ""), self._headers.get("location", "")
        return StoredAnswer(self._status, kind, location, bytes(self._body))


def _check(key: str, path: str) -> None:
    if not _KEY.fullmatch(key):
        message = f"{HEADER}: use 1 to 255 printable ASCII characters without spaces."
        raise ShinsaError(Reason.INVALID_ARGUMENT, message, field=HEADER)
    if path in _UNSTORED:
        message = f"{HEADER}: the answer holds a secret and is not stored; send it without."
        raise ShinsaError(Reason.INVALID_ARGUMENT, message, field=HEADER)


def _fingerprint(scope: Scope, body: bytes) -> str:
    head = f"{scope['method']}\n{scope['path']}\n".encode() + scope["query_string"] + b"\n"
    return hashlib.sha256(head + body).hexdigest()


async def _whole(receive: Receive) -> bytes:
    parts = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ShinsaError(Reason.CANCELLED, "The client went before its request was whole.")
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


def _given(body: bytes) -> Receive:
    """The body, once more; then nothing, for what was begun is finished whoever still listens."""
    given = False

    async def receive() -> Message:
        nonlocal given
        if given:
            return {"type": "http.disconnect"}
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


def _replayed(answer: StoredAnswer) -> Response:
    headers = {REPLAYED_HEADER: "true", "Content-Type": answer.content_type}
    if answer.location:
        headers["Location"] = answer.location
    return Response(answer.body, answer.status, headers)


def _refusal(outcome: ClaimOutcome, key: str) -> ShinsaError:
    if outcome is ClaimOutcome.OTHER_REQUEST:
        message = f"{HEADER}: {key!r} belongs to another request; use a new key for a new request."
        return ShinsaError(Reason.INVALID_ARGUMENT, message, field=HEADER)
    message = f"{HEADER}: a request under {key!r} is under way; ask again in a moment."
    return ShinsaError(Reason.FAILED_PRECONDITION, message, field=HEADER, retry_after=_AGAIN_SECONDS)
