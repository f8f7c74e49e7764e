"""The gRPC door."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

from shinsa.inference.v1 import inference_service_pb2
from shinsa.inference.v1.inference_service_pb2_grpc import InferenceServiceServicer

from shinsa_inference.application.models import Models
from shinsa_inference.domain.completion import Completion
from shinsa_inference.inbound.model_wire import from_findings, from_served
from shinsa_inference.inbound.token_metrics import noted
from shinsa_inference.inbound.wire import from_completion, from_piece, to_request

SERVICE_NAME = "shinsa.inference.v1.InferenceService"


class Servicer(InferenceServiceServicer):
    """Maps messages; everything else is the application's. Errors become statuses in the chassis."""

    def __init__(self, models: Models) -> None:
        self._models = models

    async def Generate(
        self, request: inference_service_pb2.GenerateRequest, context: Any
    ) -> inference_service_pb2.GenerateResponse:
        completion = await self._models.generate(to_request(request), request.version)
        return from_completion(noted(request.model, completion))

    async def GenerateStream(
        self, request: inference_service_pb2.GenerateStreamRequest, context: Any
    ) -> AsyncIterator[inference_service_pb2.GenerateStreamResponse]:
        async with aclosing(self._models.stream(to_request(request.request), request.request.version)) as pieces:
            async for piece in pieces:
                if isinstance(piece, Completion):
                    noted(request.request.model, piece)
                yield from_piece(piece)

    async def ListModels(
        self, request: inference_service_pb2.ListModelsRequest, context: Any
    ) -> inference_service_pb2.ListModelsResponse:
        return inference_service_pb2.ListModelsResponse(
            models=[from_served(served) for served in self._models.served()]
        )

    async def LoadModel(
        self, request: inference_service_pb2.LoadModelRequest, context: Any
    ) -> inference_service_pb2.LoadModelResponse:
        return inference_service_pb2.LoadModelResponse(model=from_served(await self._models.load(request.model)))

    async def UnloadModel(
        self, request: inference_service_pb2.UnloadModelRequest, context: Any
    ) -> inference_service_pb2.UnloadModelResponse:
        return inference_service_pb2.UnloadModelResponse(model=from_served(await self._models.unload(request.model)))

    async def CheckModel(
        self, request: inference_service_pb2.CheckModelRequest, context: Any
    ) -> inference_service_pb2.CheckModelResponse:
        return from_findings(await self._models.check(request.model))
