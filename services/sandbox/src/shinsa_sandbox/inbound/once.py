"""The door without a service: questions on standard input, answers on standard output, one JSON object a line.

A question is ``{"executor": NAME, "request": ExecuteRequest}``, an answer ``{"execution": Execution}`` or
``{"failure": Failure}``, in the contract's own field names. Answers come as programs end; an ``id`` that stands in a
question stands in its answer too.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

from google.protobuf.json_format import MessageToDict, ParseDict, ParseError
from shinsa.sandbox.v1 import sandbox_service_pb2
from shinsa_chassis.errors import Reason, ShinsaError
from shinsa_chassis.failure import as_shinsa_error, to_failure
from shinsa_chassis.logging import get_logger

from shinsa_sandbox.application.sandbox import Sandbox
from shinsa_sandbox.inbound.wire import Bounds, from_execution, to_job

_log = get_logger(__name__)


class Door:
    """``runtimes`` holds the runtime of each executor. Each is proved before its first program."""

    def __init__(self, runtimes: Mapping[str, str], sandbox: Sandbox, bounds: Bounds) -> None:
        self._runtimes = runtimes
        self._sandbox = sandbox
        self._bounds = bounds
        self._proving = asyncio.Lock()
        self._proven: set[str] = set()

    async def answer_each(self, questions: AsyncIterator[bytes], say: Callable[[bytes], None]) -> None:
        """Answers until there are no more questions; ``say`` gets each answer as a line."""

        async def one(question: bytes) -> None:
            say(await self.answer(question) + b"\n")

        async with asyncio.TaskGroup() as answers:
            async for question in questions:
                answers.create_task(one(question))

    async def answer(self, question: bytes) -> bytes:
        """Runs the program where the question says. Never raises."""
        said: dict[str, Any] = {}
        try:
            fields = _parsed(question)
            said = {"id": fields["id"]} if "id" in fields else {}
            said["execution"] = await self._executed(fields)
        except Exception as error:  # noqa: BLE001 - whoever asked must learn of it
            if as_shinsa_error(error) is not error:
                _log.exception("question_failed")
            failure = to_failure(error, origin="sandbox")
            said["failure"] = MessageToDict(failure, preserving_proto_field_name=True)
        return json.dumps(said).encode()

    async def _executed(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        name, request = _read(fields)
        if name not in self._runtimes:
            message = f"There is no executor {name!r}; this sandbox has {', '.join(sorted(self._runtimes))}."
            raise ShinsaError(Reason.NOT_FOUND, message, field="executor", origin="sandbox")
        request.program.runtime = self._runtimes[name]
        job = to_job(request, self._bounds)
        await self._prove(self._runtimes[name])
        execution = from_execution(await self._sandbox.execute(job))
        told: dict[str, Any] = MessageToDict(execution, preserving_proto_field_name=True)
        return told

    async def _prove(self, runtime: str) -> None:
        async with self._proving:
            if runtime not in self._proven:
                await self._sandbox.prove([runtime])
                self._proven.add(runtime)


def _parsed(question: bytes) -> Mapping[str, Any]:
    try:
        fields = json.loads(question)
    except (ValueError, RecursionError) as error:
        raise _unreadable(error) from None
    if not isinstance(fields, dict):
        raise _unreadable(TypeError("an object expected"))
    return fields


def _read(fields: Mapping[str, Any]) -> tuple[str, sandbox_service_pb2.ExecuteRequest]:
    try:
        return str(fields["executor"]), ParseDict(fields["request"], sandbox_service_pb2.ExecuteRequest())
    except (ValueError, KeyError, TypeError, ParseError) as error:
        raise _unreadable(error) from None


def _unreadable(error: Exception) -> ShinsaError:
    message = f"The question cannot be read: {type(error).__name__}: {error}"[:500]
    return ShinsaError(Reason.INVALID_ARGUMENT, message, origin="sandbox")
