"""Every error is a problem document that names what is wrong and what to do."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from shinsa_chassis.errors import Reason, ShinsaError
from shinsa_gateway.inbound.http.problem import STATUS_OF

SHAPE = {"type", "title", "status", "detail", "field", "near_matches", "request_id", "retry_after", "errors"}
GOOD = {"model": "m", "suite": "demo"}


def problem(answer: httpx.Response, status: int) -> Any:
    """The document, after checking that it is one."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert set(body) == SHAPE
    assert body["status"] == status
    assert body["request_id"] == answer.headers["x-request-id"] != ""
    assert body["type"].startswith("urn:shinsa:problem:")
    return body


def test_every_reason_has_a_status() -> None:
    assert set(STATUS_OF) == set(Reason)
    assert all(status >= 400 for status in STATUS_OF.values())


@pytest.mark.parametrize("reason", list(Reason))
async def test_an_error_of_a_service_keeps_its_reason(
    http: httpx.AsyncClient, orchestrator: Any, reason: Reason
) -> None:
    orchestrator.error = ShinsaError(
        reason, "secret of the house", field="suite", near_matches=["demo"], retry_after=1.5
    )
    body = problem(await http.post("/v1/runs", json=GOOD), STATUS_OF[reason].value)
    assert body["type"] == f"urn:shinsa:problem:{reason.value}"
    assert (body["field"], body["near_matches"], body["retry_after"]) == ("suite", ["demo"], 1.5)
    assert ("secret" in body["detail"]) == (reason is not Reason.INTERNAL)


@pytest.mark.parametrize(
    ("reason", "status"),
    [
        (Reason.INVALID_ARGUMENT, 422),
        (Reason.NOT_FOUND, 404),
        (Reason.FAILED_PRECONDITION, 409),
        (Reason.RATE_LIMITED, 429),
        (Reason.UNAVAILABLE, 503),
        (Reason.TIMEOUT, 504),
        (Reason.UPSTREAM_MALFORMED, 502),
        (Reason.INTERNAL, 500),
    ],
)
def test_statuses_that_clients_rely_on(reason: Reason, status: int) -> None:
    assert STATUS_OF[reason] == status


async def test_a_crash_is_a_problem_that_tells_nothing(http: httpx.AsyncClient, orchestrator: Any) -> None:
    orchestrator.error = RuntimeError("/etc/secret/path")
    body = problem(await http.get("/v1/runs"), 500)
    assert "secret" not in body["detail"]


@pytest.mark.parametrize("content", [b"{", b"", b"\xff\xfe", b"[" * 100_000, b"9" * 5000, b'{"a":\x00}'])
async def test_a_body_that_is_no_json_is_malformed(build: Any, client_of: Any, orchestrator: Any, content: Any) -> None:
    async with client_of(build(max_body_bytes=200_000)) as http:
        answer = await http.post("/v1/runs", content=content, headers={"Content-Type": "application/json"})
    body = problem(answer, 422 if content == b"" else 400)
    assert "body" in body["detail"].lower()
    assert orchestrator.calls == []


async def test_json_under_another_name_is_refused(http: httpx.AsyncClient, orchestrator: Any) -> None:
    for content_type in ("text/plain", "application/x-www-form-urlencoded", ""):
        answer = await http.post("/v1/runs", content=json.dumps(GOOD), headers={"Content-Type": content_type})
        assert "application/json" in problem(answer, 415)["detail"]
    assert orchestrator.calls == []


@pytest.mark.parametrize(
    ("body", "field", "near"),
    [
        ({"suite": "demo"}, "model", []),
        ({**GOOD, "sute": "x"}, "sute", ["suite"]),
        ({**GOOD, "limit": -1}, "limit", []),
        ({**GOOD, "limit": 2**32}, "limit", []),
        ({**GOOD, "window": "many"}, "window", []),
        ({"model": "m", "benchmarks": [{"benchmark": "b", "shots": [0, -4]}]}, "benchmarks.0.shots.1", []),
        ({"model": "m", "benchmarks": [{"benchmrk": "b"}]}, "benchmarks.0.benchmark", []),
        ({**GOOD, "benchmarks": [{"benchmark": "b"}]}, "benchmarks", []),
        ({"model": "m"}, "suite", []),
        ({**GOOD, "overrides": {"temperature": [1]}}, "overrides.temperature", []),
        ({**GOOD, "note": "\ud800"}, "note", []),
        ({**GOOD, "judges": {"": "p"}}, "judges..[key]", []),
    ],
)
async def test_a_wrong_field_is_named(
    http: httpx.AsyncClient, orchestrator: Any, body: Any, field: str, near: list[str]
) -> None:
    answer = await http.post("/v1/runs", content=json.dumps(body), headers={"Content-Type": "application/json"})
    found = problem(answer, 422)
    assert (found["type"], found["field"], found["near_matches"]) == (
        "urn:shinsa:problem:invalid_argument",
        field,
        near,
    )
    assert found["detail"].startswith(f"{field}: ")
    assert orchestrator.calls == []


async def test_a_wrong_role_is_named_where_it_stands(http: httpx.AsyncClient) -> None:
    turns = [{"role": "user", "content": "a"}, {"role": "asistant", "content": "b"}]
    found = problem(await http.post("/v1/models/m/generate", json={"messages": turns}), 422)
    assert (found["field"], found["near_matches"]) == ("messages.1.role", ["assistant"])


async def test_several_wrong_fields_are_all_named(http: httpx.AsyncClient) -> None:
    answer = await http.post("/v1/runs", json={"model": "m", "benchmarks": [{"benchmrk": "b"}], "limit": -1})
    errors = problem(answer, 422)["errors"]
    assert [error["field"] for error in errors] == ["benchmarks.0.benchmark", "benchmarks.0.benchmrk", "limit"]
    assert errors[1]["near_matches"][0] == "benchmark"


async def test_an_unknown_key_is_told_the_keys_of_its_own_place(http: httpx.AsyncClient) -> None:
    """Not those of what stands above or below it, among which it may even be."""
    inner = {"model": "m", "benchmarks": [{"benchmark": "b", "limit": 3}]}
    found = problem(await http.post("/v1/runs", json=inner), 422)
    assert found["detail"] == "benchmarks.0.limit: unknown key; known: benchmark, repetitions, shots."
    found = problem(await http.post("/v1/runs", json={**GOOD, "repetitions": 3}), 422)
    assert "did you mean" not in found["detail"]
    assert "benchmark," not in found["detail"]
    entry = {"name": "m", "scripted": {"rules": [{"pattern": "a", "reply": "b", "repply": "c"}]}}
    found = problem(await http.post("/v1/models", json=entry), 422)
    assert (found["field"], found["near_matches"]) == ("scripted.rules.0.repply", ["reply"])


@pytest.mark.parametrize(
    ("path", "body", "told"),
    [
        ("/v1/runs", {"model": "m", "benchmarks": 3}, {"benchmarks": "should be a list."}),
        ("/v1/runs", {**GOOD, "overrides": []}, {"overrides": "should be a JSON object."}),
        ("/v1/runs", [], {"": "should be a JSON object."}),
        ("/v1/keys", {"name": "k", "scopes": []}, {"scopes": "should have at least 1 entry."}),
        ("/v1/keys", {"name": "k", "scopes": ["no"]}, {"scopes.0": "must be 'read', 'submit', 'operate' or 'admin'."}),
    ],
)
async def test_lists_and_objects_are_named_as_json_names_them(
    http: httpx.AsyncClient, path: str, body: Any, told: dict[str, str]
) -> None:
    found = problem(await http.post(path, json=body), 422)
    errors = found["errors"] or [{"field": found["field"] or "", "detail": found["detail"].split(": ")[-1]}]
    assert {error["field"]: error["detail"] for error in errors} == told


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity"])
async def test_what_is_no_number_is_refused(http: httpx.AsyncClient, value: str) -> None:
    content = f'{{"model": "m", "suite": "s", "overrides": {{"temperature": {value}}}}}'
    answer = await http.post("/v1/runs", content=content, headers={"Content-Type": "application/json"})
    assert problem(answer, 422)["field"] == "overrides.temperature"


@pytest.mark.parametrize(
    ("path", "field", "near"),
    [
        ("/v1/runs?modle=m", "modle", ["model"]),
        ("/v1/runs?page_size=0", "page_size", []),
        ("/v1/runs?page_size=201", "page_size", []),
        ("/v1/runs/r1/items?status=scord", "status", ["scored"]),
        ("/v1/runs/r1/items?status=unknown", "status", []),
        ("/v1/runs/r1/items?wrong_only=perhaps", "wrong_only", []),
        ("/v1/compare?a=r1", "b", []),
        ("/v1/models?replace=true", "replace", []),
        ("/v1/runs/r1?model=m", "model", []),
    ],
)
async def test_a_wrong_parameter_is_named(
    http: httpx.AsyncClient, orchestrator: Any, path: str, field: str, near: list[str]
) -> None:
    found = problem(await http.get(path), 422)
    assert (found["field"], found["near_matches"]) == (field, near)
    assert orchestrator.calls == []


@pytest.mark.parametrize("path", ["/v1", "/v1/run", "/v1/runs/", "/docs", "/v1/models/a/b", "/v1/%2e%2e/%00"])
async def test_an_unknown_route_is_a_problem(http: httpx.AsyncClient, path: str) -> None:
    assert problem(await http.get(path), 404)["type"] == "urn:shinsa:problem:unknown_route"


@pytest.mark.parametrize(
    ("method", "path", "allowed"), [("DELETE", "/v1/runs", "GET"), ("GET", "/v1/runs/r1/cancel", "POST")]
)
async def test_a_wrong_method_says_which_is_right(
    http: httpx.AsyncClient, method: str, path: str, allowed: str
) -> None:
    answer = await http.request(method, path)
    assert problem(answer, 405)["type"] == "urn:shinsa:problem:method_not_allowed"
    assert allowed in answer.headers["allow"]


class TestBodyLimit:
    async def test_a_body_that_says_it_is_too_large_is_not_read(self, http: httpx.AsyncClient) -> None:
        answer = await http.post("/v1/runs", json={**GOOD, "note": "x" * 5000})
        found = problem(answer, 413)
        assert "4096" in found["detail"]
        assert answer.headers["connection"] == "close"

    async def test_a_body_that_turns_out_too_large_is_refused(self, http: httpx.AsyncClient, orchestrator: Any) -> None:
        parts = 0

        async def endless() -> Any:
            nonlocal parts
            while True:
                parts += 1
                yield b" " * 1000

        answer = await http.post("/v1/runs", content=endless(), headers={"Content-Type": "application/json"})
        problem(answer, 413)
        assert parts == 5
        assert orchestrator.calls == []

    async def test_a_body_at_the_limit_is_taken(self, http: httpx.AsyncClient) -> None:
        body = json.dumps(GOOD).encode().ljust(4096)
        answer = await http.post("/v1/runs", content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code == 201
