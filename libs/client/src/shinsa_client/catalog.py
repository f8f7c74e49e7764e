"""What can be asked: models, benchmarks, suites, boards, judges."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from shinsa_client.answer import Answer, JsonObject
from shinsa_client.run import BenchmarkChoice


class Finding(Answer):
    subject: str
    verdict: str
    detail: str = ""


class ModelCheck(Answer):
    findings: tuple[Finding, ...] = ()
    accepts: tuple[str, ...] = ()


class Price(Answer):
    """Of a million tokens."""

    prompt: float
    completion: float
    currency: str = "USD"


class Model(Answer):
    name: str
    vllm: JsonObject | None = None
    openai: JsonObject | None = None
    scripted: JsonObject | None = None
    concurrency: int = 0
    labels: dict[str, str] = Field(default_factory=dict)
    state: str = ""
    problem: str = ""
    in_flight: int = 0
    price: Price | None = None

    @property
    def engine(self) -> str:
        """The engine's name: ``vllm``, ``openai`` or ``scripted``."""
        return next((name for name in ("vllm", "openai", "scripted") if getattr(self, name) is not None), "?")

    @property
    def serves(self) -> str:
        """What the engine is told to serve."""
        settings: JsonObject = self.vllm or self.openai or {}
        if self.scripted is not None:
            otherwise = self.scripted.get("otherwise")
            return f"{len(self.scripted.get('rules', ()))} rules" + (f", otherwise {otherwise!r}" if otherwise else "")
        return " @ ".join(filter(None, (settings.get("model", ""), settings.get("base_url", ""))))


class Benchmark(Answer):
    id: str
    title: str = ""
    version: str = ""
    licence: str = ""
    description: str = ""
    shots: tuple[int, ...] = ()
    metrics: tuple[str, ...] = ()
    primary_metric: str = ""
    steps: tuple[str, ...] = ()
    judge_roles: tuple[str, ...] = ()
    specimen_samples: int = 0
    prepared: bool = False


class Suite(Answer):
    id: str
    title: str = ""
    benchmarks: tuple[BenchmarkChoice, ...] = ()


class BoardNode(Answer):
    id: str
    title: str = ""
    titles: Mapping[str, str] = {}
    parent: str = ""
    weight: float = 1


class BoardCell(Answer):
    node: str
    value: float | None = None
    stderr: float | None = None
    complete: bool = True


class BoardRow(Answer):
    model: str
    run_id: str = ""
    cells: tuple[BoardCell, ...] = ()
    complete: bool = True


class Board(Answer):
    id: str
    title: str = ""
    titles: Mapping[str, str] = {}
    nodes: tuple[BoardNode, ...] = ()
    rows: tuple[BoardRow, ...] = ()


class Profile(Answer):
    name: str
    kind: str = ""
    model: str = ""
    digest: str = ""
    available: bool = True
    problem: str = ""


class Rubric(Answer):
    id: str
    digest: str = ""
    description: str = ""
    fields: tuple[str, ...] = ()
    lowest: float = 0
    highest: float = 0


class RoleDefault(Answer):
    role: str
    profile: str


class JudgeCatalog(Answer):
    profiles: tuple[Profile, ...] = ()
    rubrics: tuple[Rubric, ...] = ()
    roles: tuple[RoleDefault, ...] = ()
