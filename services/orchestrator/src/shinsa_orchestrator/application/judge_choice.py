"""Who judges a run, and whether what they cost can be bounded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from shinsa_chassis.errors import Reason, ShinsaError

from shinsa_orchestrator.application.refusals import invalid, listed, unknown
from shinsa_orchestrator.domain.run import JudgeBudget, JudgeChoice
from shinsa_orchestrator.ports.workers import JudgeOffer

EVERY_ROLE = "*"
# Judges that cost nothing without a price: they run here.
_FREE_KINDS = frozenset({"inference", "scripted", "scorer"})


def chosen_profiles(choices: Sequence[JudgeChoice], roles: Sequence[str]) -> dict[str, str]:
    """Profile by role, as a submitter named them."""
    chosen: dict[str, str] = {}
    for number, choice in enumerate(choices):
        field = f"spec.judges[{number}]"
        if choice.role in chosen:
            raise invalid(f"{field}.role", f"role {choice.role!r} is given twice")
        if not choice.profile:
            raise invalid(f"{field}.profile", f"no profile is named for role {choice.role!r}")
        if not roles:
            raise invalid(f"{field}.role", "no benchmark of this run asks a judge; leave the choice out")
        if choice.role != EVERY_ROLE and choice.role not in roles:
            raise unknown(f"{field}.role", "judge role of this run", choice.role, [*roles, EVERY_ROLE])
        chosen[choice.role] = choice.profile
    return chosen


def profile_for(role: str, chosen: Mapping[str, str], offer: JudgeOffer) -> str:
    """Who serves a role: whom the run names, else whom the judge service names; one that is there and available."""
    name = chosen.get(role) or chosen.get(EVERY_ROLE) or offer.defaults.get(role) or offer.defaults.get(EVERY_ROLE)
    known = {profile.name: profile for profile in offer.profiles}
    if name is None:
        raise invalid(
            "spec.judges",
            f"no judge is chosen for role {role!r} and the judge service has no default; choose one of {listed(known)}",
        )
    if name not in known:
        raise unknown("spec.judges", "judge profile", name, known)
    if not known[name].available:
        others = [profile.name for profile in offer.profiles if profile.available]
        why = known[name].problem or "no reason given"
        remedy = f"mend it, or choose one that is: {listed(others)}"
        raise ShinsaError(
            Reason.FAILED_PRECONDITION,
            f"judge profile {name!r} (role {role!r}) is not available: {why}; {remedy}",
            field="spec.judges",
            origin="judge",
        )
    return name


def check_prices(budget: JudgeBudget, judges: Iterable[str], offer: JudgeOffer) -> None:
    """A bound on cost holds only where every judge that may cost something says what, in one currency."""
    if not budget.cost:
        return
    field = "spec.judge_budget.cost"
    used = [profile for profile in offer.profiles if profile.name in set(judges)]
    unpriced = [profile.name for profile in used if not profile.currency and profile.kind not in _FREE_KINDS]
    if unpriced:
        remedy = "give them a price in judges.toml, or bound the tokens instead"
        raise invalid(field, f"what {listed(unpriced)} costs is not known; {remedy}")
    currencies = {profile.currency for profile in used if profile.currency}
    if len(currencies) != 1:
        found = f"prices are in {listed(currencies)}" if currencies else "none of its judges costs anything"
        raise invalid(field, f"a run's cost can be bounded only in one currency; {found}; bound the tokens instead")
