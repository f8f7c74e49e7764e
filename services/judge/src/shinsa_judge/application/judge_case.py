"""Judging one case, by whatever kind of judge the profile is; the one function behind both doors."""

from __future__ import annotations

from contextlib import AsyncExitStack

import structlog
from shinsa_chassis.errors import Reason, ShinsaError

from shinsa_judge.application.asking import Asking
from shinsa_judge.application.judges import Judges, Seat
from shinsa_judge.application.shelf import Shelf
from shinsa_judge.application.side_by_side import side_by_side
from shinsa_judge.domain.case import Case, JudgeRequest
from shinsa_judge.domain.exchange import Fingerprint, Usage
from shinsa_judge.domain.merging import of_panel, panel_identity
from shinsa_judge.domain.panel_profile import PanelProfile
from shinsa_judge.domain.profile import AskedJudge
from shinsa_judge.domain.scorer_profile import ScorerProfile
from shinsa_judge.domain.verdict import JudgeIdentity, Member, Verdict

_log = structlog.get_logger(__name__)


class JudgeCase:
    """Case in, verdict out."""

    def __init__(self, shelf: Shelf, judges: Judges) -> None:
        self._shelf = shelf
        self._judges = judges

    async def __call__(self, request: JudgeRequest, *, patient: bool = False, digest: str = "") -> Verdict:
        """The verdict, or one that says why there is no value.

        ``patient``: an endpoint that is down is waited for rather than given up; for callers that hold the case safe.
        ``digest``: of the profile as the caller knows it; another is not asked in its place.
        Raises ``ShinsaError``: NOT_FOUND for an unknown profile or rubric, INVALID_ARGUMENT for a case that does not
        fill the rubric's fields, DATA_MISMATCH where the profile is another by now, and whatever the back end raises
        where there is no reply at all.
        """
        verdict = await self._judged(self._judges.seat(request.profile, digest), request, patient, 0)
        _note(verdict, request.case.rubric)
        return verdict

    async def _judged(self, seat: Seat, request: JudgeRequest, patient: bool, repeat: int) -> Verdict:
        profile, case = seat.profile, request.case
        if isinstance(profile, PanelProfile):
            return await self._by_panel(seat, profile, request, patient, repeat)
        if isinstance(profile, ScorerProfile):
            return await self._computed(seat, case)
        assert isinstance(profile, AskedJudge)
        rubric = self._shelf.rubric(case, seat, profile.form)
        async with seat.kept():
            return await Asking(seat, rubric, profile, repeat, patient, request.models).verdict(case.fields)

    async def _by_panel(
        self, seat: Seat, panel: PanelProfile, request: JudgeRequest, patient: bool, repeat: int
    ) -> Verdict:
        case = request.case
        if panel.rubrics and case.rubric not in panel.rubrics:
            message = f"The panel does not take rubric {case.rubric!r}; known: {', '.join(panel.rubrics)}."
            raise ShinsaError(Reason.INVALID_ARGUMENT, message, field="case.rubric")
        sittings = [
            (self._judges.seat(member), repeat * panel.repeats + turn)
            for member in panel.members
            for turn in range(panel.repeats)
        ]
        async with AsyncExitStack() as held:
            # Before there is room another set may be in force, and these members' seats retired.
            for one, _ in sittings:
                await held.enter_async_context(one.kept())
            await held.enter_async_context(seat.sitting())
            verdicts = await side_by_side(*(self._judged(one, request, patient, turn) for one, turn in sittings))
        members = [Member(verdict, turn) for verdict, (_, turn) in zip(verdicts, sittings, strict=True)]
        rubric = self._shelf.rubrics.get(case.rubric)
        judge = panel_identity(seat.name, seat.digest, members)
        return of_panel(judge, panel, members, rubric.rule if rubric else None)

    async def _computed(self, seat: Seat, case: Case) -> Verdict:
        measure = self._shelf.measure(case, seat)
        async with seat.scoring() as scorer:
            score = await scorer.score(measure, case.fields)
        fingerprint = Fingerprint(score.engine, score.engine_version, score.model, score.revision)
        identity = JudgeIdentity(seat.name, seat.digest, measure.digest, fingerprint)
        return Verdict(identity, 1, Usage(), "", "", value=score.value, label=score.label, findings=score.findings)


def _note(verdict: Verdict, rubric: str) -> None:
    log = _log.bind(profile=verdict.judge.profile, rubric=rubric, asks=verdict.asks)
    if verdict.unreadable is None:
        log.debug("case_judged")
    else:
        log.warning("judge_reply_unreadable", reason=verdict.unreadable.value, reply_characters=len(verdict.raw_reply))
