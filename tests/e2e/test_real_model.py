"""The real thing, small: vLLM on the CPU, the jail, and the model as its own judge. Needs the vLLM engine."""

from __future__ import annotations

import importlib.util
import json
import os
from pathlib import Path

import pytest
from e2e.rig import PATIENT, lasting

MODEL = Path(os.environ.get("SHINSA_SMALL_MODEL", Path(__file__).parents[2] / ".models" / "smollm2-135m"))

pytestmark = [
    pytest.mark.vllm,
    pytest.mark.timeout(900),
    pytest.mark.skipif(importlib.util.find_spec("vllm") is None, reason="vLLM is not installed: make setup-vllm"),
    pytest.mark.skipif(not (MODEL / "config.json").exists(), reason=f"no small model in {MODEL}: make test fetches it"),
]


def test_a_real_model_is_examined_by_the_whole_mesh(mesh) -> None:
    mesh.environment |= PATIENT
    mesh.up()
    mesh.shinsa(
        "models", "add", "smollm2-135m", "--engine", "vllm", "--model", str(MODEL), "--max-model-len", "4096",
        "--enforce-eager", "--concurrency", "16", "--set", "max_num_seqs=1", "--set", "enable_prefix_caching=false",
    )  # fmt: skip
    done = mesh.shinsa(
        "run", "--model", "smollm2-135m", "--suite", "demo", "--limit", "1", "--wait", "--json", patience=800
    )
    report = json.loads(done.stdout)
    assert report["run"]["state"] == "complete"
    assert report["provenance"]["sandbox_tiers"]
    assert any("vllm" in one for one in report["provenance"]["engine_fingerprints"])
    run_id = report["run"]["id"]
    judged = next(item for item in mesh.items(run_id) if item["benchmark"] == "mt_bench_ja")
    steps = mesh.get(f"/v1/items/{judged['id']}")["steps"]
    assert {step["kind"] for step in steps} == {"generate", "judge"}
    replies = [step["result"]["choices"][0]["text"] for step in steps if step["kind"] == "generate"]
    assert all(replies)
    repeated(mesh)


def repeated(mesh) -> None:
    """Greedy answers of one sequence at a time, without what others leave in the cache, are the same each time."""
    words = ("run", "--model", "smollm2-135m", "--benchmarks", "jnli@0,jcommonsenseqa@0,mawps@0", "--limit", "8")
    reports = [json.loads(mesh.shinsa(*words, "--json", patience=800).stdout) for _ in range(2)]
    assert [report["run"]["state"] for report in reports] == ["complete"] * 2
    assert reports[0]["generation"]["not_greedy"] == 0
    assert reports[0]["run"]["progress"]["items"] > 12
    first, again = (json.dumps(lasting(report)) for report in reports)
    assert again == first
    answers = [
        sorted((item["benchmark"], item["sample_id"], item["answer"]) for item in mesh.items(report["run"]["id"]))
        for report in reports
    ]
    assert answers[1] == answers[0]
