"""The client that lets others go on meanwhile."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from types import TracebackType
from typing import Self, TypeVar

import httpx

from shinsa_client import calls
from shinsa_client.answer import JsonObject
from shinsa_client.board import Analysis, BoardTable, GateReport, ImportedReferences, ReferenceTable
from shinsa_client.calls import Call
from shinsa_client.catalog import Board, Model
from shinsa_client.errors import Refused, Unreachable
from shinsa_client.events import EventReader, run_in
from shinsa_client.http import (
    STREAM_SECONDS,
    TRIES,
    Request,
    json_of,
    pause_after,
    refused,
    settings,
    timeout,
    unreachable,
    wait_wished,
)
from shinsa_client.item import Item, ItemDetail
from shinsa_client.participation import AsyncParticipation
from shinsa_client.report import Report, RunComparison
from shinsa_client.run import Run
from shinsa_client.submission import Submission
from shinsa_client.version import USER_AGENT

T = TypeVar("T")


class AsyncClient(AsyncParticipation):
    """As ``Client``, with everything awaited."""

    def __init__(
        self,
        url: str,
        *,
        api_key: str = "",
        user_agent: str = USER_AGENT,
        httpx_client: httpx.AsyncClient | None = None,
    ) -> None:
        self.url = url.rstrip("/")
        self.http = httpx_client or httpx.AsyncClient(**settings(url, api_key, user_agent))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        await self.http.aclose()

    async def ask(self, call: Call[T]) -> T:
        """Any call of ``shinsa_client.calls``."""
        return call.read(json_of(await self.answer(call.request), self.url))

    async def answer(self, request: Request) -> httpx.Response:
        """The bare answer; a refusal is raised."""
        for attempt in range(1, TRIES + 1):
            try:
                answer = await self.http.request(**request.arguments())
            except httpx.TransportError as error:
                pause = pause_after(error, request, attempt)
                if pause is None:
                    raise unreachable(self.url, error) from error
            else:
                pause = wait_wished(answer, attempt)
                if pause is None:
                    if answer.is_error:
                        raise refused(answer, self.url)
                    return answer
            await asyncio.sleep(pause)
        raise AssertionError("the last attempt returns or raises")

    async def lines(self, path: str) -> AsyncIterator[str]:
        """Of an event stream, until the gateway ends it. Raises ``httpx.TransportError`` where it breaks off."""
        headers = {"Accept": "text/event-stream"}
        async with self.http.stream("GET", path, headers=headers, timeout=timeout(STREAM_SECONDS)) as answer:
            if answer.is_error:
                await answer.aread()
                raise refused(answer, self.url)
            async for line in answer.aiter_lines():
                yield line

    async def watch(self, run_id: str, *, patience: float = 60.0) -> AsyncIterator[Run]:
        """The run now, then whenever it changed, until it is over; see ``Client.watch``."""
        last_word, pause = time.monotonic(), 0.1
        while True:
            trouble: Exception = Unreachable(self.url, "it ended the stream before the run was over")
            try:
                reader = EventReader()
                async for line in self.lines(f"{calls.run_path(run_id)}/events"):
                    last_word, pause = time.monotonic(), 0.1
                    event = reader.line(line)
                    body = run_in(event) if event else None
                    if body is not None:
                        run = Run.model_validate(body)
                        yield run
                        if run.over:
                            return
            except httpx.TransportError as error:
                trouble = unreachable(self.url, error)
            except Refused as error:
                if error.status not in (502, 503, 504):
                    raise
                trouble = error
            if time.monotonic() - last_word > patience:
                raise trouble
            await asyncio.sleep(pause)
            pause = min(5.0, pause * 2)

    async def models(self) -> tuple[Model, ...]:
        """All registered models with their state."""
        return await self.ask(calls.list_models())

    async def model(self, name: str) -> Model:
        return await self.ask(calls.get_model(name))

    async def add_model(self, entry: JsonObject) -> Model:
        """Registers a model; ``entry`` is as the API describes it."""
        return await self.ask(calls.add_model(entry))

    async def submit_run(self, spec: JsonObject, *, idempotency_key: str = "") -> Run:
        """``spec`` is as the API describes it. The same key gives the same run, also after a broken connection."""
        return await self.ask(calls.submit_run(spec, idempotency_key))

    async def run(self, run_id: str) -> Run:
        return await self.ask(calls.get_run(run_id))

    async def cancel(self, run_id: str) -> Run:
        return await self.ask(calls.act_on_run(run_id, "cancel"))

    async def resume(self, run_id: str) -> Run:
        return await self.ask(calls.act_on_run(run_id, "resume"))

    async def rejudge(self, run_id: str, judges: Mapping[str, str]) -> Run:
        """A new run; ``judges`` are profiles by role."""
        return await self.ask(calls.rejudge_run(run_id, judges))

    async def rescore(self, run_id: str) -> Report:
        return await self.ask(calls.rescore_run(run_id))

    async def report(self, run_id: str) -> Report:
        return await self.ask(calls.get_report(run_id))

    async def compare(self, run_a: str, run_b: str, *, samples: int = 0) -> RunComparison:
        """b against a over the samples both measured; with so many ``samples`` that differ for each primary metric."""
        return await self.ask(calls.compare_runs(run_a, run_b, samples))

    async def item(self, item_id: str) -> ItemDetail:
        """With every step: prompt, reply, execution, verdict."""
        return await self.ask(calls.get_item(item_id))

    async def boards(self) -> tuple[Board, ...]:
        """Without rows."""
        return await self.ask(calls.list_boards())

    async def board(self, board: str) -> Board:
        return await self.ask(calls.get_board(board))

    async def board_table(self, board: str, *, shots: str = "", source: str = "", model: str = "") -> BoardTable:
        """Rows of runs and of tables published elsewhere; empty filters take all."""
        return await self.ask(calls.board_table(board, {"shots": shots, "source": source, "model": model}))

    async def analyse(
        self, kind: str, board: str, *, rows: Sequence[str] = (), columns: Sequence[str] = (), **options: str | bool
    ) -> Analysis:
        """``options``: shots, by, method, standardize."""
        return await self.ask(calls.analyse(kind, board, rows, columns, options))

    async def references(self, board: str) -> tuple[ReferenceTable, ...]:
        """Published tables of a board."""
        return (await self.ask(calls.list_references(board))).tables

    async def import_references(self, board: str, table: JsonObject) -> ImportedReferences:
        """``table`` is as the API describes it: source, version, format, content and so on."""
        return await self.ask(calls.import_references(board, table))

    async def remove_references(self, board: str, source: str, version: str) -> None:
        await self.ask(calls.remove_references(board, source, version))

    async def gate(self, baseline: str, candidate: str, board: str, **options: float | str) -> GateReport:
        """``options``: max_drop, alpha, correction."""
        return await self.ask(calls.gate(baseline, candidate, board, options))

    async def submit_model(self, order: JsonObject) -> Submission:
        """Puts a model into the queue; ``order`` is as the API describes it."""
        return await self.ask(calls.submit_model(order))

    async def submission(self, submission_id: str) -> Submission:
        return await self.ask(calls.get_submission(submission_id))

    async def runs(self, *, model: str = "", page_size: int = 50) -> AsyncIterator[Run]:
        """Newest first, over all pages."""
        cursor: str | None = ""
        while cursor is not None:
            page = await self.ask(calls.list_runs(model, page_size, cursor))
            for one in page.runs:
                yield one
            cursor = page.next_cursor

    async def items(self, run_id: str, *, page_size: int = 100, **filters: str | bool | int) -> AsyncIterator[Item]:
        """Over all pages. ``filters``: as the API describes them, such as benchmark, status and wrong_only."""
        cursor: str | None = ""
        while cursor is not None:
            page = await self.ask(calls.list_items(run_id, filters, page_size, cursor))
            for one in page.items:
                yield one
            cursor = page.next_cursor

    async def submissions(self, *, page_size: int = 50, **filters: str) -> AsyncIterator[Submission]:
        """Newest first, over all pages. ``filters``: state, submitter, search."""
        cursor: str | None = ""
        while cursor is not None:
            page = await self.ask(calls.list_submissions(filters, page_size, cursor))
            for one in page.submissions:
                yield one
            cursor = page.next_cursor
