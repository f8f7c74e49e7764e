"""From requests to values, with bounds checked."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable

from shinsa.inference.v1 import model_pb2
from shinsa.orchestrator.v1 import item_pb2, orchestrator_service_pb2, run_pb2
from shinsa_benchmarks.vocabulary import Status
from shinsa_chassis.endpoint_presets import PRESETS
from shinsa_chassis.errors import Reason, ShinsaError

from shinsa_orchestrator.application.references import Import
from shinsa_orchestrator.domain.analysis import AnalysisRequest
from shinsa_orchestrator.domain.gate import GateRequest
from shinsa_orchestrator.domain.item import ItemFilter
from shinsa_orchestrator.domain.model import ModelCard, ModelEntry
from shinsa_orchestrator.domain.run import BenchmarkChoice, JudgeBudget, JudgeChoice, Override, RunSpec

MOST_NAME = 256
MOST_NOTE = 4096
MOST_ENTRIES = 1000
MOST_ROWS = 10_000

_STATUSES = {
    item_pb2.ITEM_STATUS_SCORED: Status.SCORED,
    item_pb2.ITEM_STATUS_MODEL_ERROR: Status.MODEL_ERROR,
    item_pb2.ITEM_STATUS_INFRA_ERROR: Status.INFRA_ERROR,
}


def run_spec(message: run_pb2.RunSpec) -> RunSpec:
    """Lengths are checked here, names by the planner."""
    at_most("spec.note", len(message.note), MOST_NOTE)
    for field, text in (("model", message.model), ("suite", message.suite)):
        at_most(f"spec.{field}", len(text), MOST_NAME)
    for field in ("benchmarks", "overrides", "judges"):
        at_most(f"spec.{field}", len(getattr(message, field)), MOST_ENTRIES)
    return RunSpec(
        model=message.model,
        suite=message.suite,
        benchmarks=tuple(
            BenchmarkChoice(one.benchmark, tuple(one.shots), one.repetitions) for one in message.benchmarks
        ),
        limit=message.limit,
        judges=judge_choices(message.judges),
        overrides=tuple(Override(one.key, one.value) for one in message.overrides),
        dataset=message.dataset,
        note=message.note,
        window=message.window,
        judge_budget=judge_budget(message.judge_budget),
        reuse=message.reuse,
    )


def judge_budget(message: run_pb2.JudgeBudget) -> JudgeBudget:
    if not (math.isfinite(message.cost) and message.cost >= 0):
        field = "spec.judge_budget.cost"
        raise ShinsaError(Reason.INVALID_ARGUMENT, f"{field}: {message.cost} is no amount; 0: no bound", field=field)
    return JudgeBudget(message.tokens, message.cost)


def optional_budget(
    message: orchestrator_service_pb2.ResumeRunRequest | orchestrator_service_pb2.RejudgeRunRequest,
) -> JudgeBudget | None:
    """None where the request leaves the budget as it is."""
    return judge_budget(message.judge_budget) if message.HasField("judge_budget") else None


def judge_choices(messages: Iterable[run_pb2.JudgeChoice]) -> tuple[JudgeChoice, ...]:
    """A choice without a role stands for every role."""
    return tuple(JudgeChoice(one.role or "*", one.profile) for one in messages)


def idempotency_key(text: str) -> str:
    at_most("idempotency_key", len(text), MOST_NAME)
    return text


def identity(field: str, text: str) -> str:
    """An id that must be given."""
    if not text:
        raise ShinsaError(Reason.INVALID_ARGUMENT, f"{field} is empty; give one", field=field)
    at_most(field, len(text), MOST_NAME)
    return text


def item_filter(message: orchestrator_service_pb2.ListItemsRequest) -> ItemFilter:
    status = _STATUSES.get(message.status)
    if status is None and message.status != item_pb2.ITEM_STATUS_UNSPECIFIED:
        raise ShinsaError(
            Reason.INVALID_ARGUMENT,
            "status: only finished items are listed; ask for scored, model_error or infra_error",
            field="status",
        )
    return ItemFilter(
        run_id=identity("run_id", message.run_id),
        benchmark=message.benchmark,
        status=status,
        category=message.category,
        wrong_only=message.wrong_only,
        disagreed_only=message.disagreed_only,
        reason=message.reason,
        shots=message.shots if message.HasField("shots") else None,
        sample_id=message.sample_id,
    )


def analysis(message: orchestrator_service_pb2.AnalyseRequest) -> AnalysisRequest:
    """Lengths are checked here, names where they are looked up."""
    for field, entries in (("rows", message.rows), ("columns", message.columns)):
        at_most(field, len(entries), MOST_ROWS)
    return AnalysisRequest(
        kind=identity("kind", message.kind),
        board=identity("board", message.board),
        rows=tuple(message.rows),
        columns=tuple(message.columns),
        shots=message.shots,
        by=message.by,
        method=message.method,
        standardize=message.standardize,
        csv=message.csv,
    )


def gate_request(message: orchestrator_service_pb2.DecideGateRequest) -> GateRequest:
    return GateRequest(
        baseline=identity("baseline", message.baseline),
        candidate=identity("candidate", message.candidate),
        board=identity("board", message.board),
        max_drop=message.max_drop,
        alpha=message.alpha or 0.05,
        correction=message.correction or "holm",
    )


def reference_import(message: orchestrator_service_pb2.ImportReferencesRequest) -> Import:
    at_most("note", len(message.note), MOST_NOTE)
    return Import(
        board=identity("board", message.board),
        source=identity("source", message.source),
        version=identity("version", message.version),
        format=identity("format", message.format),
        content=message.content,
        note=message.note,
        percent=message.percent,
        replace=message.replace,
        dry_run=message.dry_run,
    )


def model_entry(message: model_pb2.ModelEntry) -> ModelEntry:
    message.ClearField("version")
    engine = message.WhichOneof("engine") or ""
    served = ""
    if engine == "vllm":
        served = message.vllm.model
    elif engine == "openai":
        served = message.openai.model
    return ModelEntry(
        name=message.name,
        engine=engine,
        document=message.SerializeToString(deterministic=True),
        model=served,
        base_url=_address(message.openai) if engine == "openai" else "",
        accepts=tuple(message.openai.accepts) if engine == "openai" else (),
        rules=tuple((rule.pattern, rule.reply) for rule in message.scripted.rules) if engine == "scripted" else (),
        card=_model_card(message),
    )


def _address(engine: model_pb2.OpenAiEngine) -> str:
    """As the entry says it, else as its provider is known by."""
    if engine.preset and engine.preset not in PRESETS:
        raise ShinsaError(
            Reason.INVALID_ARGUMENT,
            f"model.openai.preset: {engine.preset!r} is no known provider; known: {', '.join(PRESETS)}",
            field="model.openai.preset",
            near_matches=difflib.get_close_matches(engine.preset, PRESETS),
        )
    return engine.base_url or (PRESETS[engine.preset].base_url if engine.preset else "")


def _model_card(message: model_pb2.ModelEntry) -> ModelCard:
    """What is not said of the model is taken from what the engine is told."""
    card, vllm = message.card, message.vllm
    if not (math.isfinite(card.size_b) and card.size_b >= 0):
        field = "model.card.size_b"
        raise ShinsaError(
            Reason.INVALID_ARGUMENT, f"{field}: {card.size_b} is no size; give billions of parameters", field=field
        )
    return ModelCard(
        type=card.type,
        size_b=card.size_b if card.HasField("size_b") else None,
        precision=card.precision or ("" if vllm.dtype == "auto" else vllm.dtype),
        architecture=card.architecture,
        licence=card.licence,
        hub_id=card.hub_id,
        revision=card.revision or vllm.revision,
    )


def at_most(field: str, length: int, most: int) -> None:
    """Raises ``ShinsaError`` (invalid_argument) for what is longer than it may be."""
    if length > most:
        raise ShinsaError(Reason.INVALID_ARGUMENT, f"{field}: {length} is too long; at most {most}", field=field)
