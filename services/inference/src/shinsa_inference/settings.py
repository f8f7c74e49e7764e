"""What the inference service is told from outside."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field
from shinsa_chassis.settings import ServiceSettings, service_config


class InferenceSettings(ServiceSettings):
    """Environment variables ``SHINSA_INFERENCE_*``."""

    model_config = service_config("inference")

    grpc_port: int = Field(default=50051, description="port of the gRPC door; 0 takes a free one")
    models_file: Path | None = Field(default=None, description="TOML file with [[model]] entries of this replica")
    accelerator: Literal["cuda"] | None = Field(
        default=None,
        description="what models with weights compute on: with `cuda` the service is not ready, and takes no work for "
        "them, before there is a GPU; unset: whatever vLLM finds when a model is loaded",
    )
    max_loaded_engines: int = Field(default=1, ge=1, description="engines with weights in memory at the same time")
    switch_after_idle_seconds: float = Field(
        default=2.0, ge=0, description="how long a loaded model must be idle before another takes its place"
    )
    allow_remote_code: bool = Field(
        default=False, description="whether a model's entry may have code of the model's own run (trust_remote_code)"
    )
    reload_after_seconds: float = Field(
        default=60.0, ge=0, description="how long after a failed load the next demand may try it again"
    )
