"""Chooses the implementations and builds the program."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from importlib.metadata import version
from pathlib import Path

from shinsa_chassis.broker import open_broker
from shinsa_chassis.errors import ShinsaError
from shinsa_chassis.grpc_channel import open_channel
from shinsa_chassis.grpc_server import GrpcServer, grpc_server, waiting_room
from shinsa_chassis.lifecycle import Drain, TaskKeeper
from shinsa_chassis.readiness import Readiness

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
from shinsa_orchestrator.outbound.database import Database, open_database
from shinsa_orchestrator.outbound.definition_store import SqlDefinitionStore
from shinsa_orchestrator.outbound.directories import GrpcJudgeDirectory, GrpcSandboxDirectory
from shinsa_orchestrator.outbound.http_messenger import HttpMessenger
from shinsa_orchestrator.outbound.installed_catalog import InstalledCatalog
from shinsa_orchestrator.outbound.jetstream_operations import JetStreamOperations
from shinsa_orchestrator.outbound.jetstream_queue import JetStreamQueue
from shinsa_orchestrator.outbound.migrations.upgrade import RESULTS, SAMPLE_LOG, ensure_current, migrate
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

# Between looks at a database that cannot be used yet.
_LOOK_AGAIN_SECONDS = 1.0


@asynccontextmanager
async def _databases(settings: OrchestratorSettings) -> AsyncIterator[tuple[Database, Database]]:
    async with (
        open_database("results store", settings.results_store, setting="results_url") as results,
        open_database("sample log", settings.sample_log_store, setting="sample_log_url") as sample_log,
    ):
        yield results, sample_log


async def migrate_databases(settings: OrchestratorSettings) -> None:
    """Brings both databases up to date."""
    async with _databases(settings) as (results, sample_log):
        await migrate(results, RESULTS)
        await migrate(sample_log, SAMPLE_LOG)


async def back_up_databases(settings: OrchestratorSettings, folder: Path) -> dict[str, int]:
    """Writes both stores to a folder; rows by table."""
    async with _databases(settings) as (results, sample_log):
        return await backup.back_up(results, sample_log, folder)


async def restore_databases(settings: OrchestratorSettings, folder: Path) -> dict[str, int]:
    """Fills two empty databases from such a folder; rows by table."""
    async with _databases(settings) as (results, sample_log):
        return await backup.restore(results, sample_log, folder)


@asynccontextmanager
async def program(settings: OrchestratorSettings) -> AsyncIterator[GrpcServer]:
    """The running service; it ends in reverse order when the block does."""
    catalog = InstalledCatalog(settings.data_dir, settings.boards_dir)
    async with (
        _databases(settings) as (results, sample_log),
        open_channel(settings.judge_address, settings) as judge_channel,
        open_channel(settings.sandbox_address, settings) as sandbox_channel,
        AsyncExitStack() as stack,
    ):
        async with waiting_room(settings):
            await _until_current(results, sample_log)
            broker = await stack.enter_async_context(open_broker(settings))
        rooms_of_stores = (
            StoreRoom(results, RESULTS, partial(broker.readiness.note, "results_store")),
            StoreRoom(sample_log, SAMPLE_LOG, partial(broker.readiness.note, "sample_log")),
        )
        runs, models, log = SqlRunStore(results), SqlModelStore(results), SqlSampleLog(sample_log)
        queue, clock = JetStreamQueue(broker), SystemClock()
        definitions, recorder = SqlDefinitionStore(results), Recorder(log)
        terms_of_reports = ReportTerms(_version(), settings.infra_error_threshold)
        reporter = Reporter(runs, log, catalog, definitions, terms_of_reports)
        tools = Tools(
            queue=queue,
            sample_log=log,
            recorder=recorder,
            codec=MessageCodec(),
            clock=clock,
            replays=GatheredReads(log.results),
            copies=GatheredReads(log.copies),
            patience=settings.step_patience_seconds,
        )
        terms = LeaseTerms(settings.replica, settings.lease_seconds)
        keeper = ShardKeeper(runs, catalog, tools, terms, reporter.finish, lambda: broker.intake.held)
        broker.intake.counts(lambda: keeper.shards)
        broker.intake.on_change(keeper.changed)
        planner = Planner(
            catalog,
            models,
            GrpcJudgeDirectory(judge_channel, settings.judge_address, settings.directory_seconds),
            GrpcSandboxDirectory(sandbox_channel, settings.sandbox_address, settings.directory_seconds),
            PlanTerms(settings.window, settings.items_per_shard),
            definitions,
        )
        references = SqlReferenceStore(results)
        tables = BoardTables(catalog, runs, models, references)
        rooms = Rooms(
            runs=RunDesk(runs, planner, catalog, clock, keeper.changed),
            reports=reporter,
            items=ItemShelf(runs, log),
            benchmarks=BenchmarkShelf(catalog),
            boards=BoardRoom(catalog, tables),
            tables=tables,
            analyses=AnalysisRoom(tables),
            models=ModelDesk(models, queue, runs),
            references=ReferenceDesk(references, tables),
            gates=GateKeeper(runs, log, catalog, tables),
        )
        submissions = SqlSubmissionStore(results)
        queue_worker = SubmissionQueue(
            submissions,
            rooms.models,
            rooms.runs,
            VllmEntryWriter(max_model_len=settings.submission_max_model_len),
            clock,
            at_once=settings.submissions_at_once,
            poll_seconds=settings.submission_poll_seconds,
        )
        order_terms = OrderTerms(settings.submission_suite, ValidityTerms(settings.submission_largest_b))
        orders = OrderExaminer(submissions, models, catalog, _model_hub(settings), order_terms)
        desk = SubmissionDesk(submissions, orders, clock, _queue_terms(settings), queue_worker.changed)
        await broker.answer_recorded(log.successes)
        await rooms.models.announce_all()
        webhooks = SqlWebhookStore(results)
        messenger = HttpMessenger(timeout=settings.webhook_seconds, private=settings.webhook_private)
        sender = WebhookSender(webhooks, messenger, clock, poll_seconds=settings.webhook_poll_seconds)
        samples = SampleKeeper(runs, log, days=settings.sample_days)
        operations = JetStreamOperations(broker)
        surveys = SqlStoreSurvey(results, RESULTS), SqlStoreSurvey(sample_log, SAMPLE_LOG)
        operation_rooms = OperationRooms(
            doctor=Doctor(operations, surveys, operations, operations, _version()),
            desk=OperationDesk(operations, operations, rooms.runs),
            samples=samples,
            version=_version(),
        )
        servicers = Servicers(
            OrchestratorServicer(rooms),
            SubmissionServicer(desk),
            AccessServicer(AccessDesk(SqlAccessStore(results), clock)),
            RemarkServicer(RemarkDesk(SqlRemarkStore(results), rooms.items, clock)),
            WebhookServicer(WebhookDesk(webhooks, clock)),
            OperationServicer(operation_rooms, clock),
        )
        async with (
            TaskKeeper() as recording,
            TaskKeeper() as keeping,
            grpc_server(settings, servicers.register, ALL_SERVICES) as server,
        ):
            # The keeper of shards gives them back before the recorder ends: it hands over what it still holds.
            recording.spawn("recorder", recorder.run())
            keeping.spawn("shards", keeper.run())
            keeping.spawn("vitals", Vitals(runs, PrometheusRunGauges(), clock).run())
            keeping.spawn("warm-up", warm_up())
            keeping.spawn("submissions", queue_worker.run())
            keeping.spawn("webhooks", sender.run())
            keeping.spawn("retention", samples.run())
            for room in rooms_of_stores:
                await room.attempt()
                keeping.spawn("room", room.run())
            server.obey(broker.readiness)
            await server.serving(True)
            yield server


async def _until_current(results: Database, sample_log: Database) -> None:
    """Brings the databases up to date, or sees that they are.

    Waits as long as one has no room for that. A database of others is waited for besides: until it can be reached, lets
    us in and was migrated. What is waited for is told meanwhile.
    """
    readiness = Readiness()
    for about, database, history in (("results_store", results, RESULTS), ("sample_log", sample_log, SAMPLE_LOG)):
        short: list[str] = []
        database.told = short.append
        while True:
            try:
                await ensure_current(database, history)
                readiness.note(about, "")
                break
            except ShinsaError as error:
                if database.embedded and error.message not in short:
                    raise
                readiness.note(about, error.message)
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)


def _model_hub(settings: OrchestratorSettings) -> ModelHub | None:
    token = settings.hub_token.get_secret_value() if settings.hub_token else ""
    hub: ModelHub | None = None
    if settings.hub_url != "none":
        hub = HttpModelHub(settings.hub_url, token=token, timeout=settings.hub_seconds)
    return FolderModelHub(settings.hub_dir, hub) if settings.hub_dir is not None else hub


def _queue_terms(settings: OrchestratorSettings) -> QueueTerms:
    return QueueTerms(
        at_once=settings.submissions_at_once,
        approval=settings.submission_approval,
        limits=SubmitterLimits(settings.submissions_pending, settings.submissions_per_day),
    )


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
