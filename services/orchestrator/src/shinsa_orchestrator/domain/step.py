"""Steps: what is asked of a worker service, and what is recorded of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from shinsa_orchestrator.domain.repeat import RepeatCause

StepKind = Literal["generate", "execute", "judge"]


@dataclass(slots=True)
class StepTask:
    """One ask. ``request`` is the serialized request message; ``key`` names the queue (model, runtime or profile).

    ``deadline`` is in seconds since the epoch: not worth starting after it. ``version`` is that of the model or
    profile; empty: whichever is in force. ``judge_models`` are the versions of models of this mesh that a judge asks.
    """

    step_id: str
    run_id: str
    item_id: str
    kind: StepKind
    key: str
    request: bytes
    attempt: int
    reply_to: str
    deadline: float
    version: str = ""
    judge_models: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class StepResult:
    """What came of an ask. ``body`` is the serialized response, or the serialized failure where ``failed``.

    ``handed_back``: nothing yet, a worker gave the task back to its queue, for ``reason`` if it could not do it then.

    ``version`` is that of the model or profile that was asked; empty where that was not said; ``judge_models`` as in
    the task. ``kind`` is that of the answer; a failure does not tell. ``sender`` is the kind of step that who sent it
    may answer; empty where that is not known. ``cost`` is None where no price is known. ``disagreed``: the verdicts
    that a verdict is made of differ; ``unreadable``: it has no value.

    Of a completion: ``engine`` is the digest of everything that is known of what made it, ``greedy`` whether chance had
    no part in it, ``latency`` (seconds) and ``finish`` (reasons of its choices, with commas between) how it went, and
    ``reused_from`` the item of another run that it was made for, empty if it was asked for here.

    ``origin`` says who answered (engine fingerprint, judge identity, sandbox tier). ``receipt`` is the transport's, to
    be given back when the result is safe; ``None`` for results that did not come from a queue. Times in seconds since
    the epoch.
    """

    step_id: str
    item_id: str
    attempt: int
    body: bytes
    failed: bool = False
    reason: str = ""
    message: str = ""
    worker: str = ""
    deliveries: int = 0
    started_at: float = 0.0
    finished_at: float = 0.0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    origin: str = ""
    receipt: object = None
    kind: str = ""
    cost: float | None = None
    currency: str = ""
    disagreed: bool = False
    unreadable: bool = False
    reasoning_tokens: int = 0
    cached_tokens: int = 0
    latency: float | None = None
    finish: str = ""
    engine: str = ""
    greedy: bool = False
    reused_from: str = ""
    sender: str = ""
    version: str = ""
    handed_back: RepeatCause | None = None
    judge_models: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class StepRecord:
    """A row of the sample log: a result with its place. ``kind`` and ``request`` may be filled in later (see there).

    A result that was found at take-over is recorded before the item's coroutine has asked for it again; until it does,
    ``request`` is ``None``, and ``kind`` is empty if it is a failure.

    ``adopted``: the result was taken over from another run. ``question``: the digest by which other runs may find it.
    """

    run_id: str
    shard: int
    round: int
    kind: str
    request: bytes | None
    result: StepResult
    adopted: bool = False
    question: str = ""


@dataclass(frozen=True, slots=True)
class KnownStep:
    """What a shard needs to know of a recorded step without reading it."""

    kind: str
    attempt: int
    round: int
    failed: bool
    reason: str
    has_request: bool
    adopted: bool = False
    tokens: int = 0
    cost: float = 0.0
    engine: str = ""


@dataclass(frozen=True, slots=True)
class StoredResult:
    """The recorded outcome of a step: response bytes, or why it failed."""

    body: bytes
    failed: bool
    reason: str
    message: str
