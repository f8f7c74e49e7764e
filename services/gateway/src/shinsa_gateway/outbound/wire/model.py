"""shinsa.inference.v1, the part about models."""

from __future__ import annotations

from typing import Literal

from shinsa.inference.v1 import inference_service_pb2
from shinsa.inference.v1 import model_pb2 as pb

from shinsa_gateway.domain.engine import OpenAiEngine, Rule, ScriptedEngine, VllmEngine
from shinsa_gateway.domain.generation import Sampling
from shinsa_gateway.domain.model import Finding, ModelCard, ModelCheck, ModelEntry, ModelState, Price, ServedModel
from shinsa_gateway.outbound.wire.generation import read_sampling, write_sampling

# Fields whose absence is their zero.
_VLLM_FLAGS: tuple[Literal["enable_prefix_caching", "add_special_tokens"], ...] = (
    "enable_prefix_caching",
    "add_special_tokens",
)
_VLLM_FIELDS = tuple(field.name for field in pb.VllmEngine.DESCRIPTOR.fields if field.name not in _VLLM_FLAGS)
_OPENAI_FIELDS = tuple(
    field.name for field in pb.OpenAiEngine.DESCRIPTOR.fields if field.name not in ("accepts", "stream")
)
_VERDICTS = {
    inference_service_pb2.FINDING_VERDICT_WORKS: "works",
    inference_service_pb2.FINDING_VERDICT_TAKEN: "taken",
    inference_service_pb2.FINDING_VERDICT_IGNORED: "ignored",
    inference_service_pb2.FINDING_VERDICT_REFUSED: "refused",
}
_STATES = {
    pb.MODEL_STATE_IDLE: ModelState.IDLE,
    pb.MODEL_STATE_LOADING: ModelState.LOADING,
    pb.MODEL_STATE_READY: ModelState.READY,
    pb.MODEL_STATE_FAILED: ModelState.FAILED,
}


def read_model(message: pb.ModelEntry) -> ModelEntry:
    return ModelEntry(
        name=message.name,
        vllm=_read_vllm(message.vllm) if message.HasField("vllm") else None,
        openai=_read_openai(message.openai) if message.HasField("openai") else None,
        scripted=_read_scripted(message.scripted) if message.HasField("scripted") else None,
        concurrency=message.concurrency,
        card=_read_card(message.card),
        labels={label.key: label.value for label in message.labels},
        sampling=read_sampling(message.sampling),
        price=_read_price(message.price) if message.HasField("price") else None,
    )


def read_served_model(message: pb.ServedModel) -> ServedModel:
    return ServedModel(
        name=message.entry.name,
        state=_STATES.get(message.state, ModelState.UNKNOWN),
        problem=message.problem,
        in_flight=message.in_flight,
    )


def read_check(message: inference_service_pb2.CheckModelResponse) -> ModelCheck:
    return ModelCheck(
        findings=tuple(
            Finding(subject=one.subject, verdict=_VERDICTS.get(one.verdict, "unknown"), detail=one.detail)
            for one in message.findings
        ),
        accepts=tuple(message.accepts),
    )


def write_model(entry: ModelEntry) -> pb.ModelEntry:
    return pb.ModelEntry(
        name=entry.name,
        vllm=_write_vllm(entry.vllm) if entry.vllm else None,
        openai=_write_openai(entry.openai) if entry.openai else None,
        scripted=_write_scripted(entry.scripted) if entry.scripted else None,
        concurrency=entry.concurrency,
        card=_write_card(entry.card),
        labels=[pb.Label(key=key, value=value) for key, value in entry.labels.items()],
        sampling=write_sampling(entry.sampling) if entry.sampling != Sampling() else None,
        price=pb.Price(**entry.price.model_dump()) if entry.price else None,
    )


def _read_card(message: pb.ModelCard) -> ModelCard:
    return ModelCard(
        type=message.type,
        size_b=message.size_b if message.HasField("size_b") else None,
        precision=message.precision,
        architecture=message.architecture,
        licence=message.licence,
        hub_id=message.hub_id,
        revision=message.revision,
    )


def _write_card(card: ModelCard) -> pb.ModelCard | None:
    """Nothing where nothing is known, so that entries without a card stay the same bytes."""
    return None if card == ModelCard() else pb.ModelCard(**card.model_dump())


def _read_vllm(message: pb.VllmEngine) -> VllmEngine:
    given = {name: getattr(message, name) for name in _VLLM_FIELDS}
    given |= {name: getattr(message, name) if message.HasField(name) else None for name in _VLLM_FLAGS}
    return VllmEngine(**given)


def _write_vllm(engine: VllmEngine) -> pb.VllmEngine:
    return pb.VllmEngine(**engine.model_dump())


def _read_openai(message: pb.OpenAiEngine) -> OpenAiEngine:
    plain = {name: getattr(message, name) for name in _OPENAI_FIELDS}
    stream = message.stream if message.HasField("stream") else None
    return OpenAiEngine(**plain, accepts=tuple(message.accepts), stream=stream)


def _write_openai(engine: OpenAiEngine) -> pb.OpenAiEngine:
    return pb.OpenAiEngine(**engine.model_dump())


def _read_price(message: pb.Price) -> Price:
    cached = message.cached_prompt if message.HasField("cached_prompt") else None
    return Price(
        prompt=message.prompt, completion=message.completion, cached_prompt=cached, currency=message.currency or "USD"
    )


def _read_scripted(message: pb.ScriptedEngine) -> ScriptedEngine:
    return ScriptedEngine(
        rules=tuple(Rule(pattern=rule.pattern, reply=rule.reply) for rule in message.rules),
        otherwise=message.otherwise,
        latency_seconds=message.latency_seconds,
    )


def _write_scripted(engine: ScriptedEngine) -> pb.ScriptedEngine:
    return pb.ScriptedEngine(
        rules=[pb.Rule(pattern=rule.pattern, reply=rule.reply) for rule in engine.rules],
        otherwise=engine.otherwise,
        latency_seconds=engine.latency_seconds,
    )
