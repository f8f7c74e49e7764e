"""Calls between a real server and a real channel."""

from __future__ import annotations

import asyncio
import socket
from contextlib import aclosing
from types import SimpleNamespace
from typing import Any

import grpc
import pytest
import structlog
from prometheus_client import REGISTRY
from shinsa.failure.v1 import failure_pb2
from shinsa.judge.v1 import case_pb2
from shinsa.judge.v1 import judge_service_pb2 as judge
from shinsa.judge.v1.judge_service_pb2_grpc import JudgeServiceStub
from shinsa.orchestrator.v1 import orchestrator_service_pb2 as orchestrator
from shinsa.orchestrator.v1.orchestrator_service_pb2_grpc import OrchestratorServiceStub
from shinsa.sandbox.v1 import program_pb2
from shinsa.sandbox.v1 import sandbox_service_pb2 as sandbox
from shinsa.sandbox.v1.sandbox_service_pb2_grpc import SandboxServiceStub
from shinsa_chassis.errors import Reason, ShinsaError
from shinsa_chassis.grpc_channel import call, open_channel, stream
from shinsa_chassis.grpc_interceptor import CallInterceptor
from shinsa_chassis.grpc_status import FAILURE_KEY, status_code
from structlog.testing import capture_logs
from waiting import until

JUDGE_PATH = "/shinsa.judge.v1.JudgeService/Judge"
RAISE = judge.JudgeRequest(profile="raise")
WAIT = judge.JudgeRequest(profile="wait")


async def judged(address: str, request: judge.JudgeRequest, seconds: float = 30) -> judge.JudgeResponse:
    async with open_channel(address) as channel:
        return await call(JudgeServiceStub(channel).Judge, request, timeout=seconds)


async def refused(address: str, request: judge.JudgeRequest = RAISE, seconds: float = 30) -> ShinsaError:
    with pytest.raises(ShinsaError) as raised:
        await judged(address, request, seconds)
    return raised.value


def calls_counted(code: str, path: str = JUDGE_PATH) -> float:
    return REGISTRY.get_sample_value("shinsa_grpc_calls_total", {"method": path, "code": code}) or 0.0


async def test_an_answer_comes_back(address: str) -> None:
    before = calls_counted("OK")
    assert (await judged(address, judge.JudgeRequest(profile="house"))).verdict.label == "house"
    assert calls_counted("OK") == before + 1


async def test_messages_far_beyond_grpcs_default_size_pass(address: str) -> None:
    label = "長" * 3_000_000
    assert (await judged(address, judge.JudgeRequest(profile=label))).verdict.label == label


async def test_messages_beyond_our_size_are_refused_with_a_sentence(address: str) -> None:
    error = await refused(address, judge.JudgeRequest(case=case_pb2.Case(rubric="x" * (64 * 1024 * 1024 + 1))))
    assert (error.reason, error.retryable) == (Reason.INVALID_ARGUMENT, False)
    assert address in error.message
    assert "too large" in error.message


async def test_every_failure_arrives_whole(address: str, door: Any) -> None:
    for reason in Reason:
        door.error = ShinsaError(
            reason,
            f"プロファイル {reason} がありません",
            field="profile",
            near_matches=["house", "家"],
            retryable=reason is Reason.GAVE_UP,
            retry_after=2.5,
            origin="inference",
            attempts=3,
        )
        assert vars(await refused(address)) == vars(door.error)


async def test_the_failure_names_the_service_where_the_error_does_not(address: str, door: Any) -> None:
    door.error = ShinsaError(Reason.NOT_FOUND, "no such profile")
    assert (await refused(address)).origin == "judge"


async def test_stock_clients_get_code_sentence_and_failure(address: str, door: Any) -> None:
    async with grpc.aio.insecure_channel(address) as channel:
        for reason in Reason:
            door.error = ShinsaError(
                reason, "日本語の長い説明" * 2000, near_matches=["候補" * 100] * 50, field="f" * 9999
            )
            with pytest.raises(grpc.aio.AioRpcError) as raised:
                await JudgeServiceStub(channel).Judge(RAISE)
            assert raised.value.code() is status_code(reason)
            assert (raised.value.details() or "").startswith("日本語の長い説明")
            (sent,) = [value for key, value in raised.value.trailing_metadata() or () if key == FAILURE_KEY]
            failure = failure_pb2.Failure.FromString(sent)  # type: ignore[arg-type]
            assert failure.message.startswith("日本語の長い説明" * 50)
            assert failure_pb2.Reason.Name(failure.reason) == f"REASON_{reason.name}"


async def test_the_unforeseen_is_internal_and_its_traceback_stays_in_the_log(address: str, door: Any) -> None:
    door.error = KeyError("sk-secret")
    before = calls_counted("INTERNAL")
    with capture_logs() as lines:
        error = await refused(address)
    assert (error.reason, error.origin) == (Reason.INTERNAL, "judge")
    assert "secret" not in error.message
    (line,) = [line for line in lines if line["event"] == "call_failed"]
    assert (line["log_level"], line["exc_info"], line["method"]) == ("error", door.error, JUDGE_PATH)
    await until(lambda: calls_counted("INTERNAL") == before + 1)


async def test_the_callers_mistakes_are_no_warnings(address: str, door: Any) -> None:
    door.error = ShinsaError(Reason.NOT_FOUND, "no such profile")
    with capture_logs() as lines:
        await refused(address)
    assert [(line["event"], line["log_level"]) for line in lines] == [("call_refused", "info")]


async def test_a_timeout_inside_is_a_timeout(address: str, door: Any) -> None:
    door.error = TimeoutError()
    assert (await refused(address)).reason is Reason.TIMEOUT


async def test_something_cancelled_inside_does_not_leave_the_caller_hanging(address: str, door: Any) -> None:
    door.error = asyncio.CancelledError()
    assert (await refused(address)).reason is Reason.CANCELLED


async def test_a_servicers_own_abort_passes(address: str) -> None:
    path = "/shinsa.sandbox.v1.SandboxService/Execute"
    before = calls_counted("OUT_OF_RANGE", path)
    async with open_channel(address) as channel:
        with pytest.raises(ShinsaError, match="in the servicer's own words"):
            await call(SandboxServiceStub(channel).Execute, sandbox.ExecuteRequest(), timeout=30)
    await until(lambda: calls_counted("OUT_OF_RANGE", path) == before + 1)


async def test_a_call_that_takes_too_long_ends_on_both_sides(address: str, door: Any) -> None:
    error = await refused(address, WAIT, seconds=0.2)
    assert (error.reason, error.retryable) == (Reason.TIMEOUT, True)
    assert address in error.message
    assert JUDGE_PATH in error.message
    await until(lambda: door.left == ["cancelled"])


async def test_a_caller_that_goes_away_takes_its_work_along(address: str, door: Any) -> None:
    before = calls_counted("CANCELLED")
    asking = asyncio.ensure_future(judged(address, WAIT))
    await door.entered.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await until(lambda: door.left == ["cancelled"] and calls_counted("CANCELLED") == before + 1)


class LateContext:
    """What the handler of a call sees whose deadline is over, though nobody has cancelled it yet."""

    aborted: tuple[Any, ...] = ()

    def time_remaining(self) -> float:
        return 0.0

    def invocation_metadata(self) -> tuple[tuple[str, str], ...]:
        return ()

    def done(self) -> bool:
        return False

    async def abort(self, *status: Any) -> None:
        self.aborted = status
        raise grpc.aio.AbortError


async def test_a_call_that_comes_after_its_deadline_is_not_begun(door: Any) -> None:
    handler = grpc.unary_unary_rpc_method_handler(door.Judge)

    async def found(details: object) -> object:
        return handler

    details = SimpleNamespace(method=JUDGE_PATH)
    wrapped = await CallInterceptor("judge").intercept_service(found, details)
    context = LateContext()
    door.ids = {"untouched": "yes"}
    with pytest.raises(grpc.aio.AbortError):
        await wrapped.unary_unary(judge.JudgeRequest(), context)
    code, sentence, metadata = context.aborted
    assert code is grpc.StatusCode.DEADLINE_EXCEEDED
    assert "deadline" in sentence
    assert failure_pb2.Failure.FromString(dict(metadata)[FAILURE_KEY]).reason == failure_pb2.REASON_TIMEOUT
    assert door.ids == {"untouched": "yes"}


async def test_nobody_there_names_the_address() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening: nobody else can be there
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        error = await refused(address)
    assert (error.reason, error.retryable) == (Reason.UNAVAILABLE, True)
    assert error.message.startswith(f"{address} cannot be reached")


async def test_another_service_there_is_said_to_be_another(address: str) -> None:
    async with open_channel(address) as channel:
        with pytest.raises(ShinsaError) as raised:
            await call(OrchestratorServiceStub(channel).GetRun, orchestrator.GetRunRequest(), timeout=30)
    assert (raised.value.reason, raised.value.retryable) == (Reason.FAILED_PRECONDITION, False)
    assert address in raised.value.message
    assert "OrchestratorService/GetRun" in raised.value.message


async def test_parts_come_one_by_one(address: str, door: Any) -> None:
    async with open_channel(address) as channel:
        method = SandboxServiceStub(channel).ExecuteStream
        parts = [part.stdout async for part in stream(method, sandbox.ExecuteStreamRequest(), timeout=30)]
    assert parts == [b"one", b"two", b"three"]
    assert door.left == ["closed"]


async def test_a_stream_may_fail_after_its_parts(address: str, door: Any) -> None:
    door.error = ShinsaError(Reason.ISOLATION_MISSING, "no user namespaces", field="program.runtime")
    async with open_channel(address) as channel:
        parts = stream(SandboxServiceStub(channel).ExecuteStream, sandbox.ExecuteStreamRequest(), timeout=30)
        assert [(await anext(parts)).stdout for _ in range(3)] == [b"one", b"two", b"three"]
        with pytest.raises(ShinsaError) as raised:
            await anext(parts)
    assert (raised.value.reason, raised.value.field) == (Reason.ISOLATION_MISSING, "program.runtime")


async def test_leaving_a_stream_early_closes_it_at_the_far_end(address: str, door: Any) -> None:
    request = sandbox.ExecuteStreamRequest(request=sandbox.ExecuteRequest(program=program_pb2.Program(runtime="wait")))
    async with open_channel(address) as channel:
        async with aclosing(stream(SandboxServiceStub(channel).ExecuteStream, request, timeout=None)) as parts:
            assert (await anext(parts)).stdout == b"one"
        await until(lambda: "closed" in door.left)


async def test_ids_travel_with_the_call_and_stay_with_it(address: str, door: Any) -> None:
    with structlog.contextvars.bound_contextvars(run_id="r1", item_id="i1", step_id="s1", colour="red"):
        await judged(address, judge.JudgeRequest())
    assert door.ids == {"run_id": "r1", "item_id": "i1", "step_id": "s1"}
    await judged(address, judge.JudgeRequest())
    assert door.ids == {}
