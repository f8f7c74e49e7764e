"""All that the gateway asks."""

from __future__ import annotations

from dataclasses import dataclass

from shinsa_gateway.ports.access import Access
from shinsa_gateway.ports.operations import Operations
from shinsa_gateway.ports.orchestrator import Orchestrator
from shinsa_gateway.ports.remarks import Remarks
from shinsa_gateway.ports.submissions import Submissions
from shinsa_gateway.ports.webhooks import Webhooks
from shinsa_gateway.ports.workers import Inference, Judges, Sandbox


@dataclass(frozen=True, slots=True)
class Services:
    """All that the gateway asks."""

    orchestrator: Orchestrator
    inference: Inference
    judges: Judges
    sandbox: Sandbox
    submissions: Submissions
    access: Access
    remarks: Remarks
    webhooks: Webhooks
    operations: Operations
