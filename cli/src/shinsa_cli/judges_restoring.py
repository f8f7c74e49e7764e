"""The judges file of a report: profiles as they were, so that a mesh elsewhere has them."""

from __future__ import annotations

import json
from pathlib import Path

from shinsa_client.answer import JsonObject
from shinsa_client.report import JudgeDefinition, Provenance, Report

from shinsa_cli.problem import bad_input


def read_report(path: Path) -> Report:
    """What `shinsa report RUN --json` has printed. Raises ``Problem``."""
    try:
        return Report.model_validate_json(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise bad_input(f"{path} is no report: {error}", remedy="`shinsa report RUN --json` prints one") from error


def restore_judges(provenance: Provenance, path: Path) -> list[Path]:
    """Writes the judges file and, beside it, prompts that it names and models of the mesh that its judges ask.

    Overwrites nothing; raises ``Problem``.
    """
    judges = provenance.judges
    if not judges:
        raise bad_input("the report holds no judge profiles: its run asked no judge, or was of an older version")
    prompts = {path.with_name(_prompt_file(one)): one.prompts for one in judges if one.prompts}
    texts = {path: "\n".join(_profile(one) for one in judges), **prompts}
    if provenance.judge_models:
        texts[path.with_suffix(".models.toml")] = "\n".join(_model(one) for one in provenance.judge_models)
    if there := [str(file) for file in texts if file.exists()]:
        raise bad_input(f"{', '.join(there)} is there already", field="JUDGES.toml", remedy="name another file")
    for file, text in texts.items():
        try:
            with file.open("x", encoding="utf-8") as written:
                written.write(text)
        except OSError as error:
            raise bad_input(f"{file} cannot be written: {error.strerror}", field="JUDGES.toml") from error
    return list(texts)


def _prompt_file(judge: JudgeDefinition) -> str:
    return f"{judge.profile}.prompts.jsonl"


def _profile(judge: JudgeDefinition) -> str:
    table = json.loads(judge.definition_json)
    if judge.prompts:
        table["prompt_file"] = _prompt_file(judge)
    lines = [f"{_key(key)} = {_value(value)}" for key, value in table.items()]
    return "\n".join([f"[profiles.{_key(judge.profile)}]", *lines, ""])


def _model(entry: JsonObject) -> str:
    """One table of a file for `shinsa models add --file`."""
    return "\n".join(["[[model]]", *(f"{_key(key)} = {_value(value)}" for key, value in _told(entry).items()), ""])


def _told(table: JsonObject) -> JsonObject:
    """Without what says nothing: TOML has no null."""
    inner = {key: _told(value) if isinstance(value, dict) else value for key, value in table.items()}
    return {key: value for key, value in inner.items() if value not in (None, "", [], {})}


def _value(value: object) -> str:
    """TOML; JSON's strings, numbers, true and false are TOML's too."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_key(key)} = {_value(one)}" for key, one in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(_value(one) for one in value) + "]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _key(key: str) -> str:
    return json.dumps(key, ensure_ascii=False)
