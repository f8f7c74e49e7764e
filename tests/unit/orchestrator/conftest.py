"""A mesh without network: real stores in SQLite files, everything else answered here."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from shinsa.failure.v1 import failure_pb2
from shinsa.inference.v1 import inference_service_pb2, model_pb2
from shinsa.judge.v1 import judge_service_pb2
from shinsa.sandbox.v1 import execution_pb2, sandbox_service_pb2
from shinsa_benchmarks.benchmark import Benchmark, Dataset, Steps
from shinsa_benchmarks.boards import Board
from shinsa_benchmarks.manifest import Manifest
from shinsa_benchmarks.suites import Suite
from shinsa_benchmarks.vocabulary import Case, Item, Outcome, Program, Sample, Sampling, messages
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
from shinsa_orchestrator.domain.step import StepResult, StepTask
from shinsa_orchestrator.outbound.database import Database, open_database
from shinsa_orchestrator.outbound.definition_store import SqlDefinitionStore
from shinsa_orchestrator.outbound.jetstream_queue import generated as read_completion
from shinsa_orchestrator.outbound.migrations.upgrade import RESULTS, SAMPLE_LOG, ensure_current
from shinsa_orchestrator.outbound.model_store import SqlModelStore
from shinsa_orchestrator.outbound.reference_store import SqlReferenceStore
from shinsa_orchestrator.outbound.run_store import SqlRunStore
from shinsa_orchestrator.outbound.sample_log import SqlSampleLog
from shinsa_orchestrator.outbound.step_codec import MessageCodec
from shinsa_orchestrator.ports.workers import JudgeOffer, JudgeProfile, SandboxRuntime
from waiting import until

_ENTRY = model_pb2.ModelEntry(name="m", scripted=model_pb2.ScriptedEngine(otherwise="?"))
MODEL = ModelEntry("m", "scripted", _ENTRY.SerializeToString())

# --- benchmarks ---


def manifest(name: str, steps: Sequence[str] = ("generate",), **changes: Any) -> Manifest:
    fields: dict[str, Any] = {
        "id": name,
        "version": "1",
        "title": name,
        "description": name,
        "licence": "Apache-2.0",
        "most_shots": 3,
        "metrics": [{"name": "exact_match", "primary": True, "binary": True}],
        "steps": list(steps),
        "judge_roles": ["grader"] if "judge" in steps else [],
        "settings": {"temperature": 0.0, "max_tokens": 16},
        "source": {"name": name, "licence": "Apache-2.0", "folder": name, "files": {"test": ["test.jsonl"]}},
    }
    return Manifest.model_validate({**fields, **changes})


class Sums:
    """One step: is the reply the gold answer?"""

    def __init__(self, name: str = "sums", size: int = 12, **changes: Any) -> None:
        self.manifest = manifest(name, **changes)
        samples = [Sample(f"{name}-{n}", {"n": n}, gold=str(2 * n), category=f"c{n % 2}") for n in range(size)]
        train = [Sample(f"train-{n}", {"n": n}, gold=str(2 * n)) for n in range(3)]
        self.dataset = Dataset(samples, train, digest=f"digest-{name}-{size}", origin="specimen")

    def load(self, folder: Path, origin: str = "specimen") -> Dataset:
        return self.dataset

    def sampling(self, item: Item) -> Sampling:
        return Sampling(temperature=item.settings["temperature"], max_tokens=item.settings["max_tokens"])

    async def examine(self, item: Item, steps: Steps) -> Outcome:
        prompt = messages(("user", f"{self.manifest.id} {item.repetition}: 2 * {item.sample.fields['n']} ="))
        reply = await steps.generate(prompt, self.sampling(item))
        return Outcome.scored({"exact_match": float(reply.text == item.sample.gold)}, answer=reply.text)


class Programs(Sums):
    """Two steps: generate, execute."""

    def __init__(self, name: str = "programs", size: int = 6) -> None:
        super().__init__(name, size, steps=("generate", "execute"))

    async def examine(self, item: Item, steps: Steps) -> Outcome:
        reply = await steps.generate(f"program {item.sample.id}", self.sampling(item))
        execution = await steps.execute(Program({"main.py": reply.text}, "main.py"))
        return Outcome.scored({"exact_match": float(execution.verdict == "pass")}, answer=reply.text)


class Essays(Sums):
    """Two turns, each judged; the turns of the judge run side by side."""

    def __init__(self, name: str = "essays", size: int = 4) -> None:
        metric = {"name": "rating", "primary": True, "lowest": 1, "highest": 10}
        super().__init__(name, size, steps=("generate", "judge"), metrics=[metric])

    async def examine(self, item: Item, steps: Steps) -> Outcome:
        first = await steps.generate(f"essay {item.sample.id}", self.sampling(item))
        second = await steps.generate(f"essay {item.sample.id} after {first.text}", self.sampling(item))
        verdicts = await asyncio.gather(
            *(steps.judge("grader", Case("single", {"text": reply.text})) for reply in (first, second))
        )
        if not all(verdict.readable for verdict in verdicts):
            return Outcome.infra_error("unreadable_verdict")
        return Outcome.scored({"rating": sum(verdict.value or 0 for verdict in verdicts) / 2})


class Shelf:
    """``Catalog`` with the benchmarks that a test puts in."""

    def __init__(self, *benchmarks: Any) -> None:
        self.installed: dict[str, Any] = {one.manifest.id: one for one in benchmarks}
        self.loads = 0
        self.known_suites: dict[str, Suite] = {}
        self.known_boards: dict[str, Board] = {}

    def benchmarks(self) -> Mapping[str, Benchmark]:
        return self.installed

    def suites(self) -> Mapping[str, Suite]:
        return self.known_suites

    def boards(self) -> Mapping[str, Board]:
        return self.known_boards

    def prepared(self, benchmark: str) -> bool:
        return False

    async def dataset(self, benchmark: str, wanted: str) -> Dataset:
        self.loads += 1
        return self.installed[benchmark].dataset


# --- work queues ---


def generated(text: str, model: str = "m") -> inference_service_pb2.GenerateResponse:
    response = inference_service_pb2.GenerateResponse()
    response.completion.choices.add(text=text)
    response.completion.usage.prompt_tokens = 5
    response.completion.usage.completion_tokens = 2
    response.completion.fingerprint.engine = "scripted"
    response.completion.fingerprint.model = model
    return response


def executed(passed: bool) -> sandbox_service_pb2.ExecuteResponse:
    verdict = execution_pb2.VERDICT_PASS if passed else execution_pb2.VERDICT_FAIL
    execution = execution_pb2.Execution(verdict=verdict, tier="2", executor="jail", trust="split")
    return sandbox_service_pb2.ExecuteResponse(execution=execution)


def judged(value: float, profile: str) -> judge_service_pb2.JudgeResponse:
    response = judge_service_pb2.JudgeResponse()
    response.verdict.readable = True
    response.verdict.value = value
    response.verdict.judge.profile = profile
    response.verdict.usage.prompt_tokens = 7
    return response


class Failed(Exception):  # noqa: N818
    """Raised by an answer: the worker reports this failure."""

    def __init__(self, reason: str, message: str = "it did not work") -> None:
        super().__init__(message)
        self.reason = reason


class Lost(Exception):  # noqa: N818
    """Raised by an answer: no result ever comes."""


Answer = Callable[[StepTask, Any], Any]


def answer_right(task: StepTask, request: Any) -> Any:
    """What a perfect model, a strict sandbox and a mild judge say."""
    if task.kind == "generate":
        text = request.raw or request.chat.messages[-1].content
        if text.startswith(("program", "essay")):
            return generated(f"print({text!r})")
        return generated(str(2 * int(text.split("*")[1].split("=")[0])))
    if task.kind == "execute":
        return executed(b"program" in request.program.files[0].content)
    return judged(8.0 if request.profile == "mild" else 3.0, request.profile)


_REQUESTS: dict[str, Any] = {
    "generate": inference_service_pb2.GenerateRequest,
    "execute": sandbox_service_pb2.ExecuteRequest,
    "judge": judge_service_pb2.JudgeRequest,
}


class Workers:
    """``StepQueue`` that outlives the replicas: what was asked is answered once, results wait until acknowledged."""

    def __init__(self) -> None:
        self.answer: Answer = answer_right
        self.asked: list[StepTask] = []
        self.executions: Counter[str] = Counter()
        self.announced: list[ModelEntry] = []
        self.withdrawn: list[str] = []
        self.hold: set[str] = set()
        self.held: list[StepTask] = []
        self.closed: list[str] = []
        self.open_requests = 0
        self.most_open = Counter[str]()
        self.delay = 0.0
        self._seen: set[tuple[str, int, str]] = set()
        self._streams: dict[str, dict[int, StepResult]] = {}
        self._inboxes: dict[str, _Inbox] = {}
        self._number = 0
        self._tasks: set[asyncio.Task[None]] = set()

    def asks(self, kind: str = "") -> int:
        return sum(1 for task in self.asked if not kind or task.kind == kind)

    async def submit(self, task: StepTask) -> None:
        self.asked.append(task)
        if (task.step_id, task.attempt, task.version) in self._seen:
            return
        self._seen.add((task.step_id, task.attempt, task.version))
        if task.kind in self.hold:
            self.held.append(task)
            return
        work = asyncio.get_running_loop().create_task(self._work(task))
        self._tasks.add(work)
        work.add_done_callback(self._tasks.discard)

    async def let_go(self, kind: str) -> None:
        """Works on what was held back."""
        self.hold.discard(kind)
        mine = [task for task in self.held if task.kind == kind]
        self.held = [task for task in self.held if task.kind != kind]
        for task in mine:
            await self._work(task)

    async def _work(self, task: StepTask) -> None:
        self.open_requests += 1
        self.most_open[task.kind] = max(self.most_open[task.kind], self.open_requests)
        await asyncio.sleep(self.delay)
        self.open_requests -= 1
        self.executions[task.step_id] += 1
        request = _REQUESTS[task.kind].FromString(task.request)
        now = time.time()
        result = StepResult(task.step_id, task.item_id, task.attempt, b"", worker="w", started_at=now, finished_at=now)
        result.version = task.version
        try:
            response = self.answer(task, request)
        except Lost:
            return
        except Failed as failure:
            reason = failure_pb2.Reason.Value(f"REASON_{failure.reason.upper()}")
            result.failed, result.reason, result.message = True, failure.reason, str(failure)
            result.body = failure_pb2.Failure(reason=reason, message=str(failure)).SerializeToString()
        else:
            result.body = response.SerializeToString()
            result.kind = task.kind
            if task.kind == "generate":
                read_completion(result, response)
            elif task.kind == "judge":
                result.prompt_tokens, result.origin = 7, response.verdict.judge.profile
                result.cost, result.currency = 0.25, "JPY"
        self.deliver(task.reply_to, result)

    def deliver(self, inbox: str, result: StepResult) -> None:
        self._number += 1
        result.receipt = self._number
        self._streams.setdefault(inbox, {})[self._number] = result
        if inbox in self._inboxes:
            self._inboxes[inbox].arrived.set()

    def pending(self, inbox: str) -> int:
        return len(self._streams.get(inbox, {}))

    @asynccontextmanager
    async def results(self, inbox: str) -> AsyncIterator[Any]:
        before = self._inboxes.get(inbox)
        if before is not None:
            before.evicted = True
            before.arrived.set()
        opened = self._inboxes[inbox] = _Inbox(self._streams.setdefault(inbox, {}))
        try:
            yield opened
        finally:
            if self._inboxes.get(inbox) is opened:
                del self._inboxes[inbox]

    async def close_results(self, inbox: str) -> None:
        self.closed.append(inbox)
        self._streams.pop(inbox, None)

    async def announce(self, entry: ModelEntry) -> None:
        self.announced.append(entry)

    async def withdraw(self, name: str) -> None:
        self.withdrawn.append(name)


class _Inbox:
    def __init__(self, stream: dict[int, StepResult]) -> None:
        self._stream = stream
        self._seen: set[int] = set()
        self.arrived = asyncio.Event()
        self.evicted = False
        if stream:
            self.arrived.set()

    async def drain_pending(self) -> list[StepResult]:
        fresh = [number for number in self._stream if number not in self._seen]
        self._seen.update(fresh)
        return [self._stream[number] for number in fresh]

    async def next_batch(self) -> list[StepResult]:
        while True:
            if self.evicted:
                raise ShinsaError(Reason.FAILED_PRECONDITION, "taken over")
            fresh = await self.drain_pending()
            if fresh:
                return fresh
            self.arrived.clear()
            await self.arrived.wait()

    async def ack(self, receipts: Sequence[object]) -> None:
        for receipt in receipts:
            self._stream.pop(receipt, None)  # type: ignore[call-overload]


# --- the rest of the mesh ---


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


@asynccontextmanager
async def _stores(folder: Path) -> AsyncIterator[tuple[Database, Database]]:
    urls = [f"sqlite+aiosqlite:///{folder / name}.sqlite3" for name in ("results", "log")]
    async with (
        open_database("results store", urls[0], setting="results_url") as results,
        open_database("sample log", urls[1], setting="sample_log_url") as sample_log,
    ):
        yield results, sample_log


@pytest.fixture(scope="session")
def empty_stores(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with both databases at their newest version; tests copy it."""
    folder = tmp_path_factory.mktemp("stores")

    async def build() -> None:
        async with _stores(folder) as (results, sample_log):
            await ensure_current(results, RESULTS)
            await ensure_current(sample_log, SAMPLE_LOG)
            await SqlModelStore(results).save_model(MODEL, replace=False)

    asyncio.run(build())
    return folder


@pytest.fixture
async def world(tmp_path: Path, empty_stores: Path) -> AsyncIterator[World]:
    folder = shutil.copytree(empty_stores, tmp_path / "stores")
    async with _stores(folder) as (results, sample_log):
        built = World(results, SqlSampleLog(sample_log))
        yield built
        await built.close()
