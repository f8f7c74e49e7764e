"""All doors of the one server."""

from __future__ import annotations

from dataclasses import dataclass

import grpc
from shinsa.orchestrator.v1 import (
    access_service_pb2_grpc,
    operation_service_pb2_grpc,
    orchestrator_service_pb2_grpc,
    remark_service_pb2_grpc,
    submission_service_pb2_grpc,
    webhook_service_pb2_grpc,
)

from shinsa_orchestrator.inbound.access_servicer import AccessServicer
from shinsa_orchestrator.inbound.operation_servicer import OperationServicer
from shinsa_orchestrator.inbound.remark_servicer import RemarkServicer
from shinsa_orchestrator.inbound.servicer import OrchestratorServicer
from shinsa_orchestrator.inbound.submission_servicer import SubmissionServicer
from shinsa_orchestrator.inbound.webhook_servicer import WebhookServicer

SERVICE_NAME = "shinsa.orchestrator.v1.OrchestratorService"
ALL_SERVICES = (
    SERVICE_NAME,
    "shinsa.orchestrator.v1.SubmissionService",
    "shinsa.orchestrator.v1.AccessService",
    "shinsa.orchestrator.v1.RemarkService",
    "shinsa.orchestrator.v1.WebhookService",
    "shinsa.orchestrator.v1.OperationService",
)


@dataclass(frozen=True, slots=True)
class Servicers:
    """All doors of the one server."""

    runs: OrchestratorServicer
    submissions: SubmissionServicer
    access: AccessServicer
    remarks: RemarkServicer
    webhooks: WebhookServicer
    operations: OperationServicer

    def register(self, server: grpc.aio.Server) -> None:
        orchestrator_service_pb2_grpc.add_OrchestratorServiceServicer_to_server(self.runs, server)
        submission_service_pb2_grpc.add_SubmissionServiceServicer_to_server(self.submissions, server)
        access_service_pb2_grpc.add_AccessServiceServicer_to_server(self.access, server)
        remark_service_pb2_grpc.add_RemarkServiceServicer_to_server(self.remarks, server)
        webhook_service_pb2_grpc.add_WebhookServiceServicer_to_server(self.webhooks, server)
        operation_service_pb2_grpc.add_OperationServiceServicer_to_server(self.operations, server)
