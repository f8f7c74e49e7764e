"""Boards: a weighted tree of scores, and the models on it."""

from __future__ import annotations

from pydantic import ConfigDict, Field

from shinsa_gateway.domain.resource import Resource


class Names(Resource):
    """A name in both languages."""

    en: str
    ja: str


class BoardPart(Resource):
    """A node that another one is a mean of, though it does not stand below it."""

    node: str
    weight: float


class BoardNode(Resource):
    """One node of a board's tree."""

    id: str
    title: str
    titles: Names
    parent: str = Field(description="Id of the node above; empty for the root.")
    weight: float
    published_names: tuple[str, ...] = Field(default=(), description="Columns of published tables that it stands for.")
    includes: tuple[BoardPart, ...] = Field(
        default=(), description="Nodes from elsewhere on the board that it is a mean of."
    )


class BoardCell(Resource):
    """The value of one node for one row; null where a leaf below is missing."""

    node: str
    value: float | None = None
    stderr: float | None = None
    complete: bool
    missing: tuple[str, ...] = Field(default=(), description="Ids of the leaves below that were not measured.")


class BoardRow(Resource):
    """One model on the board."""

    model: str
    run_id: str
    cells: tuple[BoardCell, ...]
    complete: bool
    shots: int | None = Field(default=None, description="Set where the board has a row for each shot count.")


class Board(Resource):
    """A weighted tree of scores, and the models on it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "demo",
                    "title": "Demo board",
                    "titles": {"en": "Demo board", "ja": "デモ"},
                    "nodes": [
                        {
                            "id": "total",
                            "title": "Total",
                            "titles": {"en": "Total", "ja": "総合"},
                            "parent": "",
                            "weight": 1.0,
                            "published_names": ["TOTAL_SCORE"],
                            "includes": [],
                        },
                        {
                            "id": "jcommonsenseqa",
                            "title": "JCommonsenseQA",
                            "titles": {"en": "JCommonsenseQA", "ja": "JCommonsenseQA"},
                            "parent": "total",
                            "weight": 1.0,
                            "published_names": [],
                            "includes": [],
                        },
                    ],
                    "rows": [
                        {
                            "model": "smollm2-135m-instruct",
                            "run_id": "01JD3V8Q6Y",
                            "cells": [
                                {"node": "total", "value": 0.31, "stderr": 0.02, "complete": True, "missing": []}
                            ],
                            "complete": True,
                            "shots": 0,
                        }
                    ],
                }
            ]
        }
    )

    id: str
    title: str
    titles: Names
    nodes: tuple[BoardNode, ...]
    rows: tuple[BoardRow, ...] = Field(default=(), description="Empty in the list of boards.")
