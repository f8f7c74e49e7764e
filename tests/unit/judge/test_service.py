"""The whole service: its gRPC door, its work queues on a real NATS server, its drain."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from broker_rig import free_port
from grpc_health.v1 import health_pb2, health_pb2_grpc
from prometheus_client import REGISTRY
from shinsa.judge.v1 import case_pb2, judge_service_pb2
from shinsa.judge.v1.judge_service_pb2_grpc import JudgeServiceStub
from shinsa.step.v1 import step_pb2
from shinsa_chassis.broker import open_broker
from shinsa_chassis.errors import Reason, ShinsaError
from shinsa_chassis.grpc_channel import call, open_channel
from shinsa_chassis.lifecycle import Drain
from shinsa_chassis.subjects import result_subject
from shinsa_judge.settings import JudgeSettings
from shinsa_judge.wiring import serve
from waiting import until

FILE = """\
[profiles.played]
kind = "scripted"
structured = "text"
rules = [
    { pattern = "富士", reply = "正しい。\\n[[9]]" },
    { pattern = "さあ", reply = "評点は 8 か [[9]]" },
]
otherwise = "誤り。\\n[[1]]"

[profiles.locked]
kind = "scripted"
structured = "text"

[profiles.both]
kind = "panel"
members = ["played", "locked"]

[profiles.lonely]
kind = "inference"
model = "smollm2-135m"

[roles]
mt-bench = "played"
"""
MORE = '\n[profiles.late]\nkind = "scripted"\nstructured = "text"\notherwise = "[[3]]"\n'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "judges.toml"
    path.write_text(FILE)
    return path


@pytest.fixture
def settings(nats: Any, file: Path) -> JudgeSettings:
    return JudgeSettings(
        grpc_port=free_port(),
        nats_url=nats.url,
        nats_token=nats.token,
        judges_file=file,
        inference_address="127.0.0.1:9",
        reload_seconds=0.05,
        drain_seconds=2,
        recorded_patience_seconds=0,
    )


@asynccontextmanager
async def service(settings: JudgeSettings) -> AsyncIterator[grpc.aio.Channel]:
    drain = Drain()
    running = asyncio.create_task(serve(settings, drain))
    try:
        async with open_channel(f"127.0.0.1:{settings.grpc_port}") as channel:
            yield channel
    finally:
        drain.request()
        await asyncio.wait_for(running, 60)


async def healthy(channel: grpc.aio.Channel) -> bool:
    try:
        reply = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=2)
    except grpc.aio.AioRpcError:
        return False
    return bool(reply.status == health_pb2.HealthCheckResponse.SERVING)


async def until_listening(channel: grpc.aio.Channel) -> None:
    async with asyncio.timeout(60):
        await channel.channel_ready()


async def until_healthy(channel: grpc.aio.Channel) -> None:
    await until(lambda: healthy(channel), "the service did not become ready")


def request(answer: str = "富士山", profile: str = "played") -> judge_service_pb2.JudgeRequest:
    fields = [case_pb2.Field(name="question", value="一番高い山は?"), case_pb2.Field(name="answer", value=answer)]
    case = case_pb2.Case(rubric="mt_bench_single", fields=fields)
    return judge_service_pb2.JudgeRequest(profile=profile, case=case)


async def test_grpc_door(settings: JudgeSettings) -> None:
    async with service(settings) as channel:
        await until_healthy(channel)
        stub = JudgeServiceStub(channel)
        verdict = (await call(stub.Judge, request(), timeout=30)).verdict
        assert (verdict.readable, verdict.value, verdict.explanation, verdict.asks) == (True, 9.0, "正しい。", 1)
        unread = (await call(stub.Judge, request("さあ"), timeout=30)).verdict
        assert (unread.readable, unread.HasField("value")) == (False, False)
        assert (unread.unreadable_reason, unread.asks) == ("malformed", 3)
        assert (
            unread.usage.prompt_tokens
            == 3 * (await call(stub.Judge, request("ほか"), timeout=30)).verdict.usage.prompt_tokens
        )
        for wrong, reason, field, near in [
            (request(""), Reason.INVALID_ARGUMENT, "case.fields.answer", ()),
            (request(profile="playd"), Reason.NOT_FOUND, "profile", ("played",)),
            (request(profile="locked"), Reason.FAILED_PRECONDITION, "profile", ()),
            (request(profile="both"), Reason.FAILED_PRECONDITION, "profile", ()),
        ]:
            with pytest.raises(ShinsaError) as refused:
                await call(stub.Judge, wrong, timeout=30)
            error = refused.value
            assert (error.reason, error.field, error.near_matches) == (reason, field, near)
            assert (error.origin, error.retryable) == ("judge", False)


async def test_listing(settings: JudgeSettings) -> None:
    async with service(settings) as channel:
        await until_healthy(channel)
        listing = await call(JudgeServiceStub(channel).ListProfiles, judge_service_pb2.ListProfilesRequest(), timeout=9)
    shown = {one.name: (one.kind, one.model, one.available) for one in listing.profiles}
    assert shown == {
        "both": ("panel", "played, locked", True),
        "locked": ("scripted", "scripted", True),
        "lonely": ("inference", "smollm2-135m", False),
        "played": ("scripted", "scripted", True),
    }
    problems = {one.name: one.problem for one in listing.profiles}
    assert [list(one.members) for one in listing.profiles if one.members] == [["played", "locked"]]
    assert "127.0.0.1:9" in problems["lonely"]
    assert all(len(one.digest) == 64 for one in [*listing.profiles, *listing.rubrics])
    assert [(one.role, one.profile) for one in listing.roles] == [("mt-bench", "played")]
    single = next(one for one in listing.rubrics if one.id == "mt_bench_single")
    assert (list(single.fields), single.lowest, single.highest) == (["question", "answer"], 1, 10)
    assert single.description
    assert (list(single.findings), single.both_orders) == (["rating"], False)
    assert next(one for one in listing.rubrics if one.id == "mt_bench_pairwise").both_orders
    measure = next(one for one in listing.rubrics if one.id == "text_class")
    assert (list(measure.fields), list(measure.optional_fields)) == (["text"], ["text_pair"])


def task(number: int, asked: judge_service_pb2.JudgeRequest) -> step_pb2.Task:
    return step_pb2.Task(
        step_id=f"step-{number}",
        run_id="run",
        item_id=f"item-{number}",
        attempt=1,
        reply_to=result_subject("shard"),
        judge=asked,
    )


async def collect(inbox: Any, count: int) -> dict[str, step_pb2.Result]:
    found: dict[str, step_pb2.Result] = {}
    async with asyncio.timeout(60):
        while len(found) < count:
            received = await inbox.next_batch()
            found.update({one.result.step_id: one.result for one in received})
            await inbox.ack(received)
    return found


def counted(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(f"shinsa_judge_{name}_total", {"profile": "played", **labels}) or 0.0


async def test_queue_door_and_reload(settings: JudgeSettings, file: Path) -> None:
    before = counted("verdicts", outcome="ok"), counted("verdicts", outcome="malformed"), counted("asks")
    tokens = counted("tokens", direction="prompt")
    async with (
        service(settings) as channel,
        open_broker(settings) as broker,
        broker.results("shard") as inbox,
    ):
        await until_healthy(channel)
        asked = [request("富士山"), request("さあ"), request(""), request(profile="locked")] + [request()] * 40
        for number, one in enumerate(asked):
            await broker.submit(task(number, one), service="judge", key=one.profile)
        # A queue may be filled before its profile exists: the work waits for it.
        await broker.submit(task(99, request(profile="late")), service="judge", key="late")
        results = await collect(inbox, len(asked))
        assert results["step-0"].judge.verdict.value == 9.0
        assert results["step-1"].judge.verdict.unreadable_reason == "malformed"
        assert results["step-2"].failure.field == "case.fields.answer"
        assert results["step-3"].failure.field == "profile"
        assert [results[f"step-{number}"].judge.verdict.value for number in range(4, 44)] == [9.0] * 40
        assert "step-99" not in results
        after = counted("verdicts", outcome="ok"), counted("verdicts", outcome="malformed"), counted("asks")
        assert [now - then for now, then in zip(after, before, strict=True)] == [41, 1, 41 + 3]
        assert counted("tokens", direction="prompt") > tokens
        await asyncio.to_thread(file.write_text, FILE + MORE)
        assert (await collect(inbox, 1))["step-99"].judge.verdict.value == 3.0


async def test_not_ready_before_nats_and_leaves_when_told_to_wait_no_longer(settings: JudgeSettings, nats: Any) -> None:
    nats.kill()
    async with service(settings) as channel:
        await until_listening(channel)
        assert not await healthy(channel)
        # The door is open all the same.
        assert (await call(JudgeServiceStub(channel).Judge, request(), timeout=30)).verdict.value == 9.0
        nats.start()
        await until_healthy(channel)
    nats.kill()
    begun = time.monotonic()
    async with service(settings):
        await asyncio.sleep(0.2)
    assert time.monotonic() - begun < 50


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"judges_file": "/nowhere/judges.toml"}, "SHINSA_JUDGE_JUDGES_FILE"),
        ({"rubrics_folder": "/nowhere"}, "no such folder of rubrics"),
    ],
)
async def test_what_cannot_be_read_at_the_start_is_told(more: dict[str, str], message: str) -> None:
    settings = JudgeSettings(grpc_port=0, **more)
    with pytest.raises(ShinsaError, match=message) as failed:
        await serve(settings, Drain())
    assert failed.value.reason is Reason.FAILED_PRECONDITION


async def test_an_unsound_first_file_is_told_with_its_line(tmp_path: Path) -> None:
    settings = JudgeSettings(grpc_port=0, judges_file=write(tmp_path / "j.toml", "[profiles.x]\nkind = 'open'\n"))
    with pytest.raises(ShinsaError, match=r"j\.toml:2: unknown kind 'open'; did you mean 'openai'"):
        await serve(settings, Drain())


async def test_profiles_from_the_environment(settings: JudgeSettings) -> None:
    more = MORE.replace("[[3]]", "[[4]]") + '[roles]\nmt-bench = "late"\n'
    async with service(settings.model_copy(update={"judges_toml": more})) as channel:
        await until_healthy(channel)
        stub = JudgeServiceStub(channel)
        assert (await call(stub.Judge, request(profile="late"), timeout=30)).verdict.value == 4.0
        listing = await call(stub.ListProfiles, judge_service_pb2.ListProfilesRequest(), timeout=30)
        assert [(one.role, one.profile) for one in listing.roles] == [("mt-bench", "late")]
    with pytest.raises(ShinsaError, match=r"SHINSA_JUDGE_JUDGES_TOML:1: unknown key 'profile'"):
        await serve(settings.model_copy(update={"judges_toml": "[profile.x]\n"}), Drain())


async def test_a_secret_that_is_missing_at_the_start_is_told_with_its_line(tmp_path: Path) -> None:
    text = "[profiles.x]\nkind = 'openai'\nmodel = 'm'\napi_key_env = 'A_KEY_THAT_IS_NOT_SET'\n"
    settings = JudgeSettings(grpc_port=0, judges_file=write(tmp_path / "j.toml", text))
    with pytest.raises(ShinsaError, match=r"j\.toml:4: api_key_env: the environment variable A_KEY_THAT_IS_NOT_SET"):
        await serve(settings, Drain())


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path
