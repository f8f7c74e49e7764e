"""What a run's model and judges were: kept word for word, found by digest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class JudgeDefinition:
    """A judge profile: the digest by which it is asked, its table as JSON, and the text of its file of prompts."""

    profile: str
    digest: str
    definition_json: str
    prompts: str = ""

    @property
    def document(self) -> bytes:
        """All of it as bytes; ``judge_definition`` reads them."""
        return json.dumps(asdict(self), ensure_ascii=True, sort_keys=True).encode()


def judge_definition(document: bytes) -> JudgeDefinition:
    """What ``JudgeDefinition.document`` wrote."""
    return JudgeDefinition(**json.loads(document))


@dataclass(frozen=True, slots=True)
class Definitions:
    """What is known of a run's model and judges.

    ``model`` is a serialized entry; empty where it was not kept. ``judge_models`` are those of models that judges ask.
    """

    model: bytes = b""
    judges: Sequence[JudgeDefinition] = ()
    judge_models: Sequence[bytes] = ()


def definition_digest(document: bytes) -> str:
    """32 hexadecimal digits, by which a kept definition is found."""
    return hashlib.blake2b(document, digest_size=16).hexdigest()
