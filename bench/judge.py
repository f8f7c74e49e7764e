"""What the judge service costs on top of asking: verdicts a second, against a bare client on the same endpoint.

The bare client posts ready-made prompts with aiohttp and reads the rating; the service is given cases by its queue
(NATS JetStream, as in a run) and by its gRPC door, renders, asks, reads strictly and answers with whole verdicts. Both
have as many requests in flight. Every verdict is compared with what the endpoint must have said.

    .venv/bin/python bench/judge.py [--cases 2000] [--at-once 64] [--latency 0 0.05] [--faults 0.05]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
import urllib.request
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvloop
from mock_judge import rating_of
from processes import connects, cpu_seconds, free_port, running

HERE = Path(__file__).parent
RUBRIC = "mt_bench_single"
PROFILE = """
[profiles.mock]
kind = "openai"
base_url = "{url}"
model = "mock"
concurrency = {at_once}
"""


@dataclass
class Row:
    """One way of asking. Seconds; ``cpu`` is that of the bare client or of the service alone."""

    name: str
    latency: float
    wall: float
    cpu: float
    wrong: int
    unreadable: int
    cases: int

    @property
    def rate(self) -> float:
        return self.cases / self.wall


def cases(count: int) -> list[dict[str, str]]:
    """Different questions and answers of a usual length."""
    return [
        {
            "question": f"問い{number}：地域の祭りを続けるために大切なことを三つ挙げ、理由を添えて説明してください。",
            "answer": f"{number}人で考えました。" + "準備を分かち合い、記録を残し、若い世代に役割を渡すことです。" * 8,
        }
        for number in range(count)
    ]


# --- the floor ---


def prompts(fields: list[dict[str, str]]) -> list[list[dict[str, str]]]:
    """The messages that the service will send, made beforehand."""
    from shinsa_judge.domain.exchange import Form
    from shinsa_judge.outbound.rubric_folders import read_shelves
    from shinsa_judge.settings import PACKAGED_RUBRICS

    rubric = read_shelves([PACKAGED_RUBRICS])[0][RUBRIC]
    asked = (rubric.question(one, Form.JSON) for one in fields)
    return [[{"role": message.role, "content": message.content} for message in one.messages] for one in asked]


async def bare(url: str, asked: list[list[dict[str, str]]], at_once: int) -> tuple[float, float, list[float | None]]:
    import aiohttp

    found: list[float | None] = [None] * len(asked)
    waiting = iter(enumerate(asked))
    cpu, began = time.process_time(), time.perf_counter()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=at_once)) as session:

        async def work() -> None:
            for number, messages in waiting:
                body = {"model": "mock", "messages": messages, "response_format": {"type": "json_object"}}
                async with session.post(f"{url}/chat/completions", json=body) as response:
                    answer = await response.json()
                found[number] = json.loads(answer["choices"][0]["message"]["content"])["rating"]

        await asyncio.gather(*(work() for _ in range(at_once)))
    return time.perf_counter() - began, time.process_time() - cpu, found


# --- the service ---


def request(fields: dict[str, str]) -> Any:
    from shinsa.judge.v1 import case_pb2, judge_service_pb2

    told = [case_pb2.Field(name=name, value=value) for name, value in fields.items()]
    return judge_service_pb2.JudgeRequest(profile="mock", case=case_pb2.Case(rubric=RUBRIC, fields=told))


async def by_grpc(port: int, fields: list[dict[str, str]], at_once: int) -> list[float | None]:
    from shinsa.judge.v1.judge_service_pb2_grpc import JudgeServiceStub
    from shinsa_chassis.grpc_channel import open_channel

    found: list[float | None] = [None] * len(fields)
    async with open_channel(f"127.0.0.1:{port}") as channel:
        judge = JudgeServiceStub(channel).Judge
        waiting = iter(enumerate(fields))

        async def work() -> None:
            for number, one in waiting:
                verdict = (await judge(request(one))).verdict
                found[number] = verdict.value if verdict.readable else None

        await asyncio.gather(*(work() for _ in range(at_once)))
    return found


async def by_queue(settings: Any, fields: list[dict[str, str]], _at_once: int) -> list[float | None]:
    from shinsa.step.v1 import step_pb2
    from shinsa_chassis.broker import open_broker
    from shinsa_chassis.subjects import result_subject

    found: list[float | None] = [None] * len(fields)
    missing = set(range(len(fields)))
    shard = f"bench{time.time_ns()}"
    async with open_broker(settings) as broker, broker.results(shard) as inbox:

        async def submit() -> None:
            for number, one in enumerate(fields):
                task = step_pb2.Task(step_id=f"{shard}-{number}", attempt=1, reply_to=result_subject(shard))
                task.judge.CopyFrom(request(one))
                await broker.submit(task, service="judge", key="mock")

        submitting = asyncio.create_task(submit())
        while missing:
            received = await inbox.next_batch()
            for one in received:
                number = int(one.result.step_id.rpartition("-")[2])
                if one.result.HasField("failure"):
                    raise RuntimeError(one.result.failure.message)
                verdict = one.result.judge.verdict
                found[number] = verdict.value if verdict.readable else None
                missing.discard(number)
            await inbox.ack(received)
        await submitting
    return found


def settings_of(port: int, nats_port: int, file: Path) -> Any:
    from shinsa_judge.settings import JudgeSettings

    return JudgeSettings(
        grpc_port=port,
        nats_url=f"nats://127.0.0.1:{nats_port}",
        judges_file=file,
        inference_address="127.0.0.1:9",
        recorded_patience_seconds=0,
    )


def measure(latency: float, faults: float, count: int, at_once: int, folder: Path) -> list[Row]:
    endpoint, nats, port = free_port(), free_port(), free_port()
    url = f"http://127.0.0.1:{endpoint}/v1"
    file = folder / "judges.toml"
    file.write_text(PROFILE.format(url=url, at_once=at_once))
    config = folder / "nats.conf"
    store = folder / f"nats{time.time_ns()}"
    config.write_text(f'listen: 127.0.0.1:{nats}\nmax_payload: 8MB\njetstream {{ store_dir: "{store}" }}\n')
    fields = cases(count)
    asked = prompts(fields)
    expected = [float(rating_of(messages[-1]["content"])) for messages in asked]
    service = {
        "SHINSA_JUDGE_GRPC_PORT": str(port),
        "SHINSA_JUDGE_NATS_URL": f"nats://127.0.0.1:{nats}",
        "SHINSA_JUDGE_JUDGES_FILE": str(file),
        "SHINSA_JUDGE_LOG_LEVEL": "warning",
        "SHINSA_JUDGE_RECORDED_PATIENCE_SECONDS": "0",
    }
    mock = (sys.executable, HERE / "mock_judge.py", "--port", endpoint, "--latency", latency, "--faults", faults)
    server = (Path(sys.executable).with_name("nats-server"), "-c", config)
    rows: list[Row] = []

    def note(name: str, wall: float, cpu: float, found: list[float | None]) -> None:
        wrong = sum(one is not None and one != right for one, right in zip(found, expected, strict=True))
        rows.append(Row(name, latency, wall, cpu, wrong, found.count(None), count))

    with (
        running(*mock, ready=connects(endpoint)),
        running(*server, ready=connects(nats)),
        running(sys.executable, "-m", "shinsa_judge", ready=connects(port), **service) as judge,
    ):
        if not faults:
            note("bare aiohttp", *uvloop.run(bare(url, asked, at_once)))
        ways: list[tuple[str, Callable[[], Awaitable[list[float | None]]]]] = [
            ("service, queue door", lambda: by_queue(settings_of(port, nats, file), fields, at_once)),
            ("service, gRPC door", lambda: by_grpc(port, fields, at_once)),
        ]
        for name, ask in ways:
            cpu, began = cpu_seconds(judge.pid), time.perf_counter()
            found = uvloop.run(ask())  # type: ignore[arg-type]
            note(name, time.perf_counter() - began, cpu_seconds(judge.pid) - cpu, found)
        with urllib.request.urlopen(f"{url}/stats") as answer:
            counts = json.loads(answer.read())
        if faults:
            print(f"faults given: {counts.get('faults', 0)} in {counts['requests']} requests")
    return rows


def show(rows: list[Row], floor: Row) -> None:
    for row in rows:
        speed = f"{row.wall:>8.2f} {row.rate:>10.0f} {row.rate / floor.rate:>9.2f} {row.cpu / row.cases * 1000:>14.2f}"
        print(f"{row.name:<20} {row.latency * 1000:>7.0f} {speed} {row.unreadable:>11} {row.wrong:>6}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=2000)
    parser.add_argument("--at-once", type=int, default=64)
    parser.add_argument("--latency", type=float, nargs="+", default=[0.0, 0.05])
    parser.add_argument("--faults", type=float, default=0.05)
    arguments = parser.parse_args()
    heads = ("", "latency", "seconds", "verdicts/s", "of bare", "cpu ms/verdict", "unreadable", "wrong")
    print("{:<20} {:>7} {:>8} {:>10} {:>9} {:>14} {:>11} {:>6}".format(*heads))
    with tempfile.TemporaryDirectory() as folder:
        for latency in arguments.latency:
            clean = measure(latency, 0.0, arguments.cases, arguments.at_once, Path(folder))
            show(clean, clean[0])
            if arguments.faults:
                faulty = measure(latency, arguments.faults, arguments.cases, arguments.at_once, Path(folder))
                show(faulty, clean[0])
                ratios = ", ".join(f"{faulty[n].rate / clean[n + 1].rate:.2f}" for n in range(len(faulty)))
                print(f"with faults against without, by door: {ratios}")
