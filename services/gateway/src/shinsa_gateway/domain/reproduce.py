"""The command of a report, with the model that it needs."""

from __future__ import annotations

import json
import shlex
from urllib.parse import urlsplit

from shinsa_gateway.domain.model import ModelEntry

# What a command line may hold in one word, on Linux, is 128 KiB.
MOST_ENTRY = 100_000


def with_entry(command: str, model: ModelEntry | None) -> str:
    """``shinsa run ...`` that also registers the model; empty where the entry is too long for a command line."""
    if not command or model is None:
        return command
    fields = model.model_dump(mode="json", exclude_defaults=True, exclude={"name"})
    entry = shlex.quote(json.dumps(fields, ensure_ascii=False))
    return "" if len(entry.encode("utf-8", "replace")) > MOST_ENTRY else f"{command} --entry {entry}"


def without_secrets(model: ModelEntry) -> ModelEntry:
    """The entry as a report may carry it: keys are named, not told, and an address tells no user or password."""
    if model.openai is None or "@" not in urlsplit(model.openai.base_url).netloc:
        return model
    parts = urlsplit(model.openai.base_url)
    address = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    return model.model_copy(update={"openai": model.openai.model_copy(update={"base_url": address})})
