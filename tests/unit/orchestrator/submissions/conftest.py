from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from shinsa.inference.v1 import model_pb2
from shinsa_benchmarks.suites import Suite
from shinsa_orchestrator.application.submission_orders import OrderExaminer, OrderTerms
from shinsa_orchestrator.application.submission_queue import SubmissionQueue
from shinsa_orchestrator.application.submissions import Actor, QueueTerms, SubmissionDesk
from shinsa_orchestrator.application.validity import ValidityTerms
from shinsa_orchestrator.domain.model import ModelEntry
from shinsa_orchestrator.domain.submission import ModelSource, Submission, SubmissionOrder, registered_name
from shinsa_orchestrator.outbound.model_hub import HttpModelHub
from shinsa_orchestrator.outbound.submission_store import SqlSubmissionStore
from shinsa_orchestrator.ports.submissions import SubmitterLimits

_HERE = Path(__file__).parent


def _module(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(f"submissions_{name}", _HERE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


hubs = _module("hub")


@pytest.fixture
def a_model() -> Any:
    return hubs.a_model


@pytest.fixture
def hub() -> Iterator[Any]:
    with hubs.serving() as served:
        yield served


class Scripted:
    """``EntryWriter``: instead of loading weights, the workers of the test answer."""

    def entry(self, submission: Submission) -> ModelEntry:
        message = model_pb2.ModelEntry(
            name=registered_name(submission), scripted=model_pb2.ScriptedEngine(otherwise="?")
        )
        return ModelEntry(message.name, "scripted", message.SerializeToString())


@dataclass
class Office:
    """A replica with its desk and queue, over the stores of ``world``."""

    world: Any
    replica: Any
    store: SqlSubmissionStore
    desk: SubmissionDesk
    queue: SubmissionQueue

    async def submit(self, model: str = "org/model", by: str = "ann", **fields: Any) -> Submission:
        order = SubmissionOrder(ModelSource(fields.pop("source", "hub")), model, "pretrained", **fields)
        return (await self.desk.submit(order, Actor(by))).submission

    async def now(self, submission: Submission) -> Submission:
        return (await self.desk.get(submission.id)).submission

    async def over(self, submission: Submission) -> Submission:
        """Looks at the queue until the submission has ended."""

        async def ended() -> Submission | None:
            await self.queue.look()
            found = await self.now(submission)
            return found if found.state.value not in ("pending", "running") else None

        found: Submission = await self.world.until(ended)
        return found


@pytest.fixture
def open_office(world: Any, hub: Any) -> Any:
    """Makes an office: ``open_office(at_once=1, approval="none", limits=..., hub_url=...)``."""
    world.shelf.known_suites["night"] = Suite.model_validate(
        {"id": "night", "title": "Night", "benchmarks": [{"id": "sums", "shots": [0], "limit": 2}]}
    )

    def opened(
        name: str = "one",
        at_once: int = 1,
        approval: str = "unchecked",
        limits: SubmitterLimits | None = None,
        hub_url: str = "",
    ) -> Office:
        replica = world.replica(name)
        store = SqlSubmissionStore(world.runs._database)
        queue = SubmissionQueue(
            store, replica.models, replica.runs, Scripted(), world.clock, at_once=at_once, poll_seconds=0.05
        )
        terms = QueueTerms(at_once, approval, limits or SubmitterLimits(0, 0))
        found = None if hub_url == "none" else HttpModelHub(hub_url or hub.url, timeout=30)
        order_terms = OrderTerms("night", ValidityTerms(70))
        orders = OrderExaminer(store, world.models, world.shelf, found, order_terms)
        desk = SubmissionDesk(store, orders, world.clock, terms, queue.changed)
        return Office(world, replica, store, desk, queue)

    return opened
