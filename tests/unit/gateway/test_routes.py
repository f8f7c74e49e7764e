"""Every route: what it asks of the services, and what it answers."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from shinsa_chassis.errors import Reason, ShinsaError
from shinsa_gateway.domain.item import ItemFilter, ItemStatus
from shinsa_gateway.domain.model import ModelState, ServedModel
from shinsa_gateway.domain.run import JudgeBudget

SCRIPTED = {"scripted": {"rules": [{"pattern": "a", "reply": "b"}]}}


# (method, path, body, status, what the orchestrator is asked, a key of the answer)
@pytest.mark.parametrize(
    ("method", "path", "body", "status", "asked", "key"),
    [
        ("GET", "/v1/runs", None, 200, ("list_runs", "", 50, ""), "runs"),
        ("GET", "/v1/runs?model=m&page_size=7", None, 200, ("list_runs", "m", 7, ""), "next_cursor"),
        ("GET", "/v1/runs/r1", None, 200, ("get_run", "r1"), "progress"),
        ("POST", "/v1/runs/r1/cancel", None, 200, ("cancel_run", "r1"), "state"),
        ("POST", "/v1/runs/r1/resume", None, 200, ("resume_run", "r1", None), "state"),
        (
            "POST",
            "/v1/runs/r1/resume",
            {"judge_budget": {"cost": 2.5}},
            200,
            ("resume_run", "r1", JudgeBudget(cost=2.5)),
            "state",
        ),
        ("POST", "/v1/runs/r1/regrade", None, 201, ("regrade_run", "r1"), "id"),
        ("POST", "/v1/runs/r1/rescore", None, 200, ("rescore_run", "r1"), "scores"),
        ("POST", "/v1/runs/r1/rejudge", {"judges": {"*": "p"}}, 201, ("rejudge_run", "r1", {"*": "p"}, None), "id"),
        (
            "POST",
            "/v1/runs/r1/rejudge",
            {"judges": {"*": "p"}, "judge_budget": {"tokens": 900}},
            201,
            ("rejudge_run", "r1", {"*": "p"}, JudgeBudget(tokens=900)),
            "id",
        ),
        ("GET", "/v1/runs/r1/report", None, 200, ("get_report", "r1"), "provenance"),
        ("GET", "/v1/runs/r1/items", None, 200, ("list_items", "r1", ItemFilter(), 100, ""), "items"),
        (
            "GET",
            "/v1/runs/r1/items?benchmark=b&status=model_error&category=c&wrong_only=true&reason=truncated&page_size=5",
            None,
            200,
            ("list_items", "r1", ItemFilter("b", ItemStatus.MODEL_ERROR, "c", True, "truncated"), 5, ""),
            "items",
        ),
        ("GET", "/v1/items/i1", None, 200, ("get_item", "i1"), "steps"),
        ("GET", "/v1/compare?a=r1&b=r2", None, 200, ("compare_runs", "r1", "r2", 0), "comparisons"),
        ("GET", "/v1/compare?a=r1&b=r2&samples=9", None, 200, ("compare_runs", "r1", "r2", 9), "comparisons"),
        (
            "GET",
            "/v1/runs/r1/items?disagreed_only=true",
            None,
            200,
            ("list_items", "r1", ItemFilter(disagreed_only=True), 100, ""),
            "items",
        ),
        (
            "GET",
            "/v1/runs/r1/items?shots=0&sample_id=s-7",
            None,
            200,
            ("list_items", "r1", ItemFilter(shots=0, sample_id="s-7"), 100, ""),
            "items",
        ),
        ("GET", "/v1/benchmarks", None, 200, ("list_benchmarks",), "benchmarks"),
        ("GET", "/v1/suites", None, 200, ("list_benchmarks",), "suites"),
        ("GET", "/v1/boards", None, 200, ("list_boards",), "boards"),
        ("GET", "/v1/boards/demo", None, 200, ("get_board", "demo"), "rows"),
        ("GET", "/v1/models", None, 200, ("list_models",), "models"),
        ("GET", "/v1/boards/demo/references", None, 200, ("list_references", "demo"), "tables"),
        ("GET", "/readyz", None, 200, ("ready",), "status"),
    ],
)
async def test_a_route_asks_the_orchestrator_and_answers(
    http: httpx.AsyncClient, orchestrator: Any, method: str, path: str, body: Any, status: int, asked: Any, key: str
) -> None:
    answer = await http.request(method, path, json=body)
    assert answer.status_code == status, answer.text
    assert orchestrator.calls == [asked]
    assert key in answer.json()


async def test_a_submitted_run_is_created_under_its_key(http: httpx.AsyncClient, orchestrator: Any) -> None:
    body = {"model": "m", "benchmarks": [{"benchmark": "jnli", "shots": [0, 4]}], "overrides": {"temperature": 0.5}}
    answer = await http.post("/v1/runs", json=body, headers={"Idempotency-Key": "nightly-1"})
    assert answer.status_code == 201
    assert answer.headers["location"] == f"/v1/runs/{answer.json()['id']}"
    [(_, spec, key)] = orchestrator.calls
    assert key == "nightly-1"
    assert (spec.model, spec.benchmarks[0].shots, spec.overrides) == ("m", (0, 4), {"temperature": 0.5})


async def test_without_a_key_an_empty_one_is_forwarded(http: httpx.AsyncClient, orchestrator: Any) -> None:
    await http.post("/v1/runs", json={"model": "m", "suite": "demo"})
    assert orchestrator.calls[0][2] == ""


@pytest.mark.parametrize("key", ["a b", ""])
async def test_an_idempotency_key_that_is_none_is_refused(http: httpx.AsyncClient, orchestrator: Any, key: str) -> None:
    answer = await http.post("/v1/runs", json={"model": "m", "suite": "s"}, headers={"Idempotency-Key": key})
    assert answer.status_code == 422
    assert answer.json()["field"] == "Idempotency-Key"
    assert orchestrator.calls == []


async def test_times_are_rfc_3339_and_states_are_words(http: httpx.AsyncClient) -> None:
    run = (await http.get("/v1/runs/r1")).json()
    assert (run["state"], run["created_at"], run["finished_at"]) == ("running", "2026-01-31T09:00:00Z", None)


async def test_judges_and_sandboxes_come_from_their_services(
    http: httpx.AsyncClient, judges: Any, sandbox: Any
) -> None:
    assert set((await http.get("/v1/judges")).json()) == {"profiles", "rubrics", "roles"}
    assert [runtime["name"] for runtime in (await http.get("/v1/sandboxes")).json()["runtimes"]] == ["python"]
    assert (judges.calls, sandbox.calls) == ([("list_profiles",)], [("list_runtimes",)])


async def test_health_and_version_ask_nobody(http: httpx.AsyncClient, orchestrator: Any) -> None:
    orchestrator.error = ShinsaError(Reason.UNAVAILABLE, "gone")
    assert (await http.get("/healthz")).json() == {"status": "ok"}
    version = (await http.get("/v1/version")).json()
    assert version["api"] == "v1"
    assert version["version"].count(".") == 2


async def test_not_ready_says_so_but_not_where_the_orchestrator_is(http: httpx.AsyncClient, orchestrator: Any) -> None:
    orchestrator.error = ShinsaError(Reason.TIMEOUT, "10.1.2.3:50050 did not answer")
    answer = await http.get("/readyz")
    assert answer.status_code == 503
    assert "10.1.2.3" not in answer.text


class TestModels:
    async def test_live_state_is_joined_by_name(self, http: httpx.AsyncClient, inference: Any) -> None:
        inference.served = (
            ServedModel(name="other", state=ModelState.FAILED),
            ServedModel(name="gpt-4o-mini", state=ModelState.LOADING, problem="", in_flight=3),
        )
        [model] = (await http.get("/v1/models")).json()["models"]
        assert (model["name"], model["state"], model["in_flight"]) == ("gpt-4o-mini", "loading", 3)
        assert model["openai"]["base_url"] == "https://api.example.com/v1"

    async def test_a_model_that_no_replica_serves_is_unserved(self, http: httpx.AsyncClient) -> None:
        assert (await http.get("/v1/models/gpt-4o-mini")).json()["state"] == "unserved"

    async def test_without_the_inference_service_models_are_listed_and_say_why(
        self, http: httpx.AsyncClient, inference: Any
    ) -> None:
        inference.error = ShinsaError(Reason.UNAVAILABLE, "not there")
        answer = await http.get("/v1/models/gpt-4o-mini")
        assert answer.status_code == 200
        assert (answer.json()["state"], answer.json()["problem"]) == ("unknown", "inference: not there")

    async def test_an_unknown_model_names_those_that_are_close(self, http: httpx.AsyncClient) -> None:
        answer = await http.get("/v1/models/gpt-4o-mimi")
        assert answer.status_code == 404
        assert answer.json()["near_matches"] == ["gpt-4o-mini"]

    async def test_post_adds_and_put_replaces(self, http: httpx.AsyncClient, orchestrator: Any) -> None:
        added = await http.post("/v1/models", json={"name": "s", **SCRIPTED, "labels": {"size": "0"}})
        assert (added.status_code, added.headers["location"]) == (201, "/v1/models/s")
        replaced = await http.put("/v1/models/s", json=SCRIPTED)
        assert replaced.status_code == 200
        assert [(call[1].name, call[2]) for call in orchestrator.calls] == [("s", False), ("s", True)]
        assert orchestrator.calls[0][1].labels == {"size": "0"}
        assert orchestrator.calls[1][1].scripted.rules[0].reply == "b"

    async def test_put_takes_the_name_of_its_path_alone(self, http: httpx.AsyncClient, orchestrator: Any) -> None:
        assert (await http.put("/v1/models/s", json={"name": "s", **SCRIPTED})).status_code == 200
        other = await http.put("/v1/models/s", json={"name": "t", **SCRIPTED})
        assert (other.status_code, other.json()["field"]) == (422, "name")
        assert len(orchestrator.calls) == 1

    async def test_a_model_is_removed(self, http: httpx.AsyncClient, orchestrator: Any) -> None:
        answer = await http.delete("/v1/models/s")
        assert (answer.status_code, answer.content) == (204, b"")
        assert orchestrator.calls == [("remove_model", "s")]

    async def test_a_model_is_asked_once(self, http: httpx.AsyncClient, inference: Any) -> None:
        body = {"messages": [{"role": "user", "content": "首都は？"}], "sampling": {"max_tokens": 8, "stop": ["。"]}}
        answer = await http.post("/v1/models/s/generate", json=body)
        assert answer.json()["choices"][0]["text"] == "東京"
        [(_, model, order)] = inference.calls
        assert (model, order.messages[0].content, order.sampling.stop) == ("s", "首都は？", ("。",))

    @pytest.mark.parametrize("body", [{}, {"raw": "a", "messages": [{"role": "user", "content": "a"}]}])
    async def test_a_question_has_exactly_one_prompt(self, http: httpx.AsyncClient, body: Any, inference: Any) -> None:
        answer = await http.post("/v1/models/s/generate", json=body)
        assert (answer.status_code, inference.calls) == (422, [])
        assert "exactly one of messages, raw" in answer.json()["detail"]

    async def test_a_model_is_checked(self, http: httpx.AsyncClient, inference: Any) -> None:
        answer = await http.post("/v1/models/s/check")
        assert answer.json()["findings"][0]["verdict"] == "works"
        assert inference.calls == [("check", "s")]

    @pytest.mark.parametrize("engines", [{}, {**SCRIPTED, "openai": {"model": "m"}}])
    async def test_a_model_has_exactly_one_engine(self, http: httpx.AsyncClient, engines: Any) -> None:
        answer = await http.post("/v1/models", json={"name": "s", **engines})
        assert answer.status_code == 422
        assert "exactly one of vllm, openai, scripted" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("path", "status"),
    [("/v1/judges", 503), ("/v1/sandboxes", 503)],
)
async def test_a_service_that_is_away_is_a_problem_of_its_route_alone(
    http: httpx.AsyncClient, judges: Any, sandbox: Any, path: str, status: int
) -> None:
    judges.error = sandbox.error = ShinsaError(Reason.UNAVAILABLE, "not there", retry_after=2.2)
    answer = await http.get(path)
    assert (answer.status_code, answer.headers["retry-after"], answer.json()["retry_after"]) == (status, "3", 2.2)
    assert (await http.get("/v1/runs")).status_code == 200


async def test_items_that_have_not_ended_cannot_be_asked_for(http: Any, orchestrator: Any) -> None:
    answer = await http.get("/v1/runs/r/items?status=pending")
    assert (answer.status_code, answer.json()["field"]) == (422, "status")
    assert "'scored', 'model_error' or 'infra_error'" in answer.json()["detail"]
    assert orchestrator.calls == []
