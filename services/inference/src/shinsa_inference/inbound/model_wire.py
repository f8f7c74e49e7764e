"""Model entries between protobuf and our values, checked on the way in."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Literal

from shinsa.inference.v1 import inference_service_pb2, model_pb2
from shinsa_chassis.endpoint_presets import PRESETS, EndpointPreset

from shinsa_inference.domain.check import Finding, Verdict
from shinsa_inference.domain.model import (
    ModelEntry,
    ModelState,
    OpenAiEngine,
    Price,
    Rule,
    ScriptedEngine,
    ServedModel,
    VllmEngine,
)
from shinsa_inference.domain.request import SAMPLING_FIELDS
from shinsa_inference.inbound.refusal import json_object, refuse
from shinsa_inference.inbound.sampling_wire import from_sampling, to_sampling

_NAME = re.compile(r"[A-Za-z0-9._-]+")
_STATES = {
    ModelState.IDLE: model_pb2.MODEL_STATE_IDLE,
    ModelState.LOADING: model_pb2.MODEL_STATE_LOADING,
    ModelState.READY: model_pb2.MODEL_STATE_READY,
    ModelState.FAILED: model_pb2.MODEL_STATE_FAILED,
}
_VERDICTS = {
    Verdict.WORKS: inference_service_pb2.FINDING_VERDICT_WORKS,
    Verdict.TAKEN: inference_service_pb2.FINDING_VERDICT_TAKEN,
    Verdict.IGNORED: inference_service_pb2.FINDING_VERDICT_IGNORED,
    Verdict.REFUSED: inference_service_pb2.FINDING_VERDICT_REFUSED,
    Verdict.UNKNOWN: inference_service_pb2.FINDING_VERDICT_UNKNOWN,
}
_OPENAI_FIELDS = tuple(field.name for field in model_pb2.OpenAiEngine.DESCRIPTOR.fields if field.name != "accepts")
_VLLM_FLAGS: tuple[Literal["enable_prefix_caching", "add_special_tokens"], ...] = (
    "enable_prefix_caching",
    "add_special_tokens",
)
_VLLM_FIELDS = tuple(field.name for field in model_pb2.VllmEngine.DESCRIPTOR.fields if field.name not in _VLLM_FLAGS)


def to_entry(message: model_pb2.ModelEntry) -> ModelEntry:
    """Raises INVALID_ARGUMENT naming the field."""
    if not _NAME.fullmatch(message.name):
        refuse("name", f"is {message.name!r}; it takes letters, digits, '.', '_' and '-'")
    labels = tuple((label.key, label.value) for label in message.labels)
    return ModelEntry(
        message.name,
        _engine(message),
        message.concurrency,
        labels,
        to_sampling(message.sampling),
        _price(message),
        message.version,
    )


def from_served(served: ServedModel) -> model_pb2.ServedModel:
    return model_pb2.ServedModel(
        entry=_from_entry(served.entry),
        state=_STATES[served.state],
        problem=served.problem,
        in_flight=served.in_flight,
    )


def from_findings(findings: Sequence[Finding]) -> inference_service_pb2.CheckModelResponse:
    return inference_service_pb2.CheckModelResponse(
        findings=[
            inference_service_pb2.Finding(subject=one.subject, verdict=_VERDICTS[one.verdict], detail=one.detail)
            for one in findings
        ],
        accepts=[one.subject for one in findings if one.subject in SAMPLING_FIELDS and one.usable],
    )


def _engine(message: model_pb2.ModelEntry) -> VllmEngine | OpenAiEngine | ScriptedEngine:
    match message.WhichOneof("engine"):
        case "vllm":
            return _vllm(message.vllm)
        case "openai":
            return _openai(message.openai)
        case "scripted":
            return _scripted(message.scripted)
    return refuse("engine", f"of model {message.name!r} is not set; set vllm, openai or scripted")


def _price(message: model_pb2.ModelEntry) -> Price | None:
    if not message.HasField("price"):
        return None
    price = message.price
    for name in ("prompt", "completion", "cached_prompt"):
        _check_amount(f"price.{name}", getattr(price, name), "the price of a million tokens")
    cached = price.cached_prompt if price.HasField("cached_prompt") else None
    return Price(price.prompt, price.completion, cached, price.currency or "USD")


def _check_amount(field: str, amount: float, wanted: str) -> None:
    if not (math.isfinite(amount) and amount >= 0):
        refuse(field, f"is {amount}; give {wanted}")


def _vllm(engine: model_pb2.VllmEngine) -> VllmEngine:
    if not engine.model:
        refuse("vllm.model", "is empty; give a directory or a hub id")
    if not 0 <= engine.gpu_memory_utilization <= 1:
        refuse("vllm.gpu_memory_utilization", f"is {engine.gpu_memory_utilization}; it is a share between 0 and 1")
    for name in ("speculative_config_json", "extra_arguments_json"):
        json_object(f"vllm.{name}", getattr(engine, name))
    given = {name: getattr(engine, name) for name in _VLLM_FIELDS}
    given |= {name: getattr(engine, name) if engine.HasField(name) else None for name in _VLLM_FLAGS}
    return VllmEngine(**given)


def _openai(engine: model_pb2.OpenAiEngine) -> OpenAiEngine:
    preset = _preset(engine.preset)
    base_url = engine.base_url or (preset.base_url if preset else "")
    if not re.match(r"https?://[^/]", base_url):
        refuse("openai.base_url", f"is {base_url!r}; it begins with http:// or https:// and a host")
    if not engine.model:
        refuse("openai.model", "is empty; give the model as the endpoint names it")
    for name in ("timeout_seconds", "silence_seconds"):
        _check_amount(f"openai.{name}", getattr(engine, name), "seconds, or 0 for the default")
    if engine.api not in ("", "chat", "responses"):
        refuse("openai.api", f"is {engine.api!r}; it is chat or responses")
    _check_accepts(engine)
    json_object("openai.extra_body_json", engine.extra_body_json)
    plain = {name: getattr(engine, name) for name in _OPENAI_FIELDS}
    plain |= {
        "base_url": base_url,
        "api_key_env": engine.api_key_env or (preset.api_key_env if preset else ""),
        "api": engine.api or (preset.api if preset else "chat"),
    }
    return OpenAiEngine(
        **plain,
        accepts=tuple(engine.accepts) or (preset.accepts if preset else ()),
        shapes=preset.shapes if preset else (),
        takes_raw=preset.raw if preset else True,
    )


def _preset(name: str) -> EndpointPreset | None:
    if name and name not in PRESETS:
        near = get_close_matches(name, PRESETS, n=3, cutoff=0.5)
        refuse("openai.preset", f"is {name!r}; known: {', '.join(PRESETS)}", near)
    return PRESETS.get(name)


def _check_accepts(engine: model_pb2.OpenAiEngine) -> None:
    for field in engine.accepts:
        if field not in SAMPLING_FIELDS:
            near = get_close_matches(field, SAMPLING_FIELDS, n=3, cutoff=0.5)
            known = ", ".join(SAMPLING_FIELDS)
            refuse("openai.accepts", f"names {field!r}, which is no sampling field; known: {known}", near)


def _scripted(engine: model_pb2.ScriptedEngine) -> ScriptedEngine:
    if not engine.rules and not engine.otherwise:
        refuse("scripted.rules", "is empty, and so is scripted.otherwise; give at least one of them")
    _check_amount("scripted.latency_seconds", engine.latency_seconds, "seconds")
    rules = tuple(_rule(f"scripted.rules[{i}]", rule) for i, rule in enumerate(engine.rules))
    return ScriptedEngine(rules, engine.otherwise, engine.latency_seconds)


def _rule(field: str, rule: model_pb2.Rule) -> Rule:
    try:
        pattern = re.compile(rule.pattern)
    except (re.error, OverflowError, RecursionError) as error:
        refuse(f"{field}.pattern", f"is no regular expression: {error}")
    try:
        re._parser.parse_template(rule.reply, pattern)  # type: ignore[attr-defined]
    except (re.error, IndexError) as error:
        refuse(f"{field}.reply", f"does not fit its pattern: {error}")
    return Rule(rule.pattern, rule.reply)


def _from_entry(entry: ModelEntry) -> model_pb2.ModelEntry:
    message = model_pb2.ModelEntry(name=entry.name, concurrency=entry.concurrency)
    message.labels.extend(model_pb2.Label(key=key, value=value) for key, value in entry.labels)
    if entry.sampling.set_fields():
        message.sampling.CopyFrom(from_sampling(entry.sampling))
    if entry.price is not None:
        message.price.MergeFrom(
            model_pb2.Price(
                prompt=entry.price.prompt,
                completion=entry.price.completion,
                cached_prompt=entry.price.cached_prompt,
                currency=entry.price.currency,
            )
        )
    match entry.engine:
        case VllmEngine() as engine:
            message.vllm.MergeFrom(
                model_pb2.VllmEngine(**{name: getattr(engine, name) for name in (*_VLLM_FIELDS, *_VLLM_FLAGS)})
            )
        case OpenAiEngine() as engine:
            plain = {name: getattr(engine, name) for name in _OPENAI_FIELDS}
            usual = engine.api == (PRESETS[engine.preset].api if engine.preset else "chat")
            plain |= {"stream": engine.stream or None, "api": "" if usual else engine.api}
            message.openai.MergeFrom(model_pb2.OpenAiEngine(**plain, accepts=engine.accepts))
        case ScriptedEngine() as engine:
            rules = [model_pb2.Rule(pattern=rule.pattern, reply=rule.reply) for rule in engine.rules]
            message.scripted.MergeFrom(
                model_pb2.ScriptedEngine(
                    rules=rules, otherwise=engine.otherwise, latency_seconds=engine.latency_seconds
                )
            )
    return message
