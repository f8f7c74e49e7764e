"""How to decode, between protobuf and our values, checked field by field."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from functools import lru_cache

from shinsa.inference.v1 import message_pb2, sampling_pb2

from shinsa_inference.domain.request import (
    Sampling,
    StructuredOutput,
    Tool,
)
from shinsa_inference.inbound.refusal import json_object, refuse

MOST_CHOICES = 128
MOST_LOGPROBS = 20
EFFORTS = ("minimal", "low", "medium", "high")

# Field, lowest, highest; both ends allowed.
_BOUNDS: tuple[tuple[str, float, float], ...] = (
    ("temperature", 0, math.inf),
    ("top_p", 0, 1),
    ("top_k", -1, math.inf),
    ("max_tokens", 1, math.inf),
    ("n", 1, MOST_CHOICES),
    ("presence_penalty", -2, 2),
    ("frequency_penalty", -2, 2),
    ("repetition_penalty", 0, math.inf),
    ("min_p", 0, 1),
    ("reasoning_budget_tokens", 0, math.inf),
    ("logprobs", 0, MOST_LOGPROBS),
)
# Zero would ask for no token at all, or divide by it.
_NOT_ZERO = ("top_p", "repetition_penalty")
_OPTIONAL = ("seed", *(name for name, _, _ in _BOUNDS))


def to_sampling(sampling: sampling_pb2.Sampling) -> Sampling:
    """Raises INVALID_ARGUMENT naming the field."""
    return _read(sampling.SerializeToString(deterministic=True))


@lru_cache(256)
def _read(serialized: bytes) -> Sampling:
    """Hardly any request of a benchmark is sampled differently from the one before."""
    sampling = sampling_pb2.Sampling.FromString(serialized)
    given = {name: getattr(sampling, name) for name in _OPTIONAL if sampling.HasField(name)}  # type: ignore[arg-type]
    _check_bounds(given)
    if "" in sampling.stop:
        refuse("sampling.stop", "holds an empty string, which would stop at once; leave it out")
    tools = tuple(_tool(f"sampling.tools[{i}]", tool) for i, tool in enumerate(sampling.tools))
    _check_tool_choice(sampling.tool_choice, [tool.name for tool in tools])
    if sampling.reasoning_effort and sampling.reasoning_effort not in EFFORTS:
        refuse("sampling.reasoning_effort", f"is {sampling.reasoning_effort!r}; it is one of {', '.join(EFFORTS)}")
    _check_contradictions(sampling)
    return Sampling(
        **given,
        stop=tuple(sampling.stop),
        structured_output=_shape(sampling.structured_output) if sampling.HasField("structured_output") else None,
        tools=tools,
        tool_choice=sampling.tool_choice,
        reasoning_effort=sampling.reasoning_effort,
        chat_template_arguments=json_object(
            "sampling.chat_template_arguments_json", sampling.chat_template_arguments_json
        ),
    )


def _check_bounds(given: Mapping[str, float]) -> None:
    for name, lowest, highest in _BOUNDS:
        value = given.get(name)
        if value is None:
            continue
        if not lowest <= value <= highest or math.isinf(value) or (value == 0 and name in _NOT_ZERO):
            least = f"more than {lowest}" if name in _NOT_ZERO else f"at least {lowest}"
            most = "" if highest == math.inf else f" and at most {highest}"
            refuse(f"sampling.{name}", f"is {value}; it must be {least}{most}")


def _check_contradictions(sampling: sampling_pb2.Sampling) -> None:
    if sampling.HasField("temperature") and sampling.temperature == 0 and sampling.n > 1:
        refuse("sampling.n", f"is {sampling.n} at temperature 0, which gives one answer over and over; raise either")
    if sampling.reasoning_effort and sampling.HasField("reasoning_budget_tokens"):
        refuse("sampling.reasoning_budget_tokens", "and reasoning_effort both steer the reasoning; set one of them")
    if sampling.HasField("structured_output") and sampling.tool_choice not in ("", "none"):
        refuse("sampling.structured_output", "and tool_choice both force a form on the answer; set one of them")
    budget = sampling.reasoning_budget_tokens
    if sampling.HasField("max_tokens") and budget > sampling.max_tokens:
        refuse("sampling.reasoning_budget_tokens", f"is {budget}, more than max_tokens ({sampling.max_tokens})")


def from_sampling(sampling: Sampling) -> sampling_pb2.Sampling:
    message = sampling_pb2.Sampling(
        **{name: getattr(sampling, name) for name in _OPTIONAL},
        stop=sampling.stop,
        tools=[_from_tool(tool) for tool in sampling.tools],
        tool_choice=sampling.tool_choice,
        reasoning_effort=sampling.reasoning_effort,
    )
    if sampling.chat_template_arguments:
        message.chat_template_arguments_json = json.dumps(dict(sampling.chat_template_arguments), ensure_ascii=False)
    shape = sampling.structured_output
    if shape is not None and shape.choice:
        message.structured_output.choice.values.extend(shape.choice)
    elif shape is not None:
        setattr(message.structured_output, shape.kind, getattr(shape, shape.kind))
    return message


def _from_tool(tool: Tool) -> message_pb2.Tool:
    parameters = json.dumps(dict(tool.parameters), ensure_ascii=False)
    return message_pb2.Tool(
        name=tool.name, description=tool.description, parameters_json=parameters, strict=tool.strict
    )


def _shape(shape: sampling_pb2.StructuredOutput) -> StructuredOutput:
    match shape.WhichOneof("shape"):
        case "json_schema":
            schema = json_object("sampling.structured_output.json_schema", shape.json_schema)
            return StructuredOutput(json_schema=json.dumps(schema, ensure_ascii=False))
        case "regex" if shape.regex:
            return StructuredOutput(regex=shape.regex)
        case "choice" if shape.choice.values and "" not in shape.choice.values:
            return StructuredOutput(choice=tuple(shape.choice.values))
        case _:
            return refuse("sampling.structured_output", "is empty; set json_schema, regex or choice, or leave it out")


def _tool(field: str, tool: message_pb2.Tool) -> Tool:
    if not tool.name:
        refuse(f"{field}.name", "is empty; name the function")
    parameters = json_object(f"{field}.parameters_json", tool.parameters_json)
    return Tool(tool.name, tool.description, parameters, tool.strict)


def _check_tool_choice(choice: str, tools: list[str]) -> None:
    if choice and not tools:
        refuse("sampling.tool_choice", f"is {choice!r}, but sampling.tools is empty")
    if choice and choice not in ("auto", "none", "required", *tools):
        refuse("sampling.tool_choice", f"is {choice!r}; it is auto, none, required or one of {', '.join(tools)}", tools)
