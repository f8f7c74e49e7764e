"""What every profile has, whatever its kind."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from shinsa_judge.domain.configuration import Table
from shinsa_judge.domain.exchange import Form
from shinsa_judge.domain.parameters import MOST_ASKS
from shinsa_judge.domain.price import Price

PROFILE_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")


def digest_of(told: object) -> str:
    """SHA-256 of a JSON-like value, in hexadecimal."""
    return hashlib.sha256(json.dumps(told, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


class Limits(Table):
    """What the far end allows this key; absent: no bound of ours. Tokens are those of prompt and reply."""

    requests_per_minute: float | None = Field(default=None, gt=0)
    tokens_per_minute: float | None = Field(default=None, gt=0)


class Judge(Table):
    """A profile. Times in seconds."""

    # Keys that have no bearing on what a verdict says. A file of prompts counts by its content, not by its name.
    beside_the_verdict: ClassVar[frozenset[str]] = frozenset(
        {"concurrency", "timeout", "retries", "api_key_env", "rubrics", "latency", "price", "limits", "prompt_file"}
    )

    # Requests, or computations, in flight at once in one replica.
    concurrency: int = Field(default=8, ge=1, le=1024)
    # Which rubrics this judge may be asked with; empty: all.
    rubrics: list[str] = Field(default_factory=list)

    @property
    def cases_at_once(self) -> int:
        """Cases that may be with this judge at once, those included that wait for another try."""
        return self.concurrency

    @property
    def definition(self) -> str:
        """The table of the judges file that gives this profile, as JSON, without what is so by default."""
        return json.dumps(self.model_dump(mode="json", exclude_defaults=True, by_alias=True), ensure_ascii=False)

    @property
    def own_digest(self) -> str:
        """Digest of everything in the profile itself that bears on verdicts.

        What is so by default is left out: a program that knows more keys still knows the profiles of a run under way.
        """
        return digest_of(self.model_dump(mode="json", exclude=set(self.beside_the_verdict), exclude_defaults=True))


class AskedJudge(Judge):
    """A judge that is asked in words and replies in words."""

    # Asks of one case until the reply is readable.
    asks: int = Field(default=3, ge=1, le=MOST_ASKS)
    # One try of one ask.
    timeout: float = Field(default=120.0, gt=0)
    # Tries of one ask where the far end fails or is busy.
    retries: int = Field(default=4, ge=1, le=20)
    # Most characters of an explanation, where the form is enforced; keeps small models from rambling out of tokens.
    explanation_limit: int | None = Field(default=None, ge=1)
    # Temperature of the second and later asks: a greedy model would only say the same again.
    reask_temperature: float | None = Field(default=None, ge=0, le=2)
    # FastChat-style prompts in place of the rubrics' own; a path beside the judges file.
    prompt_file: str = ""
    price: Price | None = None
    limits: Limits = Limits()
    structured: Literal["json_schema", "tool", "choice", "text"] = "json_schema"

    @model_validator(mode="after")
    def _prompts_ask_for_text(self) -> Self:
        if self.prompt_file and self.structured != "text":
            raise ValueError('prompt_file: such prompts ask for a marker in plain text; set structured = "text"')
        return self

    @property
    def form(self) -> Form:
        return Form(self.structured)


def told(table: Table, *without: str) -> dict[str, Any]:
    """What the table says: absent values and the named keys left out."""
    return table.model_dump(exclude_none=True, exclude=set(without))
