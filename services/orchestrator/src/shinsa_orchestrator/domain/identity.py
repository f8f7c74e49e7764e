"""Identities: the same question has the same identity, whoever asks it and whenever."""

from __future__ import annotations

import hashlib
import json
import secrets

from shinsa_orchestrator.domain.run import Plan

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def run_id(now: float) -> str:
    """A new identity; sorts by time. ``now`` is in seconds since the epoch."""
    return _timed("r", now)


def submission_id(now: float) -> str:
    """As ``run_id``, for submissions."""
    return _timed("s", now)


def key_id(now: float) -> str:
    """As ``run_id``, for API keys."""
    return _timed("k", now)


def act_id(now: float) -> str:
    """As ``run_id``, for lines of the audit log."""
    return _timed("a", now)


def remark_id(now: float) -> str:
    """As ``run_id``, for remarks on samples."""
    return _timed("c", now)


def webhook_id(now: float) -> str:
    """As ``run_id``, for webhooks."""
    return _timed("w", now)


def _timed(letter: str, now: float) -> str:
    milliseconds = int(now * 1000)
    time_part = "".join(_ALPHABET[(milliseconds >> shift) & 31] for shift in range(40, -1, -5))
    return f"{letter}{time_part}{''.join(secrets.choice(_ALPHABET) for _ in range(6))}"


def item_id(run: str, benchmark: str, shots: int, repetition: int, sample: str) -> str:
    """20 hexadecimal digits."""
    text = f"{run}\x00{benchmark}\x00{shots}\x00{repetition}\x00{sample}"
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=10).hexdigest()


def step_id(item: str, kind: str, request: bytes, occurrence: int) -> str:
    """32 hexadecimal digits over item, kind, serialized request and how often the item asked the same before."""
    digest = hashlib.blake2b(f"{item}\x00{kind}\x00{occurrence}\x00".encode(), digest_size=16)
    digest.update(request)
    return digest.hexdigest()


def question(request: bytes, repetition: int, occurrence: int) -> str:
    """32 hexadecimal digits: a request, in whichever item and run it is asked.

    A repetition is asked for its own sake, so that it is another question.
    """
    digest = hashlib.blake2b(f"question\x00{repetition}\x00{occurrence}\x00".encode(), digest_size=16)
    digest.update(request)
    return digest.hexdigest()


def plan_digest(plan: Plan) -> str:
    """32 hexadecimal digits over all that a plan says of what is asked and by whom it is judged.

    Where its data lies and how its items are spread over processes has no part in it, nor has the model.
    """
    lines = [
        (one.benchmark, one.version, one.shots, one.repetitions, one.samples, one.dataset_digest, dict(one.settings))
        for one in plan.lines
    ]
    text = json.dumps([lines, dict(plan.judges)], sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def item_seed(benchmark: str, shots: int, repetition: int, sample: str) -> int:
    """63 bits, the same in every run: so that two runs differ by the model alone, and answers can be adopted."""
    text = f"seed\x00{benchmark}\x00{shots}\x00{repetition}\x00{sample}"
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()) >> 1
