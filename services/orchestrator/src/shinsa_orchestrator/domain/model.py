"""What the orchestrator must know of a model that can be examined."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, field

from shinsa_chassis.errors import Reason, ShinsaError

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
SAMPLING_FIELDS = (
    "temperature",
    "top_p",
    "top_k",
    "max_tokens",
    "seed",
    "stop",
    "n",
    "presence_penalty",
    "frequency_penalty",
    "repetition_penalty",
    "min_p",
    "structured_output",
    "tools",
    "tool_choice",
    "reasoning_effort",
    "reasoning_budget_tokens",
    "chat_template_arguments_json",
    "logprobs",
)


# What a model is. "merged": weights of others put together; "proprietary": to be had as a service only.
MODEL_TYPES = ("pretrained", "fine-tuned", "instruction-tuned", "rl-tuned", "multimodal", "merged", "proprietary")


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What boards show of a model. Empty strings and ``size_b`` None (billions of parameters): not known."""

    type: str = ""
    size_b: float | None = None
    precision: str = ""
    architecture: str = ""
    licence: str = ""
    hub_id: str = ""
    revision: str = ""


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """A registered model. ``document`` is the serialized entry; the other fields are what is checked or shown of it.

    ``special_tokens`` is whether raw prompts get the tokenizer's; None where the entry leaves it open. ``version`` is
    the digest of all that bears on its answers; empty of one that was not read from the register.
    """

    name: str
    engine: str
    document: bytes
    model: str = ""
    base_url: str = ""
    accepts: tuple[str, ...] = ()
    rules: tuple[tuple[str, str], ...] = ()
    card: ModelCard = field(default_factory=ModelCard)
    special_tokens: bool | None = None
    version: str = ""


def check_model(entry: ModelEntry) -> None:
    """Raises ``ShinsaError`` (invalid_argument) that names the field and the remedy."""
    if not NAME.fullmatch(entry.name):
        raise _invalid(
            "model.name", f"{entry.name!r} is no model name; use letters, digits, '.', '_' and '-', at most 128"
        )
    if not entry.engine:
        raise _invalid("model.engine", "no engine is set; set one of vllm, openai, scripted")
    if entry.engine in ("vllm", "openai") and not entry.model:
        raise _invalid(f"model.{entry.engine}.model", "is empty; say which model the engine serves")
    if entry.engine == "openai":
        _check_endpoint(entry)
    for number, (pattern, reply) in enumerate(entry.rules):
        _check_rule(number, pattern, reply)
    check_card(entry.card, "model.card")


def check_card(card: ModelCard, field: str) -> None:
    """Raises ``ShinsaError`` (invalid_argument) below ``field``."""
    if card.type and card.type not in MODEL_TYPES:
        near = difflib.get_close_matches(card.type, MODEL_TYPES)
        raise _invalid(f"{field}.type", f"{card.type!r} is no type of model; there are: {', '.join(MODEL_TYPES)}", near)
    if card.size_b is not None and not 0 < card.size_b < 1e6:
        raise _invalid(f"{field}.size_b", f"{card.size_b:g} is no size in billions; leave it out where it is not known")


def _check_endpoint(entry: ModelEntry) -> None:
    if not entry.base_url.startswith(("http://", "https://")):
        raise _invalid(
            "model.openai.base_url", f"{entry.base_url!r} is no endpoint; give it as http(s)://host[:port]/v1"
        )
    for name in entry.accepts:
        if name not in SAMPLING_FIELDS:
            near = difflib.get_close_matches(name, SAMPLING_FIELDS)
            raise _invalid("model.openai.accepts", f"{name!r} is no sampling field", near)


def _check_rule(number: int, pattern: str, reply: str) -> None:
    field = f"model.scripted.rules[{number}]"
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise _invalid(f"{field}.pattern", f"{pattern!r} is no regular expression: {error}") from error
    try:
        # The reply's group references are resolved before anything is searched, so any text will do.
        compiled.sub(reply, "")
    except (re.error, IndexError) as error:
        raise _invalid(
            f"{field}.reply", f"{reply!r} refers to a group that the pattern does not have: {error}"
        ) from error


def _invalid(field: str, message: str, near: list[str] | None = None) -> ShinsaError:
    return ShinsaError(Reason.INVALID_ARGUMENT, f"{field}: {message}", field=field, near_matches=near or ())
