"""What every response carries, and what every request leaves in the log."""

from __future__ import annotations

import gzip
from typing import Any

import httpx
import pytest
from prometheus_client import REGISTRY
from shinsa_chassis.errors import Reason, ShinsaError
from shinsa_gateway.domain.access import ApiKey, Keyring, Scope, key_hash
from shinsa_gateway.domain.judge import JudgeCatalog

KEYS = Keyring([ApiKey("nightly", key_hash("k"), frozenset({Scope.READ}))])


async def test_a_request_id_is_taken_over(http: Any) -> None:
    answer = await http.get("/v1/nothing", headers={"X-Request-ID": "from-me_1.2~3"})
    assert answer.headers["x-request-id"] == answer.json()["request_id"] == "from-me_1.2~3"


@pytest.mark.parametrize("sent", ["", "a b", "x" * 129, "a\tb", "<script>", "é"])
async def test_a_strange_request_id_is_replaced(http: Any, sent: str) -> None:
    answers = [await http.get("/healthz", headers={"X-Request-ID": sent.encode()}) for _ in range(2)]
    first, second = (answer.headers["x-request-id"] for answer in answers)
    assert first != second
    assert len(first) == len(second) == 32


async def test_an_answer_is_not_to_be_guessed_at_or_kept(http: Any) -> None:
    for path, keeping in (("/v1/runs", "private, no-cache"), ("/v1/nothing", "no-store")):
        headers = (await http.get(path)).headers
        assert (headers["x-content-type-options"], headers["cache-control"]) == ("nosniff", keeping)
        assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"


async def test_large_answers_are_compressed_for_those_who_can(http: Any) -> None:
    async with http.stream("GET", "/v1/runs/r1/report", headers={"Accept-Encoding": "gzip"}) as answer:
        raw = b"".join([part async for part in answer.aiter_raw()])
    assert answer.headers["content-encoding"] == "gzip"
    plain = await http.get("/v1/runs/r1/report", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert gzip.decompress(raw) == plain.content
    assert len(plain.content) > 1024 > len((await http.get("/v1/version")).content)
    assert "content-encoding" not in (await http.get("/v1/version", headers={"Accept-Encoding": "gzip"})).headers


async def test_a_request_leaves_one_line(build: Any, client_of: Any, lines: list[Any]) -> None:
    async with client_of(build(KEYS), Authorization="Bearer k") as http:
        await http.get("/v1/runs/r1?x=secret", headers={"X-Request-ID": "abc"})
    [line] = [line for line in lines if line["event"] == "http_request"]
    assert (line["method"], line["path"], line["route"]) == ("GET", "/v1/runs/r1", "/v1/runs/{run_id}")
    assert (line["status"], line["caller"], line["log_level"]) == (422, "nightly", "info")
    assert line["seconds"] >= 0
    assert line["bytes"] > 0
    assert "secret" not in str(line)


async def test_health_checks_are_quiet(http: Any, lines: list[Any]) -> None:
    await http.get("/healthz")
    await http.get("/v1/version")
    assert [line["path"] for line in lines if line["log_level"] != "debug"] == ["/v1/version"]


async def test_a_failure_of_a_service_is_in_the_log(http: Any, orchestrator: Any, lines: list[Any]) -> None:
    orchestrator.error = ShinsaError(Reason.INTERNAL, "the reason why", origin="orchestrator")
    await http.get("/v1/runs")
    [line] = [line for line in lines if line["event"] == "request_failed"]
    assert (line["problem"], line["origin"], line["log_level"]) == ("the reason why", "orchestrator", "warning")


async def test_a_crash_is_in_the_log_with_its_traceback(http: Any, orchestrator: Any, lines: list[Any]) -> None:
    orchestrator.error = RuntimeError("unforeseen")
    answer = await http.get("/v1/runs")
    assert answer.status_code == 500
    assert [line["event"] for line in lines] == ["request_crashed", "http_request"]
    assert lines[0]["exc_info"]
    assert lines[1]["status"] == 500


async def test_a_number_that_json_does_not_know_is_null(http: Any, judges: Any) -> None:
    rubric = {"id": "r", "digest": "d", "description": "", "fields": [], "lowest": float("nan"), "highest": 1.0}
    catalog = JudgeCatalog.model_validate({"profiles": [], "rubrics": [rubric], "roles": []})

    async def list_profiles() -> JudgeCatalog:
        return catalog

    judges.list_profiles = list_profiles
    answer = await http.get("/v1/judges")
    assert answer.status_code == 200
    assert answer.json()["rubrics"][0]["lowest"] is None


async def test_requests_are_counted_by_route_and_never_by_what_clients_invent(http: httpx.AsyncClient) -> None:
    def count(**labels: str) -> float:
        return REGISTRY.get_sample_value("shinsa_http_requests_total", labels) or 0.0

    runs = {"method": "GET", "route": "/v1/runs/{run_id}", "status": "200"}
    stray = {"method": "other", "route": "none", "status": "404"}
    before = count(**runs), count(**stray)
    await http.get("/v1/runs/a")
    await http.get("/v1/runs/b")
    await http.get("/nowhere/at/all")
    await http.request("BREW", "/nowhere")
    assert (count(**runs), count(**stray)) == (before[0] + 2, before[1] + 2)
    assert REGISTRY.get_sample_value(
        "shinsa_http_request_seconds_count", {"method": "GET", "route": "/v1/runs/{run_id}"}
    )
