"""`shinsa models`: entries from options and files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from unit.cli.fake_gateway import FakeGateway, Reply, problem
from unit.cli.program import Shinsa


def added(gateway: FakeGateway) -> list[Any]:
    return [asked.body for asked in gateway.requests("POST /v1/models")]


@pytest.fixture(autouse=True)
def _takes_models(gateway: FakeGateway) -> None:
    gateway.says("POST /v1/models", Reply({"name": "taken by the fake"}, 201))


def test_a_folder_of_weights_is_named_absolutely(
    gateway: FakeGateway, shinsa: Shinsa, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "weights").mkdir()
    monkeypatch.chdir(tmp_path)
    words = (
        "--engine",
        "vllm",
        "--max-model-len",
        "2048",
        "--dtype",
        "bfloat16",
        "--enforce-eager",
        "--label",
        "size=1B",
    )
    assert shinsa("models", "add", "small", "--model", "weights", *words).code == 0
    assert shinsa("models", "add", "hub", "--engine", "vllm", "--model", "org/weights").code == 0
    engine = {"model": str(tmp_path / "weights"), "max_model_len": 2048, "dtype": "bfloat16", "enforce_eager": True}
    assert added(gateway) == [
        {"name": "small", "vllm": engine, "concurrency": 0, "labels": {"size": "1B"}},
        {"name": "hub", "vllm": {"model": "org/weights"}, "concurrency": 0, "labels": {}},
    ]


def test_an_endpoint_and_a_script(gateway: FakeGateway, shinsa: Shinsa) -> None:
    words = ("--base-url", "http://h/v1", "--api-key-env", "KEY", "--concurrency", "8")
    assert shinsa("models", "add", "remote", "--engine", "openai", *words).code == 0
    rules = ("--rule", "2\\+2=>4", "--rule", "(.)=>\\1=>\\1", "--otherwise", "?")
    slow = ("--set", "latency_seconds=0.5")
    assert shinsa("models", "add", "script", "--engine", "scripted", *rules, *slow).code == 0
    remote, script = added(gateway)
    assert remote["openai"] == {"base_url": "http://h/v1", "api_key_env": "KEY", "model": "remote"}
    assert remote["concurrency"] == 8
    expected = [{"pattern": "2\\+2", "reply": "4"}, {"pattern": "(.)", "reply": "\\1=>\\1"}]
    assert script["scripted"] == {"rules": expected, "otherwise": "?", "latency_seconds": 0.5}


def test_replacing_names_the_model_in_the_path(gateway: FakeGateway, shinsa: Shinsa) -> None:
    gateway.says("PUT /v1/models/gpt-4.1", {"name": "gpt-4.1"})
    ended = shinsa("models", "add", "gpt-4.1", "--engine", "openai", "--replace", "--json")
    assert ended.json == {"models": [{"name": "gpt-4.1"}]}
    assert gateway.requests("PUT /v1/models/gpt-4.1")[0].body["openai"] == {"model": "gpt-4.1"}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "name the model"),
        (("m",), "say what serves m"),
        (("m", "--engine", "vlm"), "--engine"),
        (("m", "--engine", "vllm"), "say where the weights"),
        (("m", "--engine", "vllm", "--model", "./nowhere"), "there is no folder"),
        (("m", "--engine", "vllm", "--model", "org/weights", "--lora", "../nowhere"), "there is no folder"),
        (("m", "--engine", "scripted", "--otherwise", "a", "--set", "rules=1"), "rules has an option of its own"),
        (("m", "--engine", "openai", "--dtype", "float16"), "--dtype means nothing to openai"),
        (("m", "--engine", "scripted", "--model", "x"), "--model means nothing to scripted"),
        (("m", "--engine", "scripted"), "m would answer nothing"),
        (("m", "--engine", "scripted", "--rule", "x"), "'x' is no rule"),
        (("m", "--engine", "openai", "--label", "size"), "'size' is no KEY=VALUE"),
        (("--file", "/nowhere/models.toml"), "/nowhere/models.toml"),
        (("m", "--file", "/nowhere/models.toml"), "NAME and --file exclude each other"),
    ],
)
def test_bad_options_are_refused_before_anything_is_asked(
    gateway: FakeGateway, shinsa: Shinsa, words: tuple[str, ...], says: str
) -> None:
    ended = shinsa("models", "add", *words)
    assert ended.code == 2
    assert says in ended.err
    assert gateway.asked == []


FILE = """
[[model]]
name = "small"
labels = { size = "135M" }
[model.vllm]
model = "weights"

[[model]]
name = "remote"
concurrency = 4
[model.openai]
base_url = "http://h/v1"
model = "big"
"""


def test_all_models_of_a_file(gateway: FakeGateway, shinsa: Shinsa, tmp_path: Path) -> None:
    (tmp_path / "weights").mkdir()
    file = tmp_path / "models.toml"
    # A byte order mark does no harm.
    file.write_text("\ufeff" + FILE)
    assert shinsa("models", "add", "--file", str(file)).code == 0
    assert added(gateway) == [
        {"name": "small", "labels": {"size": "135M"}, "vllm": {"model": str(tmp_path / "weights")}},
        {"name": "remote", "concurrency": 4, "openai": {"base_url": "http://h/v1", "model": "big"}},
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no [[model]] table"),
        ("[[model]", "models.toml"),
        ("[[models]]\nname = 'a'", "unknown key 'models'"),
        ("[[model]]\n[model.vllm]\nmodel = 'x'", "model 1 has no name"),
        ("[[model]]\nname = 'a'", "needs exactly one engine"),
        ("[[model]]\nname = 'a'\nvllm = {}\nopenai = {}", "needs exactly one engine"),
        ("[[model]]\nname = 'a'\nscripted = {}\n[[model]]\nname = 'a'\nscripted = {}", "'a' stands twice"),
    ],
)
def test_a_bad_file_adds_nothing(gateway: FakeGateway, shinsa: Shinsa, tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "models.toml"
    file.write_text(text)
    ended = shinsa("models", "add", "--file", str(file))
    assert ended.code == 2
    assert says in ended.err
    assert gateway.asked == []


def test_a_refused_entry_is_named_with_those_added_before(gateway: FakeGateway, shinsa: Shinsa, tmp_path: Path) -> None:
    file = tmp_path / "models.toml"
    file.write_text(FILE)
    gateway.says("POST /v1/models", Reply({"name": "small"}, 201), problem(409, "The name is taken."))
    ended = shinsa("models", "add", "--file", str(file))
    assert ended.code == 2
    assert "remote: The name is taken. (added before it: small)" in ended.err


def test_models_are_listed_with_what_is_wrong(gateway: FakeGateway, shinsa: Shinsa) -> None:
    model = {
        "name": "small",
        "vllm": {"model": "/weights"},
        "openai": None,
        "scripted": None,
        "labels": {"size": "135M"},
        "state": "failed",
        "problem": "no such folder",
        "in_flight": 0,
    }
    gateway.says("GET /v1/models", {"models": [model]})
    out = shinsa("models", "list").out
    for words in ("small", "vllm", "/weights", "failed (no such folder)", "size=135M"):
        assert words in out
    assert shinsa("models", "list", "--json").json == {"models": [model]}


def test_a_preset_and_fields_without_options(gateway: FakeGateway, shinsa: Shinsa) -> None:
    words = ("--preset", "openrouter", "--set", "stream=true", "--set", 'extra_body_json={"a": 1}')
    assert shinsa("models", "add", "routed", *words, "--sampling", "reasoning_effort=low").code == 0
    assert added(gateway)[0]["openai"] == {
        "preset": "openrouter",
        "stream": True,
        "extra_body_json": '{"a": 1}',
        "model": "routed",
    }
    assert added(gateway)[0]["sampling"] == {"reasoning_effort": "low"}


def test_known_providers_are_listed(shinsa: Shinsa) -> None:
    assert "OPENROUTER_API_KEY" in shinsa("models", "presets").out
    told = shinsa("models", "presets", "--json").json
    assert told["mistral"]["names"] == {"seed": "random_seed"}
    assert (told["anthropic"]["checked"], told["cohere"]["checked"]) == ("whole", "address")


def test_a_model_is_removed(gateway: FakeGateway, shinsa: Shinsa) -> None:
    gateway.says("DELETE /v1/models/old", Reply(b"", 204))
    assert "removed: old" in shinsa("models", "remove", "old").err
    gateway.refuses("DELETE /v1/models/busy", 409, "Run r1 examines it.")
    ended = shinsa("models", "remove", "busy")
    assert (ended.code, "Run r1 examines it." in ended.err) == (2, True)


def test_a_model_is_checked(gateway: FakeGateway, shinsa: Shinsa) -> None:
    finding = {"subject": "top_k", "verdict": "ignored", "detail": "It was dropped."}
    gateway.says("POST /v1/models/m/check", {"findings": [finding], "accepts": ["seed", "stop"]})
    ended = shinsa("models", "check", "m")
    assert "It was dropped." in ended.out
    assert 'accepts = ["seed", "stop"]' in ended.err
    assert shinsa("models", "check", "m", "--json").json["findings"] == [finding]


ANSWER = {
    "choices": [{"text": "東京", "reasoning": "首都か", "finish_reason": "stop", "tool_calls": []}],
    "usage": {"prompt_tokens": 5, "completion_tokens": 2},
    "latency_seconds": 0.2,
}


def test_a_question_is_answered(gateway: FakeGateway, shinsa: Shinsa) -> None:
    gateway.says("POST /v1/models/m/generate", ANSWER)
    ended = shinsa("generate", "--model", "m", "首都は？", "--system", "短く", "--max-tokens", "8", "--set", "seed=3")
    assert ended.out == "東京\n"
    assert "首都か" in ended.err
    assert gateway.requests("POST /v1/models/m/generate")[0].body == {
        "messages": [{"role": "system", "content": "短く"}, {"role": "user", "content": "首都は？"}],
        "sampling": {"max_tokens": 8, "seed": 3},
    }
    assert shinsa("generate", "-m", "m", "--raw", "1, 2,", "--json").json == ANSWER
    assert gateway.requests("POST /v1/models/m/generate")[1].body == {"raw": "1, 2,", "sampling": {}}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((" ",), "the prompt is empty"),
        (("a", "--raw", "--system", "b"), "no system message"),
        (("a", "--max-tokens", "3", "--set", "max_tokens=4"), "max_tokens is given twice"),
    ],
)
def test_a_bad_question_is_not_asked(gateway: FakeGateway, shinsa: Shinsa, words: tuple[str, ...], says: str) -> None:
    ended = shinsa("generate", "--model", "m", *words)
    assert (ended.code, says in ended.err, gateway.asked) == (2, True, [])
