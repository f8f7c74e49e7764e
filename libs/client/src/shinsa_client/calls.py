"""Every call once: how it is asked, and what its answer is. Both clients take them from here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from shinsa_client.answer import JsonObject
from shinsa_client.board import Analysis, BoardTable, GateReport, ImportedReferences, ReferenceList
from shinsa_client.catalog import Board, Model
from shinsa_client.http import Query, Request, segment
from shinsa_client.item import ItemDetail, ItemPage
from shinsa_client.remark import Remark, RemarkPage
from shinsa_client.report import Report, RunComparison
from shinsa_client.run import Run, RunPage
from shinsa_client.submission import Submission, SubmissionPage
from shinsa_client.webhook import Delivery, DeliveryPage, NewWebhook, Webhook

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """A request and how its answer is read."""

    request: Request
    read: Callable[[JsonObject], T]


def _get(path: str, read: Callable[[JsonObject], T], query: Query | None = None) -> Call[T]:
    return Call(Request("GET", path, query or {}, repeatable=True), read)


def _post(path: str, read: Callable[[JsonObject], T], body: object = None, key: str = "") -> Call[T]:
    headers = {"Idempotency-Key": key} if key else {}
    return Call(Request("POST", path, body=body, headers=headers, repeatable=bool(key)), read)


def run_path(run_id: str) -> str:
    return f"/v1/runs/{segment(run_id)}"


# --- models ---


def list_models() -> Call[tuple[Model, ...]]:
    return _get("/v1/models", lambda body: tuple(Model.model_validate(one) for one in body["models"]))


def get_model(name: str) -> Call[Model]:
    return _get(f"/v1/models/{segment(name)}", Model.model_validate)


def add_model(entry: JsonObject) -> Call[Model]:
    return _post("/v1/models", Model.model_validate, entry)


# --- runs ---


def submit_run(spec: JsonObject, key: str) -> Call[Run]:
    return _post("/v1/runs", Run.model_validate, spec, key)


def get_run(run_id: str) -> Call[Run]:
    return _get(run_path(run_id), Run.model_validate)


def list_runs(model: str, page_size: int, cursor: str) -> Call[RunPage]:
    return _get("/v1/runs", RunPage.model_validate, {"model": model, "page_size": page_size, "cursor": cursor})


def act_on_run(run_id: str, act: str) -> Call[Run]:
    return _post(f"{run_path(run_id)}/{act}", Run.model_validate)


def rejudge_run(run_id: str, judges: Mapping[str, str]) -> Call[Run]:
    return _post(f"{run_path(run_id)}/rejudge", Run.model_validate, {"judges": dict(judges)})


def rescore_run(run_id: str) -> Call[Report]:
    return _post(f"{run_path(run_id)}/rescore", Report.model_validate)


def get_report(run_id: str) -> Call[Report]:
    return _get(f"{run_path(run_id)}/report", Report.model_validate)


def compare_runs(run_a: str, run_b: str, samples: int) -> Call[RunComparison]:
    return _get("/v1/compare", RunComparison.model_validate, {"a": run_a, "b": run_b, "samples": samples or None})


# --- items ---


def list_items(run_id: str, filters: Query, page_size: int, cursor: str) -> Call[ItemPage]:
    query = {**filters, "page_size": page_size, "cursor": cursor}
    return _get(f"{run_path(run_id)}/items", ItemPage.model_validate, query)


def get_item(item_id: str) -> Call[ItemDetail]:
    return _get(f"/v1/items/{segment(item_id)}", ItemDetail.model_validate)


# --- boards ---


def list_boards() -> Call[tuple[Board, ...]]:
    return _get("/v1/boards", lambda body: tuple(Board.model_validate(one) for one in body["boards"]))


def get_board(board: str) -> Call[Board]:
    return _get(f"/v1/boards/{segment(board)}", Board.model_validate)


def board_table(board: str, filters: Query) -> Call[BoardTable]:
    return _get(f"/v1/boards/{segment(board)}/table", BoardTable.model_validate, filters)


def analyse(kind: str, board: str, rows: Sequence[str], columns: Sequence[str], options: Query) -> Call[Analysis]:
    query = {"board": board, "rows": ",".join(rows), "columns": ",".join(columns), **options}
    return _get(f"/v1/analyses/{segment(kind)}", Analysis.model_validate, query)


def list_references(board: str) -> Call[ReferenceList]:
    return _get(f"/v1/boards/{segment(board)}/references", ReferenceList.model_validate)


def import_references(board: str, table: JsonObject) -> Call[ImportedReferences]:
    return _post(f"/v1/boards/{segment(board)}/references", ImportedReferences.model_validate, table)


def remove_references(board: str, source: str, version: str) -> Call[None]:
    path = f"/v1/boards/{segment(board)}/references/{segment(source)}/{segment(version)}"
    return Call(Request("DELETE", path), lambda _: None)


def gate(baseline: str, candidate: str, board: str, options: Query) -> Call[GateReport]:
    query = {"baseline": baseline, "candidate": candidate, "board": board, **options}
    return _get("/v1/gate", GateReport.model_validate, query)


# --- submissions ---


def submit_model(order: JsonObject) -> Call[Submission]:
    return _post("/v1/submissions", Submission.model_validate, order)


def get_submission(submission_id: str) -> Call[Submission]:
    return _get(f"/v1/submissions/{segment(submission_id)}", Submission.model_validate)


def list_submissions(filters: Query, page_size: int, cursor: str) -> Call[SubmissionPage]:
    query = {**filters, "page_size": page_size, "cursor": cursor}
    return _get("/v1/submissions", SubmissionPage.model_validate, query)


# --- remarks ---


def add_remark(item_id: str, kind: str, text: str) -> Call[Remark]:
    return _post(f"/v1/items/{segment(item_id)}/remarks", Remark.model_validate, {"kind": kind, "text": text})


def list_remarks(filters: Query, page_size: int, cursor: str) -> Call[RemarkPage]:
    return _get("/v1/remarks", RemarkPage.model_validate, {**filters, "page_size": page_size, "cursor": cursor})


def moderate_remark(remark_id: str, state: str, answer: str) -> Call[Remark]:
    body = {"state": state, "answer": answer}
    request = Request("PUT", f"/v1/remarks/{segment(remark_id)}/state", body=body, repeatable=True)
    return Call(request, Remark.model_validate)


# --- webhooks ---


def create_webhook(url: str, events: Sequence[str]) -> Call[NewWebhook]:
    return _post("/v1/webhooks", NewWebhook.model_validate, {"url": url, "events": list(events)})


def list_webhooks() -> Call[tuple[Webhook, ...]]:
    return _get("/v1/webhooks", lambda body: tuple(Webhook.model_validate(one) for one in body["webhooks"]))


def delete_webhook(webhook_id: str) -> Call[None]:
    return Call(Request("DELETE", f"/v1/webhooks/{segment(webhook_id)}"), lambda _: None)


def list_deliveries(webhook_id: str, state: str, page_size: int, cursor: str) -> Call[DeliveryPage]:
    query: Query = {"state": state, "page_size": page_size, "cursor": cursor}
    return _get(f"/v1/webhooks/{segment(webhook_id)}/deliveries", DeliveryPage.model_validate, query)


def retry_delivery(delivery_id: str) -> Call[Delivery]:
    return _post(f"/v1/webhooks/deliveries/{segment(delivery_id)}/retry", Delivery.model_validate)
