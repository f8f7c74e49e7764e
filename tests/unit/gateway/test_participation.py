"""Remarks and webhooks over HTTP."""

from __future__ import annotations

from typing import Any

import pytest
from shinsa_gateway.domain.access import ApiKey, Keyring, Scope, key_hash
from shinsa_gateway.domain.remark import RemarkState
from shinsa_gateway.domain.webhook import DeliveryState
from shinsa_gateway.ports.remarks import RemarkFilter

KEYS = Keyring(ApiKey(scope.value, key_hash(f"key-{scope.value}"), frozenset({scope})) for scope in Scope)
HOSTILE = "<img src=x onerror=alert(1)>"
ROUTES = [
    (Scope.SUBMIT, "POST", "/v1/items/i1/remarks", {"kind": "comment", "text": "x"}),
    (Scope.READ, "GET", "/v1/remarks", None),
    (Scope.OPERATE, "PUT", "/v1/remarks/c1/state", {"state": "visible"}),
    (Scope.OPERATE, "POST", "/v1/webhooks", {"url": "https://example.com/"}),
    (Scope.OPERATE, "GET", "/v1/webhooks", None),
    (Scope.OPERATE, "DELETE", "/v1/webhooks/w1", None),
    (Scope.OPERATE, "GET", "/v1/webhooks/w1/deliveries", None),
    (Scope.OPERATE, "POST", "/v1/webhooks/deliveries/d1/retry", None),
]


@pytest.mark.parametrize("held", Scope)
@pytest.mark.parametrize(("needed", "method", "path", "body"), ROUTES)
async def test_a_route_asks_for_its_scope(
    build: Any, client_of: Any, held: Scope, needed: Scope, method: str, path: str, body: Any
) -> None:
    async with client_of(build(KEYS), Authorization=f"Bearer key-{held.value}") as http:
        answer = await http.request(method, path, json=body)
    assert answer.is_success == (held in (needed, Scope.ADMIN)), answer.text


async def test_a_remark_is_taken_as_it_is_and_told_as_json(http: Any, remarks: Any) -> None:
    answer = await http.post("/v1/items/i1/remarks", json={"kind": "wrong_gold", "text": HOSTILE})
    assert (answer.status_code, answer.headers["content-type"]) == (201, "application/json")
    [(_, item, order, author)] = remarks.calls
    assert (item, order.text, author) == ("i1", HOSTILE, "local")


async def test_remarks_are_filtered(http: Any, remarks: Any) -> None:
    await http.get("/v1/remarks?item=i&run=r&benchmark=b&sample=7&state=pending&page_size=3")
    wanted = RemarkFilter("i", "r", "b", "7", (RemarkState.PENDING,))
    assert remarks.calls == [("listing", wanted, "local", 3, "")]


async def test_dead_letters_can_be_seen_and_sent_again(http: Any, webhooks: Any) -> None:
    dead = await http.get("/v1/webhooks/w1/deliveries?state=dead")
    assert dead.json()["deliveries"][0]["attempts"] == 10
    again = await http.post("/v1/webhooks/deliveries/d1/retry")
    assert again.json()["state"] == "waiting"
    assert webhooks.calls == [("deliveries", "w1", (DeliveryState.DEAD,), 50, ""), ("retry", "d1")]


async def test_the_signing_secret_is_told_once(http: Any) -> None:
    made = await http.post("/v1/webhooks", json={"url": "https://example.com/", "events": ["run.*"]})
    assert made.json()["secret"] == "whs_made"
    assert "secret" not in (await http.get("/v1/webhooks")).text
    gone = await http.delete("/v1/webhooks/w1")
    assert (gone.status_code, gone.content) == (204, b"")


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("POST", "/v1/items/i1/remarks", {"kind": "praise", "text": "x"}, "kind"),
        ("POST", "/v1/items/i1/remarks", {"kind": "comment", "text": ""}, "text"),
        ("POST", "/v1/items/i1/remarks", {"kind": "comment", "text": "x" * 4001}, "text"),
        ("PUT", "/v1/remarks/c1/state", {"state": "gone"}, "state"),
        ("POST", "/v1/webhooks", {"url": ""}, "url"),
        ("POST", "/v1/webhooks", {"uri": "https://example.com/"}, "url"),
        ("GET", "/v1/remarks?state=gone", None, "state"),
        ("GET", "/v1/webhooks/w1/deliveries?state=gone", None, "state"),
    ],
)
async def test_what_is_wrong_is_named(
    http: Any, remarks: Any, webhooks: Any, method: str, path: str, body: Any, field: str
) -> None:
    answer = await http.request(method, path, json=body)
    assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert remarks.calls == webhooks.calls == []
