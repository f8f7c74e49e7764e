"""What the first version of both stores and of the message bus holds, written as that version wrote it.

A run is in flight: four items have outcomes, two results lie in the results stream for a shard whose owner is dead, two
tasks lie in the work queue, four items were not begun. The tables are made by the first step of each history; rows and
JSON documents name only the columns and fields that there were then.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from alembic import command
from nats.js.api import KeyValueConfig, RetentionPolicy, StorageType, StreamConfig
from shinsa.inference.v1 import completion_pb2, inference_service_pb2, model_pb2
from shinsa.step.v1 import step_pb2
from shinsa_benchmarks.vocabulary import Message, Sampling
from shinsa_chassis.broker import open_broker
from shinsa_orchestrator.domain.identity import item_id, step_id
from shinsa_orchestrator.domain.run import PlannedBenchmark
from shinsa_orchestrator.outbound.database import Database
from shinsa_orchestrator.outbound.installed_catalog import InstalledCatalog
from shinsa_orchestrator.outbound.migrations import upgrade
from shinsa_orchestrator.outbound.step_codec import MessageCodec
from sqlalchemy import Connection, text

BENCHMARK = "mawps"
MODEL = "old-model"
RUN = "r0000000000000001"
OWNER = "orchestrator-of-the-old-release"
RECORDED, ANSWERED, QUEUED = 4, 2, 2
STREAMS = {
    "SHINSA_WORK_INFERENCE": "shinsa.work.v1.inference.*",
    "SHINSA_WORK_SANDBOX": "shinsa.work.v1.sandbox.*",
    "SHINSA_WORK_JUDGE": "shinsa.work.v1.judge.*",
    "SHINSA_RESULTS": "shinsa.results.v1.*",
}


@dataclass(frozen=True, slots=True)
class OldItem:
    """An item with its one question."""

    position: int
    id: str
    sample: str
    gold: str
    category: str
    step: str
    request: bytes


class _Stop(Exception):  # noqa: N818 - it only ends the coroutine
    """The first question is all that is wanted."""


class _Asked:
    """Keeps the first question of an item."""

    def __init__(self) -> None:
        self.request = b""

    async def generate(self, prompt: Sequence[Message] | str, sampling: Sampling) -> Any:
        self.request = MessageCodec().generate_request(MODEL, prompt, sampling)
        raise _Stop


async def items_and_line() -> tuple[list[OldItem], PlannedBenchmark]:
    """The items of the run, and its line of the plan."""
    from shinsa_orchestrator.application.lines import open_lines
    from shinsa_orchestrator.domain.run import Plan
    from shinsa_orchestrator.domain.shard import places

    catalog = InstalledCatalog(None)
    manifest = catalog.benchmarks()[BENCHMARK].manifest
    data = await catalog.dataset(BENCHMARK, "specimen")
    planned = PlannedBenchmark(
        benchmark=BENCHMARK,
        version=manifest.version,
        shots=0,
        repetitions=1,
        samples=len(data.test),
        dataset="specimen",
        dataset_digest=data.digest,
        steps=tuple(manifest.steps),
        settings=manifest.settings_with({}),
    )
    plan = Plan((planned,), {}, 2000, 8)
    (line,) = await open_lines(plan, catalog)
    found = []
    for place in places(plan, 0):
        item, asked = line.item(place), _Asked()
        with contextlib.suppress(_Stop):
            await line.benchmark.examine(item, asked)  # type: ignore[arg-type]
        identity = item_id(RUN, BENCHMARK, 0, 0, item.sample.id)
        step = step_id(identity, "generate", asked.request, 0)
        gold = str(item.sample.gold)
        found.append(OldItem(place.position, identity, item.sample.id, gold, item.sample.category, step, asked.request))
    return found, planned


def answer(words: str) -> bytes:
    """A response as the first version gave it."""
    choice = completion_pb2.Choice(text=words, finish_reason=completion_pb2.FINISH_REASON_STOP)
    usage = completion_pb2.TokenUsage(prompt_tokens=7, completion_tokens=3)
    completion = completion_pb2.Completion(choices=[choice], usage=usage)
    return inference_service_pb2.GenerateResponse(completion=completion).SerializeToString()


async def write_stores(results: Database, sample_log: Database, items: list[OldItem], line: PlannedBenchmark) -> None:
    """Both databases at their first version, with the run in them."""
    await _first(results, upgrade.RESULTS, "results_0001")
    await _first(sample_log, upgrade.SAMPLE_LOG, "sample_log_0001")
    now = time.time()
    entry = model_pb2.ModelEntry(name=MODEL, scripted=model_pb2.ScriptedEngine(otherwise="-1"))
    async with results.writing() as connection:
        await connection.execute(
            text("INSERT INTO models (name, engine, entry, created_at) VALUES (:name, 'scripted', :entry, :at)"),
            {"name": MODEL, "entry": entry.SerializeToString(), "at": now},
        )
        await connection.execute(
            text(
                "INSERT INTO runs (id, idempotency_key, model, state, round, adopts, problem, spec, plan, created_at, "
                "started_at) VALUES (:id, NULL, :model, 'running', 1, '', '', :spec, :plan, :at, :at)"
            ),
            {"id": RUN, "model": MODEL, "spec": _spec(), "plan": _plan(line), "at": now},
        )
        await connection.execute(
            text(
                "INSERT INTO shards (run_id, number, done, owner, lease_until, epoch, progress) "
                "VALUES (:run, 0, :done, :owner, :until, 1, :progress)"
            ),
            {"run": RUN, "done": False, "owner": OWNER, "until": now + 1, "progress": _progress(len(items))},
        )
    async with sample_log.writing() as connection:
        for item in items[:RECORDED]:
            await connection.execute(text(_ITEM), _item_row(item, now))
            await connection.execute(text(_STEP), _step_row(item, now))


_ITEM = (
    "INSERT INTO items (id, run_id, position, shard, round, line, benchmark, shots, repetition, sample_id, category, "
    "gold, status, reason, detail, answer, wrong, metrics, finished_at) VALUES (:id, :run, :position, 0, 1, 0, "
    ":benchmark, 0, 0, :sample, :category, :gold, 'scored', '', '', :gold, :wrong, :metrics, :at)"
)
_STEP = (
    "INSERT INTO steps (id, run_id, shard, item_id, round, kind, request, body, failed, reason, message, attempt, "
    "deliveries, worker, origin, prompt_tokens, completion_tokens, started_at, finished_at, adopted) VALUES (:id, "
    ":run, 0, :item, 1, 'generate', :request, :body, :no, '', '', 1, 1, 'inference-of-the-old-release', 'scripted', "
    "7, 3, :at, :at, :no)"
)


def _item_row(item: OldItem, at: float) -> dict[str, object]:
    return {
        "id": item.id,
        "run": RUN,
        "position": item.position,
        "benchmark": BENCHMARK,
        "sample": item.sample,
        "category": item.category,
        "gold": item.gold,
        "wrong": False,
        "metrics": '{"exact_match_figure":1.0,"exact_match_figure_strict":1.0,"format":1.0}',
        "at": at,
    }


def _step_row(item: OldItem, at: float) -> dict[str, object]:
    return {
        "id": item.step,
        "run": RUN,
        "item": item.id,
        # One byte says that it is not compressed.
        "request": b"\x00" + item.request,
        "body": b"\x00" + answer(item.gold),
        "no": False,
        "at": at,
    }


def _spec() -> str:
    return json.dumps(
        {
            "model": MODEL,
            "suite": "",
            "benchmarks": [{"benchmark": BENCHMARK, "shots": [0], "repetitions": 0}],
            "limit": 0,
            "judges": [],
            "overrides": [],
            "dataset": "specimen",
            "note": "",
            "window": 0,
        }
    )


def _plan(line: PlannedBenchmark) -> str:
    planned = {
        "benchmark": line.benchmark,
        "version": line.version,
        "shots": 0,
        "repetitions": 1,
        "samples": line.samples,
        "dataset": "specimen",
        "dataset_digest": line.dataset_digest,
        "steps": ["generate"],
        "settings": dict(line.settings),
    }
    return json.dumps({"lines": [planned], "judges": {}, "items_per_shard": 2000, "window": 8})


def _progress(items: int) -> str:
    nothing = {"asked": 0, "again": 0, "recorded": 0, "failed": 0, "replayed": 0}
    asked = {**nothing, "asked": RECORDED + ANSWERED + QUEUED, "recorded": RECORDED}
    return json.dumps(
        {
            "items": items,
            "scored": RECORDED,
            "model_errors": 0,
            "infra_errors": 0,
            "in_flight": ANSWERED + QUEUED,
            "stages": {"generate": asked, "execute": nothing, "judge": nothing},
            "done": {"0": RECORDED},
        }
    )


async def _first(database: Database, history: upgrade.History, revision: str) -> None:
    def act(connection: Connection) -> None:
        config = upgrade._config(history)
        config.attributes["connection"] = connection
        command.upgrade(config, revision)

    async with database.writing() as connection:
        await connection.run_sync(act)


async def write_streams(settings: Any, items: list[OldItem]) -> None:
    """The streams of the first version: two answered steps, two tasks that nobody took."""
    async with open_broker(settings) as broker:
        for stream in await broker.jetstream.streams_info():
            await broker.jetstream.delete_stream(str(stream.config.name))
        for name, subject in STREAMS.items():
            await broker.jetstream.add_stream(
                StreamConfig(
                    name=name,
                    subjects=[subject],
                    retention=RetentionPolicy.WORK_QUEUE,
                    storage=StorageType.FILE,
                    duplicate_window=300.0,
                )
            )
        await broker.jetstream.create_key_value(KeyValueConfig(bucket="shinsa_models", history=1))
        inbox = f"shinsa.results.v1.{RUN}-0"
        answered = items[RECORDED : RECORDED + ANSWERED]
        batch = step_pb2.ResultBatch(results=[_result(item) for item in answered])
        await broker.jetstream.publish(inbox, batch.SerializeToString())
        for item in items[RECORDED + ANSWERED :][:QUEUED]:
            task = step_pb2.Task(step_id=item.step, run_id=RUN, item_id=item.id, attempt=1, reply_to=inbox)
            task.generate.MergeFromString(item.request)
            task.deadline.seconds = int(time.time()) + 3600
            headers = {"Nats-Msg-Id": f"{item.step}.1"}
            await broker.jetstream.publish(
                f"shinsa.work.v1.inference.{MODEL}", task.SerializeToString(), headers=headers
            )


def _result(item: OldItem) -> step_pb2.Result:
    result = step_pb2.Result(
        step_id=item.step, run_id=RUN, item_id=item.id, attempt=1, worker="inference-of-the-old-release", deliveries=1
    )
    result.generate.MergeFromString(answer(item.gold))
    return result
