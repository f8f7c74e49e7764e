"""Who judges answers that were made elsewhere: verdicts in a file, the judge of a mesh, or both."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shinsa_cli.problem import Problem, bad_input, refuse_unheeded

if TYPE_CHECKING:
    from shinsa_benchmarks.examination.offline import CaseRequest
    from shinsa_benchmarks.manifest import Manifest
    from shinsa_benchmarks.sources.verdicts import Judged
    from shinsa_benchmarks.vocabulary import Verdict

    from shinsa_cli.judge_eval.service import JudgeService

EVERY_ROLE = "*"
_AT_ONCE = 16
_SECONDS = 600.0


class Judging:
    """Gives verdicts: those of ``known``, and for other cases those of the profile that ``profiles`` names by role.

    ``journal`` is where new verdicts are added as they come, so that an interrupted scoring goes on. Use it as a
    context.
    """

    def __init__(
        self,
        known: Mapping[tuple[str, int], Judged],
        profiles: Mapping[str, str],
        address: str = "",
        journal: Path | None = None,
    ) -> None:
        self.known = known
        self._profiles, self._address, self._journal = profiles, address, journal
        self._service: JudgeService | None = None
        self._room = asyncio.Semaphore(_AT_ONCE)

    def roles(self, optional: Sequence[str]) -> set[str]:
        """The optional roles that are served here; verdicts that name no role are for the first of them."""
        told = {one.role for one in self.known.values()}
        if "" in told:
            told |= set(optional[:1])
        return {role for role in optional if role in self._profiles or role in told}

    async def __aenter__(self) -> Judging:
        from shinsa_cli.judge_eval.service import JudgeService

        if self._address:
            self._service = await JudgeService(self._address).__aenter__()
            self._profiles = _resolved(self._profiles, await self._service.profiles(), await self._service.defaults())
        return self

    async def __aexit__(self, *error: object) -> None:
        if self._service is not None:
            await self._service.__aexit__(*error)

    async def __call__(self, request: CaseRequest) -> Verdict:
        from shinsa_benchmarks.vocabulary import Verdict

        if (judged := self.known.get((request.sample, request.call))) is not None:
            return judged.verdict
        if self._service is None:
            return Verdict(False, unreadable_reason="there is no verdict on it")
        return await self._asked(self._service, request)

    async def _asked(self, service: JudgeService, request: CaseRequest) -> Verdict:
        from shinsa_benchmarks.vocabulary import Verdict

        from shinsa_cli.judge_eval.judgement import Case

        profile = self._profiles.get(request.role) or self._profiles.get(EVERY_ROLE, "")
        if not profile:
            raise bad_input(
                f"no judge is named for the role {request.role!r}", field="--judge", remedy=f"{request.role}=PROFILE"
            )
        name, case = request.sample, request.case
        told_case = Case(f"{name}-{request.call}", "", name, case.rubric, case.fields, ())
        async with self._room:
            told = await service.judge(profile, told_case, _SECONDS)
        if told.failure:
            return Verdict(False, unreadable_reason=told.failure)
        verdict = Verdict(
            told.readable, told.value, told.label, told.explanation, told.unreadable_reason, dict(told.findings)
        )
        self._note(request, verdict)
        return verdict

    def _note(self, request: CaseRequest, verdict: Verdict) -> None:
        from shinsa_cli.render.console import json_text

        if self._journal is not None:
            line = json_text({**case_head(request), **verdict_fields(verdict)})
            with self._journal.open("a", encoding="utf-8") as file:
                file.write(line + "\n")


def judging_for(
    manifest: Manifest, verdicts: Path | None, judges: Sequence[str], address: str, state: Path | None
) -> Judging | None:
    """What these options say; without any the judge of the running mesh, if the benchmark needs one.

    ``None`` where it takes no judge. Raises ``Problem``, which for want of a judge names both ways to have one.
    """
    from shinsa_cli.gateway.choices import read_judges
    from shinsa_cli.reflection import address_of

    roles = [*manifest.judge_roles, *manifest.optional_judge_roles]
    if not roles and (verdicts or judges):
        raise bad_input(f"{manifest.id} asks no judge", field="--verdicts" if verdicts else "--judge")
    if not judges and (verdicts or not manifest.judge_roles):
        refuse_unheeded({"--judge-address": bool(address)}, "where no judge is asked (--judge PROFILE names one)")
    if not roles:
        return None
    profiles = read_judges(judges)
    _check_roles(profiles, roles, "--judge")
    known = _read(verdicts, roles, new=bool(judges)) if verdicts else {}
    if verdicts is not None and not judges:
        return Judging(known, {})
    if not judges and not manifest.judge_roles:
        return None
    try:
        place = address or address_of("judge", state, "--judge-address")
    except Problem as problem:
        raise _no_judge(manifest, problem) from problem
    return Judging(known, profiles, place, verdicts)


def check_verdicts(path: Path, known: Mapping[tuple[str, int], Judged], cases: Sequence[CaseRequest]) -> list[str]:
    """The cases without a verdict, for people to read. Raises ``Problem`` for a verdict on what is not judged."""
    asked = {(case.sample, case.call): case for case in cases}
    for (sample, call), judged in known.items():
        case = asked.get((sample, call))
        if case is None:
            raise bad_input(
                f"{path}:{judged.line}: nothing is judged as call {call} of sample {sample!r}",
                field="--verdicts",
                near_matches=get_close_matches(sample, {one.sample for one in cases} - {sample}),
                remedy="`shinsa prompts BENCHMARK --after ANSWERS --cases FILE` writes what is",
            )
        if judged.role and judged.role != case.role:
            raise bad_input(
                f"{path}:{judged.line}: call {call} of sample {sample!r} is for the role {case.role!r}, not "
                f"{judged.role!r}",
                field="--verdicts",
            )
    return [f"{sample} (call {call})" for sample, call in asked if (sample, call) not in known]


def case_head(request: CaseRequest) -> dict[str, Any]:
    """What names a case in a line of JSON."""
    return {"id": request.sample, "call": request.call, "role": request.role}


def verdict_fields(verdict: Verdict) -> dict[str, Any]:
    """A verdict in a line of JSON."""
    if not verdict.readable or verdict.value is None:
        return {"unreadable": verdict.unreadable_reason or "the verdict has no value"}
    told = {"label": verdict.label, "explanation": verdict.explanation, "findings": dict(verdict.findings)}
    return {"value": verdict.value, **{name: value for name, value in told.items() if value}}


def _read(path: Path, roles: Sequence[str], *, new: bool) -> Mapping[tuple[str, int], Judged]:
    from shinsa_benchmarks.benchmark import DatasetError
    from shinsa_benchmarks.sources.verdicts import read_verdicts

    if new and not path.exists():
        return {}
    try:
        known = read_verdicts(path)
    except DatasetError as error:
        raise bad_input(str(error), field="--verdicts") from error
    _check_roles({one.role: "" for one in known.values() if one.role}, roles, "--verdicts")
    return known


def _check_roles(named: Collection[str], roles: Sequence[str], option: str) -> None:
    for role in named:
        if role not in (*roles, EVERY_ROLE):
            near = get_close_matches(role, roles)
            raise bad_input(
                f"there is no judge role {role!r} here", field=option, near_matches=near, remedy=", ".join(roles)
            )


def _resolved(
    chosen: Mapping[str, str], profiles: Mapping[str, Mapping[str, Any]], defaults: Mapping[str, str]
) -> dict[str, str]:
    """Profiles by role, those that were named before the service's own. Raises ``Problem``."""
    for name in chosen.values():
        if name not in profiles:
            near = get_close_matches(name, profiles)
            raise bad_input(
                f"there is no judge profile {name!r}", field="--judge", near_matches=near, remedy=", ".join(profiles)
            )
        if not profiles[name].get("available", False):
            why = profiles[name].get("problem", "") or "no reason given"
            raise bad_input(f"judge profile {name!r} is not available: {why}", field="--judge")
    own = {} if EVERY_ROLE in chosen else defaults
    return {**own, **chosen}


def _no_judge(manifest: Manifest, problem: Problem) -> Problem:
    name = manifest.id
    return bad_input(
        f"{name} asks a judge, and there is none: {problem.message}",
        field="BENCHMARK",
        remedy=f"either give verdicts made elsewhere with --verdicts FILE (`shinsa prompts {name} --after ANSWERS "
        "--cases FILE` writes what to judge), or start a mesh with `shinsa up` and name a profile with --judge PROFILE",
    )
