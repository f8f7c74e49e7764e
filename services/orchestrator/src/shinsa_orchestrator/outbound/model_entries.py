"""How an accepted submission is registered: with the vLLM engine, pinned to its commit."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from shinsa.inference.v1 import model_pb2

from shinsa_orchestrator.domain.model import ModelCard, ModelEntry
from shinsa_orchestrator.domain.submission import Submission, registered_name


class VllmEntryWriter:
    """``EntryWriter``. ``max_model_len`` 0 is the model's own."""

    def __init__(self, *, max_model_len: int = 0) -> None:
        self._max_model_len = max_model_len

    def entry(self, submission: Submission) -> ModelEntry:
        facts, order = submission.facts, submission.order
        weights = facts.weights or order.model
        local = Path(weights).is_absolute()
        engine = model_pb2.VllmEngine(
            model=weights,
            revision="" if local else facts.commit or order.revision,
            dtype=facts.precision or order.precision,
            max_model_len=self._max_model_len,
            add_special_tokens=order.add_special_tokens,
        )
        card = _card(submission)
        message = model_pb2.ModelEntry(
            name=registered_name(submission),
            vllm=engine,
            labels=[model_pb2.Label(key="submission", value=submission.id)],
            card=model_pb2.ModelCard(**asdict(card)),
        )
        document = message.SerializeToString(deterministic=True)
        return ModelEntry(message.name, "vllm", document, model=weights, card=card)


def _card(submission: Submission) -> ModelCard:
    """What boards show, filter and group by."""
    facts, order = submission.facts, submission.order
    return ModelCard(
        type=order.model_type,
        size_b=facts.size_b or None,
        precision=facts.precision or order.precision,
        architecture=facts.architecture,
        licence=facts.licence,
        hub_id=order.model,
        revision=facts.commit or order.revision,
    )
