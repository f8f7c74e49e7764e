"""Envelopes of lists that are not paged."""

from __future__ import annotations

from pydantic import Field

from shinsa_gateway.domain.board import Board
from shinsa_gateway.domain.catalog import Benchmark, Runtime, Suite
from shinsa_gateway.domain.model import Model
from shinsa_gateway.domain.reference import ReferenceTable
from shinsa_gateway.domain.resource import Resource


class ModelList(Resource):
    """All registered models."""

    models: tuple[Model, ...]


class BenchmarkList(Resource):
    """All benchmarks."""

    benchmarks: tuple[Benchmark, ...]


class SuiteList(Resource):
    """All suites."""

    suites: tuple[Suite, ...]


class BoardList(Resource):
    """All boards, without rows."""

    boards: tuple[Board, ...]


class ReferenceList(Resource):
    """Every imported edition of a board's reference tables."""

    tables: tuple[ReferenceTable, ...]


class RuntimeList(Resource):
    """All runtimes of the sandbox."""

    runtimes: tuple[Runtime, ...]


class Version(Resource):
    """Which gateway this is."""

    version: str = Field(examples=["0.1.0"])
    api: str = Field(default="v1", examples=["v1"])


class Health(Resource):
    """Whether the gateway is well."""

    status: str = Field(examples=["ok"])
