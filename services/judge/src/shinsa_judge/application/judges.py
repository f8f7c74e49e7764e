"""The judges in force: one seat a profile, exchanged as a set when the profile file changes."""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import cast

from shinsa_chassis.errors import Reason, ShinsaError

from shinsa_judge.domain.panel_profile import PanelProfile
from shinsa_judge.domain.profile_set import Profile, ProfileSet
from shinsa_judge.domain.rubric import Rubric
from shinsa_judge.ports import Backend, BackendMaker, Scorer


class Seat:
    """One judge with its back end and its room: at most ``profile.cases_at_once`` cases are with it at once.

    A panel holds nothing itself. ``prompts`` are the rubrics that its own file of prompts dresses, None without one;
    ``prompt_text`` is what that file says.
    """

    def __init__(
        self,
        name: str,
        profile: Profile,
        digest: str,
        held: Backend | Scorer | None,
        prompts: Mapping[str, Rubric] | None = None,
        prompt_text: str = "",
    ) -> None:
        self.name = name
        self.profile = profile
        self.digest = digest
        self.prompts = prompts
        self.prompt_text = prompt_text
        self._held = held
        self._room = asyncio.Semaphore(profile.cases_at_once)
        self._cases = 0
        self._retired = False

    @asynccontextmanager
    async def asking(self, *, patient: bool = False) -> AsyncIterator[Backend]:
        """The back end for one case; waits for room, unless a judge that is down is asked without patience.

        A retired seat's back end lives until its last case is done.
        """
        why = "" if patient or self._held is None else self._held.down()
        if why:
            raise ShinsaError(Reason.UNAVAILABLE, why)
        async with self.sitting():
            yield cast(Backend, self._held)

    @asynccontextmanager
    async def scoring(self) -> AsyncIterator[Scorer]:
        """As ``asking``, of a scorer."""
        async with self.sitting():
            yield cast(Scorer, self._held)

    @asynccontextmanager
    async def sitting(self) -> AsyncIterator[None]:
        """Room for one case."""
        async with self.kept(), self._room:
            yield

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Its back end stays open inside, for a case that has still to ask, even if the seat is retired meanwhile."""
        self._cases += 1
        try:
            yield
        finally:
            self._cases -= 1
            await self._close_if_left()

    async def problem(self) -> str:
        """Why it cannot be asked now; empty where it can, and of a panel, whose members speak for themselves."""
        return await self._held.problem() if self._held else ""

    async def retire(self) -> None:
        """No new case comes; closes the back end now or after the last case."""
        self._retired = True
        await self._close_if_left()

    async def _close_if_left(self) -> None:
        if self._retired and self._cases == 0 and self._held:
            await self._held.close()


class Judges:
    """All seats, and which profile serves a role by default."""

    def __init__(self, make_backend: BackendMaker) -> None:
        self._make_backend = make_backend
        self._seats: dict[str, Seat] = {}
        self._roles: Mapping[str, str] = {}
        self._changed = asyncio.Event()

    @property
    def seats(self) -> Mapping[str, Seat]:
        return dict(self._seats)

    @property
    def roles(self) -> Mapping[str, str]:
        return self._roles

    def seat(self, profile: str, digest: str = "") -> Seat:
        """The seat of that profile. Raises NOT_FOUND with near matches, DATA_MISMATCH where ``digest`` is not its."""
        seat = self._seats.get(profile)
        if seat is None:
            known = sorted(self._seats)
            raise ShinsaError(
                Reason.NOT_FOUND,
                f"There is no judge profile {profile!r}; name one of {', '.join(known)}, or add it to the judges file.",
                field="profile",
                near_matches=difflib.get_close_matches(profile, known, n=3),
            )
        if digest and seat.digest != digest:
            raise ShinsaError(
                Reason.DATA_MISMATCH,
                f"Judge profile {profile!r} is another here ({seat.digest[:12]}) than the one that is asked "
                f"({digest[:12]}): the judges file has changed meanwhile. Put the profile back, or resume the run to "
                "go on with it as it is now.",
                field="profile",
                retryable=True,
            )
        return seat

    async def exchange(self, profiles: ProfileSet) -> None:
        """Puts another set in force at once. Seats whose profile did not change are kept."""
        before = self._seats
        self._seats = {name: self._kept_or_new(name, profiles) for name in profiles.profiles}
        self._roles = dict(profiles.roles)
        self._announce()
        for name, seat in before.items():
            if self._seats.get(name) is not seat:
                await seat.retire()

    @property
    def changed(self) -> asyncio.Event:
        """Set by the next ``exchange``; take it before looking at ``seats``, so that no exchange is missed."""
        return self._changed

    async def close(self) -> None:
        """Retires every seat."""
        await self.exchange(ProfileSet({}, {}))

    def _kept_or_new(self, name: str, profiles: ProfileSet) -> Seat:
        seat, profile, digest = self._seats.get(name), profiles.profiles[name], profiles.digest(name)
        if seat is not None and seat.profile == profile and seat.digest == digest:
            return seat
        held = None if isinstance(profile, PanelProfile) else self._make_backend(name, profile)
        return Seat(name, profile, digest, held, profiles.prompts.get(name), profiles.prompt_texts.get(name, ""))

    def _announce(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
