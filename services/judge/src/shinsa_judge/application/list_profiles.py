"""What there is to choose from: profiles with their availability, rubrics, roles."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shinsa_judge.application.judges import Judges, Seat
from shinsa_judge.application.shelf import Shelf
from shinsa_judge.domain.configuration import unknown_name
from shinsa_judge.domain.measure import Measure
from shinsa_judge.domain.panel_profile import PanelProfile
from shinsa_judge.domain.profile import AskedJudge
from shinsa_judge.domain.rubric import Rubric


@dataclass(frozen=True, slots=True)
class ListedProfile:
    """``problem`` is empty where the judge can be asked, ``currency`` where its verdicts carry no cost.

    ``definition`` is the profile's table as JSON, ``prompts`` the text of its file of prompts.
    """

    name: str
    kind: str
    model: str
    digest: str
    problem: str
    members: Sequence[str] = ()
    currency: str = ""
    definition: str = ""
    prompts: str = ""


@dataclass(frozen=True, slots=True)
class Listing:
    profiles: Sequence[ListedProfile]
    rubrics: Sequence[Rubric | Measure]
    roles: Mapping[str, str]


class ListProfiles:
    """Asks every seat whether it could work now, all at once."""

    def __init__(self, shelf: Shelf, judges: Judges) -> None:
        self._shelf = shelf
        self._judges = judges

    async def __call__(self) -> Listing:
        seats = self._judges.seats
        problems = dict(zip(seats, await asyncio.gather(*(one.problem() for one in seats.values())), strict=True))
        profiles = [self._listed(seat, seats, problems) for _, seat in sorted(seats.items())]
        rubrics: list[Rubric | Measure] = [*self._shelf.rubrics.values(), *self._shelf.measures.values()]
        return Listing(profiles, sorted(rubrics, key=lambda one: one.id), self._judges.roles)

    def _listed(self, seat: Seat, seats: Mapping[str, Seat], problems: Mapping[str, str]) -> ListedProfile:
        profile = seat.profile
        members = profile.members if isinstance(profile, PanelProfile) else ()
        problem = self._unknown_rubric(seat) or _problem(seat, seats, problems)
        currency = _currency(seat, seats)
        return ListedProfile(
            seat.name,
            profile.kind,
            profile.model,
            seat.digest,
            problem,
            members,
            currency,
            profile.definition,
            seat.prompt_text,
        )

    def _unknown_rubric(self, seat: Seat) -> str:
        known = {**self._shelf.rubrics, **self._shelf.measures}
        unknown = [one for one in seat.profile.rubrics if one not in known]
        return unknown_name("rubric", unknown[0], known) if unknown else ""


def _currency(seat: Seat, seats: Mapping[str, Seat]) -> str:
    """Of a panel: the one of all its members."""
    if isinstance(seat.profile, AskedJudge):
        return seat.profile.price.currency if seat.profile.price else ""
    if not isinstance(seat.profile, PanelProfile):
        return ""
    found = {_currency(seats[member], seats) for member in seat.profile.members}
    return found.pop() if len(found) == 1 else ""


def _problem(seat: Seat, seats: Mapping[str, Seat], problems: Mapping[str, str]) -> str:
    """Of a panel: that of the first member that has one."""
    if not isinstance(seat.profile, PanelProfile):
        return problems[seat.name]
    for member in seat.profile.members:
        if problem := _problem(seats[member], seats, problems):
            return f"member {member!r}: {problem}"
    return ""
