"""A mesh without network: real stores, everything else answered here."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Sequence
from typing import Any, cast

from shinsa.inference.v1 import model_pb2
from shinsa_chassis.errors import Reason, ShinsaError
from shinsa_orchestrator.application.analyses import AnalysisRoom
from shinsa_orchestrator.application.benchmarks import BenchmarkShelf
from shinsa_orchestrator.application.board_tables import BoardTables
from shinsa_orchestrator.application.boards import BoardRoom
from shinsa_orchestrator.application.examination_tools import Tools
from shinsa_orchestrator.application.gathering import GatheredReads
from shinsa_orchestrator.application.gating import GateKeeper
from shinsa_orchestrator.application.items import ItemShelf
from shinsa_orchestrator.application.keeper import LeaseTerms, ShardKeeper
from shinsa_orchestrator.application.models import ModelDesk
from shinsa_orchestrator.application.planning import Planner, PlanTerms
from shinsa_orchestrator.application.recorder import Recorder
from shinsa_orchestrator.application.references import ReferenceDesk
from shinsa_orchestrator.application.reporting import Reporter, ReportTerms
from shinsa_orchestrator.application.runs import RunDesk
from shinsa_orchestrator.domain.model import ModelEntry
from shinsa_orchestrator.domain.report import Report
from shinsa_orchestrator.domain.run import BenchmarkChoice, Run, RunSpec
from shinsa_orchestrator.outbound.database import Database
from shinsa_orchestrator.outbound.definition_store import SqlDefinitionStore
from shinsa_orchestrator.outbound.model_store import SqlModelStore
from shinsa_orchestrator.outbound.reference_store import SqlReferenceStore
from shinsa_orchestrator.outbound.run_store import SqlRunStore
from shinsa_orchestrator.outbound.sample_log import SqlSampleLog
from shinsa_orchestrator.outbound.step_codec import MessageCodec
from shinsa_orchestrator.ports.workers import JudgeOffer, JudgeProfile, SandboxRuntime
from unit.orchestrator.scripted_benchmarks import Essays, Programs, Shelf, Sums, manifest
from unit.orchestrator.workers import Failed, Lost, Workers, answer_right, generated
from waiting import until

_ENTRY = model_pb2.ModelEntry(name="m", scripted=model_pb2.ScriptedEngine(otherwise="?"))
MODEL = ModelEntry("m", "scripted", _ENTRY.SerializeToString())


class Judges:
    """``JudgeDirectory``."""

    def __init__(self) -> None:
        self.profiles = [
            JudgeProfile("mild", True, kind="openai", currency="JPY"),
            JudgeProfile("stern", True, kind="openai"),
            JudgeProfile("local", True, kind="inference"),
            JudgeProfile("broken", False, "no key"),
        ]
        self.defaults = {"grader": "mild"}
        self.away = False

    async def offer(self) -> JudgeOffer:
        if self.away:
            raise ShinsaError(Reason.UNAVAILABLE, "the judge service cannot be asked", origin="judge")
        return JudgeOffer(self.profiles, self.defaults)


class Sandboxes:
    """``SandboxDirectory``."""

    def __init__(self) -> None:
        self.offered: Sequence[SandboxRuntime] = [SandboxRuntime("python", True)]

    async def runtimes(self) -> Sequence[SandboxRuntime]:
        return self.offered


class Clock:
    """Runs with the machine's clock, and can be set forward."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def now(self) -> float:
        return time.time() + self.ahead

    def steady(self) -> float:
        return time.monotonic() + self.ahead


class Severed:
    """A store that its process can be cut off from, as by its death."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.cut = False

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._inner, name)
        if self.cut:
            raise ShinsaError(Reason.UNAVAILABLE, "this process is dead")
        return method


class Replica:
    """One orchestrator process."""

    def __init__(self, world: World, name: str) -> None:
        self.name = name
        self._stores = [Severed(world.runs), Severed(world.log), Severed(world.workers)]
        runs, log, queue = self._stores
        self.recorder = Recorder(log, linger=0.001)
        codec, clock = MessageCodec(), world.clock
        tools = Tools(
            queue,
            log,
            self.recorder,
            codec,
            clock,
            GatheredReads(log.results),
            GatheredReads(log.copies),
            world.patience,
        )
        self.reports = Reporter(runs, log, world.shelf, world.definitions, ReportTerms("1.2.3", world.threshold))
        self.keeper = ShardKeeper(runs, world.shelf, tools, LeaseTerms(name, world.lease_seconds), self.reports.finish)
        planner = Planner(
            world.shelf,
            world.models,
            world.judges,
            world.sandboxes,
            PlanTerms(world.window, world.items_per_shard),
            world.definitions,
        )
        self.planner = planner
        self.runs = RunDesk(runs, planner, world.shelf, clock, self.keeper.changed)
        self.items = ItemShelf(runs, log)
        self.benchmarks = BenchmarkShelf(world.shelf)
        # Tests ask for what is there now, however slow the machine is.
        self.tables = BoardTables(world.shelf, runs, world.models, world.references, patience=600)
        self.boards = BoardRoom(world.shelf, self.tables)
        self.analyses = AnalysisRoom(self.tables)
        self.models = ModelDesk(world.models, queue, runs)
        self.references = ReferenceDesk(world.references, self.tables)
        self.gates = GateKeeper(runs, log, world.shelf, self.tables)
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self.recorder.run()), loop.create_task(self.keeper.run())]

    async def stop(self) -> None:
        """As a drain does: shards are given back, then the recorder ends."""
        for task in reversed(self._tasks):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def kill(self) -> None:
        """As SIGKILL does: nothing is given back, nothing more is written."""
        for store in self._stores:
            store.cut = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


class World:
    """Stores and workers that outlive the replicas, and settings for those that a test starts."""

    Sums, Programs, Essays, Failed, Lost = Sums, Programs, Essays, Failed, Lost
    right = staticmethod(answer_right)
    generated = staticmethod(generated)
    manifest = staticmethod(manifest)
    until = staticmethod(until)

    def __init__(self, results: Database, log: SqlSampleLog) -> None:
        self.runs, self.models, self.log = SqlRunStore(results), SqlModelStore(results), log
        self.definitions = SqlDefinitionStore(results)
        self.references = SqlReferenceStore(results)
        self.workers = Workers()
        self.shelf = Shelf(Sums(), Programs(), Essays())
        self.judges = Judges()
        self.sandboxes = Sandboxes()
        self.window = 8
        self.items_per_shard = 100
        self.lease_seconds = 5.0
        self.patience = 60.0
        self.clock = Clock()
        self.threshold = 0.0
        self._replicas: list[Replica] = []

    def replica(self, name: str = "one") -> Replica:
        replica = Replica(self, name)
        replica.start()
        self._replicas.append(replica)
        return replica

    async def close(self) -> None:
        for replica in self._replicas:
            await replica.stop()

    def spec(self, *benchmarks: str, **fields: Any) -> RunSpec:
        return RunSpec("m", benchmarks=tuple(BenchmarkChoice(name) for name in benchmarks), **fields)

    async def over(self, replica: Replica, run: Run) -> Run:
        """Waits for the end of a run."""
        return cast("Run", await until(lambda: _over(replica, run.id)))

    async def examined(self, *benchmarks: str, **fields: Any) -> Report:
        """A run from submission to report in a replica of its own."""
        replica = self.replica()
        run = await replica.runs.submit(self.spec(*benchmarks, **fields))
        await self.over(replica, run)
        report = await replica.reports.report(run.id)
        await replica.stop()
        return report


async def _over(replica: Replica, run_id: str) -> Run | None:
    run = await replica.runs.get(run_id)
    return None if run.state.active else run
