"""What a served model is, and how many requests it takes at once. Mirrors ``shinsa.inference.v1.ModelEntry``."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum

from shinsa_inference.domain.completion import Cost, TokenUsage
from shinsa_inference.domain.request import SAMPLING_FIELDS, Sampling

# vLLM's own default for a server; see SchedulerConfig.max_num_seqs.
VLLM_SEQUENCES = 256
# Requests beyond the batch wait inside the engine, so that a sequence that ends is replaced at the next step.
VLLM_LOOKAHEAD = 1.5
# A bound for what is found out by growing.
OPENAI_CONCURRENCY = 256
SCRIPTED_CONCURRENCY = 256

EVERY_SHAPE = ("json_schema", "regex", "choice")

# What only vLLM and its like take; an endpoint must say that it does.
UNCOMMON_FIELDS = frozenset(
    {"top_k", "min_p", "repetition_penalty", "chat_template_arguments_json", "reasoning_budget_tokens"}
)


@dataclass(frozen=True, slots=True)
class VllmEngine:
    """A model in this process' care; zero and empty leave vLLM's own default in force."""

    model: str
    revision: str = ""
    tokenizer: str = ""
    dtype: str = ""
    max_model_len: int = 0
    tensor_parallel_size: int = 0
    pipeline_parallel_size: int = 0
    quantization: str = ""
    gpu_memory_utilization: float = 0.0
    max_num_seqs: int = 0
    enforce_eager: bool = False
    enable_prefix_caching: bool | None = None
    chat_template: str = ""
    reasoning_parser: str = ""
    tool_call_parser: str = ""
    trust_remote_code: bool = False
    lora: str = ""
    speculative_config_json: str = ""
    extra_arguments_json: str = ""
    # Of raw prompts; None: as the tokenizer does.
    add_special_tokens: bool | None = None


@dataclass(frozen=True, slots=True)
class OpenAiEngine:
    """An OpenAI-compatible endpoint; ``accepts`` empty means every sampling field but the uncommon ones.

    ``preset`` names a provider whose address, key variable and ``accepts`` have been filled in already; ``api`` is
    "chat" or "responses". Rates are per minute, 0 for none of ours; times in seconds, 0 for the default.
    """

    base_url: str
    model: str
    api_key_env: str = ""
    accepts: tuple[str, ...] = ()
    timeout_seconds: float = 0.0
    preset: str = ""
    api: str = "chat"
    azure_api_version: str = ""
    stream: bool = False
    silence_seconds: float = 0.0
    requests_per_minute: int = 0
    tokens_per_minute: int = 0
    extra_body_json: str = ""
    # Kinds of structured output that a preset's provider takes, and whether it takes raw prompts.
    shapes: tuple[str, ...] = ()
    takes_raw: bool = True

    def takes(self, name: str) -> bool:
        """Whether the endpoint takes this field of ``Sampling``."""
        return name in self.accepts if self.accepts else name not in UNCOMMON_FIELDS

    def takes_shape(self, kind: str) -> bool:
        """Whether it takes this kind of structured output; whoever names it in ``accepts`` means vLLM's kinds too."""
        explicit = EVERY_SHAPE if "structured_output" in self.accepts else EVERY_SHAPE[:1]
        return kind in (self.shapes or explicit)

    def unguarded(self) -> OpenAiEngine:
        """The same, asked everything: for finding out what it takes."""
        return replace(self, accepts=SAMPLING_FIELDS, shapes=EVERY_SHAPE, takes_raw=True)


@dataclass(frozen=True, slots=True)
class Rule:
    """A pattern searched in the last user turn or raw prompt, and a reply that may use its groups."""

    pattern: str
    reply: str


@dataclass(frozen=True, slots=True)
class ScriptedEngine:
    """Answers by rule; ``otherwise`` empty makes a prompt that matches none an error."""

    rules: tuple[Rule, ...] = ()
    otherwise: str = ""
    latency_seconds: float = 0.0


Engine = VllmEngine | OpenAiEngine | ScriptedEngine


@dataclass(frozen=True, slots=True)
class Price:
    """Of a million tokens; ``cached_prompt`` None: as ``prompt``. ``currency`` is an ISO 4217 code."""

    prompt: float
    completion: float
    cached_prompt: float | None = None
    currency: str = "USD"

    def of(self, usage: TokenUsage) -> Cost:
        """What these tokens cost."""
        cached = min(usage.cached, usage.prompt)
        cached_price = self.prompt if self.cached_prompt is None else self.cached_prompt
        amount = (usage.prompt - cached) * self.prompt + cached * cached_price + usage.completion * self.completion
        return Cost(amount / 1e6, self.currency)


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """A name for an engine's settings; the name is also the key of its work queue.

    ``sampling`` fills in what a request leaves open. ``version`` is how askers call just this entry; empty where nobody
    has told.
    """

    name: str
    engine: Engine
    concurrency: int = 0
    labels: tuple[tuple[str, str], ...] = ()
    sampling: Sampling = field(default_factory=Sampling)
    price: Price | None = None
    version: str = field(default="", compare=False)

    @property
    def holds_weights(self) -> bool:
        """Whether its engine fills memory, so that only so many fit at once."""
        return isinstance(self.engine, VllmEngine)

    @property
    def window(self) -> int:
        """Most requests in flight."""
        if self.concurrency:
            return self.concurrency
        match self.engine:
            case VllmEngine(max_num_seqs=sequences):
                return math.ceil((sequences or VLLM_SEQUENCES) * VLLM_LOOKAHEAD)
            case OpenAiEngine():
                return OPENAI_CONCURRENCY
            case ScriptedEngine():
                return SCRIPTED_CONCURRENCY


# What of an engine has no bearing on what it answers.
_WITHOUT_BEARING = frozenset(
    {
        "api_key_env",
        "timeout_seconds",
        "silence_seconds",
        "requests_per_minute",
        "tokens_per_minute",
        "latency_seconds",
    }
)


def settings_digest(entry: ModelEntry) -> str:
    """32 hexadecimal digits over the kind of engine, its settings and the entry's sampling."""
    engine = {name: value for name, value in asdict(entry.engine).items() if name not in _WITHOUT_BEARING}
    whole = [type(entry.engine).__name__, engine, asdict(entry.sampling)]
    text = json.dumps(whole, ensure_ascii=False, sort_keys=True, default=str)
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


class ModelState(StrEnum):
    """Where a model's engine is."""

    IDLE = "idle"
    LOADING = "loading"
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A model as it stands now; ``problem`` says why it failed."""

    entry: ModelEntry
    state: ModelState
    problem: str = ""
    in_flight: int = 0
