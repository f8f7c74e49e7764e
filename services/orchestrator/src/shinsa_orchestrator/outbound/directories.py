"""What the judge and sandbox services have to offer, asked over gRPC."""

from __future__ import annotations

from collections.abc import Sequence

import grpc
from shinsa.judge.v1 import judge_service_pb2, judge_service_pb2_grpc
from shinsa.sandbox.v1 import sandbox_service_pb2, sandbox_service_pb2_grpc
from shinsa_chassis.errors import Reason, ShinsaError
from shinsa_chassis.grpc_channel import call
from shinsa_chassis.retry import short_retry

from shinsa_orchestrator.domain.definition import JudgeDefinition
from shinsa_orchestrator.ports.workers import JudgeOffer, JudgeProfile, SandboxRuntime


class GrpcJudgeDirectory:
    """``JudgeDirectory``; ``seconds`` is the longest wait for one try."""

    def __init__(self, channel: grpc.aio.Channel, address: str, seconds: float) -> None:
        self._stub = judge_service_pb2_grpc.JudgeServiceStub(channel)
        self._address = address
        self._seconds = seconds

    async def offer(self) -> JudgeOffer:
        response = judge_service_pb2.ListProfilesResponse()
        try:
            async for attempt in short_retry("judge"):
                with attempt:
                    response = await call(
                        self._stub.ListProfiles, judge_service_pb2.ListProfilesRequest(), timeout=self._seconds
                    )
        except ShinsaError as error:
            raise _unreachable("judge", self._address, error) from error
        profiles = [_profile(one) for one in response.profiles]
        return JudgeOffer(profiles, {one.role: one.profile for one in response.roles})


class GrpcSandboxDirectory:
    """``SandboxDirectory``; ``seconds`` is the longest wait for one try."""

    def __init__(self, channel: grpc.aio.Channel, address: str, seconds: float) -> None:
        self._stub = sandbox_service_pb2_grpc.SandboxServiceStub(channel)
        self._address = address
        self._seconds = seconds

    async def runtimes(self) -> Sequence[SandboxRuntime]:
        response = sandbox_service_pb2.ListRuntimesResponse()
        try:
            async for attempt in short_retry("sandbox"):
                with attempt:
                    response = await call(
                        self._stub.ListRuntimes, sandbox_service_pb2.ListRuntimesRequest(), timeout=self._seconds
                    )
        except ShinsaError as error:
            raise _unreachable("sandbox", self._address, error) from error
        return [SandboxRuntime(one.name, one.available, one.problem) for one in response.runtimes]


def _profile(one: judge_service_pb2.Profile) -> JudgeProfile:
    """A judge service of before there were definitions tells none: its profiles are not pinned."""
    definition = None
    if one.digest and one.definition_json:
        definition = JudgeDefinition(one.name, one.digest, one.definition_json, one.prompts)
    model = one.model if one.kind == "inference" else ""
    members = tuple(one.members)
    return JudgeProfile(one.name, one.available, one.problem, one.kind, one.currency, members, definition, model)


def _unreachable(service: str, address: str, error: ShinsaError) -> ShinsaError:
    return ShinsaError(
        Reason.UNAVAILABLE,
        f"the {service} service at {address} cannot be asked what it offers ({error.message}); start it, or set "
        f"SHINSA_ORCHESTRATOR_{service.upper()}_ADDRESS",
        origin=service,
        attempts=error.attempts,
    )
