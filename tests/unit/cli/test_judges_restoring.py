"""The judges of a report become a judges file that gives the very same judges."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from shinsa_cli.gateway.models import ModelOptions, read_model_file
from shinsa_client.report import JudgeDefinition
from shinsa_judge.domain.judges_file import JudgesSources, parse_judges
from shinsa_judge.domain.profile_set import ProfileSet
from shinsa_judge.domain.templates import SourceText
from unit.cli.documents import report_json
from unit.cli.program import Shinsa

FILE = r"""
[profiles."gpt.4-o"]
kind = "openai"
base_url = "https://host/v1"
model = "gpt"
api_key_env = "A_KEY"
price = { prompt = 3.0, completion = 10.0, currency = "JPY" }

[profiles."gpt.4-o".parameters]
temperature = 0.0
max_tokens = 512

[profiles.script]
kind = "scripted"
structured = "text"
prompt_file = "prompts/mine.jsonl"
otherwise = "[[5]]"

[[profiles.script.rules]]
pattern = '\"富士\s'
reply = "良い\t\u007f\n[[9]]"

[profiles.both]
kind = "panel"
members = ["gpt.4-o", "script"]
merge = "majority"
quorum = 1
"""
PROMPTS = '{"name": "single-v1", "prompt_template": "{question} {answer}"}\n'


def profiles(text: str) -> ProfileSet:
    found = parse_judges(JudgesSources([SourceText("judges.toml", text)]))
    return replace(found, prompt_texts=dict.fromkeys(found.prompt_files, PROMPTS))


def test_what_a_report_holds_gives_the_same_judges(tmp_path: Path, shinsa: Shinsa) -> None:
    first = profiles(FILE)
    told = [
        JudgeDefinition(
            profile=name,
            digest=first.digest(name),
            definition_json=profile.definition,
            prompts=first.prompt_texts.get(name, ""),
        ).model_dump()
        for name, profile in first.profiles.items()
    ]
    report = report_json()
    report["provenance"]["judges"] = told
    grader = {"name": "grader", "vllm": None, "concurrency": 0, "labels": {"a b": "c"}, "price": None}
    grader |= {"openai": {"base_url": "http://h/v1", "model": "x", "accepts": ["seed"], "preset": ""}}
    report["provenance"]["judge_models"] = [grader]
    (tmp_path / "report.json").write_text(json.dumps(report), "utf-8")
    words = ("judges", "restore", str(tmp_path / "report.json"), str(tmp_path / "judges.toml"))
    assert shinsa(*words).code == 0
    again = profiles((tmp_path / "judges.toml").read_text("utf-8"))
    assert {name: again.digest(name) for name in again.profiles} == {
        name: first.digest(name) for name in first.profiles
    }
    renamed = {"prompt_file": "script.prompts.jsonl"}
    assert again.profiles["script"] == first.profiles["script"].model_copy(update=renamed)
    assert again.profiles["gpt.4-o"] == first.profiles["gpt.4-o"]
    assert (tmp_path / "script.prompts.jsonl").read_text("utf-8") == PROMPTS
    (entry,) = read_model_file(tmp_path / "judges.models.toml", "", ModelOptions())
    engine = {"base_url": "http://h/v1", "model": "x", "accepts": ["seed"]}
    assert entry == {"name": "grader", "concurrency": 0, "labels": {"a b": "c"}, "openai": engine}
    # What is there already stays.
    (tmp_path / "judges.toml").unlink()
    again_refused = shinsa(*words)
    assert (again_refused.code, "script.prompts.jsonl" in again_refused.err) == (2, True)
    assert not (tmp_path / "judges.toml").exists()
    (tmp_path / "none.json").write_text(json.dumps(report_json()), "utf-8")
    assert shinsa("judges", "restore", str(tmp_path / "none.json"), str(tmp_path / "new.toml")).code == 2
    assert not (tmp_path / "new.toml").exists()
