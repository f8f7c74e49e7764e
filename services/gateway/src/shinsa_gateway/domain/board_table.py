"""A board as one table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from pydantic import ConfigDict, Field

from shinsa_gateway.domain.board import Names
from shinsa_gateway.domain.resource import Resource


@dataclass(frozen=True, slots=True)
class TableDocument:
    """A ``BoardTable`` in JSON, compressed with gzip; ``digest`` is of the text."""

    digest: str
    content: bytes


class TableColumn(Resource):
    """A node of the board."""

    id: str
    name: Names
    published_names: tuple[str, ...] = Field(description="What tables published elsewhere call it.")
    parent: str = Field(description="Id of the column above; empty for the total.")
    depth: int
    kind: Literal["total", "category", "leaf"]
    scale: Literal[1, 100] = Field(description="What its highest value is.")
    weight: float = Field(description="Share in the column above; 0: shown and not counted.")


class RowMeta(Resource):
    """What is known of the model; null: not known."""

    type: str | None
    precision: str | None
    size_b: float | None = Field(description="Parameters in billions.")
    architecture: str | None
    licence: str | None
    hub_id: str | None
    revision: str | None
    engine: str | None
    versions: dict[str, str]


class TableRow(Resource):
    """A model at a shot count: measured here, or as somebody else published it."""

    id: str = Field(description="Stays the same when a newer run takes the row over.")
    model: str
    source: Literal["run", "reference"]
    source_name: str = Field(description="Who published a reference row; else empty.")
    source_version: str
    run_id: str = Field(description="Empty for a reference row.")
    shots: str = Field(description="Empty where the board has one row a model, or the source does not say.")
    complete: bool = Field(description="Whether nothing that counts towards the total is missing.")
    missing: tuple[str, ...] = Field(description="The leaves that the total lacks.")
    finished_at: str = Field(description="Time or date; empty where it is not known.")
    meta: RowMeta
    cells: dict[str, tuple[float | None, float | None, bool]] = Field(
        description="By column: value, standard error, and whether nothing below is missing. A value that is not "
        "complete is the mean over what is there, as the board says."
    )


class TableSource(Resource):
    """An edition of a table published elsewhere."""

    name: str
    version: str
    format: str
    note: str
    imported_at: str


_EXAMPLE: dict[str, Any] = {
    "board": "demo",
    "title": {"en": "Demo", "ja": "Demo"},
    "columns": [
        {
            "id": "total",
            "name": {"en": "Total", "ja": "総合"},
            "published_names": ["AVG"],
            "parent": "",
            "depth": 0,
            "kind": "total",
            "scale": 1,
            "weight": 1,
        }
    ],
    "rows": [
        {
            "id": "smollm2-135m-instruct~4",
            "model": "smollm2-135m-instruct",
            "source": "run",
            "source_name": "",
            "source_version": "",
            "run_id": "01JD3V8Q6Y",
            "shots": "4",
            "complete": True,
            "missing": [],
            "finished_at": "2026-11-21T10:00:00+00:00",
            "meta": {
                "type": "instruction-tuned",
                "precision": "bfloat16",
                "size_b": 0.135,
                "architecture": "LlamaForCausalLM",
                "licence": "apache-2.0",
                "hub_id": None,
                "revision": None,
                "engine": "vllm",
                "versions": {},
            },
            "cells": {"total": [0.31, 0.02, True]},
        }
    ],
    "sources": [],
}


class BoardTable(Resource):
    """A board with all its rows, by total."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    board: str
    title: Names
    columns: tuple[TableColumn, ...]
    rows: tuple[TableRow, ...]
    sources: tuple[TableSource, ...]
