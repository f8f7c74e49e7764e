"""What a board is, and how its file is read."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

from shinsa_benchmarks.documents import read_document
from shinsa_benchmarks.near_names import did_you_mean

Language = Literal["en", "ja"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
Titles = dict[Language, str]
Weight = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Leaf(_Part):
    """The score that a leaf shows: ``offset + factor * score``. An empty ``metric`` is the benchmark's primary one.

    Without ``shots`` it is the score at the row's shot count. A ``planned`` leaf may name a benchmark or metric that
    the catalog does not have: it cannot be measured here until it does.
    """

    benchmark: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    shots: int | None = Field(None, ge=0)
    metric: str = ""
    factor: float = Field(1.0, allow_inf_nan=False)
    offset: float = Field(0.0, allow_inf_nan=False)
    planned: bool = False


class _Titled(_Part):
    """``titles`` are by language, where ``title`` does not serve both."""

    title: str
    titles: Titles = {}

    def titled(self) -> dict[str, str]:
        """The title in each language."""
        return {language: self.titles.get(language, self.title) for language in LANGUAGES}


class Node(_Titled):
    """A place on the board. Without ``score`` it is the weighted mean of its parts.

    Its parts are the nodes that name it as parent, each by its ``weight``, and those of ``includes``, which stand
    elsewhere on the board. A node of weight 0 is shown but counts for nothing above it. ``lowest`` and ``highest``
    bound its value. ``if_missing`` says how it counts in a partial mean above it when nothing of it was measured.
    """

    id: str = Field(pattern=r"^[a-z][a-z0-9_-]*$")
    parent: str = ""
    weight: float = Field(1.0, ge=0, allow_inf_nan=False)
    includes: dict[str, Weight] = {}
    score: Leaf | None = None
    published_names: list[str] = []
    lowest: float = Field(0.0, allow_inf_nan=False)
    highest: float = Field(1.0, allow_inf_nan=False)
    if_missing: Literal["skip", "zero"] = "skip"


class Board(_Titled):
    """A tree with one root, the total. It has a row for each model and shot count of ``shots``.

    ``row_columns`` are columns of published tables that name a row, ``other_columns`` those that no node stands for.
    """

    id: str = Field(pattern=r"^[a-z][a-z0-9_-]*$")
    description: str = ""
    shots: list[int] = Field([0], min_length=1)
    row_columns: list[str] = []
    other_columns: list[str] = []
    nodes: list[Node]

    @model_validator(mode="after")
    def _is_a_tree(self) -> Board:
        known = [node.id for node in self.nodes]
        if twice := sorted({name for name in known if known.count(name) > 1}):
            raise ValueError(f"nodes: {twice[0]!r} stands twice")
        roots = [node.id for node in self.nodes if not node.parent]
        if len(roots) != 1:
            raise ValueError(f"nodes: exactly one has no parent (the total), not {len(roots)}: {', '.join(roots)}")
        for node in self.nodes:
            _check_references(node, known)
        for node in self.nodes:
            self._check_parts(node)
        if lost := set(known) - set(self._below(roots[0])):
            raise ValueError(f"nodes: {sorted(lost)[0]!r} is not below the root {roots[0]!r}")
        self._check_rings()
        self._check_names()
        return self

    @cached_property
    def root(self) -> Node:
        return next(node for node in self.nodes if not node.parent)

    @cached_property
    def by_id(self) -> Mapping[str, Node]:
        return {node.id: node for node in self.nodes}

    def children(self, node_id: str) -> Sequence[Node]:
        """The nodes that name it as parent, in the file's order."""
        return self._by_parent.get(node_id, ())

    def parts(self, node: Node) -> Sequence[tuple[float, Node]]:
        """What its value is the mean of, each with its weight; none of a leaf."""
        below = [(child.weight, child) for child in self.children(node.id) if child.weight]
        return [*below, *((weight, self.by_id[name]) for name, weight in node.includes.items())]

    def named(self, name: str) -> Node | None:
        """The node with this id or published name (compared in NFKC, case folded)."""
        return self._names.get(_folded(name))

    def near(self, name: str) -> list[str]:
        """Ids, published names and known columns that come near, best first."""
        known = [other for node in self.nodes for other in (node.id, *node.published_names)]
        return difflib.get_close_matches(name, dict.fromkeys([*known, *self.row_columns, *self.other_columns]))

    @cached_property
    def _by_parent(self) -> Mapping[str, list[Node]]:
        found: dict[str, list[Node]] = {}
        for node in self.nodes:
            found.setdefault(node.parent, []).append(node)
        return found

    @cached_property
    def _names(self) -> Mapping[str, Node]:
        return {_folded(name): node for node in self.nodes for name in (node.id, *node.published_names)}

    def _check_parts(self, node: Node) -> None:
        where = f"node {node.id!r}"
        has_parts = bool(self.children(node.id) or node.includes)
        if (node.score is None) != has_parts:
            raise ValueError(f"{where}: either a score or nodes below it, not both and not neither")
        if has_parts and not self.parts(node):
            raise ValueError(f"{where}: no node below it has a weight greater than 0")

    def _check_rings(self) -> None:
        settled: set[str] = set()

        def visit(node: Node, path: tuple[str, ...]) -> None:
            if node.id in path:
                raise ValueError(f"nodes: {' > '.join([*path, node.id])} runs in a ring")
            if node.id not in settled:
                for _, part in self.parts(node):
                    visit(part, (*path, node.id))
                settled.add(node.id)

        for node in self.nodes:
            visit(node, ())

    def _check_names(self) -> None:
        names = [name for node in self.nodes for name in {_folded(one) for one in (node.id, *node.published_names)}]
        names += [_folded(name) for name in (*self.row_columns, *self.other_columns)]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"nodes: the name {twice[0]!r} stands for two things")

    def _below(self, node_id: str) -> list[str]:
        return [node_id, *(name for child in self.children(node_id) for name in self._below(child.id))]


def read_board(path: Path) -> Board:
    """Reads and validates one board. Raises ``DocumentError``."""
    return read_document(path, Board)


def _check_references(node: Node, known: Sequence[str]) -> None:
    where = f"node {node.id!r}"
    if node.parent and node.parent not in known:
        raise ValueError(f"{where}: unknown parent {node.parent!r}{did_you_mean(node.parent, known)}")
    for name in node.includes:
        if name not in known:
            raise ValueError(f"{where}: includes unknown node {name!r}{did_you_mean(name, known)}")
    if not node.lowest < node.highest:
        raise ValueError(f"{where}: 'lowest' must be below 'highest'")


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", name).strip().casefold()
