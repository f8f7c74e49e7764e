"""Sends webhooks over HTTP: follows no redirect, and reaches no private address unless that is allowed."""

from __future__ import annotations

import asyncio
import http.client
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address
from urllib.parse import urlsplit

from shinsa_chassis.errors import Reason, ShinsaError

_AT_ONCE = 8


class HttpMessenger:
    """``Messenger``. ``timeout`` bounds each wait, in seconds; ``private`` allows addresses that are not public."""

    def __init__(self, *, timeout: float = 10.0, private: bool = False) -> None:
        self._timeout = timeout
        self._private = private
        # Threads of our own: receivers that take their time keep nobody from those that tallies and boards share.
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="webhook")

    async def send(self, url: str, headers: dict[str, str], body: bytes) -> int:
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._post, url, headers, body)

    def _post(self, url: str, headers: dict[str, str], body: bytes) -> int:
        try:
            connection = self._connected(url)
            try:
                parts = urlsplit(url)
                path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
                connection.request("POST", path, body, headers)
                return connection.getresponse().status
            finally:
                connection.close()
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise ShinsaError(Reason.UNAVAILABLE, f"{type(error).__name__}: {error}") from error

    def _connected(self, url: str) -> http.client.HTTPConnection:
        """Connected to the very address that was looked at: a name cannot change its mind in between."""
        parts = urlsplit(url)
        host = parts.hostname or ""
        encrypted = parts.scheme == "https"
        port = parts.port or (443 if encrypted else 80)
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        if not self._private and not ip_address(str(address[0]).partition("%")[0]).is_global:
            raise ShinsaError(
                Reason.PERMISSION_DENIED,
                f"{host} is an address of a private network; SHINSA_ORCHESTRATOR_WEBHOOK_PRIVATE=true allows those",
            )
        plain = socket.socket(family, kind, protocol)
        try:
            plain.settimeout(self._timeout)
            plain.connect(address)
            wrapped = ssl.create_default_context().wrap_socket(plain, server_hostname=host) if encrypted else plain
        except BaseException:
            plain.close()
            raise
        connection = http.client.HTTPConnection(host, port, timeout=self._timeout)
        connection.sock = wrapped
        return connection
