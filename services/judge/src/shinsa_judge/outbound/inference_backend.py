"""A judge that is a model of this mesh, asked through the inference service's gRPC door."""

from __future__ import annotations

import difflib
import json
from typing import Any

import grpc
from shinsa.inference.v1 import completion_pb2, inference_service_pb2, message_pb2, model_pb2, sampling_pb2
from shinsa.inference.v1.inference_service_pb2_grpc import InferenceServiceStub
from shinsa_chassis.errors import Reason, ShinsaError
from shinsa_chassis.grpc_channel import call

from shinsa_judge.domain.endpoint_profile import InferenceProfile
from shinsa_judge.domain.exchange import Fingerprint, Finish, Form, Question, Reply, ToolCall, Usage

_LISTING_SECONDS = 2.0

_ROLES = {"system": message_pb2.ROLE_SYSTEM, "user": message_pb2.ROLE_USER}
_FINISHES = {
    completion_pb2.FINISH_REASON_LENGTH: Finish.LENGTH,
    completion_pb2.FINISH_REASON_TOOL_CALLS: Finish.TOOL_CALLS,
    completion_pb2.FINISH_REASON_CONTENT_FILTER: Finish.CONTENT_FILTER,
}


class InferenceBackend:
    """``paced_backend.Source``. ``channel`` leads to the inference service and belongs to whoever opened it.

    What the service itself reports has an ``origin``: it has done its own short retries.
    """

    def __init__(self, profile: InferenceProfile, channel: grpc.aio.Channel) -> None:
        self._profile = profile
        self._stub = InferenceServiceStub(channel)

    async def ask(self, question: Question) -> Reply:
        request = generate_request(self._profile, question)
        completion = (await call(self._stub.Generate, request, timeout=self._profile.timeout)).completion
        if not completion.choices:
            raise ShinsaError(Reason.UPSTREAM_MALFORMED, "The inference service gave a completion without a choice.")
        return _reply(completion)

    async def problem(self) -> str:
        try:
            listing = await call(
                self._stub.ListModels, inference_service_pb2.ListModelsRequest(), timeout=_LISTING_SECONDS
            )
        except ShinsaError as error:
            return f"The inference service cannot say what it serves: {error.message}"
        return _model_problem(self._profile.model, listing)

    async def close(self) -> None:
        """Nothing to give back: the channel is shared."""


def generate_request(profile: InferenceProfile, question: Question) -> inference_service_pb2.GenerateRequest:
    """The request for one ask."""
    chat = message_pb2.Chat(
        messages=[
            message_pb2.Message(role=_ROLES[message.role], content=message.content) for message in question.messages
        ]
    )
    return inference_service_pb2.GenerateRequest(
        model=profile.model,
        chat=chat,
        sampling=_sampling(profile, question),
        version=question.models.get(profile.model, ""),
    )


def _sampling(profile: InferenceProfile, question: Question) -> sampling_pb2.Sampling:
    parameters = profile.parameters.at(question.ask, profile.reask_temperature, question.repeat)
    told: dict[str, Any] = parameters.model_dump(exclude_none=True, exclude={"chat_template_arguments"})
    if parameters.chat_template_arguments:
        told["chat_template_arguments_json"] = json.dumps(parameters.chat_template_arguments, ensure_ascii=False)
    sampling = sampling_pb2.Sampling(**told)
    if question.form is Form.JSON:
        sampling.structured_output.json_schema = question.schema
    elif question.form is Form.CHOICE:
        sampling.structured_output.choice.values.extend(question.choices)
    elif question.form is Form.TOOL:
        sampling.tools.add(name=question.rubric, parameters_json=question.schema, strict=True)
        sampling.tool_choice = question.rubric
    return sampling


def _reply(completion: completion_pb2.Completion) -> Reply:
    choice, usage, fingerprint = completion.choices[0], completion.usage, completion.fingerprint
    return Reply(
        text=choice.text,
        finish=_FINISHES.get(choice.finish_reason, Finish.STOP),
        calls=tuple(ToolCall(one.name, one.arguments_json) for one in choice.tool_calls),
        usage=Usage(usage.prompt_tokens, usage.completion_tokens, usage.reasoning_tokens, usage.cached_tokens),
        fingerprint=Fingerprint(
            engine=fingerprint.engine,
            engine_version=fingerprint.engine_version,
            model=fingerprint.model,
            revision=fingerprint.revision,
            dtype=fingerprint.dtype,
            reported=fingerprint.reported,
        ),
    )


def _model_problem(name: str, listing: inference_service_pb2.ListModelsResponse) -> str:
    served = {model.entry.name: model for model in listing.models}
    if name not in served:
        near = difflib.get_close_matches(name, served, n=3)
        hint = f"did you mean {', '.join(near)}?" if near else f"it serves {', '.join(sorted(served)) or 'none'}"
        return f"The inference service has no model {name!r}; {hint}"
    if served[name].state == model_pb2.MODEL_STATE_FAILED:
        return f"Model {name!r} failed in the inference service: {served[name].problem}"
    return ""
