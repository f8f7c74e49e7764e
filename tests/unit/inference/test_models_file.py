"""Models from a TOML file."""

from __future__ import annotations

from pathlib import Path

import pytest
from shinsa_chassis.errors import Reason, ShinsaError
from shinsa_inference.domain.model import OpenAiEngine, Rule, ScriptedEngine, VllmEngine
from shinsa_inference.inbound.models_file import read_models

GOOD = r"""
[[model]]
name = "small"
concurrency = 12
[model.labels]
size = "135M"
[model.vllm]
model = "/models/small"
enable_prefix_caching = false

[[model]]
name = "far"
[model.openai]
base_url = "http://127.0.0.1:1/v1"
model = "m"
accepts = ["temperature", "top_k"]

[[model]]
name = "dry"
[model.scripted]
otherwise = "?"
rules = [{pattern = "(a)", reply = '\1'}]
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "models.toml"
    path.write_text(text, "utf-8")
    return path


def test_all_kinds(tmp_path: Path) -> None:
    small, far, dry = read_models(write(tmp_path, GOOD))
    assert (small.name, small.window, small.labels) == ("small", 12, (("size", "135M"),))
    assert small.engine == VllmEngine("/models/small", enable_prefix_caching=False)
    assert far.engine == OpenAiEngine("http://127.0.0.1:1/v1", "m", accepts=("temperature", "top_k"))
    assert dry.engine == ScriptedEngine((Rule("(a)", r"\1"),), "?")


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    assert read_models(write(tmp_path, "\ufeff" + GOOD)) == read_models(write(tmp_path, GOOD))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[model]", ["models.toml"]),
        ("[[models]]\nname='x'", ["unknown key 'models'"]),
        ("[model]\nname='x'", ["[[model]]"]),
        ("[[model]]\nname='x'\n[model.vlm]\nmodel='m'", ["model x", "vlm", "vllm"]),
        ("[[model]]\nname='x'\n[model.vllm]\nmodle='m'", ["model x", "vllm.modle", "model"]),
        ("[[model]]\nname='x'\nconcurrency='many'\n[model.vllm]\nmodel='m'", ["model x", "concurrency"]),
        ("[[model]]\n[model.vllm]\nmodel='m'", ["model number 1", "name"]),
        ("[[model]]\nname='x'\n[model.openai]\nbase_url='nowhere'\nmodel='m'", ["model x", "openai.base_url"]),
    ],
)
def test_mistakes_are_named(tmp_path: Path, text: str, words: list[str]) -> None:
    with pytest.raises(ShinsaError) as caught:
        read_models(write(tmp_path, text))
    assert caught.value.reason is Reason.FAILED_PRECONDITION
    for word in words:
        assert word in caught.value.message


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ShinsaError, match=r"gone\.toml"):
        read_models(tmp_path / "gone.toml")
