"""Models: what is examined, and how it is served."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import ConfigDict, Field, model_validator

from shinsa_gateway.domain.engine import OpenAiEngine, ScriptedEngine, VllmEngine
from shinsa_gateway.domain.generation import Sampling
from shinsa_gateway.domain.resource import Amount, Resource, Small, Writable, one_of

ModelName = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9._-]+$",
        max_length=200,
        description="Key of the model: letters, digits, '.', '_' and '-'.",
        examples=["smollm2-135m-instruct"],
    ),
]


class ModelState(StrEnum):
    """Where a model stands with the inference service."""

    IDLE = "idle"
    LOADING = "loading"
    READY = "ready"
    FAILED = "failed"
    # Registered, but the inference service that answered does not have it.
    UNSERVED = "unserved"
    # The inference service could not be asked, or said something this gateway does not know.
    UNKNOWN = "unknown"


class ModelCard(Writable):
    """What boards show of a model, filter and group by. Empty strings and a null size: not known."""

    type: str = Field(
        default="",
        max_length=64,
        description="`pretrained`, `fine-tuned`, `instruction-tuned`, `rl-tuned`, `multimodal`, `merged` or "
        "`proprietary`.",
    )
    size_b: Annotated[float, Field(gt=0, lt=1e6, allow_inf_nan=False)] | None = Field(
        default=None, description="Parameters in billions; all of them in a mixture of experts."
    )
    precision: str = Field(default="", max_length=64, description="As `bfloat16`; empty: what the engine is told.")
    architecture: str = Field(default="", max_length=200, description="As `LlamaForCausalLM`.")
    licence: str = Field(default="", max_length=200, description="SPDX id where there is one.")
    hub_id: str = Field(default="", max_length=400)
    revision: str = Field(default="", max_length=200, description="Commit.")


OPENAI_EXAMPLE: dict[str, Any] = {
    "openai": {"base_url": "https://api.example.com/v1", "model": "gpt-4o-mini", "api_key_env": "OPENAI_API_KEY"},
    "concurrency": 32,
    "labels": {"type": "instruct"},
}
VLLM_EXAMPLE: dict[str, Any] = {
    "vllm": {"model": "/models/smollm2-135m-instruct", "dtype": "bfloat16", "max_model_len": 2048},
    "card": {"type": "instruction-tuned", "size_b": 0.135, "licence": "apache-2.0"},
}


class Price(Writable):
    """Price of a million tokens."""

    prompt: Amount
    completion: Amount
    cached_prompt: Amount | None = Field(default=None, description="Null: cached prompt tokens cost what others do.")
    currency: str = Field(default="USD", description="ISO 4217.")


class ModelDefinition(Writable):
    """How a model is served. Exactly one of `vllm`, `openai` and `scripted` is set."""

    model_config = ConfigDict(json_schema_extra={"examples": [OPENAI_EXAMPLE, VLLM_EXAMPLE]})

    vllm: VllmEngine | None = None
    openai: OpenAiEngine | None = None
    scripted: ScriptedEngine | None = None
    concurrency: Small = Field(default=0, description="Most requests in flight; 0: the engine's own default.")
    card: ModelCard = Field(default_factory=ModelCard)
    labels: dict[str, str] = Field(
        default_factory=dict, description="Words for people: size, type, licence. Never interpreted."
    )
    sampling: Sampling = Field(
        default_factory=Sampling, description="What of the sampling a request leaves open is taken from here."
    )
    price: Price | None = Field(default=None, description="Null: no costs are reported.")

    @model_validator(mode="after")
    def _one_engine(self) -> Self:
        one_of(vllm=self.vllm, openai=self.openai, scripted=self.scripted)
        return self


class ModelEntry(ModelDefinition):
    """A registered model: its name and how it is served."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"name": "gpt-4o-mini", **OPENAI_EXAMPLE},
                {"name": "smollm2-135m-instruct", **VLLM_EXAMPLE},
            ]
        }
    )

    name: ModelName


class Model(ModelEntry):
    """A registered model with the live state that the inference service reports of it."""

    model_config = ConfigDict(
        json_schema_serialization_defaults_required=True,
        json_schema_extra={
            "examples": [
                {
                    "name": "gpt-4o-mini",
                    "vllm": None,
                    "openai": OpenAiEngine.model_validate(OPENAI_EXAMPLE["openai"]).model_dump(mode="json"),
                    "scripted": None,
                    "concurrency": 32,
                    "card": {
                        "type": "proprietary",
                        "size_b": None,
                        "precision": "",
                        "architecture": "",
                        "licence": "",
                        "hub_id": "",
                        "revision": "",
                    },
                    "labels": {"type": "instruct"},
                    "sampling": Sampling().model_dump(mode="json"),
                    "price": None,
                    "state": "ready",
                    "problem": "",
                    "in_flight": 3,
                }
            ]
        },
    )

    state: ModelState
    problem: str = Field(default="", description="Why the state is `failed` or `unknown`.")
    in_flight: int = Field(default=0, description="Requests that the model is answering now.")


class ServedModel(Resource):
    """What the inference service says of one model."""

    name: str
    state: ModelState
    problem: str = ""
    in_flight: int = 0


class Finding(Resource):
    """How a model fared with one thing."""

    subject: str = Field(description="A sampling field, or `chat`, `raw`, `system`, `stream` and the like.")
    verdict: str = Field(description="`works`, `taken` (no error, no visible effect), `ignored`, `refused`, `unknown`.")
    detail: str = ""


class ModelCheck(Resource):
    """Which parameters and forms of a model really work."""

    model_config = ConfigDict(
        json_schema_serialization_defaults_required=True,
        json_schema_extra={
            "examples": [
                {
                    "findings": [{"subject": "max_tokens", "verdict": "works", "detail": "The answer was cut there."}],
                    "accepts": ["max_tokens"],
                }
            ]
        },
    )

    findings: tuple[Finding, ...]
    accepts: tuple[str, ...] = Field(default=(), description="Sampling fields for an entry's `accepts`.")
