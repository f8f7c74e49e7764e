"""A whole gateway: a real HTTP server in front of a real gRPC service."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
from opentelemetry.sdk.trace import TracerProvider
from shinsa.orchestrator.v1 import run_pb2
from shinsa_chassis import tracing
from shinsa_chassis.errors import Reason, ShinsaError
from waiting import until

COMPLETE = run_pb2.RUN_STATE_COMPLETE


async def events_of(answer: httpx.Response) -> AsyncIterator[dict[str, str]]:
    event: dict[str, str] = {}
    async for line in answer.aiter_lines():
        if not line and event:
            yield event
            event = {}
        elif line and not line.startswith(":"):
            name, _, value = line.partition(": ")
            event[name] = value


async def test_a_run_is_submitted_with_its_key(gateway: httpx.AsyncClient, double: Any) -> None:
    body = {"model": "m", "suite": "demo", "limit": 3, "overrides": {"temperature": 0.5}}
    answer = await gateway.post("/v1/runs", json=body, headers={"Idempotency-Key": "k-1"})
    assert answer.status_code == 201
    [request] = double.submitted
    assert (request.idempotency_key, request.spec.suite, request.spec.limit) == ("k-1", "demo", 3)
    assert answer.json()["spec"]["overrides"] == {"temperature": "0.5"}
    await until(lambda: bool(double.acts))
    [settled], [act] = double.settled, double.acts
    assert (settled.idempotency_key, settled.answer.status, settled.answer.location) == ("k-1", 201, "/v1/runs/r1")
    assert (act.caller, act.operation, act.path, act.status) == ("local", "submit_run", "/v1/runs", 201)
    assert (await gateway.get("/readyz")).json() == {"status": "ready"}


async def test_a_failure_crosses_both_borders_whole(gateway: httpx.AsyncClient) -> None:
    answer = await gateway.get("/v1/runs/r2")
    problem = answer.json()
    assert (answer.status_code, problem["field"], problem["near_matches"]) == (404, "run_id", ["r1"])
    assert problem["detail"] == "There is no run 'r2'."


async def test_a_refused_order_names_the_field_of_the_json(gateway: httpx.AsyncClient, double: Any) -> None:
    double.refusal = ShinsaError(
        Reason.INVALID_ARGUMENT, "spec.suite: unknown suite 'dmo'", field="spec.suite", near_matches=["demo"]
    )
    problem = (await gateway.post("/v1/runs", json={"model": "m", "suite": "dmo"})).json()
    assert (problem["status"], problem["field"], problem["near_matches"]) == (422, "suite", ["demo"])
    assert problem["detail"] == "suite: unknown suite 'dmo'"


async def test_a_service_that_is_away_is_unavailable(gateway: httpx.AsyncClient) -> None:
    away = await gateway.get("/v1/judges")
    assert (away.status_code, away.json()["type"]) == (503, "urn:shinsa:problem:unavailable")


async def test_an_answer_that_cannot_be_read_is_malformed(gateway: httpx.AsyncClient, double: Any) -> None:
    double.run.plan.add(benchmark="b")
    double.run.created_at.seconds = 2**60
    answer = await gateway.get("/v1/runs/r1")
    assert (answer.status_code, answer.json()["type"]) == (502, "urn:shinsa:problem:upstream_malformed")


async def test_a_run_is_watched_to_its_end(gateway: httpx.AsyncClient, double: Any) -> None:
    async with gateway.stream("GET", "/v1/runs/r1/events") as answer:
        events = events_of(answer)
        assert json.loads((await anext(events))["data"])["state"] == "running"
        await double.now(progress=run_pb2.Progress(items=2, scored=1))
        second = await anext(events)
        assert (second["id"], json.loads(second["data"])["progress"]["scored"]) == ("2", 1)
        await double.now(state=COMPLETE)
        assert json.loads((await anext(events))["data"])["state"] == "complete"
        assert [event async for event in events] == []
    await until(lambda: double.watching == 0)


async def test_an_unknown_run_is_no_stream(gateway: httpx.AsyncClient, double: Any) -> None:
    answer = await gateway.get("/v1/runs/r2/events")
    assert (answer.status_code, answer.json()["near_matches"]) == (404, ["r1"])
    assert double.watching == 0


async def test_a_client_that_goes_frees_the_watch(gateway: httpx.AsyncClient, double: Any) -> None:
    async with gateway.stream("GET", "/v1/runs/r1/events") as answer:
        await anext(events_of(answer))
        assert double.watching == 1
    await until(lambda: double.watching == 0)
    assert (await gateway.get("/v1/runs/r1")).status_code == 200


async def test_many_watchers_are_served_and_freed(gateway: httpx.AsyncClient, double: Any) -> None:
    begun: list[str] = []

    async def watch() -> str:
        async with gateway.stream("GET", "/v1/runs/r1/events", timeout=None) as answer:
            events = events_of(answer)
            begun.append((await anext(events))["id"])
            return [json.loads(event["data"])["state"] async for event in events][-1]

    watchers = [asyncio.create_task(watch()) for _ in range(30)]
    await until(lambda: len(begun) == 30, seconds=300)
    assert (double.watching, double.watches_opened) == (1, 1)
    await double.now(state=COMPLETE)
    assert await asyncio.gather(*watchers) == ["complete"] * 30
    await until(lambda: double.watching == 0)


async def test_a_client_that_never_reads_is_given_up(double: Any, mesh_port: int, serve_gateway: Any) -> None:
    double.run.spec.note = "x" * 400_000
    async with serve_gateway(mesh_port, send_seconds=3) as url:
        host, port = url.removeprefix("http://").split(":")
        with socket.socket() as silent:
            silent.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            silent.connect((host, int(port)))
            silent.sendall(f"GET /v1/runs/r1/events HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            await until(lambda: double.watching == 1)
            async with httpx.AsyncClient(base_url=url, timeout=None, trust_env=False) as client:
                async with client.stream("GET", "/v1/runs/r1/events") as answer:
                    events = events_of(answer)
                    await anext(events)
                    for number in range(1, 13):
                        await double.now(progress=run_pb2.Progress(items=1))
                        # Whoever reads is served as if nobody were silent.
                        assert (await anext(events))["id"] == str(number + 1)
                assert double.watches_opened == 1
            await until(lambda: double.watching == 0)


async def _until_refused(client: httpx.AsyncClient) -> None:
    async with asyncio.timeout(30):
        with contextlib.suppress(httpx.TransportError):
            while True:
                await client.get("/healthz")


async def test_a_drain_ends_streams_and_the_server(double: Any, mesh_port: int, serve_gateway: Any, drain: Any) -> None:
    async with serve_gateway(mesh_port) as url, httpx.AsyncClient(base_url=url, trust_env=False) as client:
        async with client.stream("GET", "/v1/runs/r1/events") as answer:
            events = events_of(answer)
            await anext(events)
            asked = time.monotonic()
            drain.request()
            assert [event async for event in events] == []
        assert time.monotonic() - asked < 60
        await until(lambda: double.watching == 0)
        await _until_refused(client)


async def test_a_watch_survives_the_orchestrators_restart(double: Any, serve_gateway: Any) -> None:
    async with double.serve() as first:
        port = first.port
        gateway = serve_gateway(port)
        url = await gateway.__aenter__()
        client = httpx.AsyncClient(base_url=url, timeout=30, trust_env=False)
        stream = client.stream("GET", "/v1/runs/r1/events")
        events = events_of(await stream.__aenter__())
        assert (await anext(events))["id"] == "1"
    async with double.serve(port):
        again = await anext(events)
        assert (again["event"], again["id"], double.watches_opened) == ("run", "2", 2)
        await double.now(state=COMPLETE)
        assert json.loads((await anext(events))["data"])["state"] == "complete"
        await stream.__aexit__(None, None, None)
        await client.aclose()
        await gateway.__aexit__(None, None, None)


async def test_a_watch_that_is_refused_midway_ends_with_a_problem(gateway: httpx.AsyncClient, double: Any) -> None:
    async with gateway.stream("GET", "/v1/runs/r1/events") as answer:
        events = events_of(answer)
        await anext(events)
        await double.updates.put(ShinsaError(Reason.FAILED_PRECONDITION, "the run was taken away"))
        last = await anext(events)
        assert (last["event"], json.loads(last["data"])["status"]) == ("problem", 409)
        assert [event async for event in events] == []


async def test_the_trace_of_a_request_goes_on_behind_the_gateway(gateway: httpx.AsyncClient, double: Any) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    tracing.use_provider(TracerProvider(shutdown_on_exit=False))
    try:
        sent = {"traceparent": f"00-{trace}-b7ad6b7169203331-01"}
        await gateway.post("/v1/runs", json={"model": "m", "suite": "s"}, headers=sent)
    finally:
        tracing.shutdown_tracing()
    assert double.metadata["traceparent"].split("-")[1] == trace
