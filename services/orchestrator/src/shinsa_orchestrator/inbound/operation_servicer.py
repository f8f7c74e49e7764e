"""The gRPC door of whoever runs a mesh: decode, call, encode."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import grpc
from shinsa.failure.v1 import failure_pb2
from shinsa.orchestrator.v1 import operation_service_pb2 as pb
from shinsa.orchestrator.v1 import operation_service_pb2_grpc
from shinsa.replica.v1 import replica_pb2
from shinsa_chassis.errors import Reason, ShinsaError
from shinsa_chassis.failure import reason_number

from shinsa_orchestrator.application.diagnosis import Doctor
from shinsa_orchestrator.application.operations import OperationDesk
from shinsa_orchestrator.application.retention import SampleKeeper
from shinsa_orchestrator.domain.item import StepDetail
from shinsa_orchestrator.domain.operation import Finding, Letter, LetterFilter, Replica
from shinsa_orchestrator.inbound import messages
from shinsa_orchestrator.inbound.messages import timestamp
from shinsa_orchestrator.inbound.wire import MOST_NAME, at_most, identity
from shinsa_orchestrator.ports.clock import Clock

Context = grpc.aio.ServicerContext[Any, Any]

_MOST_IDS = 1000


@dataclass(frozen=True, slots=True)
class OperationRooms:
    """The parts of the application that calls are led to, and our version."""

    doctor: Doctor
    desk: OperationDesk
    samples: SampleKeeper
    version: str


class OperationServicer(operation_service_pb2_grpc.OperationServiceServicer):
    """``shinsa.orchestrator.v1.OperationService``."""

    def __init__(self, rooms: OperationRooms, clock: Clock) -> None:
        self._rooms = rooms
        self._clock = clock

    async def Diagnose(self, request: pb.DiagnoseRequest, context: Context) -> pb.DiagnoseResponse:
        diagnosis = await self._rooms.doctor.look()
        return pb.DiagnoseResponse(
            results=[_finding(one) for one in diagnosis.findings],
            replicas=[_replica(one) for one in diagnosis.replicas],
            version=self._rooms.version,
            now=timestamp(self._clock.now()),
        )

    async def ListReplicas(self, request: pb.ListReplicasRequest, context: Context) -> pb.ListReplicasResponse:
        return pb.ListReplicasResponse(replicas=[_replica(one) for one in await self._rooms.desk.replicas()])

    async def SetIntake(self, request: pb.SetIntakeRequest, context: Context) -> pb.SetIntakeResponse:
        if request.intake not in (replica_pb2.INTAKE_OPEN, replica_pb2.INTAKE_HELD):
            raise ShinsaError(Reason.INVALID_ARGUMENT, "intake: say open or held", field="intake")
        at_most("replica", len(request.replica), MOST_NAME)
        held = request.intake == replica_pb2.INTAKE_HELD
        obeyed = await self._rooms.desk.set_intake(request.service, request.replica, held=held)
        return pb.SetIntakeResponse(replicas=[_replica(one) for one in obeyed])

    async def ListDeadLetters(self, request: pb.ListDeadLettersRequest, context: Context) -> pb.ListDeadLettersResponse:
        wanted = LetterFilter(run_id=request.run_id, service=request.service)
        found, cursor, total = await self._rooms.desk.letters(
            wanted, page_size=request.page_size, cursor=request.cursor
        )
        return pb.ListDeadLettersResponse(letters=[_letter(one) for one in found], next_cursor=cursor, total=total)

    async def GetDeadLetter(self, request: pb.GetDeadLetterRequest, context: Context) -> pb.GetDeadLetterResponse:
        found = await self._rooms.desk.letter(identity("letter_id", request.letter_id))
        return pb.GetDeadLetterResponse(letter=_letter(found), step=_step(found) if found.readable else None)

    async def RequeueDeadLetters(
        self, request: pb.RequeueDeadLettersRequest, context: Context
    ) -> pb.RequeueDeadLettersResponse:
        done = await self._rooms.desk.requeue(_filter(request))
        return pb.RequeueDeadLettersResponse(
            resumed=[messages.run(run) for run in done.runs],
            letter_ids=done.letters,
            kept=[pb.KeptLetter(letter_id=letter, why=why) for letter, why in done.kept.items()],
        )

    async def DropDeadLetters(self, request: pb.DropDeadLettersRequest, context: Context) -> pb.DropDeadLettersResponse:
        return pb.DropDeadLettersResponse(letter_ids=await self._rooms.desk.drop(_filter(request)))

    async def ForgetSamples(self, request: pb.ForgetSamplesRequest, context: Context) -> pb.ForgetSamplesResponse:
        run = await self._rooms.samples.forget(identity("run_id", request.run_id))
        return pb.ForgetSamplesResponse(run=messages.run(run))


def _filter(request: pb.RequeueDeadLettersRequest | pb.DropDeadLettersRequest) -> LetterFilter:
    at_most("letter_ids", len(request.letter_ids), _MOST_IDS)
    return LetterFilter(tuple(request.letter_ids), request.run_id, request.service)


def _finding(one: Finding) -> pb.CheckResult:
    severity = pb.Severity.Value(f"SEVERITY_{one.severity.name}")
    return pb.CheckResult(
        check=one.check, subject=one.subject, severity=severity, message=one.message, remedy=one.remedy
    )


def _replica(one: Replica) -> replica_pb2.ReplicaStatus:
    return replica_pb2.ReplicaStatus(
        service=one.service,
        replica=one.name,
        version=one.version,
        started_at=timestamp(one.started_at),
        now=timestamp(one.now),
        intake=replica_pb2.INTAKE_HELD if one.held else replica_pb2.INTAKE_OPEN,
        in_flight=one.in_flight,
        disks=[
            replica_pb2.Disk(path=disk.path, free_bytes=disk.free_bytes, total_bytes=disk.total_bytes)
            for disk in one.disks
        ],
        problems=one.problems,
    )


def _letter(one: Letter) -> pb.DeadLetter:
    reason = reason_number(Reason(one.reason))
    return pb.DeadLetter(
        id=one.id,
        service=one.service,
        key=one.key,
        run_id=one.run_id,
        item_id=one.item_id,
        step_id=one.step_id,
        attempt=one.attempt,
        deliveries=one.deliveries,
        worker=one.worker,
        at=timestamp(one.at),
        failure=failure_pb2.Failure(reason=reason, message=one.message, origin=one.service),
        readable=one.readable,
        task_bytes=one.task_bytes,
    )


def _step(one: Letter) -> Any:
    """The request as a step without outcome."""
    detail = StepDetail(
        id=one.step_id,
        kind=one.kind,
        request=one.request,
        body=b"",
        failed=False,
        worker=one.worker,
        attempt=one.attempt,
        deliveries=one.deliveries,
        started_at=one.at,
        finished_at=one.at,
    )
    step = messages.step(detail)
    step.ClearField("outcome")
    return step
