"""Model entries: from options, from a file, to the gateway."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

from shinsa_client.answer import JsonObject

from shinsa_cli.gateway.choices import read_pairs, read_rules, read_values
from shinsa_cli.gateway.client import GatewayClient, segment
from shinsa_cli.problem import Problem, bad_input, refuse_unheeded

ENGINES = ("vllm", "openai", "scripted")
FILE_FORM = "write [[model]] tables, each with a name and one of [model.vllm], [model.openai], [model.scripted]"


@dataclass(frozen=True, slots=True)
class ModelOptions:
    """What `shinsa models add` was told; empty and 0 are "not said"."""

    engine: str = ""
    model: str = ""
    base_url: str = ""
    api_key_env: str = ""
    concurrency: int = 0
    max_model_len: int = 0
    dtype: str = ""
    enforce_eager: bool = False
    rules: tuple[str, ...] = ()
    otherwise: str = ""
    labels: tuple[str, ...] = ()
    preset: str = ""
    lora: str = ""
    settings: tuple[str, ...] = ()
    sampling: tuple[str, ...] = ()

    @property
    def said(self) -> list[str]:
        """Names of the options that were given."""
        return [field.name for field in fields(self) if getattr(self, field.name)]


# Options that mean something to one engine only.
_OF_ENGINE = {
    "vllm": ("model", "max_model_len", "dtype", "enforce_eager", "lora", "settings"),
    "openai": ("model", "base_url", "api_key_env", "preset", "settings"),
    "scripted": ("rules", "otherwise", "settings"),
}
_OF_ALL = ("engine", "concurrency", "labels", "sampling")
_SPELLING = {"rules": "--rule", "labels": "--label", "settings": "--set"}


def entry_from_options(name: str, options: ModelOptions) -> JsonObject:
    """Raises ``Problem`` for what is missing, and for an option that the engine would not heed."""
    if not name:
        raise bad_input("name the model, or give a file of models", field="NAME", remedy="shinsa models add --help")
    if options.preset and not options.engine:
        options = replace(options, engine="openai")
    if not options.engine:
        raise bad_input(f"say what serves {name}", field="--engine", remedy=f"--engine {'|'.join(ENGINES)}")
    heeded = (*_OF_ENGINE[options.engine], *_OF_ALL)
    refuse_unheeded({_spell(option): option not in heeded for option in options.said}, f"to {options.engine}")
    entry: JsonObject = {"name": name, options.engine: _engine(name, options)}
    entry["concurrency"] = options.concurrency
    entry["labels"] = read_pairs(options.labels, "--label")
    if options.sampling:
        entry["sampling"] = read_values(options.sampling, "--sampling")
    return entry


def entry_from_json(name: str, text: str) -> JsonObject:
    """An entry as the command of a report has it. Raises ``Problem``."""
    try:
        fields = json.loads(text)
    except ValueError as error:
        raise bad_input(f"is no JSON: {error}", field="--entry", remedy="take it from a report as it stands") from error
    if not isinstance(fields, dict):
        raise bad_input("is no JSON object", field="--entry", remedy="take it from a report as it stands")
    return {**fields, "name": name}


def _engine(name: str, options: ModelOptions) -> JsonObject:
    heeded = [option for option in _OF_ENGINE[options.engine] if option != "settings"]
    settings = {option: getattr(options, option) for option in heeded if getattr(options, option)}
    others = read_values(options.settings, "--set")
    if twice := next((name for name in others if name in heeded), ""):
        raise bad_input(f"{twice} has an option of its own", field="--set", remedy=f"say it with {_spell(twice)} alone")
    settings |= others
    if options.engine == "scripted":
        if not options.rules and not options.otherwise:
            raise bad_input(f"{name} would answer nothing", field="--rule", remedy="give --rule or --otherwise")
        return {**settings, "rules": read_rules(options.rules), "otherwise": options.otherwise}
    if options.engine == "openai":
        return {**settings, "model": options.model or name}
    if not options.model:
        raise bad_input(f"say where the weights of {name} lie", field="--model", remedy="a folder, or a hub id")
    if options.lora:
        settings["lora"] = _as_served(options.lora, Path(), "--lora")
    return {**settings, "model": _as_served(options.model, Path(), "--model")}


def _as_served(model: str, beside: Path, option: str) -> str:
    """A folder that exists here as an absolute path: the inference service runs elsewhere. Hub ids stay as they are.

    Raises ``Problem`` for what is written as a folder of here and is none.
    """
    folder = (beside / Path(model).expanduser()).absolute()
    if folder.is_dir():
        return str(folder)
    if model.startswith((".", "~")):
        raise bad_input(f"there is no folder {folder}", field=option, remedy="a folder, or a hub id")
    return model


def read_model_file(path: Path, name: str, options: ModelOptions, option: str = "--file") -> list[JsonObject]:
    """Entries of the TOML file that ``option`` names. Raises ``Problem`` naming file and place."""
    if name or options.said:
        given = "NAME" if name else _spell(options.said[0])
        raise bad_input(f"{given} and --file exclude each other", field=given, remedy="write it into the file")
    try:
        document = tomllib.loads(path.read_text("utf-8-sig"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise bad_input(f"{path}: {error}", field=option, remedy=FILE_FORM) from error
    entries = document.pop("model", None)
    if document or not isinstance(entries, list) or not entries:
        unknown = f"unknown key {next(iter(document))!r}" if document else "no [[model]] table"
        raise bad_input(f"{path}: {unknown}", field=option, remedy=FILE_FORM)
    seen: set[str] = set()
    for number, entry in enumerate(entries, start=1):
        _check_entry(path, number, entry, seen, option)
    return entries


def _check_entry(path: Path, number: int, entry: JsonObject, seen: set[str], option: str) -> None:
    where = f"{path}: model {number}"
    name = entry.get("name")
    if not isinstance(name, str) or not name:
        raise bad_input(f"{where} has no name", field=option, remedy=FILE_FORM)
    if name in seen:
        raise bad_input(f"{where}: the name {name!r} stands twice", field=option, remedy="give each model its own")
    seen.add(name)
    if sum(engine in entry for engine in ENGINES) != 1:
        raise bad_input(f"{where} ({name}) needs exactly one engine", field=option, remedy=FILE_FORM)
    engine = entry.get("vllm")
    for place in ("model", "lora"):
        if isinstance(engine, dict) and isinstance(engine.get(place), str):
            engine[place] = _as_served(engine[place], path.parent, option)


def add_models(gateway: GatewayClient, entries: Sequence[JsonObject], *, replace: bool) -> list[JsonObject]:
    """Registers all of them, in order. Where one is refused the message says which, and which were added before."""
    added: list[JsonObject] = []
    for entry in entries:
        try:
            added.append(_put(gateway, entry) if replace else gateway.post("/v1/models", entry))
        except Problem as problem:
            before = f" (added before it: {', '.join(str(done['name']) for done in added)})" if added else ""
            problem.message = f"{entry['name']}: {problem.message}{before}"
            raise
    return added


def _put(gateway: GatewayClient, entry: JsonObject) -> JsonObject:
    return gateway.put("/v1/models/" + segment(str(entry["name"])), entry)


def _spell(option: str) -> str:
    return _SPELLING.get(option, "--" + option.replace("_", "-"))


def order(text: str, *, system: str, raw: bool, stated: Mapping[str, object], sampling: Sequence[str]) -> JsonObject:
    """One question as the gateway takes it. ``stated`` are sampling fields with options of their own; None: not said.

    Raises ``Problem``.
    """
    if not text.strip():
        raise bad_input("the prompt is empty", field="PROMPT", remedy="write what to ask, or `-` to read it")
    if raw and system:
        raise bad_input("a raw prompt has no system message", field="--system", remedy="write it into the prompt")
    chosen = read_values(sampling, "--set")
    for name, value in stated.items():
        if value is not None and name in chosen:
            raise bad_input(f"{name} is given twice", field=_spell(name), remedy="give it once")
    fields_ = {**{name: value for name, value in stated.items() if value is not None}, **chosen}
    if raw:
        return {"raw": text, "sampling": fields_}
    turns = [{"role": "system", "content": system}] if system else []
    return {"messages": [*turns, {"role": "user", "content": text}], "sampling": fields_}
