"""What this program reads is what the gateway writes: every field is one of the gateway's own."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel
from shinsa_client import board, catalog, item, operation, remark, report, run, webhook
from shinsa_client import submission as submissions
from shinsa_gateway.domain import analysis as their_analysis
from shinsa_gateway.domain import board as their_board
from shinsa_gateway.domain import board_table as their_table
from shinsa_gateway.domain import book as their_book
from shinsa_gateway.domain import catalog as their_catalog
from shinsa_gateway.domain import comparison as their_comparison
from shinsa_gateway.domain import gate as their_gate
from shinsa_gateway.domain import item as their_item
from shinsa_gateway.domain import judge as their_judge
from shinsa_gateway.domain import model as their_model
from shinsa_gateway.domain import operation as their_operation
from shinsa_gateway.domain import reference as their_reference
from shinsa_gateway.domain import remark as their_remark
from shinsa_gateway.domain import report as their_report
from shinsa_gateway.domain import run as their_run
from shinsa_gateway.domain import submission as their_submission
from shinsa_gateway.domain import webhook as their_webhook

PAIRS = [
    (board.BoardTable, their_table.BoardTable),
    (board.Analysis, their_analysis.Analysis),
    (board.GateReport, their_gate.GateReport),
    (board.ImportedReferences, their_reference.ImportedReferences),
    (run.Run, their_run.Run),
    (run.RunPage, their_run.RunPage),
    (report.Report, their_report.Report),
    (report.RunComparison, their_comparison.RunComparison),
    (item.ItemPage, their_item.ItemPage),
    (item.ItemDetail, their_item.ItemDetail),
    (catalog.Model, their_model.Model),
    (catalog.ModelCheck, their_model.ModelCheck),
    (catalog.Benchmark, their_catalog.Benchmark),
    (catalog.Suite, their_catalog.Suite),
    (catalog.Board, their_board.Board),
    (catalog.JudgeCatalog, their_judge.JudgeCatalog),
    (submissions.Submission, their_submission.Submission),
    (submissions.SubmissionLog, their_submission.SubmissionLog),
    (submissions.KeyEntry, their_book.KeyEntry),
    (operation.Diagnosis, their_operation.Diagnosis),
    (operation.ReplicaList, their_operation.ReplicaList),
    (operation.DeadLetterPage, their_operation.DeadLetterPage),
    (operation.Requeued, their_operation.Requeued),
    (remark.RemarkPage, their_remark.RemarkPage),
    (remark.Remark, their_remark.Remark),
    (webhook.Webhook, their_webhook.Webhook),
    (webhook.NewWebhook, their_webhook.NewWebhook),
    (webhook.DeliveryPage, their_webhook.DeliveryPage),
    (webhook.Delivery, their_webhook.Delivery),
]


@pytest.mark.parametrize(("ours", "theirs"), PAIRS, ids=lambda model: model.__name__)
def test_every_field_that_is_read_is_written(ours: type[BaseModel], theirs: type[BaseModel]) -> None:
    assert not list(unknown_fields(ours, theirs, ours.__name__))


EXAMPLES = [(ours, theirs) for ours, theirs in PAIRS if theirs.model_config.get("json_schema_extra")]


@pytest.mark.parametrize(("ours", "theirs"), EXAMPLES, ids=lambda model: model.__name__)
def test_the_gateways_own_examples_are_understood(ours: type[BaseModel], theirs: type[BaseModel]) -> None:
    examples: Any = theirs.model_config["json_schema_extra"]
    for example in examples["examples"]:
        written = theirs.model_validate(example).model_dump(mode="json")
        understood = ours.model_validate(written)
        for name in ours.model_fields:
            assert understood.model_dump(mode="json")[name] == pruned(written[name], getattr(understood, name))


def unknown_fields(ours: type[BaseModel], theirs: type[BaseModel], path: str) -> Iterator[str]:
    for name, field in ours.model_fields.items():
        if name not in theirs.model_fields:
            yield f"{path}.{name}"
            continue
        inner, outer = models_in(field.annotation), models_in(theirs.model_fields[name].annotation)
        for model in inner:
            twin = [candidate for candidate in outer if candidate.__name__ == model.__name__]
            assert len(twin) == 1, f"{path}.{name}: {model.__name__} has no twin in {outer}"
            yield from unknown_fields(model, twin[0], f"{path}.{name}")


def models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias):
        return [annotation] if issubclass(annotation, BaseModel) else []
    return [model for part in typing.get_args(annotation) for model in models_in(part)]


def pruned(written: Any, understood: Any) -> Any:
    """What the gateway wrote, without the fields that this program does not read."""
    if isinstance(understood, BaseModel):
        return {name: pruned(written[name], getattr(understood, name)) for name in type(understood).model_fields}
    if isinstance(understood, tuple):
        return [pruned(one, other) for one, other in zip(written, understood, strict=True)]
    return written
