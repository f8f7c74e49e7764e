"""Remarks on samples, over gRPC."""

from __future__ import annotations

import grpc
from shinsa.orchestrator.v1 import remark_service_pb2 as pb
from shinsa.orchestrator.v1.remark_service_pb2_grpc import RemarkServiceStub

from shinsa_gateway.domain.access import Caller, Scope
from shinsa_gateway.domain.remark import Moderation, Remark, RemarkOrder, RemarkPage, RemarkState
from shinsa_gateway.outbound.service_call import ServiceCalls
from shinsa_gateway.outbound.wire.moment import moment
from shinsa_gateway.ports.remarks import RemarkFilter


class GrpcRemarks:
    """``ports.Remarks`` over the orchestrator's channel. ``timeout`` bounds each call, in seconds."""

    def __init__(self, channel: grpc.aio.Channel, *, timeout: float) -> None:
        self._stub = RemarkServiceStub(channel)
        self._ask = ServiceCalls("orchestrator", timeout).ask

    async def add(self, item_id: str, order: RemarkOrder, caller: Caller) -> Remark:
        request = pb.AddRemarkRequest(
            item_id=item_id,
            kind=pb.RemarkKind.Value(f"REMARK_KIND_{order.kind.upper()}"),
            text=order.text,
            actor=caller.name,
        )
        return await self._ask(self._stub.AddRemark, request, lambda answer: read_remark(answer.remark))

    async def listing(self, wanted: RemarkFilter, caller: Caller, *, page_size: int, cursor: str) -> RemarkPage:
        request = pb.ListRemarksRequest(
            item_id=wanted.item_id,
            run_id=wanted.run_id,
            benchmark=wanted.benchmark,
            sample_id=wanted.sample_id,
            states=[_state(state) for state in wanted.states],
            actor=caller.name,
            operator=caller.may(Scope.OPERATE),
            page_size=page_size,
            cursor=cursor,
        )
        return await self._ask(self._stub.ListRemarks, request, _read_page)

    async def moderate(self, remark_id: str, moderation: Moderation, caller: Caller) -> Remark:
        request = pb.ModerateRemarkRequest(
            remark_id=remark_id, state=_state(moderation.state), answer=moderation.answer, actor=caller.name
        )
        return await self._ask(self._stub.ModerateRemark, request, lambda answer: read_remark(answer.remark))


def _state(state: RemarkState) -> pb.RemarkState.ValueType:
    return pb.RemarkState.Value(f"REMARK_STATE_{state.name}")


def _read_page(answer: pb.ListRemarksResponse) -> RemarkPage:
    return RemarkPage(remarks=tuple(map(read_remark, answer.remarks)), next_cursor=answer.next_cursor or None)


def read_remark(message: pb.Remark) -> Remark:
    return Remark(
        id=message.id,
        item_id=message.item_id,
        run_id=message.run_id,
        benchmark=message.benchmark,
        sample_id=message.sample_id,
        kind=pb.RemarkKind.Name(message.kind).removeprefix("REMARK_KIND_").lower(),
        text=message.text,
        author=message.author,
        state=RemarkState(pb.RemarkState.Name(message.state).removeprefix("REMARK_STATE_").lower()),
        moderator=message.moderator,
        answer=message.answer,
        created_at=moment(message.HasField("created_at"), message.created_at),
        moderated_at=moment(message.HasField("moderated_at"), message.moderated_at),
    )
