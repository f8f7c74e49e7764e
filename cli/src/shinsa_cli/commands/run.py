"""`shinsa run`, `watch`, `resume`, `rejudge`, `cancel`: examinations, from start to end."""

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
    SplitOption,
    StateOption,
    open_gateway,
)


def run(
    model: Annotated[str, typer.Option("--model", "-m", help="Name of a registered model.", show_default=False)],
    suite: Annotated[str, typer.Option("--suite", "-s", help="Name of a suite.", show_default=False)] = "",
    benchmarks: Annotated[
        list[str] | None,
        typer.Option(
            "--benchmarks",
            "-b",
            metavar="A,B[@SHOTS]",
            help="Benchmarks instead of a suite: jnli@0,4,mawps",
            show_default=False,
        ),
    ] = None,
    shots: Annotated[
        str, typer.Option(metavar="N,N", help="Shot counts of benchmarks that name none.", show_default=False)
    ] = "",
    limit: Annotated[
        int, typer.Option(min=0, help="At most this many samples of each benchmark and shot count; 0: all.")
    ] = 0,
    judge: JudgeOption = None,
    max_judge_tokens: MaxJudgeTokensOption = None,
    max_judge_cost: MaxJudgeCostOption = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Override a setting: temperature=0.2 or mt_bench_ja.max_tokens=512",
            show_default=False,
        ),
    ] = None,
    repetitions: Annotated[int, typer.Option(min=0, help="How often each sample is asked; 0: once.")] = 0,
    split: SplitOption = "",
    dataset: Annotated[
        str, typer.Option(metavar="DIR", help="Data in place of what is prepared or built in.", show_default=False)
    ] = "",
    pins: Annotated[
        list[str] | None,
        typer.Option(
            "--pin",
            metavar="BENCHMARK=VERSION:DIGEST",
            help="Run only with this version and data, as the command of a report says.",
            show_default=False,
        ),
    ] = None,
    judge_pins: Annotated[
        list[str] | None,
        typer.Option(
            "--pin-judge",
            metavar="PROFILE=DIGEST",
            help="Run only if this judge profile is the one that a report was made with.",
            show_default=False,
        ),
    ] = None,
    plan_pin: Annotated[
        str,
        typer.Option(
            "--pin-plan",
            metavar="DIGEST",
            help="Run only if all that is planned is what a report was made with.",
            show_default=False,
        ),
    ] = "",
    entry: Annotated[
        str,
        typer.Option(
            metavar="JSON",
            help="Register the model so, unless it is registered already; as the command of a report says.",
            show_default=False,
        ),
    ] = "",
    note: Annotated[str, typer.Option(help="A remark kept with the run.", show_default=False)] = "",
    reuse: Annotated[
        bool,
        typer.Option(
            "--reuse",
            help="Take greedy completions of earlier runs over where engine, settings, prompt and parameters are the "
            "same; the report counts them.",
        ),
    ] = False,
    wait: Annotated[
        bool, typer.Option("--wait/--no-wait", help="Show progress and then the report, or return at once.")
    ] = True,
    server: ServerOption = "",
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Examines a model on a suite or on benchmarks.

    Ends with 0 only if the run is complete (with --no-wait: if it was accepted). Ctrl-C leaves the run going.
    """
    from shinsa_cli.examination import follow_and_report, submit
    from shinsa_cli.gateway.choices import judge_budget, read_benchmarks, read_judges, read_pairs, read_pins
    from shinsa_cli.gateway.models import add_models, entry_from_json
    from shinsa_cli.gateway.pins import demand_judges, demand_pins
    from shinsa_cli.problem import bad_input

    pinned = read_pins(pins or ())
    pinned_judges = read_pairs(judge_pins or (), "--pin-judge")
    entries = [entry_from_json(model, entry)] if entry else []
    if bool(suite) == bool(benchmarks):
        raise bad_input(
            "name either a suite or benchmarks", field="--suite", remedy="`shinsa benchmarks list` shows both"
        )
    if suite and (shots or repetitions):
        given = "--shots" if shots else "--repetitions"
        raise bad_input(f"{given} goes with --benchmarks; a suite says its own", field=given)
    spec = {
        "model": model,
        "suite": suite,
        "benchmarks": read_benchmarks(benchmarks or (), shots, repetitions),
        "limit": limit,
        "judges": read_judges(judge or ()),
        "overrides": read_pairs([*(settings or ()), *([f"split={split}"] if split else [])], "--set"),
        "dataset": dataset,
        "note": note,
        **judge_budget(max_judge_tokens, max_judge_cost),
        **({"reuse": True} if reuse else {}),
    }
    with open_gateway(server, state) as gateway:
        demand_judges(gateway, pinned_judges)
        add_models(gateway, entries, replace=False)
        started = submit(gateway, spec)
        demand_pins(gateway, started, pinned, plan_pin)
        raise typer.Exit(follow_and_report(gateway, started, wait=wait, as_json=as_json))


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


WaitOption = Annotated[bool, typer.Option("--wait/--no-wait", help="Show progress and then the report.")]


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
