"""Between ``shinsa.judge.v1`` and the values of the domain; bounds are checked here."""

from __future__ import annotations

from shinsa.inference.v1 import completion_pb2
from shinsa.judge.v1 import case_pb2, judge_service_pb2, verdict_pb2
from shinsa_chassis.errors import Reason, ShinsaError

from shinsa_judge.application.list_profiles import ListedProfile, Listing
from shinsa_judge.domain.case import Case, JudgeRequest
from shinsa_judge.domain.exchange import Fingerprint, Usage
from shinsa_judge.domain.measure import Measure
from shinsa_judge.domain.rubric import Rubric
from shinsa_judge.domain.verdict import JudgeIdentity, Member, Value, Verdict

# Of all fields together; a verdict carries the rendered prompt back, and a message has room for about a megabyte.
MOST_CHARACTERS = 200_000


def to_request(message: judge_service_pb2.JudgeRequest) -> JudgeRequest:
    """The request. Raises INVALID_ARGUMENT that names the field at fault."""
    if not message.profile:
        raise _wrong("profile", "Name the judge profile.")
    if not message.case.rubric:
        raise _wrong("case.rubric", "Name the rubric.")
    return JudgeRequest(message.profile, Case(message.case.rubric, _fields(message.case)))


def _fields(case: case_pb2.Case) -> dict[str, str]:
    fields: dict[str, str] = {}
    for field in case.fields:
        if field.name in fields:
            raise _wrong(f"case.fields.{field.name}", f"Field {field.name!r} is given twice; give it once.")
        fields[field.name] = field.value
    size = sum(len(value) for value in fields.values())
    if size > MOST_CHARACTERS:
        raise _wrong("case.fields", f"The fields hold {size} characters; at most {MOST_CHARACTERS} can be judged.")
    return fields


def _wrong(field: str, message: str) -> ShinsaError:
    return ShinsaError(Reason.INVALID_ARGUMENT, message, field=field)


def from_verdict(verdict: Verdict) -> judge_service_pb2.JudgeResponse:
    """The response that carries the verdict."""
    return judge_service_pb2.JudgeResponse(verdict=_verdict(verdict))


def _verdict(verdict: Verdict) -> verdict_pb2.Verdict:
    message = verdict_pb2.Verdict(
        readable=verdict.readable,
        value=verdict.value,
        label=verdict.label,
        explanation=verdict.explanation,
        raw_reply=verdict.raw_reply,
        unreadable_reason=verdict.unreadable.value if verdict.unreadable else "",
        usage=_usage(verdict.usage),
        asks=verdict.asks,
        judge=_identity(verdict.judge),
        rendered_json=verdict.rendered,
        findings=[_finding(name, value) for name, value in verdict.findings.items()],
        members=[_member(member) for member in verdict.members],
    )
    if verdict.cost is not None:
        message.cost.CopyFrom(verdict_pb2.Cost(amount=verdict.cost.amount, currency=verdict.cost.currency))
    if (spread := verdict.spread) is not None:
        message.spread.CopyFrom(
            verdict_pb2.Spread(
                lowest=spread.lowest, highest=spread.highest, deviation=spread.deviation, agreement=spread.agreement
            )
        )
    return message


def _finding(name: str, value: Value) -> verdict_pb2.Finding:
    if isinstance(value, bool):
        return verdict_pb2.Finding(name=name, flag=value)
    if isinstance(value, str):
        return verdict_pb2.Finding(name=name, text=value)
    return verdict_pb2.Finding(name=name, number=value)


def _member(member: Member) -> verdict_pb2.Member:
    return verdict_pb2.Member(verdict=_verdict(member.verdict), repeat=member.repeat, swapped=member.swapped)


def _usage(usage: Usage) -> completion_pb2.TokenUsage:
    return completion_pb2.TokenUsage(
        prompt_tokens=usage.prompt_tokens,
        completion_tokens=usage.completion_tokens,
        reasoning_tokens=usage.reasoning_tokens,
        cached_tokens=usage.cached_tokens,
    )


def _identity(judge: JudgeIdentity) -> verdict_pb2.JudgeIdentity:
    return verdict_pb2.JudgeIdentity(
        profile=judge.profile,
        profile_digest=judge.profile_digest,
        rubric_digest=judge.rubric_digest,
        fingerprint=_fingerprint(judge.fingerprint),
    )


def _fingerprint(fingerprint: Fingerprint) -> completion_pb2.EngineFingerprint:
    return completion_pb2.EngineFingerprint(
        engine=fingerprint.engine,
        engine_version=fingerprint.engine_version,
        model=fingerprint.model,
        revision=fingerprint.revision,
        dtype=fingerprint.dtype,
        reported=fingerprint.reported,
    )


def from_listing(listing: Listing) -> judge_service_pb2.ListProfilesResponse:
    """The response that lists profiles, rubrics and roles."""
    return judge_service_pb2.ListProfilesResponse(
        profiles=[_profile(profile) for profile in listing.profiles],
        rubrics=[_rubric(rubric) for rubric in listing.rubrics],
        roles=[
            judge_service_pb2.RoleDefault(role=role, profile=profile) for role, profile in sorted(listing.roles.items())
        ],
    )


def _profile(profile: ListedProfile) -> judge_service_pb2.Profile:
    return judge_service_pb2.Profile(
        name=profile.name,
        kind=profile.kind,
        model=profile.model,
        digest=profile.digest,
        available=not profile.problem,
        problem=profile.problem,
        members=profile.members,
        currency=profile.currency,
        definition_json=profile.definition,
        prompts=profile.prompts,
    )


def _rubric(rubric: Rubric | Measure) -> judge_service_pb2.Rubric:
    message = judge_service_pb2.Rubric(
        id=rubric.id,
        digest=rubric.digest,
        description=rubric.description,
        fields=rubric.fields,
        optional_fields=rubric.optional_fields,
        lowest=rubric.lowest,
        highest=rubric.highest,
    )
    if isinstance(rubric, Rubric):
        message.findings.extend(rubric.findings)
        message.both_orders = rubric.swap is not None
    return message
