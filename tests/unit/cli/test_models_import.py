"""`shinsa models import`: Nejumi configurations, written here in their form."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.json_format import ParseDict
from shinsa.inference.v1 import model_pb2
from shinsa_cli.nejumi.configuration import read_configuration
from shinsa_cli.nejumi.entry import Imported, import_model
from shinsa_inference.inbound.model_wire import to_entry
from unit.cli.fake_gateway import FakeGateway, Reply
from unit.cli.program import Shinsa

BASE = """
wandb: {entity: someone, project: p, run_name: null}
testmode: false
batch_size: 256
inference_interval: 0
run: {jaster: true}
network: {http_timeout: {connect: 10, read: 300}}
generator: {temperature: 0.1, top_p: 1.0, max_tokens: 128}
mtbench: {max_new_token: 1024, dataset: mtbench}
jbbq: {generator_config: {max_tokens: 10}}
"""
VLLM = """
wandb: {run_name: "some/Model 7B: tuned"}
api: vllm
num_gpus: 2
model:
  pretrained_model_name_or_path: some/Model-7B
  size_category: Small (<10B)
  size: 7000000000
  release_date: 01/31/2026
  artifacts_path: null
vllm:
  vllm_tag: v0.11.0
  lifecycle: always_on
  max_model_len: 8192
  dtype: bfloat16
  device_map: auto
  reasoning_parser: qwen3
  enable_auto_tool_choice: true
  tool_call_parser: hermes
  chat_template: plain
  extra_args: ["--max-num-seqs 64", "--seed=7", "--enforce-eager", "--port 8001"]
generator:
  temperature: 0.6
  extra_body:
    chat_template_kwargs: {enable_thinking: true}
    top_k: 20
mtbench: {max_new_token: 32768}
"""
ROUTED = """
wandb: {run_name: routed}
api: openai-compatible
base_url: https://openrouter.ai/api/v1
batch_size: 8
model: {pretrained_model_name_or_path: maker/big, release_date: 01/31/2026, colour: red}
generator:
  max_tokens: 64000
  extra_body:
    reasoning: {max_tokens: 16000}
    provider: {order: [one]}
"""


def imported(tmp_path: Path, text: str, base: str = BASE) -> Imported:
    folder = tmp_path / "configs"
    folder.mkdir(exist_ok=True)
    (folder / "base_config.yaml").write_text(base, "utf-8")
    (folder / "model.yaml").write_text(text, "utf-8")
    return import_model(read_configuration(folder / "model.yaml", None), beside=folder)


def accepted(entry: dict[str, Any]) -> Any:
    """What the inference service makes of it, which refuses what it does not know."""
    labels = [{"key": key, "value": value} for key, value in entry["labels"].items()]
    return to_entry(ParseDict({**entry, "labels": labels}, model_pb2.ModelEntry()))


def test_a_model_with_weights(tmp_path: Path) -> None:
    (tmp_path / "chat_templates").mkdir()
    template = tmp_path / "chat_templates" / "plain.jinja"
    template.write_text("{{ messages }}")
    done = imported(tmp_path, VLLM)
    assert done.entry["name"] == "some-Model-7B-tuned"
    assert done.entry["vllm"] == {
        "model": "some/Model-7B",
        "max_model_len": 8192,
        "dtype": "bfloat16",
        "reasoning_parser": "qwen3",
        "tool_call_parser": "hermes",
        "tensor_parallel_size": 2,
        "chat_template": str(template),
        "max_num_seqs": 64,
        "enforce_eager": True,
        "extra_arguments_json": '{"seed": 7}',
    }
    # The model's file wins over the base, key by key.
    assert done.entry["sampling"] == {
        "temperature": 0.6,
        "top_p": 1.0,
        "max_tokens": 128,
        "top_k": 20,
        "chat_template_arguments_json": '{"enable_thinking": true}',
    }
    assert done.entry["card"] == {"size_b": 7.0}
    assert done.overrides == ["mt_bench_ja.max_tokens=32768", "jbbq.max_tokens=10"]
    assert accepted(done.entry).engine.tensor_parallel_size == 2


def test_every_key_that_is_not_heeded_is_listed_with_its_reason(tmp_path: Path) -> None:
    unsaid = {one.key: one.why for one in imported(tmp_path, VLLM).unsaid}
    assert set(unsaid) == {
        "vllm.vllm_tag",
        "vllm.lifecycle",
        "vllm.device_map",
        "vllm.chat_template",
        "vllm.extra_args --port",
        "inference_interval",
    }
    assert "no such template" in unsaid["vllm.chat_template"]
    routed = {one.key: one.why for one in imported(tmp_path, ROUTED).unsaid}
    assert set(routed) == {"model.colour", "inference_interval"}
    assert all(unsaid.values())


def test_an_endpoint(tmp_path: Path) -> None:
    done = imported(tmp_path, ROUTED)
    engine = dict(done.entry["openai"])
    assert json.loads(engine.pop("extra_body_json")) == {"provider": {"order": ["one"]}}
    assert engine == {
        "preset": "openrouter",
        "base_url": "https://openrouter.ai/api/v1",
        "model": "maker/big",
        "api_key_env": "OPENAI_COMPATIBLE_API_KEY",
        "timeout_seconds": 300.0,
    }
    assert (done.entry["concurrency"], done.entry["sampling"]["reasoning_budget_tokens"]) == (8, 16000)
    assert accepted(done.entry).engine.preset == "openrouter"


@pytest.mark.parametrize(
    ("api", "preset"), [("openai_responses", "openai-responses"), ("google", "google"), ("amazon_bedrock", "bedrock")]
)
def test_providers(tmp_path: Path, api: str, preset: str) -> None:
    done = imported(tmp_path, f"api: {api}\nmodel: {{pretrained_model_name_or_path: m, thinking_budget: -1}}")
    assert done.entry["openai"]["preset"] == preset
    assert "reasoning_budget_tokens" not in done.entry["sampling"]
    assert accepted(done.entry).name == "m"


def test_azure_wants_its_address(tmp_path: Path) -> None:
    done = imported(tmp_path, "api: azure-openai\nmodel: {pretrained_model_name_or_path: deployed}", "{a: 1}")
    assert done.entry["openai"]["azure_api_version"] == "2024-05-01-preview"
    assert [one.key for one in done.unsaid] == ["base_url"]


def test_the_entry_is_written_as_a_file_of_models(
    gateway: FakeGateway, shinsa: Shinsa, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "routed.yaml"
    file.write_text(ROUTED)
    gateway.says("POST /v1/models", Reply({"name": "mine"}, 201))
    ended = shinsa("models", "import", str(file), "--name", "mine", "--register")
    [entry] = tomllib.loads(ended.out)["model"]
    assert gateway.requests("POST /v1/models")[0].body == entry | {"labels": {"release_date": "01/31/2026"}}
    assert "model.colour" in ended.err
    assert shinsa("models", "import", str(file), "--json").json["entry"]["name"] == "routed"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[1]", "holds no keys"),
        ("a: [", "model.yaml"),
        ("api: vllm", "names no model"),
        ("api: carrier-pigeon\nmodel: {pretrained_model_name_or_path: m}", "carrier-pigeon"),
        ("api: openai-compatible\nmodel: {pretrained_model_name_or_path: m}", "names no endpoint"),
    ],
)
def test_what_is_no_configuration(shinsa: Shinsa, tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "model.yaml").write_text(text)
    ended = shinsa("models", "import", str(tmp_path / "model.yaml"))
    assert (ended.code, says in ended.err) == (2, True)
