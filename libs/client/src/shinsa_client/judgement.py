"""What a judge was asked, and what it found."""

from __future__ import annotations

from pydantic import Field

from shinsa_client.answer import Answer
from shinsa_client.generation import Cost, EngineFingerprint, TokenUsage


class Judge(Answer):
    profile: str = ""
    rubric: str = ""
    fields: dict[str, str] = Field(default_factory=dict)


class JudgeIdentity(Answer):
    profile: str = ""
    profile_digest: str = ""
    rubric_digest: str = ""
    fingerprint: EngineFingerprint = EngineFingerprint()


class Finding(Answer):
    name: str
    value: bool | float | str


class Spread(Answer):
    lowest: float
    highest: float
    deviation: float = 0
    agreement: float = 1


class Member(Answer):
    """One of the verdicts that a verdict was made of."""

    verdict: Verdict
    repeat: int = 0
    swapped: bool = False


class Verdict(Answer):
    readable: bool
    value: float | None = None
    label: str = ""
    explanation: str = ""
    raw_reply: str = ""
    unreadable_reason: str = ""
    usage: TokenUsage = TokenUsage()
    asks: int = 0
    judge: JudgeIdentity = JudgeIdentity()
    rendered_json: str = ""
    findings: tuple[Finding, ...] = ()
    cost: Cost | None = None
    members: tuple[Member, ...] = ()
    spread: Spread | None = None
