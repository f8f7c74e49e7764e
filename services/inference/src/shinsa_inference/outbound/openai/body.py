"""From our request to the JSON body of Chat Completions or Completions."""

from __future__ import annotations

import json
from typing import Any

from shinsa_chassis.endpoint_presets import PRESETS, EndpointPreset
from shinsa_chassis.errors import Reason, ShinsaError

from shinsa_inference.domain.model import OpenAiEngine
from shinsa_inference.domain.request import (
    CHAT_ONLY_FIELDS,
    Chat,
    GenerateRequest,
    Message,
    Sampling,
    StructuredOutput,
    Tool,
    ToolCall,
)

CHAT_PATH = "/chat/completions"
COMPLETIONS_PATH = "/completions"

_PLAIN = (
    "temperature",
    "top_p",
    "top_k",
    "seed",
    "n",
    "presence_penalty",
    "frequency_penalty",
    "repetition_penalty",
    "min_p",
)
# What no provider is known by speaks as vLLM's server does.
_UNKNOWN_PROVIDER = PRESETS["vllm"]


def dialect(engine: OpenAiEngine) -> EndpointPreset:
    """How the endpoint names things."""
    return PRESETS.get(engine.preset, _UNKNOWN_PROVIDER)


def limit_field(engine: OpenAiEngine) -> str:
    """What the endpoint calls ``max_tokens``, as far as is known."""
    return dialect(engine).names.get("max_tokens", "max_tokens")


def path_of(request: GenerateRequest) -> str:
    """Which of the two resources takes the prompt."""
    return CHAT_PATH if isinstance(request.prompt, Chat) else COMPLETIONS_PATH


def body_of(request: GenerateRequest, engine: OpenAiEngine, limit: str = "max_tokens") -> dict[str, Any]:
    """The body; ``limit`` is the name of ``max_tokens``. Raises INVALID_ARGUMENT for a field that is not taken."""
    check_accepted(request, engine)
    sampling, names = request.sampling, dialect(engine).names
    body: dict[str, Any] = {"model": engine.model}
    if isinstance(request.prompt, Chat):
        body["messages"] = [_message(turn) for turn in request.prompt.messages]
        _add_chat_fields(body, sampling, dialect(engine))
    else:
        body["prompt"] = request.prompt
        if sampling.logprobs is not None:
            body["logprobs"] = sampling.logprobs
    for name in _PLAIN:
        value = getattr(sampling, name)
        if value is not None:
            body[names.get(name, name)] = value
    if sampling.max_tokens is not None:
        body[limit if "messages" in body else "max_tokens"] = sampling.max_tokens
    if sampling.stop:
        body["stop"] = list(sampling.stop)
    if sampling.reasoning_budget_tokens is not None:
        body.update(_budget(sampling.reasoning_budget_tokens, dialect(engine)))
    if sampling.structured_output is not None:
        body.update(_shape(sampling.structured_output, chat="messages" in body))
    return with_extras(body, engine)


def with_extras(body: dict[str, Any], engine: OpenAiEngine) -> dict[str, Any]:
    """What the preset and the entry add to every body, the entry last; objects are merged one level deep."""
    own: dict[str, object] = json.loads(engine.extra_body_json) if engine.extra_body_json else {}
    for extra in (dialect(engine).extra_body, own):
        for name, value in extra.items():
            before = body.get(name)
            body[name] = {**before, **value} if isinstance(before, dict) and isinstance(value, dict) else value
    return body


def check_accepted(request: GenerateRequest, engine: OpenAiEngine) -> None:
    """Raises INVALID_ARGUMENT for a field that the endpoint would refuse or drop."""
    raw = not isinstance(request.prompt, Chat)
    if raw and not engine.takes_raw:
        why = "the endpoint takes chats only; send messages"
        raise ShinsaError(Reason.INVALID_ARGUMENT, f"prompt.raw: {why}.", field="prompt.raw")
    for field in request.sampling.set_fields():
        if raw and field in CHAT_ONLY_FIELDS:
            raise refused(field, "a raw prompt has no use for it; send a chat, or leave it unset")
        if not engine.takes(field):
            raise refused(field, "the model's entry says that its endpoint does not take it; unset it, or add it to")
    shape = request.sampling.structured_output
    if shape is not None and not engine.takes_shape("regex" if raw else shape.kind):
        raise refused(
            f"structured_output.{shape.kind}",
            "OpenAI's own API has no such thing; if the endpoint takes vLLM's `structured_outputs`, name "
            "structured_output in",
        )


def refused(field: str, why: str) -> ShinsaError:
    """INVALID_ARGUMENT about a sampling field."""
    end = " openai.accepts" if why.endswith((" to", " in")) else ""
    return ShinsaError(Reason.INVALID_ARGUMENT, f"sampling.{field}: {why}{end}.", field=f"sampling.{field}")


def _message(turn: Message) -> dict[str, Any]:
    message: dict[str, Any] = {"role": turn.role.value, "content": turn.content}
    if turn.tool_calls:
        message["tool_calls"] = [_tool_call(call) for call in turn.tool_calls]
        message["content"] = turn.content or None
    if turn.tool_call_id:
        message["tool_call_id"] = turn.tool_call_id
    return message


def _tool_call(call: ToolCall) -> dict[str, Any]:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


def _add_chat_fields(body: dict[str, Any], sampling: Sampling, spoken: EndpointPreset) -> None:
    if sampling.tools:
        body["tools"] = [_tool(tool) for tool in sampling.tools]
    if sampling.tool_choice in ("auto", "none", "required"):
        body["tool_choice"] = sampling.tool_choice
    elif sampling.tool_choice:
        body["tool_choice"] = {"type": "function", "function": {"name": sampling.tool_choice}}
    if sampling.chat_template_arguments:
        name = spoken.names.get("chat_template_arguments_json", "chat_template_kwargs")
        body[name] = dict(sampling.chat_template_arguments)
    if sampling.logprobs is not None:
        body["logprobs"] = True
        body["top_logprobs"] = sampling.logprobs
    if sampling.reasoning_effort:
        as_object = spoken.effort == "object"
        effort = sampling.reasoning_effort
        body.update({"reasoning": {"effort": effort}} if as_object else {"reasoning_effort": effort})


def _budget(tokens: int, spoken: EndpointPreset) -> dict[str, Any]:
    match spoken.budget:
        case "thinking":
            return {"thinking": {"type": "enabled", "budget_tokens": tokens}}
        case "thinking_config":
            config = {"thinking_budget": tokens, "include_thoughts": True}
            return {"extra_body": {"google": {"thinking_config": config}}}
        case "object":
            return {"reasoning": {"max_tokens": tokens}}
        case _:
            return {spoken.names.get("reasoning_budget_tokens", "thinking_token_budget"): tokens}


def _tool(tool: Tool) -> dict[str, Any]:
    function = {"name": tool.name, "description": tool.description, "parameters": dict(tool.parameters)}
    return {"type": "function", "function": function | ({"strict": True} if tool.strict else {})}


def _shape(shape: StructuredOutput, *, chat: bool) -> dict[str, Any]:
    if shape.json_schema and chat:
        schema = {"name": "answer", "strict": True, "schema": json.loads(shape.json_schema)}
        return {"response_format": {"type": "json_schema", "json_schema": schema}}
    if shape.json_schema:
        return {"structured_outputs": {"json": json.loads(shape.json_schema)}}
    if shape.regex:
        return {"structured_outputs": {"regex": shape.regex}}
    return {"structured_outputs": {"choice": list(shape.choice)}}
