"""`shinsa judge-eval`: how far a judge agrees with people, or with other judges."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from shinsa_cli.commands.options import JsonOption, JudgeAddressOption, StateOption
from shinsa_cli.files import check_folder, write_file
from shinsa_cli.problem import bad_input, refuse_unheeded

if TYPE_CHECKING:
    from shinsa_cli.judge_eval.judgement import Judgement, Recorded

_AT_ONCE = 16


def judge_eval(
    data: Annotated[
        Path,
        typer.Option(
            "--data",
            metavar="DIR",
            help="Recorded judgements: LLMBar, Shaberi, FastChat or one's own.",
            show_default=False,
        ),
    ],
    profile: Annotated[str, typer.Option("--profile", "-p", help="Judge profile to measure.", show_default=False)] = "",
    against: Annotated[
        str,
        typer.Option(
            "--against",
            metavar="JUDGE",
            help="Whose judgements count; may be left out where there is one.",
            show_default=False,
        ),
    ] = "",
    recorded: Annotated[
        str,
        typer.Option(
            "--recorded", metavar="JUDGE", help="Measure this recorded judge in place of a profile.", show_default=False
        ),
    ] = "",
    limit: Annotated[int, typer.Option(min=0, help="At most this many cases of each subset; 0: all.")] = 0,
    repeats: Annotated[int, typer.Option(min=1, max=32, help="How often each case is asked.")] = 1,
    at_once: Annotated[int, typer.Option("--at-once", min=1, max=1024, help="Cases in flight.")] = _AT_ONCE,
    verdicts: Annotated[
        Path | None,
        typer.Option(
            "--verdicts",
            metavar="FILE",
            help="Journal of verdicts: an interrupted measurement goes on.",
            show_default=False,
        ),
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option(
            "--html",
            metavar="FILE",
            help="Write the report as one HTML page, too, that needs nothing else.",
            show_default=False,
        ),
    ] = None,
    judge_address: JudgeAddressOption = "",
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measures a judge against recorded judgements: agreement, correlation, leanings, each with a 95 % interval.

    With --recorded, two judges of the data are compared as they are recorded, and nobody is asked.
    """
    from shinsa_cli.judge_eval.page import page_of
    from shinsa_cli.judge_eval.readers import read_recorded
    from shinsa_cli.reflection import address_of

    if bool(profile) == bool(recorded):
        raise bad_input("say whom to measure: --profile, or --recorded", field="--profile")
    of_profile = {
        "--limit": bool(limit),
        "--repeats": repeats > 1,
        "--at-once": at_once != _AT_ONCE,
        "--verdicts": verdicts is not None,
        "--judge-address": bool(judge_address),
        "--state": state is not None,
    }
    if recorded:
        refuse_unheeded(of_profile, "with --recorded")
    if judge_address:
        refuse_unheeded({"--state": state is not None}, "with --judge-address")
    check_folder(html, "--html")
    check_folder(verdicts, "--verdicts")
    found = read_recorded(data)
    reference = _reference(found, against, but=recorded)
    if recorded:
        report = _of_recorded(found, reference, recorded)
    else:
        judgements = [one for one in found.by(reference).values() if one.value is not None]
        address = judge_address or address_of("judge", state, "--judge-address")
        report = asyncio.run(_of_profile(address, profile, reference, judgements, limit, repeats, at_once, verdicts))
    whole = {"created_at": _now(), "data": str(data), "formats": list(found.formats), **report}
    if html is not None:
        write_file(html, page_of(whole), "--html")
    _show(whole, as_json=as_json)


def _now() -> str:
    from datetime import UTC, datetime

    return datetime.now(UTC).isoformat(timespec="seconds")


def _reference(found: Recorded, against: str, *, but: str) -> str:
    from shinsa_cli.judge_eval.readers import unknown_judge

    others = [judge for judge in found.judges if judge != but]
    if against:
        if against not in found.judges:
            raise unknown_judge(against, found, "--against")
        if against == but:
            raise bad_input(f"{but!r} would be measured against itself", field="--against", remedy="name another judge")
        return against
    if len(others) != 1:
        remedy = f"the data has {', '.join(others) or 'nobody else'}"
        raise bad_input("say whose judgements count", field="--against", remedy=remedy)
    return others[0]


def _of_recorded(found: Recorded, reference: str, recorded: str) -> dict[str, Any]:
    from shinsa_cli.judge_eval.readers import unknown_judge
    from shinsa_cli.judge_eval.report import report_of_recorded

    if recorded not in found.judges:
        raise unknown_judge(recorded, found, "--recorded")
    return report_of_recorded(found, reference, recorded)


async def _of_profile(
    address: str,
    profile: str,
    reference: str,
    judgements: list[Judgement],
    limit: int,
    repeats: int,
    at_once: int,
    verdicts: Path | None,
) -> dict[str, Any]:
    from shinsa_cli.judge_eval.measuring import Journal, chosen, measured
    from shinsa_cli.judge_eval.report import report_of_profile
    from shinsa_cli.judge_eval.service import JudgeService

    cases = chosen([one.case for one in judgements if one.case.can_be_judged], limit)
    async with JudgeService(address) as service:
        listed = _listed(await service.profiles(), profile)
        journal = Journal(verdicts, profile, listed["digest"])
        with _progress(len(cases) * repeats - len(journal.known)) as moved:
            found = await measured(service, profile, cases, journal, repeats=repeats, at_once=at_once, moved=moved)
    report = report_of_profile(listed, reference, judgements, found)
    return {**report, "repeats": repeats, "without_answer": sum(not one.case.can_be_judged for one in judgements)}


def _listed(profiles: dict[str, dict[str, Any]], name: str) -> dict[str, Any]:
    """What the service says of the profile; refused where it cannot be asked."""
    import difflib

    if name not in profiles:
        near = difflib.get_close_matches(name, profiles, n=3)
        remedy = f"the service has {', '.join(sorted(profiles))}"
        raise bad_input(f"there is no judge profile {name!r}", field="--profile", near_matches=near, remedy=remedy)
    told = profiles[name]
    if not told.get("available", False):
        raise bad_input(f"profile {name!r} is not available: {told.get('problem', '')}", field="--profile")
    return {key: told.get(key, "") for key in ("name", "kind", "model", "digest")}


@contextmanager
def _progress(total: int) -> Iterator[Callable[[], None]]:
    """A bar on standard error while verdicts come in."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from shinsa_cli.render.console import err

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err(), transient=True) as progress:
        task = progress.add_task("verdicts", total=total)
        yield lambda: progress.advance(task)


def _show(report: dict[str, Any], *, as_json: bool) -> None:
    from shinsa_cli.judge_eval.table import figure_tables
    from shinsa_cli.render.console import err, out, print_json

    if as_json:
        print_json(report)
        return
    for table in figure_tables(report):
        out().print(table)
    err().print("--json holds the figures in full and the cases on which the two lie furthest apart", style="dim")
