"""The judge service, over gRPC."""

from __future__ import annotations

from collections.abc import Mapping

import grpc
from shinsa.judge.v1 import case_pb2
from shinsa.judge.v1 import judge_service_pb2 as pb
from shinsa.judge.v1.judge_service_pb2_grpc import JudgeServiceStub

from shinsa_gateway.domain.judge import JudgeCatalog
from shinsa_gateway.domain.judgement import Verdict
from shinsa_gateway.outbound.service_call import ServiceCalls
from shinsa_gateway.outbound.wire.catalog import read_judge_catalog
from shinsa_gateway.outbound.wire.judgement import read_verdict


class GrpcJudges:
    """``ports.Judges`` over one channel.

    ``timeout`` bounds each call that asks no judge, ``model_timeout`` those that do; in seconds.
    """

    def __init__(self, channel: grpc.aio.Channel, *, timeout: float, model_timeout: float) -> None:
        self._patient = ServiceCalls("judge", model_timeout)
        self._stub = JudgeServiceStub(channel)
        self._calls = ServiceCalls("judge", timeout)

    async def judge(self, profile: str, rubric: str, fields: Mapping[str, str]) -> Verdict:
        told = [case_pb2.Field(name=name, value=value) for name, value in fields.items()]
        request = pb.JudgeRequest(profile=profile, case=case_pb2.Case(rubric=rubric, fields=told))
        return await self._patient.ask(self._stub.Judge, request, lambda answer: read_verdict(answer.verdict))

    async def list_profiles(self) -> JudgeCatalog:
        return await self._calls.ask(self._stub.ListProfiles, pb.ListProfilesRequest(), read_judge_catalog)
