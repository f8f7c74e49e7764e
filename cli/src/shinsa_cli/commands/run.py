"""`shinsa run`: an examination, from start to end."""

from __future__ import annotations

from typing import Annotated

import typer

from shinsa_cli.commands.options import (
    JsonOption,
    JudgeOption,
    MaxJudgeCostOption,
    MaxJudgeTokensOption,
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
