"""Chooses the implementations and builds the program."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from functools import partial
from importlib.metadata import version
from pathlib import Path

from shinsa_chassis.broker import Broker, open_broker
from shinsa_chassis.grpc_channel import open_channel
from shinsa_chassis.grpc_server import GrpcServer, grpc_server, waiting_room
from shinsa_chassis.lifecycle import Drain, TaskKeeper

from shinsa_orchestrator.application.access import AccessDesk
from shinsa_orchestrator.application.analyses import AnalysisRoom
from shinsa_orchestrator.application.benchmarks import BenchmarkShelf
from shinsa_orchestrator.application.board_tables import BoardTables
from shinsa_orchestrator.application.boards import BoardRoom
from shinsa_orchestrator.application.diagnosis import Doctor
from shinsa_orchestrator.application.examination_tools import Tools
from shinsa_orchestrator.application.gathering import GatheredReads
from shinsa_orchestrator.application.gating import GateKeeper
from shinsa_orchestrator.application.items import ItemShelf
from shinsa_orchestrator.application.keeper import LeaseTerms, ShardKeeper
from shinsa_orchestrator.application.late_results import LateResultSweep
from shinsa_orchestrator.application.models import ModelDesk
from shinsa_orchestrator.application.operations import OperationDesk
from shinsa_orchestrator.application.planning import Planner, PlanTerms
from shinsa_orchestrator.application.recorder import Recorder
from shinsa_orchestrator.application.references import ReferenceDesk
from shinsa_orchestrator.application.remarks import RemarkDesk
from shinsa_orchestrator.application.reporting import Reporter, ReportTerms
from shinsa_orchestrator.application.retention import SampleKeeper
from shinsa_orchestrator.application.runs import RunDesk
from shinsa_orchestrator.application.submission_orders import OrderExaminer, OrderTerms
from shinsa_orchestrator.application.submission_queue import SubmissionQueue
from shinsa_orchestrator.application.submissions import QueueTerms, SubmissionDesk
from shinsa_orchestrator.application.tallying import warm_up
from shinsa_orchestrator.application.validity import ValidityTerms
from shinsa_orchestrator.application.vitals import Vitals
from shinsa_orchestrator.application.webhooks import WebhookDesk, WebhookSender
from shinsa_orchestrator.inbound.access_servicer import AccessServicer
from shinsa_orchestrator.inbound.operation_servicer import OperationRooms, OperationServicer
from shinsa_orchestrator.inbound.remark_servicer import RemarkServicer
from shinsa_orchestrator.inbound.servicer import OrchestratorServicer, Rooms
from shinsa_orchestrator.inbound.servicers import ALL_SERVICES, Servicers
from shinsa_orchestrator.inbound.submission_servicer import SubmissionServicer
from shinsa_orchestrator.inbound.webhook_servicer import WebhookServicer
from shinsa_orchestrator.outbound import backup
from shinsa_orchestrator.outbound.access_store import SqlAccessStore
from shinsa_orchestrator.outbound.both_databases import HISTORIES, both_databases, until_current
from shinsa_orchestrator.outbound.database import Database
from shinsa_orchestrator.outbound.definition_store import SqlDefinitionStore
from shinsa_orchestrator.outbound.directories import GrpcJudgeDirectory, GrpcSandboxDirectory
from shinsa_orchestrator.outbound.http_messenger import HttpMessenger
from shinsa_orchestrator.outbound.installed_catalog import InstalledCatalog
from shinsa_orchestrator.outbound.jetstream_operations import JetStreamOperations
from shinsa_orchestrator.outbound.jetstream_queue import JetStreamQueue
from shinsa_orchestrator.outbound.migrations.upgrade import RESULTS, SAMPLE_LOG, migrate
from shinsa_orchestrator.outbound.model_entries import VllmEntryWriter
from shinsa_orchestrator.outbound.model_folder import FolderModelHub
from shinsa_orchestrator.outbound.model_hub import HttpModelHub
from shinsa_orchestrator.outbound.model_store import SqlModelStore
from shinsa_orchestrator.outbound.reference_store import SqlReferenceStore
from shinsa_orchestrator.outbound.remark_store import SqlRemarkStore
from shinsa_orchestrator.outbound.run_gauges import PrometheusRunGauges
from shinsa_orchestrator.outbound.run_store import SqlRunStore
from shinsa_orchestrator.outbound.sample_log import SqlSampleLog
from shinsa_orchestrator.outbound.step_codec import MessageCodec
from shinsa_orchestrator.outbound.store_room import StoreRoom
from shinsa_orchestrator.outbound.store_survey import SqlStoreSurvey
from shinsa_orchestrator.outbound.submission_store import SqlSubmissionStore
from shinsa_orchestrator.outbound.system_clock import SystemClock
from shinsa_orchestrator.outbound.webhook_store import SqlWebhookStore
from shinsa_orchestrator.ports.submissions import ModelHub, SubmitterLimits
from shinsa_orchestrator.settings import OrchestratorSettings


async def migrate_databases(settings: OrchestratorSettings) -> None:
    """Brings both databases up to date."""
    async with _patiently(settings) as (results, sample_log):
        await migrate(results, RESULTS)
        await migrate(sample_log, SAMPLE_LOG)


async def back_up_databases(settings: OrchestratorSettings, folder: Path) -> dict[str, int]:
    """Writes both stores to a folder; rows by table."""
    async with _patiently(settings) as (results, sample_log):
        return await backup.back_up(results, sample_log, folder)


async def restore_databases(settings: OrchestratorSettings, folder: Path) -> dict[str, int]:
    """Fills two empty databases from such a folder; rows by table."""
    async with _patiently(settings) as (results, sample_log):
        return await backup.restore(results, sample_log, folder)


def _patiently(settings: OrchestratorSettings) -> AbstractAsyncContextManager[tuple[Database, Database]]:
    """For what operators begin: an index of a large table may take hours, and whoever waits for it can see that."""
    return both_databases(settings, command_seconds=None)


@asynccontextmanager
async def program(settings: OrchestratorSettings) -> AsyncIterator[GrpcServer]:
    """The running service; it ends in reverse order when the block does."""
    catalog = InstalledCatalog(settings.data_dir, settings.boards_dir)
    async with (
        both_databases(settings) as (results, sample_log),
        open_channel(settings.judge_address, settings) as judge_channel,
        open_channel(settings.sandbox_address, settings) as sandbox_channel,
        AsyncExitStack() as stack,
    ):
        async with waiting_room(settings):
            await until_current(results, sample_log)
            broker = await stack.enter_async_context(open_broker(settings))
        judges = GrpcJudgeDirectory(judge_channel, settings.judge_address, settings.directory_seconds)
        sandboxes = GrpcSandboxDirectory(sandbox_channel, settings.sandbox_address, settings.directory_seconds)
        built = _Build(settings, catalog, broker, results, sample_log)
        store_rooms = built.store_rooms()
        planner = built.planner(judges, sandboxes)
        recorder, keeper = built.examination()
        rooms = built.rooms(planner, keeper)
        submissions, queue_worker = built.submissions(rooms)
        webhooks = SqlWebhookStore(results)
        samples = SampleKeeper(built.runs, built.log, days=settings.sample_days)
        servicers = Servicers(
            OrchestratorServicer(rooms),
            SubmissionServicer(submissions),
            AccessServicer(AccessDesk(SqlAccessStore(results), built.clock)),
            RemarkServicer(RemarkDesk(SqlRemarkStore(results), rooms.items, built.clock)),
            WebhookServicer(WebhookDesk(webhooks, built.clock)),
            OperationServicer(built.operations(rooms, samples), built.clock),
        )
        await broker.answer_recorded(built.log.successes)
        await rooms.models.announce_all()
        async with (
            TaskKeeper() as recording,
            TaskKeeper() as keeping,
            grpc_server(settings, servicers.register, ALL_SERVICES) as server,
        ):
            # The keeper of shards gives them back before the recorder ends: it hands over what it still holds.
            recording.spawn("recorder", recorder.run())
            keeping.spawn("shards", keeper.run())
            keeping.spawn("vitals", Vitals(built.runs, PrometheusRunGauges(), built.clock).run())
            keeping.spawn("warm-up", warm_up())
            keeping.spawn("submissions", queue_worker.run())
            keeping.spawn("webhooks", built.webhook_sender(webhooks).run())
            keeping.spawn("retention", samples.run())
            keeping.spawn("late-results", built.late_results().run())
            for room in store_rooms:
                await room.attempt()
                keeping.spawn("room", room.run())
            server.obey(broker.readiness)
            await server.serving(True)
            yield server


class _Build:
    """The parts of the program, made of what is open."""

    def __init__(
        self,
        settings: OrchestratorSettings,
        catalog: InstalledCatalog,
        broker: Broker,
        results: Database,
        sample_log: Database,
    ) -> None:
        self.clock = SystemClock()
        self.runs = SqlRunStore(results)
        self.log = SqlSampleLog(sample_log)
        self._settings = settings
        self._catalog = catalog
        self._broker = broker
        self._databases = results, sample_log
        self._models = SqlModelStore(results)
        self._definitions = SqlDefinitionStore(results)
        self._queue = JetStreamQueue(broker)
        terms = ReportTerms(_version(), settings.infra_error_threshold)
        self._reporter = Reporter(self.runs, self.log, catalog, self._definitions, terms)

    def planner(self, judges: GrpcJudgeDirectory, sandboxes: GrpcSandboxDirectory) -> Planner:
        terms = PlanTerms(self._settings.window, self._settings.items_per_shard)
        return Planner(self._catalog, self._models, judges, sandboxes, terms, self._definitions)

    def examination(self) -> tuple[Recorder, ShardKeeper]:
        recorder, intake = Recorder(self.log), self._broker.intake
        tools = Tools(
            queue=self._queue,
            sample_log=self.log,
            recorder=recorder,
            codec=MessageCodec(),
            clock=self.clock,
            replays=GatheredReads(self.log.results),
            copies=GatheredReads(self.log.copies),
            patience=self._settings.step_patience_seconds,
        )
        terms = LeaseTerms(self._settings.replica, self._settings.lease_seconds)
        keeper = ShardKeeper(self.runs, self._catalog, tools, terms, self._reporter.finish, lambda: intake.held)
        intake.counts(lambda: keeper.shards)
        intake.on_change(keeper.changed)
        return recorder, keeper

    def rooms(self, planner: Planner, keeper: ShardKeeper) -> Rooms:
        references = SqlReferenceStore(self._databases[0])
        tables = BoardTables(self._catalog, self.runs, self._models, references)
        return Rooms(
            runs=RunDesk(self.runs, planner, self._catalog, self.clock, keeper.changed),
            reports=self._reporter,
            items=ItemShelf(self.runs, self.log),
            benchmarks=BenchmarkShelf(self._catalog),
            boards=BoardRoom(self._catalog, tables),
            tables=tables,
            analyses=AnalysisRoom(tables),
            models=ModelDesk(self._models, self._queue, self.runs),
            references=ReferenceDesk(references, tables),
            gates=GateKeeper(self.runs, self.log, self._catalog, tables),
        )

    def submissions(self, rooms: Rooms) -> tuple[SubmissionDesk, SubmissionQueue]:
        settings, store = self._settings, SqlSubmissionStore(self._databases[0])
        worker = SubmissionQueue(
            store,
            rooms.models,
            rooms.runs,
            VllmEntryWriter(max_model_len=settings.submission_max_model_len),
            self.clock,
            at_once=settings.submissions_at_once,
            poll_seconds=settings.submission_poll_seconds,
        )
        order_terms = OrderTerms(settings.submission_suite, ValidityTerms(settings.submission_largest_b))
        orders = OrderExaminer(store, self._models, self._catalog, _model_hub(settings), order_terms)
        limits = SubmitterLimits(settings.submissions_pending, settings.submissions_per_day)
        terms = QueueTerms(settings.submissions_at_once, settings.submission_approval, limits)
        return SubmissionDesk(store, orders, self.clock, terms, worker.changed), worker

    def late_results(self) -> LateResultSweep:
        return LateResultSweep(self.runs, self._queue)

    def webhook_sender(self, store: SqlWebhookStore) -> WebhookSender:
        messenger = HttpMessenger(timeout=self._settings.webhook_seconds, private=self._settings.webhook_private)
        return WebhookSender(store, messenger, self.clock, poll_seconds=self._settings.webhook_poll_seconds)

    def operations(self, rooms: Rooms, samples: SampleKeeper) -> OperationRooms:
        operations = JetStreamOperations(self._broker)
        surveys = [SqlStoreSurvey(one, history) for one, history in zip(self._databases, HISTORIES, strict=True)]
        return OperationRooms(
            doctor=Doctor(operations, surveys, operations, operations, _version()),
            desk=OperationDesk(operations, operations, rooms.runs),
            samples=samples,
            version=_version(),
        )

    def store_rooms(self) -> list[StoreRoom]:
        note = self._broker.readiness.note
        about = zip(self._databases, HISTORIES, ("results_store", "sample_log"), strict=True)
        return [StoreRoom(one, history, partial(note, name)) for one, history, name in about]


def _model_hub(settings: OrchestratorSettings) -> ModelHub | None:
    token = settings.hub_token.get_secret_value() if settings.hub_token else ""
    hub: ModelHub | None = None
    if settings.hub_url != "none":
        hub = HttpModelHub(settings.hub_url, token=token, timeout=settings.hub_seconds)
    return FolderModelHub(settings.hub_dir, hub) if settings.hub_dir is not None else hub


async def serve(settings: OrchestratorSettings, drain: Drain) -> None:
    """Runs until the drain is requested, also while it still waits for NATS."""
    started = asyncio.Event()

    async def whole() -> None:
        async with program(settings):
            started.set()
            _spare_the_collector()
            await drain.wait()

    async with asyncio.TaskGroup() as group:
        running = group.create_task(whole(), name="program")
        draining = group.create_task(drain.wait(), name="drain")
        await asyncio.wait({running, draining}, return_when=asyncio.FIRST_COMPLETED)
        draining.cancel()
        if not started.is_set():
            running.cancel()


def _spare_the_collector() -> None:
    """What is there after the start stays: not walking through it again and again saves a sixth of a run's time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 100)


def _version() -> str:
    return version("shinsa-orchestrator")
