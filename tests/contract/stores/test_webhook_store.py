"""Webhooks and deliveries behave the same in every database, and each happening is told once."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from shinsa_chassis.errors import Reason, ShinsaError
from shinsa_orchestrator.application import webhooks
from shinsa_orchestrator.application.webhooks import WebhookDesk, WebhookSender
from shinsa_orchestrator.domain.progress import Progress
from shinsa_orchestrator.domain.run import ACTIVE, Plan, PlannedBenchmark, Run, RunSpec, RunState
from shinsa_orchestrator.domain.webhook import Delivery, DeliveryState
from shinsa_orchestrator.outbound.http_messenger import HttpMessenger
from shinsa_orchestrator.outbound.system_clock import SystemClock
from shinsa_orchestrator.outbound.webhook_store import SqlWebhookStore
from sqlalchemy import event
from waiting import until


class Receiver:
    """A real HTTP server that keeps what it was sent; answers ``status``."""

    def __init__(self) -> None:
        self.status = 204
        self.heard: list[tuple[dict[str, str], bytes]] = []
        self.url = ""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    kept = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            kept.heard.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(kept.status)
            if kept.status == 302:
                self.send_header("Location", kept.url)
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        kept.url = f"http://127.0.0.1:{server.server_port}/hook?a=b"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield kept
        server.shutdown()
        thread.join()


@pytest.fixture
def store(stores: Any) -> SqlWebhookStore:
    return SqlWebhookStore(stores.results)


@pytest.fixture
def desk(store: SqlWebhookStore) -> WebhookDesk:
    return WebhookDesk(store, SystemClock())


def a_sender(store: SqlWebhookStore, private: bool = True) -> WebhookSender:
    return WebhookSender(store, HttpMessenger(timeout=5, private=private), SystemClock(), poll_seconds=0.01)


async def a_run(stores: Any, run_id: str = "r1") -> None:
    line = PlannedBenchmark("jnli", "1", 0, 1, 1, "specimen", "d", ("generate",))
    run = Run(run_id, RunSpec("<m>"), Plan((line,), {}, 10, 8), created_at=time.time())
    await stores.runs.add_run(run, [Progress(items=1)], "")


async def test_a_happening_is_sent_once_and_signed(
    stores: Any, store: SqlWebhookStore, desk: WebhookDesk, receiver: Receiver
) -> None:
    webhook = await desk.create(receiver.url, ("run.*",), "ann")
    await a_run(stores)
    replicas = [a_sender(store) for _ in range(3)]
    await asyncio.gather(*(one.look() for one in replicas))
    await stores.runs.change_state("r1", RunState.FAILED, of=ACTIVE, problem="no data")
    await asyncio.gather(*(one.look() for one in replicas))
    await replicas[0].look()
    assert sorted(headers["shinsa-event"] for headers, _ in receiver.heard) == ["run.created", "run.failed"]
    for headers, body in receiver.heard:
        at, given = (part.partition("=")[2] for part in headers["shinsa-signature"].split(","))
        signed = f"{at}.{headers['shinsa-delivery']}.".encode() + body
        assert given == hmac.new(webhook.secret.encode(), signed, hashlib.sha256).hexdigest()
        assert abs(int(at) - time.time()) < 60
    told = json.loads(receiver.heard[-1][1])
    assert (told["run"]["id"], told["run"]["problem"], told["event"]) == ("r1", "no data", "run.failed")
    [first, second], _ = await desk.deliveries(webhook.id, ())
    assert {first.state, second.state} == {DeliveryState.DELIVERED}


@pytest.mark.parametrize("urls", ["sqlite"], indirect=True)  # which plans the same whether tables are large or not
async def test_what_happened_long_ago_is_not_looked_at(stores: Any, store: SqlWebhookStore) -> None:
    asked: list[tuple[str, Any]] = []

    def keep(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        asked.append((statement, parameters))

    event.listen(stores.results.engine.sync_engine, "before_cursor_execute", keep)
    await store.happenings(time.time())
    event.remove(stores.results.engine.sync_engine, "before_cursor_execute", keep)
    async with stores.results.reading() as connection:
        plans = [await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}", values) for query, values in asked]
        steps = [row.detail for plan in plans for row in plan]
    assert steps
    assert [step for step in steps if step.startswith("SCAN")] == []


async def test_only_what_is_wanted_is_told(stores: Any, store: SqlWebhookStore, desk: WebhookDesk) -> None:
    await desk.create("http://127.0.0.1:1/", ("submission.*", "run.complete"), "ann")
    await a_run(stores)
    await a_sender(store).look()
    assert (await desk.listing())[0].dead_deliveries == 0
    assert (await desk.deliveries((await desk.listing())[0].id, ()))[0] == []


@pytest.mark.parametrize("trouble", ["refused", "500", "302", "410"])
async def test_what_is_not_taken_is_tried_again_and_dead_in_the_end(
    stores: Any,
    store: SqlWebhookStore,
    desk: WebhookDesk,
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
    trouble: str,
) -> None:
    monkeypatch.setattr(webhooks, "MOST_ATTEMPTS", 2)
    monkeypatch.setattr(webhooks, "wait_after", lambda attempts: 0.0)
    receiver.status = 500 if trouble == "refused" else int(trouble)
    webhook = await desk.create("http://127.0.0.1:1/" if trouble == "refused" else receiver.url, (), "ann")
    await a_run(stores)
    await a_sender(store).look()
    [dead], _ = await desk.deliveries(webhook.id, (DeliveryState.DEAD,))
    assert (dead.attempts, dead.last_status) == (2, 0 if trouble == "refused" else receiver.status)
    assert bool(dead.last_problem) == (trouble == "refused")
    assert len(receiver.heard) == (0 if trouble == "refused" else 2)
    assert (await desk.listing())[0].dead_deliveries == 1
    receiver.status = 200
    assert (await desk.retry(dead.id)).state is DeliveryState.WAITING
    if trouble != "refused":
        await a_sender(store).look()
        assert [one.state for one in (await desk.deliveries(webhook.id, ()))[0]] == [DeliveryState.DELIVERED]


async def test_a_store_that_goes_away_while_sending_is_waited_for(
    stores: Any, store: SqlWebhookStore, desk: WebhookDesk, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.create(receiver.url, ("run.*",), "ann")
    await a_run(stores)
    take, away = store.take, 3

    async def take_later(seconds: float, *, of: Any) -> Any:
        nonlocal away
        if away:
            away -= 1
            raise ShinsaError(Reason.UNAVAILABLE, "the results store cannot be reached")
        return await take(seconds, of=of)

    monkeypatch.setattr(store, "take", take_later)
    sending = asyncio.create_task(a_sender(store).run())
    await until(lambda: sending.done() or receiver.heard)
    assert not sending.done()
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)


async def test_a_failed_attempt_waits_for_its_turn(
    stores: Any, store: SqlWebhookStore, desk: WebhookDesk, receiver: Receiver
) -> None:
    receiver.status = 503
    webhook = await desk.create(receiver.url, (), "ann")
    await a_run(stores)
    for _ in range(3):
        await a_sender(store).look()
    assert len(receiver.heard) == 1
    [waiting], _ = await desk.deliveries(webhook.id, ())
    assert (waiting.state, waiting.attempts) == (DeliveryState.WAITING, 1)
    assert waiting.next_attempt_at > time.time() + 5


async def test_private_addresses_are_not_reached_unless_allowed(
    stores: Any, store: SqlWebhookStore, desk: WebhookDesk, receiver: Receiver
) -> None:
    webhook = await desk.create(receiver.url, (), "ann")
    await a_run(stores)
    await a_sender(store, private=False).look()
    [waiting], _ = await desk.deliveries(webhook.id, ())
    assert "private network" in waiting.last_problem
    assert receiver.heard == []


async def test_a_deleted_webhook_takes_its_deliveries_along(
    stores: Any, store: SqlWebhookStore, desk: WebhookDesk
) -> None:
    webhook = await desk.create("http://127.0.0.1:1/", (), "ann")
    await store.enqueue([Delivery("d1", webhook.id, "run.created", "{}", 1.0)])
    await desk.delete(webhook.id)
    assert await store.take(1, of=[webhook.id]) is None
    for act in (desk.delete(webhook.id), desk.deliveries(webhook.id, ()), desk.retry("d1")):
        with pytest.raises(ShinsaError) as refused:
            await act
        assert refused.value.reason is Reason.NOT_FOUND


async def test_a_delivery_is_taken_by_those_who_know_its_webhook(store: SqlWebhookStore, desk: WebhookDesk) -> None:
    webhook = await desk.create("http://127.0.0.1:1/", (), "ann")
    await store.enqueue([Delivery("d1", webhook.id, "run.created", "{}", 1.0)])
    assert await store.take(60, of=["made-before-it"]) is None
    assert (await store.take(60, of=[webhook.id])) is not None
    assert await store.take(60, of=[webhook.id]) is None


async def test_what_is_delivered_stays_delivered(store: SqlWebhookStore, desk: WebhookDesk) -> None:
    webhook = await desk.create("http://127.0.0.1:1/", (), "ann")
    await store.enqueue([Delivery("d1", webhook.id, "run.created", "{}", 1.0)])
    slow = await store.take(0, of=[webhook.id])
    quick = await store.take(60, of=[webhook.id])
    assert slow is not None
    assert quick is not None
    await store.settle(replace(quick, state=DeliveryState.DELIVERED, attempts=1))
    await store.settle(replace(slow, state=DeliveryState.DEAD, attempts=1, last_problem="too late"))
    [kept], _ = await desk.deliveries(webhook.id, ())
    assert (kept.state, kept.last_problem) == (DeliveryState.DELIVERED, "")


async def test_deliveries_are_paged(store: SqlWebhookStore, desk: WebhookDesk) -> None:
    webhook = await desk.create("http://127.0.0.1:1/", (), "ann")
    made = [Delivery(f"d{n}", webhook.id, "run.created", "{}", 1.5 + n // 2) for n in range(5)]
    assert await store.enqueue(made) == 5
    assert await store.enqueue(made) == 0
    seen, cursor = [], ""
    while True:
        page, cursor = await desk.deliveries(webhook.id, (), page_size=2, cursor=cursor)
        seen += [one.id for one in page]
        if not cursor:
            break
    assert seen == ["d4", "d3", "d2", "d1", "d0"]
    with pytest.raises(ShinsaError) as refused:
        await desk.deliveries(webhook.id, (), cursor="nonsense")
    assert refused.value.field == "cursor"


@pytest.mark.parametrize("url", ["", "ftp://h/", "http://", "http:///x", "javascript:alert(1)", "http://h:0/", "//h"])
async def test_a_wrong_address_is_refused(desk: WebhookDesk, url: str) -> None:
    with pytest.raises(ShinsaError) as refused:
        await desk.create(url, (), "ann")
    assert refused.value.field == "url"


async def test_a_wrong_event_gets_what_comes_near(desk: WebhookDesk) -> None:
    with pytest.raises(ShinsaError) as refused:
        await desk.create("https://example.com/", ("run.completed",), "ann")
    assert "run.complete" in refused.value.near_matches
