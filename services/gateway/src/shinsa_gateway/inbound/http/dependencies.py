"""What routes are given: the services behind the gateway, and what the process told the application."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Request
from shinsa_chassis.errors import Reason, ShinsaError

from shinsa_gateway.application.board_tables import BoardTables
from shinsa_gateway.application.cursors import Cursors
from shinsa_gateway.application.run_watches import RunWatches
from shinsa_gateway.ports.access import Access
from shinsa_gateway.ports.operations import Operations
from shinsa_gateway.ports.orchestrator import Orchestrator
from shinsa_gateway.ports.remarks import Remarks
from shinsa_gateway.ports.services import Services
from shinsa_gateway.ports.submissions import Submissions
from shinsa_gateway.ports.webhooks import Webhooks
from shinsa_gateway.ports.workers import Inference, Judges, Sandbox


@dataclass(frozen=True, slots=True)
class Streaming:
    """How event streams behave.

    ``heartbeat_seconds`` lie between heartbeats; ``stop`` returns when all streams are to end; a client that takes
    nothing for ``send_seconds`` is given up.
    """

    heartbeat_seconds: float
    stop: Callable[[], Awaitable[None]]
    send_seconds: float = 30


def _services(request: Request) -> Services:
    return cast("Services", request.app.state.services)


def _orchestrator(request: Request) -> Orchestrator:
    return _services(request).orchestrator


def _inference(request: Request) -> Inference:
    return _services(request).inference


def _judges(request: Request) -> Judges:
    return _services(request).judges


def _sandbox(request: Request) -> Sandbox:
    return _services(request).sandbox


def _board_tables(request: Request) -> BoardTables:
    """Made when first asked for, and kept as long as the orchestrator is the same."""
    state, orchestrator = request.app.state, _orchestrator(request)
    tables: BoardTables | None = getattr(state, "board_tables", None)
    if tables is None or tables.orchestrator is not orchestrator:
        tables = state.board_tables = BoardTables(orchestrator)
    return tables


def _run_watches(request: Request) -> RunWatches:
    """Made when first asked for, and kept as long as the orchestrator is the same."""
    state, orchestrator = request.app.state, _orchestrator(request)
    watches: RunWatches | None = getattr(state, "run_watches", None)
    if watches is None or watches.orchestrator is not orchestrator:
        watches = state.run_watches = RunWatches(orchestrator)
    return watches


def _access(request: Request) -> Access:
    return _services(request).access


def _cursors(request: Request) -> Cursors:
    """Made when first asked for, and kept as long as the books are the same."""
    state, access = request.app.state, _access(request)
    cursors: Cursors | None = getattr(state, "cursors", None)
    if cursors is None or cursors.access is not access:
        cursors = state.cursors = Cursors(access)
    return cursors


def _remarks(request: Request) -> Remarks:
    return _services(request).remarks


def _webhooks(request: Request) -> Webhooks:
    return _services(request).webhooks


def _operations(request: Request) -> Operations:
    return _services(request).operations


def _submissions(request: Request) -> Submissions:
    return _services(request).submissions


def _streaming(request: Request) -> Streaming:
    return cast("Streaming", request.app.state.streaming)


async def no_stray_parameters(request: Request) -> None:
    """Refuses query parameters where a route takes none; where it takes some, their model refuses the others."""
    if request.query_params and not request.scope["route"].dependant.query_params:
        name = next(iter(request.query_params))
        raise ShinsaError(Reason.INVALID_ARGUMENT, f"{name}: unknown parameter; this operation takes none.", field=name)


AskOrchestrator = Annotated[Orchestrator, Depends(_orchestrator)]
AskInference = Annotated[Inference, Depends(_inference)]
AskJudges = Annotated[Judges, Depends(_judges)]
AskSandbox = Annotated[Sandbox, Depends(_sandbox)]
AskBoardTables = Annotated[BoardTables, Depends(_board_tables)]
AskRunWatches = Annotated[RunWatches, Depends(_run_watches)]
AskAccess = Annotated[Access, Depends(_access)]
SealedCursors = Annotated[Cursors, Depends(_cursors)]
AskRemarks = Annotated[Remarks, Depends(_remarks)]
AskWebhooks = Annotated[Webhooks, Depends(_webhooks)]
AskOperations = Annotated[Operations, Depends(_operations)]
AskServices = Annotated[Services, Depends(_services)]
AskSubmissions = Annotated[Submissions, Depends(_submissions)]
StreamingWays = Annotated[Streaming, Depends(_streaming)]
