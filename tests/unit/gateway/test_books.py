"""Keys of the results store, idempotency, entity tags, rates, the audit log and sealed cursors."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from shinsa_chassis.errors import Reason, ShinsaError
from shinsa_gateway.application.cursors import Cursors
from shinsa_gateway.application.known_keys import REMEMBERED_SECONDS, KnownKeys
from shinsa_gateway.application.rates import Rates
from shinsa_gateway.domain.access import ApiKey, Caller, Keyring, Scope, key_hash

RUN = {"model": "m", "suite": "demo"}
ADMIN = Keyring([ApiKey("root", key_hash("root-key"), frozenset({Scope.ADMIN}))])
SUBMITTER = Caller("nightly", frozenset({Scope.READ, Scope.SUBMIT}))
STORED = "shk_" + "x" * 40


class Now:
    """A clock that stands."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


class TestStoredKeys:
    async def test_a_stored_key_opens_what_its_scopes_say(self, build: Any, client_of: Any, access: Any) -> None:
        access.stored[key_hash(STORED)] = SUBMITTER
        async with client_of(build(ADMIN), Authorization=f"Bearer {STORED}") as http:
            assert (await http.get("/v1/caller")).json() == {"name": "nightly", "scopes": ["read", "submit"]}
            assert (await http.post("/v1/runs", json=RUN)).status_code == 201
            assert (await http.get("/v1/keys")).status_code == 403

    async def test_without_keys_in_the_settings_they_can_be_required(
        self, build: Any, client_of: Any, access: Any
    ) -> None:
        access.stored[key_hash(STORED)] = SUBMITTER
        app = build(Keyring(required=True))
        async with client_of(app) as http:
            assert (await http.get("/v1/runs")).status_code == 401
        async with client_of(app, Authorization=f"Bearer {STORED}") as http:
            assert (await http.get("/v1/runs")).status_code == 200

    async def test_strangers_may_be_let_read(self, build: Any, client_of: Any) -> None:
        app = build(Keyring(required=True, anonymous=frozenset({Scope.READ})))
        async with client_of(app) as http:
            assert (await http.get("/v1/runs")).status_code == 200
            refused = await http.post("/v1/runs", json=RUN)
            assert refused.status_code == 403
            assert refused.json()["detail"].startswith("Whoever shows no API key lacks the scope 'submit'")
            assert (await http.get("/v1/caller")).json() == {"name": "anonymous", "scopes": ["read"]}
        async with client_of(app, Authorization="Bearer wrong") as http:
            assert (await http.get("/v1/runs")).status_code == 401

    async def test_a_store_that_is_away_lets_nobody_in(self, build: Any, client_of: Any, access: Any) -> None:
        access.error = ShinsaError(Reason.UNAVAILABLE, "away")
        async with client_of(build(Keyring(required=True)), Authorization=f"Bearer {STORED}") as http:
            assert (await http.get("/v1/runs")).status_code == 503

    async def test_a_revoked_key_is_forgotten_within_seconds(self, access: Any) -> None:
        now = Now()
        keys = KnownKeys(Keyring(required=True), now)
        access.stored[key_hash(STORED)] = SUBMITTER
        for _ in range(3):
            assert await keys.identify(STORED, access) == SUBMITTER
        assert access.identified == 1
        access.stored.clear()
        now.seconds += REMEMBERED_SECONDS
        assert await keys.identify(STORED, access) is None

    async def test_guessing_costs_the_store_little(self, access: Any) -> None:
        keys = KnownKeys(Keyring(required=True), Now())
        for guess in ("", "x", "Bearer", STORED[1:], STORED, STORED):
            assert await keys.identify(guess, access) is None
        assert access.identified == 1

    async def test_keys_are_made_listed_and_revoked(self, http: Any, access: Any) -> None:
        order = {"name": "nightly", "scopes": ["read", "submit"], "valid_days": 30}
        made = await http.post("/v1/keys", json=order)
        assert (made.status_code, made.json()["secret"]) == (201, "shk_made")
        assert "secret" not in (await http.get("/v1/keys")).text
        assert (await http.delete("/v1/keys/k1")).json()["id"] == "k1"
        assert [call[0] for call in access.calls] == ["create_key", "keys", "revoke_key"]

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"scopes": []}, "scopes"),
            ({"scopes": ["reed"]}, "scopes.0"),
            ({"name": "<b>"}, "name"),
            ({"name": "local"}, "name"),
            ({"x": 1}, "x"),
        ],
    )
    async def test_a_wrong_key_is_refused(self, http: Any, access: Any, change: Any, field: str) -> None:
        answer = await http.post("/v1/keys", json={"name": "n", "scopes": ["read"], **change})
        assert (answer.status_code, answer.json()["field"]) == (422, field)
        assert access.calls == []


class TestIdempotency:
    async def test_the_same_request_is_done_once(self, http: Any, orchestrator: Any) -> None:
        answers = [await http.post("/v1/runs", json=RUN, headers={"Idempotency-Key": "k"}) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [201] * 3
        assert len({answer.content for answer in answers}) == 1
        assert {answer.headers["location"] for answer in answers} == {answers[0].headers["location"]}
        assert [answer.headers.get("idempotency-replayed") for answer in answers] == [None, "true", "true"]
        assert len(orchestrator.calls) == 1

    async def test_another_body_under_the_same_key_is_refused(self, http: Any, orchestrator: Any) -> None:
        await http.post("/v1/runs", json=RUN, headers={"Idempotency-Key": "k"})
        other = await http.post("/v1/runs", json={**RUN, "limit": 1}, headers={"Idempotency-Key": "k"})
        assert (other.status_code, other.json()["field"]) == (422, "Idempotency-Key")
        elsewhere = await http.post("/v1/runs/r1/cancel", headers={"Idempotency-Key": "k"})
        assert elsewhere.status_code == 422
        assert len(orchestrator.calls) == 1

    async def test_every_post_takes_a_key(self, http: Any, orchestrator: Any) -> None:
        for _ in range(2):
            assert (await http.post("/v1/runs/r1/cancel", headers={"Idempotency-Key": "c"})).status_code == 200
        assert len(orchestrator.calls) == 1

    async def test_what_failed_can_be_tried_again(self, http: Any, orchestrator: Any) -> None:
        orchestrator.error = ShinsaError(Reason.UNAVAILABLE, "away")
        assert (await http.post("/v1/runs", json=RUN, headers={"Idempotency-Key": "k"})).status_code == 503
        orchestrator.error = None
        answer = await http.post("/v1/runs", json=RUN, headers={"Idempotency-Key": "k"})
        assert (answer.status_code, "idempotency-replayed" in answer.headers) == (201, False)

    async def test_one_of_two_at_once_waits(self, http: Any, orchestrator: Any, monkeypatch: Any) -> None:
        begun, go_on = asyncio.Event(), asyncio.Event()
        submit = orchestrator.submit_run

        async def slow(*args: Any, **kwargs: Any) -> Any:
            begun.set()
            await go_on.wait()
            return await submit(*args, **kwargs)

        monkeypatch.setattr(orchestrator, "submit_run", slow)
        first = asyncio.create_task(http.post("/v1/runs", json=RUN, headers={"Idempotency-Key": "k"}))
        await begun.wait()
        second = await http.post("/v1/runs", json=RUN, headers={"Idempotency-Key": "k"})
        go_on.set()
        assert (second.status_code, second.headers["retry-after"]) == (409, "1")
        assert (await first).status_code == 201

    @pytest.mark.parametrize("error", [None, ShinsaError(Reason.UNAVAILABLE, "away")])
    async def test_whoever_has_the_answer_may_ask_again(
        self, build: Any, client_of: Any, access: Any, orchestrator: Any, error: ShinsaError | None
    ) -> None:
        """The claim is settled before the last part of the answer is out, not some time after."""
        orchestrator.error = error
        app, open_claims = build(), []

        async def watched(scope: Any, receive: Any, send: Any) -> None:
            async def tell(message: Any) -> None:
                if message["type"] == "http.response.body" and not message.get("more_body"):
                    open_claims.append([answer for _, answer in access.claims.values() if answer is None])
                await send(message)

            await app(scope, receive, tell)

        async with client_of(watched) as http:
            answer = await http.post("/v1/runs", json=RUN, headers={"Idempotency-Key": "k"})
        assert answer.status_code == (503 if error else 201)
        assert open_claims == [[]]

    async def test_callers_do_not_share_keys(self, build: Any, client_of: Any, orchestrator: Any) -> None:
        names = ("a", "b")
        app = build(Keyring(ApiKey(name, key_hash(name), frozenset({Scope.SUBMIT})) for name in names))
        for name in names:
            async with client_of(app, Authorization=f"Bearer {name}") as http:
                answer = await http.post("/v1/runs", json=RUN, headers={"Idempotency-Key": "k"})
                assert answer.status_code == 201
        assert len({call[2] for call in orchestrator.calls}) == 2

    async def test_secrets_are_not_stored(self, http: Any, access: Any) -> None:
        order = {"name": "n", "scopes": ["read"]}
        answer = await http.post("/v1/keys", json=order, headers={"Idempotency-Key": "k"})
        assert (answer.status_code, answer.json()["field"]) == (422, "Idempotency-Key")
        assert access.claims == {}

    async def test_the_body_is_still_limited(self, http: Any) -> None:
        async def endless() -> Any:
            for _ in range(100):
                yield b"x" * 1000

        answer = await http.post("/v1/runs", content=endless(), headers={"Idempotency-Key": "k"})
        assert answer.status_code == 413
        assert answer.headers["content-type"] == "application/problem+json"

    @pytest.mark.parametrize("key", ["a b", "é", "x" * 256])
    async def test_a_strange_key_is_refused(self, http: Any, key: str) -> None:
        answer = await http.post("/v1/runs", json=RUN, headers={"Idempotency-Key": key.encode()})
        assert (answer.status_code, answer.json()["field"]) == (422, "Idempotency-Key")


class TestEntityTags:
    async def test_what_has_not_changed_is_not_sent_again(self, http: Any, orchestrator: Any) -> None:
        first = await http.get("/v1/boards/demo")
        tag = first.headers["etag"]
        again = await http.get("/v1/boards/demo", headers={"If-None-Match": f'"x", {tag}'})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
        assert "content-type" not in again.headers
        assert (await http.get("/v1/boards/other", headers={"If-None-Match": tag})).status_code == 200

    async def test_compressed_or_not_the_tag_is_the_same(self, http: Any) -> None:
        tags = {
            (await http.get("/v1/runs/r1/report", headers={"Accept-Encoding": coding})).headers["etag"]
            for coding in ("gzip", "identity")
        }
        assert len(tags) == 1
        assert next(iter(tags)).startswith('W/"')

    async def test_problems_and_changes_carry_none(self, http: Any) -> None:
        assert "etag" not in (await http.get("/v1/nothing")).headers
        assert "etag" not in (await http.post("/v1/runs", json=RUN)).headers


class TestRates:
    def test_a_minutes_requests_then_a_steady_drip(self) -> None:
        now = Now()
        rates = Rates(now)
        assert [rates.spend("a", 60) for _ in range(60)] == [0.0] * 60
        assert rates.spend("a", 60) == pytest.approx(1.0)
        assert rates.spend("b", 60) == 0.0
        now.seconds += 2
        assert [rates.spend("a", 60) == 0.0 for _ in range(3)] == [True, True, False]

    async def test_who_asks_too_often_is_told_when_to_come_back(self, build: Any, client_of: Any, access: Any) -> None:
        access.stored[key_hash(STORED)] = Caller("slow", frozenset({Scope.READ}), requests_per_minute=2)
        app = build(Keyring(required=True), requests_per_minute=1000)
        async with client_of(app, Authorization=f"Bearer {STORED}") as http:
            answers = [await http.get("/v1/runs") for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert 1 <= int(answers[-1].headers["retry-after"]) <= 30
        assert answers[-1].json()["type"] == "urn:shinsa:problem:rate_limited"

    async def test_strangers_are_counted_by_address_and_the_local_caller_is_not(
        self, build: Any, client_of: Any
    ) -> None:
        strangers = Keyring(required=True, anonymous=frozenset({Scope.READ}))
        for ring, last in ((strangers, 429), (Keyring(), 200)):
            async with client_of(build(ring, requests_per_minute=1)) as http:
                await http.get("/v1/runs")
                assert (await http.get("/v1/runs")).status_code == last


class TestAudit:
    async def test_changes_are_written_down_reads_are_not(self, build: Any, client_of: Any, access: Any) -> None:
        async with client_of(build(ADMIN), Authorization="Bearer root-key") as http:
            await http.get("/v1/runs")
            sent = {"X-Request-ID": "q1"}
            await http.post("/v1/runs", json=RUN, headers=sent)
            await http.post("/v1/runs", json={}, headers=sent)
            await http.delete("/v1/keys/k1")
        seen = [(act["caller"], act["operation"], act["status"]) for act in access.recorded]
        assert seen == [("root", "submit_run", 201), ("root", "submit_run", 422), ("root", "revoke_key", 200)]
        assert access.recorded[0]["request_id"] == "q1"
        assert "root-key" not in repr(access.recorded)

    async def test_the_log_is_read_by_admins(self, http: Any, access: Any) -> None:
        answer = await http.get("/v1/audit?caller=nightly&operation=submit_run&page_size=5")
        assert answer.json()["acts"][0]["operation"] == "submit_run"
        assert access.calls == [("acts", "nightly", "submit_run", 5, "")]


LISTS = ["/v1/runs", "/v1/submissions", "/v1/audit", "/v1/remarks", "/v1/webhooks/w1/deliveries"]


class TestCursors:
    @pytest.mark.parametrize("path", LISTS)
    async def test_a_cursor_leads_on_in_its_own_list(self, http: Any, path: str) -> None:
        cursor = (await http.get(path)).json()["next_cursor"]
        assert cursor != "more"
        again = await http.get(path, params={"cursor": cursor})
        assert again.status_code == 200

    @pytest.mark.parametrize("path", LISTS)
    async def test_a_cursor_of_another_list_is_refused(self, http: Any, path: str) -> None:
        for other in LISTS:
            cursor = (await http.get(other)).json()["next_cursor"]
            answer = await http.get(path, params={"cursor": cursor})
            assert answer.status_code == (200 if other == path else 422)

    async def test_a_cursor_is_bound_to_its_filters(self, http: Any) -> None:
        cursor = (await http.get("/v1/runs?model=a")).json()["next_cursor"]
        answer = await http.get("/v1/runs", params={"model": "b", "cursor": cursor})
        assert (answer.status_code, answer.json()["field"]) == (422, "cursor")

    async def test_nothing_of_it_can_be_changed(self, access: Any) -> None:
        cursors = Cursors(access)
        sealed = await cursors.seal("runs", "r1'; --")
        assert sealed is not None
        assert await cursors.open("runs", sealed) == "r1'; --"
        changed = [sealed[:n] + ("A" if sealed[n] != "A" else "B") + sealed[n + 1 :] for n in range(len(sealed) - 1)]
        for forged in (*changed, sealed[:-2], sealed + "AAAA", "more", "é", "x" * 5000, "=", "\x00"):
            with pytest.raises(ShinsaError) as refused:
                await cursors.open("runs", forged)
            assert (refused.value.reason, refused.value.field) == (Reason.INVALID_ARGUMENT, "cursor")
        assert await cursors.seal("runs", None) is None
        assert await cursors.open("runs", "") == ""
