"""The way to an endpoint: one POST, its answer or the error in the mesh's words.

Judges need two paths of the API, answers that we read ourselves, and retries that are ours. The official client's own
models, retries and transport would cost more CPU a verdict than everything else that the service does; so this is
aiohttp alone. What the environment holds for other clients (keys, organisations, netrc) never gets here.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp
from shinsa_chassis.endpoint_errors import AskedEndpoint, causes
from shinsa_chassis.endpoint_proxy import proxy_for

from shinsa_judge.domain.endpoint_profile import AzureProfile, OpenAiProfile

# Servers commonly close idle connections after 5 s; we must be first.
_KEEP_ALIVE_SECONDS = 4.0


class EndpointClient:
    """``secret`` is the key, empty for none. Opens its connections with the first request."""

    def __init__(self, profile: OpenAiProfile | AzureProfile, secret: str) -> None:
        self.asked = AskedEndpoint(f"{profile.endpoint} (model {profile.model})", "profile", secret)
        self._timeout = profile.timeout
        self._connections = profile.concurrency
        self._proxy = proxy_for(profile.endpoint)
        self._headers = {"Content-Type": "application/json", "Accept": "application/json"} | _key(profile, secret)
        self._session: aiohttp.ClientSession | None = None

    async def post(self, url: str, body: dict[str, Any]) -> bytes:
        """The answer's content. Raises ``ShinsaError`` for everything but a 2xx."""
        content = json.dumps(body, ensure_ascii=False).encode("utf-8", "surrogatepass")
        try:
            async with asyncio.timeout(self._timeout):
                status, headers, answer = await self._sent(url, content)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            late = any(isinstance(one, TimeoutError) for one in causes(error))
            raise (self.asked.timed_out() if late else self.asked.unreachable(error)) from error
        if status // 100 == 2:
            return answer
        raise self.asked.answered(status, headers, answer)

    async def close(self) -> None:
        """Closes all connections."""
        if self._session is not None:
            await self._session.close()

    async def _sent(self, url: str, content: bytes) -> tuple[int, Any, bytes]:
        if self._session is None:
            self._session = self._open()
        sent = self._session.post(url, data=content, headers=self._headers, allow_redirects=False)
        async with sent as response:
            return response.status, response.headers, await response.read()

    def _open(self) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(limit=self._connections, keepalive_timeout=_KEEP_ALIVE_SECONDS)
        # Time is kept by whoever asks, for the whole of an ask.
        timeout = aiohttp.ClientTimeout(total=None)
        return aiohttp.ClientSession(connector=connector, timeout=timeout, proxy=self._proxy)


def _key(profile: OpenAiProfile | AzureProfile, secret: str) -> dict[str, str]:
    if not secret:
        return {}
    return {"api-key": secret} if isinstance(profile, AzureProfile) else {"Authorization": f"Bearer {secret}"}
