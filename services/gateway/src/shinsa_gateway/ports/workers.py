"""Who works for runs, asked for one thing at a time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from shinsa_gateway.domain.catalog import Runtime
from shinsa_gateway.domain.generation import Completion, Order
from shinsa_gateway.domain.judge import JudgeCatalog
from shinsa_gateway.domain.judgement import Verdict
from shinsa_gateway.domain.model import ModelCheck, ServedModel


class Inference(Protocol):
    """Which models are served, how they are, and what they say."""

    async def list_models(self) -> tuple[ServedModel, ...]: ...

    async def generate(self, model: str, order: Order) -> Completion: ...

    async def check(self, model: str) -> ModelCheck: ...


class Judges(Protocol):
    """Which judges there are, and what one of them finds."""

    async def list_profiles(self) -> JudgeCatalog: ...

    async def judge(self, profile: str, rubric: str, fields: Mapping[str, str]) -> Verdict: ...


class Sandbox(Protocol):
    """Where programs can be run."""

    async def list_runtimes(self) -> tuple[Runtime, ...]: ...
