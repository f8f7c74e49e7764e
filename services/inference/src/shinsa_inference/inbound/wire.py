"""Requests and answers between protobuf and our values. What comes in is checked here, field by field."""

from __future__ import annotations

from shinsa.inference.v1 import completion_pb2, inference_service_pb2, message_pb2

from shinsa_inference.domain.completion import Choice, Completion, Cost, FinishReason, Piece, TokenLogprob
from shinsa_inference.domain.request import (
    Chat,
    GenerateRequest,
    Message,
    Role,
    ToolCall,
)
from shinsa_inference.inbound.refusal import refuse
from shinsa_inference.inbound.sampling_wire import to_sampling

_ROLES = {
    message_pb2.ROLE_SYSTEM: Role.SYSTEM,
    message_pb2.ROLE_USER: Role.USER,
    message_pb2.ROLE_ASSISTANT: Role.ASSISTANT,
    message_pb2.ROLE_TOOL: Role.TOOL,
}
_FINISH = {
    FinishReason.STOP: completion_pb2.FINISH_REASON_STOP,
    FinishReason.LENGTH: completion_pb2.FINISH_REASON_LENGTH,
    FinishReason.TOOL_CALLS: completion_pb2.FINISH_REASON_TOOL_CALLS,
    FinishReason.CONTENT_FILTER: completion_pb2.FINISH_REASON_CONTENT_FILTER,
}


def to_request(message: inference_service_pb2.GenerateRequest) -> GenerateRequest:
    """Raises INVALID_ARGUMENT naming the field."""
    if not message.model:
        refuse("model", "is empty; name a model of ListModels")
    return GenerateRequest(message.model, _prompt(message), to_sampling(message.sampling))


def from_completion(completion: Completion) -> inference_service_pb2.GenerateResponse:
    usage, fingerprint = completion.usage, completion.fingerprint
    return inference_service_pb2.GenerateResponse(
        completion=completion_pb2.Completion(
            choices=[_choice(choice) for choice in completion.choices],
            usage=completion_pb2.TokenUsage(
                prompt_tokens=usage.prompt,
                completion_tokens=usage.completion,
                reasoning_tokens=usage.reasoning,
                cached_tokens=usage.cached,
            ),
            effective_request_json=completion.effective_request,
            fingerprint=completion_pb2.EngineFingerprint(
                engine=fingerprint.engine,
                engine_version=fingerprint.engine_version,
                model=fingerprint.model,
                revision=fingerprint.revision,
                dtype=fingerprint.dtype,
                reported=fingerprint.reported,
                settings_digest=fingerprint.settings_digest,
            ),
            latency_seconds=completion.latency_seconds,
            greedy=completion.greedy,
            cost=_cost(completion.cost),
        )
    )


def _cost(cost: Cost | None) -> completion_pb2.Cost | None:
    return None if cost is None else completion_pb2.Cost(amount=cost.amount, currency=cost.currency)


def from_piece(piece: Piece) -> inference_service_pb2.GenerateStreamResponse:
    """A delta, or the completion that ends the stream."""
    if isinstance(piece, Completion):
        return inference_service_pb2.GenerateStreamResponse(completion=from_completion(piece).completion)
    if piece.reasoning:
        return inference_service_pb2.GenerateStreamResponse(reasoning_delta=piece.text)
    return inference_service_pb2.GenerateStreamResponse(text_delta=piece.text)


def _prompt(message: inference_service_pb2.GenerateRequest) -> Chat | str:
    kind = message.WhichOneof("prompt")
    if kind == "raw":
        return message.raw if message.raw else refuse("raw", "is empty; give a prompt")
    if kind is None:
        refuse("prompt", "is not set; set chat or raw")
    if not message.chat.messages:
        refuse("chat.messages", "is empty; give at least one message")
    return Chat(tuple(_message(f"chat.messages[{i}]", turn) for i, turn in enumerate(message.chat.messages)))


def _message(field: str, turn: message_pb2.Message) -> Message:
    role = _ROLES.get(turn.role)
    if role is None:
        refuse(f"{field}.role", "is not set; it is system, user, assistant or tool")
    calls = tuple(ToolCall(call.id, call.name, call.arguments_json) for call in turn.tool_calls)
    if calls and role is not Role.ASSISTANT:
        refuse(f"{field}.tool_calls", f"stand in a {role.value} turn; only an assistant calls tools")
    if turn.tool_call_id and role is not Role.TOOL:
        refuse(f"{field}.tool_call_id", f"stands in a {role.value} turn; only a tool turn answers a call")
    return Message(role, turn.content, calls, turn.tool_call_id)


def _choice(choice: Choice) -> completion_pb2.Choice:
    return completion_pb2.Choice(
        text=choice.text,
        reasoning=choice.reasoning,
        tool_calls=[
            message_pb2.ToolCall(id=call.id, name=call.name, arguments_json=call.arguments)
            for call in choice.tool_calls
        ],
        finish_reason=_FINISH[choice.finish_reason],
        logprobs=[_logprob(token) for token in choice.logprobs],
    )


def _logprob(token: TokenLogprob) -> completion_pb2.TokenLogprob:
    return completion_pb2.TokenLogprob(
        token=token.token, logprob=token.logprob, top=[_logprob(other) for other in token.top]
    )
