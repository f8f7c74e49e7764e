"""What whoever runs a mesh asks, over gRPC."""

from __future__ import annotations

import grpc
from shinsa.orchestrator.v1 import operation_service_pb2 as pb
from shinsa.orchestrator.v1.operation_service_pb2_grpc import OperationServiceStub
from shinsa.replica.v1 import replica_pb2

from shinsa_gateway.domain.operation import (
    CheckFinding,
    DeadLetter,
    DeadLetterDetail,
    DeadLetterPage,
    Disk,
    Dropped,
    IntakeOrder,
    KeptLetter,
    LetterChoice,
    Replica,
    Requeued,
    Severity,
)
from shinsa_gateway.domain.run import Run
from shinsa_gateway.outbound.service_call import ServiceCalls
from shinsa_gateway.outbound.wire.failure import read_failure
from shinsa_gateway.outbound.wire.item import read_step
from shinsa_gateway.outbound.wire.moment import moment
from shinsa_gateway.outbound.wire.run import read_run
from shinsa_gateway.ports.operations import OrchestratorView

_SEVERITIES = {
    pb.SEVERITY_OK: Severity.OK,
    pb.SEVERITY_WARNING: Severity.WARNING,
    pb.SEVERITY_ERROR: Severity.ERROR,
}


class GrpcOperations:
    """``ports.Operations`` over the orchestrator's channel. ``timeout`` bounds each call, in seconds."""

    def __init__(self, channel: grpc.aio.Channel, *, timeout: float) -> None:
        self._stub = OperationServiceStub(channel)
        self._ask = ServiceCalls("orchestrator", timeout).ask

    async def diagnose(self) -> OrchestratorView:
        return await self._ask(self._stub.Diagnose, pb.DiagnoseRequest(), _read_view)

    async def replicas(self) -> tuple[Replica, ...]:
        return await self._ask(
            self._stub.ListReplicas, pb.ListReplicasRequest(), lambda answer: tuple(map(_read_replica, answer.replicas))
        )

    async def set_intake(self, order: IntakeOrder) -> tuple[Replica, ...]:
        request = pb.SetIntakeRequest(
            service=order.service.value if order.service else "",
            replica=order.replica,
            intake=replica_pb2.INTAKE_OPEN if order.taking_work else replica_pb2.INTAKE_HELD,
        )
        return await self._ask(self._stub.SetIntake, request, lambda answer: tuple(map(_read_replica, answer.replicas)))

    async def letters(self, *, run_id: str, service: str, page_size: int, cursor: str) -> DeadLetterPage:
        request = pb.ListDeadLettersRequest(run_id=run_id, service=service, page_size=page_size, cursor=cursor)
        return await self._ask(self._stub.ListDeadLetters, request, _read_page)

    async def letter(self, letter_id: str) -> DeadLetterDetail:
        return await self._ask(self._stub.GetDeadLetter, pb.GetDeadLetterRequest(letter_id=letter_id), _read_detail)

    async def requeue(self, choice: LetterChoice) -> Requeued:
        request = pb.RequeueDeadLettersRequest(
            letter_ids=choice.letters, run_id=choice.run_id, service=_service(choice)
        )
        return await self._ask(self._stub.RequeueDeadLetters, request, _read_requeued)

    async def drop(self, choice: LetterChoice) -> Dropped:
        request = pb.DropDeadLettersRequest(letter_ids=choice.letters, run_id=choice.run_id, service=_service(choice))
        return await self._ask(
            self._stub.DropDeadLetters, request, lambda answer: Dropped(letters=tuple(answer.letter_ids))
        )

    async def forget_samples(self, run_id: str) -> Run:
        request = pb.ForgetSamplesRequest(run_id=run_id)
        return await self._ask(self._stub.ForgetSamples, request, lambda answer: read_run(answer.run))


def _service(choice: LetterChoice) -> str:
    return choice.service.value if choice.service else ""


def _read_view(answer: pb.DiagnoseResponse) -> OrchestratorView:
    return OrchestratorView(
        tuple(map(_read_finding, answer.results)),
        tuple(map(_read_replica, answer.replicas)),
        answer.version,
        answer.now.ToMicroseconds() / 1e6,
    )


def _read_finding(message: pb.CheckResult) -> CheckFinding:
    return CheckFinding(
        check=message.check,
        subject=message.subject,
        # A severity that this gateway does not know is no reason to keep quiet.
        severity=_SEVERITIES.get(message.severity, Severity.ERROR),
        message=message.message,
        remedy=message.remedy,
    )


def _read_replica(message: replica_pb2.ReplicaStatus) -> Replica:
    return Replica(
        service=message.service,
        replica=message.replica,
        version=message.version,
        started_at=moment(message.HasField("started_at"), message.started_at),
        taking_work=message.intake != replica_pb2.INTAKE_HELD,
        in_flight=message.in_flight,
        disks=tuple(
            Disk(path=disk.path, free_bytes=disk.free_bytes, total_bytes=disk.total_bytes) for disk in message.disks
        ),
        problems=tuple(message.problems),
    )


def _read_letter(message: pb.DeadLetter) -> DeadLetter:
    return DeadLetter(
        id=message.id,
        service=message.service,
        key=message.key,
        run_id=message.run_id,
        item_id=message.item_id,
        step_id=message.step_id,
        attempt=message.attempt,
        deliveries=message.deliveries,
        worker=message.worker,
        at=moment(message.HasField("at"), message.at),
        failure=read_failure(message.failure),
        readable=message.readable,
        task_bytes=message.task_bytes,
    )


def _read_page(answer: pb.ListDeadLettersResponse) -> DeadLetterPage:
    return DeadLetterPage(
        letters=tuple(map(_read_letter, answer.letters)), total=answer.total, next_cursor=answer.next_cursor or None
    )


def _read_detail(answer: pb.GetDeadLetterResponse) -> DeadLetterDetail:
    step = read_step(answer.step) if answer.HasField("step") else None
    return DeadLetterDetail(letter=_read_letter(answer.letter), step=step)


def _read_requeued(answer: pb.RequeueDeadLettersResponse) -> Requeued:
    return Requeued(
        resumed=tuple(map(read_run, answer.resumed)),
        letters=tuple(answer.letter_ids),
        kept=tuple(KeptLetter(letter=one.letter_id, why=one.why) for one in answer.kept),
    )
