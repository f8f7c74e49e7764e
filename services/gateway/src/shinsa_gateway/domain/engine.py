"""Engines: what turns a prompt into a completion, and how each is told what to serve."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from shinsa_gateway.domain.resource import Amount, Small, Writable


class VllmEngine(Writable):
    """Served in-process by vLLM. Empty strings and zeros leave vLLM's own defaults in force."""

    model: str = Field(min_length=1, description="A directory, or a hub id where the network allows it.")
    revision: str = ""
    tokenizer: str = ""
    dtype: str = ""
    max_model_len: Small = 0
    tensor_parallel_size: Small = 0
    pipeline_parallel_size: Small = 0
    quantization: str = ""
    gpu_memory_utilization: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = 0
    max_num_seqs: Small = 0
    enforce_eager: bool = False
    enable_prefix_caching: bool | None = None
    chat_template: str = Field(
        default="", description="A Jinja template or a file with one; `none`: raw prompts only; empty: the tokenizer's."
    )
    reasoning_parser: str = ""
    tool_call_parser: str = ""
    trust_remote_code: bool = False
    lora: str = Field(default="", description="Directory of a LoRA adapter for this model's weights.")
    speculative_config_json: str = Field(default="", description="As vLLM's `--speculative-config` takes it.")
    extra_arguments_json: str = Field(
        default="", description="Any other engine argument of the installed vLLM, by its name there."
    )
    add_special_tokens: bool | None = Field(
        default=None, description="Whether raw prompts get the tokenizer's special tokens; null: as the tokenizer does."
    )


class OpenAiEngine(Writable):
    """Any OpenAI-compatible endpoint."""

    base_url: str = Field(default="", description="Root of the API; empty: the preset's.")
    model: str = Field(min_length=1, description="The model as the endpoint names it.")
    api_key_env: str = Field(
        default="", description="Environment variable of the inference service that holds the key; empty: none is sent."
    )
    accepts: tuple[str, ...] = Field(
        default=(), description="Sampling fields that the endpoint takes; empty: what every compatible endpoint takes."
    )
    timeout_seconds: Amount = Field(default=0, description="0 leaves the inference service's default in force.")
    preset: str = Field(default="", description="A known provider, which fills in what is left out.")
    api: str = Field(default="", description="`chat` or `responses`; empty: the preset's, else `chat`.")
    azure_api_version: str = Field(default="", description="Set for Azure OpenAI; `model` is then the deployment.")
    stream: bool | None = Field(default=None, description="Take answers as streams: only silence counts as a timeout.")
    silence_seconds: Amount = Field(default=0, description="Longest silence of a stream; 0: the service's default.")
    requests_per_minute: Small = Field(default=0, description="Most that the endpoint allows; 0: not limited by us.")
    tokens_per_minute: Annotated[int, Field(ge=0, le=2**63 - 1)] = 0
    extra_body_json: str = Field(default="", description="JSON object merged into every body as it is.")


class Rule(Writable):
    """One rule of a scripted model."""

    pattern: str = Field(description="Regular expression, searched in the last user message or raw prompt.")
    reply: str = Field(description=r"May use the groups of the match as \1 or \g<name>.")


class ScriptedEngine(Writable):
    """Answers by rule; for tests and dry runs."""

    rules: tuple[Rule, ...] = ()
    otherwise: str = Field(default="", description="Where no rule matches; empty: such a prompt is an error.")
    latency_seconds: Amount = 0
