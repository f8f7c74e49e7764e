"""A gateway that answers what a test tells it to."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

Json = dict[str, Any]


@dataclass(frozen=True)
class Asked:
    """One request as it came."""

    method: str
    path: str
    query: dict[str, str]
    body: Any
    headers: dict[str, str]


@dataclass
class Reply:
    """One answer. ``events`` makes it an event stream; ``breaks`` ends the connection without an answer."""

    body: Any = None
    status: int = 200
    events: Sequence[tuple[str, Json]] = ()
    headers: dict[str, str] = field(default_factory=dict)
    breaks: bool = False


class FakeGateway:
    """A real HTTP server. Several answers to one route are given in turn, the last of them for ever."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self._replies: dict[tuple[str, str], list[Reply]] = {}
        gateway = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                gateway.answer(self)

            do_GET = do_POST = do_PUT = do_DELETE = answer  # noqa: N815 - named by the standard library

            def log_message(self, *_: object) -> None:
                """Says nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def says(self, route: str, *replies: Reply | Json) -> None:
        """``route`` is such as "GET /v1/models"; a plain object is a body with status 200."""
        method, _, path = route.partition(" ")
        self._replies[method, path] = [reply if isinstance(reply, Reply) else Reply(reply) for reply in replies]

    def refuses(self, route: str, status: int, detail: str, **members: Any) -> None:
        """Answers with a problem document."""
        self.says(route, problem(status, detail, **members))

    def requests(self, route: str) -> list[Asked]:
        """What was asked of a route so far."""
        return [asked for asked in self.asked if f"{asked.method} {asked.path}" == route]

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(handler.path)
        raw = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        body = json.loads(raw) if raw else None
        asked = Asked(handler.command, parts.path, dict(parse_qsl(parts.query)), body, dict(handler.headers))
        self.asked.append(asked)
        replies = self._replies.get((asked.method, asked.path), [problem(404, f"There is no {asked.path}.")])
        reply = replies.pop(0) if len(replies) > 1 else replies[0]
        if reply.breaks:
            handler.close_connection = True
        elif reply.events:
            self._stream(handler, reply)
        else:
            self._send(handler, reply)

    def _send(self, handler: BaseHTTPRequestHandler, reply: Reply) -> None:
        content = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
        handler.send_response(reply.status)
        for name, value in {"Content-Length": str(len(content)), **reply.headers}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(content)

    def _stream(self, handler: BaseHTTPRequestHandler, reply: Reply) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "text/event-stream")
        handler.send_header("Connection", "close")
        handler.end_headers()
        for number, (name, data) in enumerate(reply.events, start=1):
            event = f"id: {number}\nevent: {name}\ndata: {json.dumps(data)}\n" if name else ""
            handler.wfile.write(f": heartbeat\n{event}\n".encode())
        handler.close_connection = True

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def problem(status: int, detail: str, **members: Any) -> Reply:
    """A problem document as the gateway writes it."""
    document = {"type": "urn:shinsa:problem:x", "title": "X", "status": status, "detail": detail}
    return Reply({**document, "field": None, "near_matches": [], "retry_after": None, "errors": [], **members}, status)
