"""`shinsa watch`, `cancel`, `resume`, `rejudge`, `regrade`: what can be done about a run that there is."""

from __future__ import annotations

from typing import Annotated

import typer

from shinsa_cli.commands.options import (
    JsonOption,
    JudgeOption,
    MaxJudgeCostOption,
    MaxJudgeTokensOption,
    RunArgument,
    ServerOption,
    StateOption,
    open_gateway,
)

WaitOption = Annotated[bool, typer.Option("--wait/--no-wait", help="Show progress and then the report.")]


def watch(run: RunArgument, server: ServerOption = "", state: StateOption = None, as_json: JsonOption = False) -> None:
    """Shows a run's progress until it is over. Ends with 0 only if it is complete."""
    from shinsa_client.run import Run

    from shinsa_cli.examination import follow
    from shinsa_cli.gateway.runs import exit_code, find_run
    from shinsa_cli.render.console import err, print_json
    from shinsa_cli.render.report import state_line

    with open_gateway(server, state) as gateway:
        ended = follow(gateway, find_run(gateway, run))
    if as_json:
        print_json(ended)
    final = Run.model_validate(ended)
    err().print(state_line(final))
    raise typer.Exit(exit_code(final))


def resume(
    run: RunArgument,
    max_judge_tokens: MaxJudgeTokensOption = None,
    max_judge_cost: MaxJudgeCostOption = None,
    wait: WaitOption = False,
    server: ServerOption = "",
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Does what is missing of a run, or failed for reasons of ours; what is recorded is not asked again.

    A bound that is given takes the place of the run's own; one that is not given stays.
    """
    from shinsa_cli.examination import follow_and_report, option_named
    from shinsa_cli.gateway.choices import judge_budget
    from shinsa_cli.gateway.runs import run_path, with_budget

    changes = judge_budget(max_judge_tokens, max_judge_cost)
    with open_gateway(server, state) as gateway, option_named():
        changes = with_budget(gateway, run, changes)
        resumed = gateway.post(run_path(gateway, run, "/resume"), changes or None)
        raise typer.Exit(follow_and_report(gateway, resumed, wait=wait, as_json=as_json))


def rejudge(
    run: RunArgument,
    judge: JudgeOption = None,
    max_judge_tokens: MaxJudgeTokensOption = None,
    max_judge_cost: MaxJudgeCostOption = None,
    wait: WaitOption = True,
    server: ServerOption = "",
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Starts a new run with the recorded replies and executions of an old one, and other judges.

    It is bounded as the old run was; a bound that is given takes the place of that one's.
    """
    from shinsa_cli.examination import follow_and_report, option_named
    from shinsa_cli.gateway.choices import judge_budget, read_judges
    from shinsa_cli.gateway.runs import run_path, with_budget
    from shinsa_cli.problem import bad_input

    judges = read_judges(judge or ())
    if not judges:
        raise bad_input("say which judge", field="--judge", remedy="`shinsa judges list` shows them")
    changes = judge_budget(max_judge_tokens, max_judge_cost)
    with open_gateway(server, state) as gateway, option_named():
        order = {"judges": judges, **with_budget(gateway, run, changes)}
        started = gateway.post(run_path(gateway, run, "/rejudge"), order)
        raise typer.Exit(follow_and_report(gateway, started, wait=wait, as_json=as_json))


def regrade(
    run: RunArgument,
    wait: WaitOption = True,
    server: ServerOption = "",
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Scores the recorded replies of a run anew with the benchmark versions installed now; the model is not asked."""
    from shinsa_cli.examination import follow_and_report
    from shinsa_cli.gateway.runs import run_path

    with open_gateway(server, state) as gateway:
        started = gateway.post(run_path(gateway, run, "/regrade"))
        raise typer.Exit(follow_and_report(gateway, started, wait=wait, as_json=as_json))


def cancel(run: RunArgument, server: ServerOption = "", state: StateOption = None, as_json: JsonOption = False) -> None:
    """Stops a run. What is recorded stays; `shinsa resume` goes on from there."""
    from shinsa_client.run import Run

    from shinsa_cli.gateway.runs import run_path
    from shinsa_cli.render.console import err, print_json
    from shinsa_cli.render.report import state_line

    with open_gateway(server, state) as gateway:
        answer = gateway.post(run_path(gateway, run, "/cancel"))
    if as_json:
        print_json(answer)
    else:
        err().print(state_line(Run.model_validate(answer)))
