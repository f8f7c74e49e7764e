"""The official client, asked over and over for what differs in its content alone."""

from __future__ import annotations

from typing import Any

import httpx2
import openai
from openai._models import FinalRequestOptions

from shinsa_inference.outbound.openai.transport import with_body


class OfficialClient(openai.AsyncOpenAI):
    """Works out options, address and headers once for each address: they are the same for every question.

    That is a third of what the client costs. Whoever we are is part of the headers, so it does not look at each request
    whether there are other ways to log in. Timeouts, errors and reading of answers stay the client's.
    """

    def __init__(self, *, asking: openai.RequestOptions, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.asking = asking
        self._known_options: dict[str, FinalRequestOptions] = {}
        self._known_requests: dict[str, httpx2.Request] = {}

    async def ask(self, url: str, content: bytes) -> httpx2.Response:
        """Posts the body and returns the answer, unparsed. Raises ``openai.APIError``."""
        known = self._known_options.get(url)
        if known is None:
            known = self._known_options[url] = FinalRequestOptions.construct(method="post", url=url, **self.asking)
        return await self.request(httpx2.Response, known.model_copy(update={"content": content}))

    def _build_request(self, options: FinalRequestOptions, *, retries_taken: int = 0) -> httpx2.Request:
        known = self._known_requests.get(options.url)
        if known is None:
            known = self._known_requests[options.url] = super()._build_request(options, retries_taken=retries_taken)
        return with_body(known, options.content)

    async def _prepare_options(self, options: FinalRequestOptions) -> FinalRequestOptions:
        return options

    async def _prepare_request(self, request: httpx2.Request) -> None:
        return

    async def _send_request(self, request: httpx2.Request, *, stream: bool, **options: Any) -> httpx2.Response:
        return await self._client.send(request, stream=stream, **options)

    @property
    def custom_auth(self) -> None:
        return None
