"""Work queues and results over a real NATS server: nothing lost, nothing done twice, whatever dies."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from unittest.mock import AsyncMock

import pytest
import uvloop
from nats.aio.msg import Msg
from shinsa.inference.v1 import completion_pb2, inference_service_pb2, model_pb2
from shinsa.step.v1 import step_pb2
from shinsa_chassis import nats_connection, pull, work_consumer
from shinsa_chassis.broker import Broker, open_broker
from shinsa_chassis.errors import Reason, ShinsaError
from shinsa_chassis.lifecycle import Drain
from shinsa_chassis.pull import Puller
from shinsa_chassis.settings import ServiceSettings, service_config
from shinsa_chassis.subjects import RESULTS_STREAM, result_subject, sender_subject, work_stream
from shinsa_chassis.subjects import work_consumer as work_consumer_name
from shinsa_chassis.work_consumer import WorkConsumer
from structlog.testing import capture_logs
from waiting import until

Handle = Callable[[step_pb2.Task], Awaitable[inference_service_pb2.GenerateResponse]]


class TestSettings(ServiceSettings):
    __test__ = False
    model_config = service_config("queuetest")
    grpc_port: int = 0


def settings_for(nats, **more) -> TestSettings:
    """Tasks are delivered again after two seconds only where a test is about that; a slow machine takes as long."""
    given = {"nats_url": nats.url, "nats_token": nats.token, "ack_wait_seconds": 30, "recorded_patience_seconds": 0}
    return TestSettings(**{**given, **more})


def task(number: int, shard: str = "shard-1", attempt: int = 1) -> step_pb2.Task:
    made = step_pb2.Task(
        step_id=f"step-{number}",
        run_id="run",
        item_id=f"item-{number}",
        attempt=attempt,
        reply_to=result_subject(shard),
    )
    made.generate.model = "echo"
    made.generate.raw = f"prompt {number}"
    return made


def response(text: str) -> inference_service_pb2.GenerateResponse:
    choice = completion_pb2.Choice(text=text)
    return inference_service_pb2.GenerateResponse(completion=completion_pb2.Completion(choices=[choice]))


async def echo(asked: step_pb2.Task) -> inference_service_pb2.GenerateResponse:
    return response(asked.generate.raw)


@asynccontextmanager
async def worker(broker: Broker, settings: ServiceSettings, handle: Handle, window: int = 16) -> AsyncIterator[Drain]:
    drain = Drain()
    consumer = WorkConsumer(broker, service="inference", key="echo", handle=handle, window=window, settings=settings)
    running = asyncio.create_task(consumer.run(drain))
    try:
        yield drain
    finally:
        drain.request()
        await running


async def collect(inbox, count: int) -> dict[str, step_pb2.Result]:
    found: dict[str, step_pb2.Result] = {}
    async with asyncio.timeout(90):
        while len(found) < count:
            received = await inbox.next_batch()
            found.update({one.result.step_id: one.result for one in received})
            await inbox.ack(received)
    return found


async def receive_for_ever(inbox) -> None:
    while True:
        await inbox.next_batch()


async def test_every_task_gets_its_result(nats) -> None:
    settings = settings_for(nats)
    async with open_broker(settings) as broker, broker.results("shard-1") as inbox, worker(broker, settings, echo):
        await asyncio.gather(*(broker.submit(task(n), service="inference", key="echo") for n in range(500)))
        results = await collect(inbox, 500)
    assert {r.generate.completion.choices[0].text for r in results.values()} == {f"prompt {n}" for n in range(500)}
    assert {r.deliveries for r in results.values()} == {1}


async def test_the_same_attempt_submitted_twice_is_one_task(nats) -> None:
    settings = settings_for(nats)
    async with open_broker(settings) as broker:
        for _ in range(3):
            await broker.submit(task(1), service="inference", key="echo")
        info = await broker.jetstream.stream_info(work_stream("inference"))
    assert info.state.messages == 1


async def test_a_window_bounds_what_is_in_flight(nats) -> None:
    settings = settings_for(nats)
    running = most = 0

    async def slow(asked: step_pb2.Task) -> inference_service_pb2.GenerateResponse:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.02)
        running -= 1
        return await echo(asked)

    async with (
        open_broker(settings) as broker,
        broker.results("shard-1") as inbox,
        worker(broker, settings, slow, window=5),
    ):
        for n in range(60):
            await broker.submit(task(n), service="inference", key="echo")
        await collect(inbox, 60)
    assert most == 5


async def test_a_task_whose_answer_is_being_stored_leaves_its_place(nats, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings_for(nats)
    begun: list[str] = []
    room = asyncio.Event()
    running = most = 0

    async def counted(asked: step_pb2.Task) -> inference_service_pb2.GenerateResponse:
        nonlocal running, most
        running += 1
        most = max(most, running)
        begun.append(asked.step_id)
        await asyncio.sleep(0)
        running -= 1
        return await echo(asked)

    async with open_broker(settings) as broker, broker.results("shard-1") as inbox:
        publish = broker.publish_results

        async def waits(subject: str, payload: bytes) -> None:
            await room.wait()
            await publish(subject, payload)

        monkeypatch.setattr(broker, "publish_results", waits)
        async with worker(broker, settings, counted, window=2):
            for n in range(9):
                await broker.submit(task(n), service="inference", key="echo")
            # One more, and no fourth: what is answered but not stored is bounded, too.
            await until(lambda: len(begun) == 3)
            await broker.jetstream.account_info()
            assert len(begun) == 3
            room.set()
            results = await collect(inbox, 9)
    assert (len(results), most) == (9, 2)


async def test_as_much_is_taken_ahead_as_will_begin_soon(nats) -> None:
    settings = settings_for(nats)
    line = asyncio.Semaphore(8)
    given = most = 0

    async def in_line(asked: step_pb2.Task) -> inference_service_pb2.GenerateResponse:
        nonlocal given, most
        given += 1
        most = max(most, given)
        async with line:
            await asyncio.sleep(0.001)
        given -= 1
        return await echo(asked)

    drain = Drain()
    async with open_broker(settings) as broker, broker.results("shard-1") as inbox:
        consumer = WorkConsumer(
            broker, service="inference", key="echo", handle=in_line, window=8, settings=settings, ahead=True
        )
        running = asyncio.create_task(consumer.run(drain))
        await asyncio.gather(*(broker.submit(task(n), service="inference", key="echo") for n in range(600)))
        assert len(await collect(inbox, 600)) == 600
        drain.request()
        await running
    assert 8 < most <= 16


async def test_a_retryable_failure_comes_again_and_then_succeeds(nats) -> None:
    settings = settings_for(nats)
    tries: list[str] = []

    async def flaky(asked: step_pb2.Task) -> inference_service_pb2.GenerateResponse:
        tries.append(asked.step_id)
        if len(tries) < 3:
            raise ShinsaError(Reason.RATE_LIMITED, "slow down", retry_after=0.05)
        return await echo(asked)

    async with open_broker(settings) as broker, broker.results("shard-1") as inbox, worker(broker, settings, flaky):
        await broker.submit(task(1), service="inference", key="echo")
        results = await collect(inbox, 1)
    assert results["step-1"].WhichOneof("outcome") == "generate"
    assert results["step-1"].deliveries == 3


async def test_a_failure_that_stays_is_given_up_with_its_reason(nats) -> None:
    settings = settings_for(nats, max_deliveries=2)

    async def down(_asked: step_pb2.Task) -> inference_service_pb2.GenerateResponse:
        raise ShinsaError(Reason.UNAVAILABLE, "nobody there", retry_after=0.05)

    async with open_broker(settings) as broker, broker.results("shard-1") as inbox, worker(broker, settings, down):
        await broker.submit(task(1), service="inference", key="echo")
        failure = (await collect(inbox, 1))["step-1"].failure
    assert (failure.message, failure.attempts, failure.origin) == ("nobody there", 2, "inference")


async def test_a_final_failure_is_not_tried_again(nats) -> None:
    settings = settings_for(nats)
    tries = 0

    async def refuse(_asked: step_pb2.Task) -> inference_service_pb2.GenerateResponse:
        nonlocal tries
        tries += 1
        raise ShinsaError(Reason.CONTEXT_OVERFLOW, "too long")

    async with open_broker(settings) as broker, broker.results("shard-1") as inbox, worker(broker, settings, refuse):
        await broker.submit(task(1), service="inference", key="echo")
        await collect(inbox, 1)
    assert tries == 1


async def test_a_result_that_cannot_be_sent_is_told_and_its_task_comes_again(nats, monkeypatch) -> None:
    settings = settings_for(nats)
    monkeypatch.setattr(work_consumer, "_UNANSWERED_DELAY_SECONDS", 0.1)
    refusals = [ShinsaError(Reason.INTERNAL, "JetStream refused a message: no stream matches subject")]
    async with open_broker(settings) as broker, broker.results("shard-1") as inbox:
        publish = broker.publish_results

        async def refused_once(subject: str, payload: bytes) -> None:
            if refusals:
                raise refusals.pop()
            await publish(subject, payload)

        monkeypatch.setattr(broker, "publish_results", refused_once)
        with capture_logs() as logs:
            async with worker(broker, settings, echo):
                await broker.submit(task(1), service="inference", key="echo")
                found = await collect(inbox, 1)
    assert (found["step-1"].generate, found["step-1"].deliveries) == (response("prompt 1"), 2)
    assert "task_unanswered" in [line["event"] for line in logs]


async def test_a_dead_workers_tasks_go_to_another_and_recorded_ones_are_not_done_again(nats) -> None:
    settings = settings_for(nats, ack_wait_seconds=2)
    done: list[str] = []
    begun: set[str] = set()
    recorded: set[str] = set()
    entered = asyncio.Event()

    async def stuck(asked: step_pb2.Task) -> inference_service_pb2.GenerateResponse:
        begun.add(asked.step_id)
        if len(begun) == 2:
            entered.set()
        await asyncio.sleep(3600)
        raise AssertionError("unreachable")

    async def remember(asked: step_pb2.Task) -> inference_service_pb2.GenerateResponse:
        done.append(asked.step_id)
        return await echo(asked)

    async def lookup(step_ids) -> set[str]:
        return recorded & set(step_ids)

    async with open_broker(settings) as broker, broker.results("shard-1") as inbox:
        await broker.answer_recorded(lookup)
        async with open_broker(settings) as doomed:
            consumer = WorkConsumer(doomed, service="inference", key="echo", handle=stuck, window=4, settings=settings)
            running = asyncio.create_task(consumer.run(Drain()))
            for n in range(2):
                await broker.submit(task(n), service="inference", key="echo")
            await asyncio.wait_for(entered.wait(), 60)
            # As kill -9 would: the connection is gone, nothing is handed back.
            await doomed.client.close()
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
        recorded.add("step-0")
        async with worker(broker, settings, remember):
            results = await collect(inbox, 1)
            await asyncio.sleep(0.5)
    # What is not recorded may come once more, where this process is held up for as long as the dead are waited for.
    assert set(done) == {"step-1"}
    assert results["step-1"].deliveries >= 2


async def test_drain_finishes_what_is_in_flight_and_leaves_the_rest(nats) -> None:
    settings = settings_for(nats)
    begun: set[str] = set()

    async def slow(asked: step_pb2.Task) -> inference_service_pb2.GenerateResponse:
        begun.add(asked.step_id)
        await asyncio.sleep(0.3)
        return await echo(asked)

    async with open_broker(settings) as broker, broker.results("shard-1") as inbox:
        for n in range(10):
            await broker.submit(task(n), service="inference", key="echo")
        async with worker(broker, settings, slow, window=3):
            await until(lambda: len(begun) >= 3)

        async def nothing_is_held() -> bool:
            info = await broker.jetstream.consumer_info(work_stream("inference"), work_consumer_name("echo"))
            return info.num_ack_pending == 0

        await until(nothing_is_held, "what was on its way waits for its time to be acknowledged")
        finished = await collect(inbox, 3)
        async with worker(broker, settings, echo, window=3):
            rest = await collect(inbox, 10 - len(finished))
    assert len({*finished, *rest}) == 10


async def test_what_is_on_its_way_to_who_stops_is_still_handed_over(nats) -> None:
    settings = settings_for(nats)
    arrived: list[str] = []

    async def take(message: Msg) -> None:
        arrived.append(step_pb2.Task.FromString(message.data).step_id)

    async def submit() -> None:
        async with open_broker(settings) as other:
            for n in range(5):
                await other.submit(task(n), service="inference", key="echo")

    async with open_broker(settings) as broker:
        await broker.open_queue("inference", "echo", settings.ack_wait_seconds)
        stream, consumer = work_stream("inference"), work_consumer_name("echo")
        puller = Puller(broker.client, stream, consumer, take, lambda: 5 - len(arrived), pytest.fail)
        await puller.start()
        await broker.client.flush()
        # Nothing is read here meanwhile.
        submitting = threading.Thread(target=asyncio.run, args=(submit(),))
        submitting.start()
        submitting.join()
        assert not arrived
        await puller.stop()
        assert arrived == [f"step-{n}" for n in range(5)]


async def test_who_stops_while_the_server_is_silent_does_not_wait_for_it(nats, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pull, "_STOP_SECONDS", 0.2)
    async with open_broker(settings_for(nats)) as broker:
        await broker.open_queue("inference", "echo", 30)
        stream, consumer = work_stream("inference"), work_consumer_name("echo")
        puller = Puller(broker.client, stream, consumer, AsyncMock(), lambda: 5, pytest.fail)
        await puller.start()
        nats.process.send_signal(signal.SIGSTOP)
        try:
            await asyncio.wait_for(puller.stop(), 20)
        finally:
            nats.process.send_signal(signal.SIGCONT)


def test_a_connection_that_closes_while_it_is_written_to_loses_nothing(nats) -> None:
    """By uvloop, as services run: it refuses with another error than asyncio to write to what is closed."""

    async def submit_at_the_close() -> None:
        async with open_broker(settings_for(nats)) as broker:
            client = broker.client
            # As between a connection's beginning and the library's own writer: whoever publishes writes himself.
            await client.flush()
            assert client._flusher_task is not None
            client._flusher_task.cancel()
            await asyncio.wait({client._flusher_task})
            client._transport._io_writer.transport.abort()
            await asyncio.sleep(0)
            assert client.is_connected
            async with asyncio.timeout(60):
                await broker.submit(task(1), service="inference", key="echo")
            info = await broker.jetstream.stream_info(work_stream("inference"))
            assert info.state.messages == 1

    uvloop.run(submit_at_the_close())


async def test_a_server_that_says_nothing_any_more_is_taken_for_gone(nats, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nats_connection, "_PING_SECONDS", 0.1)
    async with open_broker(settings_for(nats)) as broker:
        nats.process.send_signal(signal.SIGSTOP)
        try:
            await until(lambda: not broker.connected)
        finally:
            nats.process.send_signal(signal.SIGCONT)
        await until(lambda: broker.connected)
        async with asyncio.timeout(60):
            await broker.submit(task(1), service="inference", key="echo")


async def test_a_killed_broker_loses_nothing(nats) -> None:
    settings = settings_for(nats, ack_wait_seconds=2)
    counts: dict[str, int] = {}

    async def count(asked: step_pb2.Task) -> inference_service_pb2.GenerateResponse:
        counts[asked.step_id] = counts.get(asked.step_id, 0) + 1
        await asyncio.sleep(0.01)
        return await echo(asked)

    async with open_broker(settings) as broker, broker.results("shard-1") as inbox, worker(broker, settings, count):
        submitting = [asyncio.create_task(broker.submit(task(n), service="inference", key="echo")) for n in range(400)]
        collecting = asyncio.create_task(collect(inbox, 400))
        await asyncio.sleep(0.15)
        nats.kill()
        await asyncio.sleep(0.3)
        nats.start()
        await asyncio.gather(*submitting)
        results = await collecting
    assert len(results) == 400


async def test_taking_over_a_shard_evicts_the_previous_owner_and_finds_what_lies_there(nats) -> None:
    settings = settings_for(nats)
    answered: set[str] = set()

    async def noted(asked: step_pb2.Task) -> inference_service_pb2.GenerateResponse:
        answered.add(asked.step_id)
        return await echo(asked)

    async with open_broker(settings) as broker:
        async with broker.results("shard-1") as first:
            # A worker ends when what it has answered is stored.
            async with worker(broker, settings, noted), asyncio.timeout(60):
                for n in range(20):
                    await broker.submit(task(n), service="inference", key="echo")
                while len(answered) < 20:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            async with broker.results("shard-1") as second:
                found = await second.drain_pending()
                assert {one.result.step_id for one in found} == {f"step-{n}" for n in range(20)}
                await second.ack(found)
                with pytest.raises(ShinsaError, match="taken over"):
                    await asyncio.wait_for(receive_for_ever(first), 60)
        async with asyncio.timeout(60):
            while (await broker.jetstream.stream_info(RESULTS_STREAM)).state.messages:  # noqa: ASYNC110
                await asyncio.sleep(0.05)


async def test_what_lies_there_for_a_shard_that_is_over_is_thrown_away_and_nothing_that_came_since(nats) -> None:
    async with open_broker(settings_for(nats)) as broker:

        async def send(shard: str, step: str) -> None:
            batch = step_pb2.ResultBatch(results=[step_pb2.Result(step_id=step)])
            await broker.publish_results(sender_subject(result_subject(shard), "inference"), batch.SerializeToString())

        await send("over-0", "late")
        await send("going-0", "wanted")
        found = await broker.waiting_results()
        assert found.shards == {"over-0", "going-0"}
        await send("over-0", "since")
        await broker.close_results("over-0", until=found.until)
        assert (await broker.waiting_results()).shards == {"over-0", "going-0"}
        async with broker.results("over-0") as inbox:
            assert list(await collect(inbox, 1)) == ["since"]
        async with broker.results("going-0") as inbox:
            assert list(await collect(inbox, 1)) == ["wanted"]
        assert (await broker.waiting_results()).shards == set()


async def test_models_are_known_to_late_comers_and_changes_reach_all(nats) -> None:
    settings = settings_for(nats)
    async with open_broker(settings) as broker:
        await broker.models.put(model_pb2.ModelEntry(name="a.1", concurrency=1))
        seen = broker.models.watch()
        first = await asyncio.wait_for(anext(seen), 60)
        await broker.models.put(model_pb2.ModelEntry(name="a.1", concurrency=2))
        second = await asyncio.wait_for(anext(seen), 60)
        await seen.aclose()
    assert (first.name, first.concurrency, second.concurrency) == ("a.1", 1, 2)


async def test_wrong_credentials_are_told_and_waited_for(nats, tmp_path) -> None:
    token = tmp_path / "token"
    token.write_text("wrong\n", "utf-8")
    settings = TestSettings(nats_url=nats.url, nats_token_file=token)
    opening = open_broker(settings)
    with capture_logs() as told:
        entering = asyncio.create_task(opening.__aenter__())
        async with asyncio.timeout(30):
            while not any(line["event"] == "nats_refused" for line in told):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        assert not entering.done()
        assert "SHINSA_QUEUETEST_NATS_TOKEN" in told[0]["remedy"]
        token.write_text(nats.token, "utf-8")
        await asyncio.wait_for(entering, 30)
    await opening.__aexit__(None, None, None)
