"""Runs, scores and reports as the gateway shows them."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]


def run_json(state: str = "complete", **changes: Any) -> Json:
    """A run as the gateway shows it."""
    done = 8 if state == "complete" else 5
    run = {
        "id": "r0example0000001",
        "spec": {"model": "mine", "suite": "demo", "benchmarks": [], "limit": 0, "judges": {}, "overrides": {}},
        "state": state,
        "problem": "",
        "created_at": "2026-01-31T09:00:00Z",
        "started_at": "2026-01-31T09:00:01Z",
        "finished_at": "2026-01-31T09:02:06Z",
        "progress": {
            "items": 8,
            "scored": done - 1,
            "model_errors": 1,
            "infra_errors": 0,
            "in_flight": 0,
            "stages": [{"kind": "generate", "asked": 8, "recorded": done, "failed": 0, "replayed": 2}],
            "benchmarks": [{"benchmark": "jnli", "shots": 4, "items": 8, "done": done}],
        },
        "plan": [],
    }
    return {**run, **changes}


def score_json(**changes: Any) -> Json:
    """A score as the gateway shows it."""
    score = {
        "benchmark": "jnli",
        "shots": 4,
        "metric": "exact_match",
        "primary": True,
        "value": 0.75,
        "stderr": 0.153,
        "low": 0.41,
        "high": 0.93,
        "scored": 7,
        "model_errors": 1,
        "infra_errors": 0,
        "items": 8,
        "worst_case": 0.75,
        "best_case": 0.75,
        "scale": "0-1",
    }
    return {**score, **changes}


def report_json(run: Json | None = None, *scores: Json, **changes: Any) -> Json:
    """A report as the gateway shows it."""
    report = {
        "run": run or run_json(),
        "scores": list(scores) or [score_json()],
        "reasons": [
            {"status": "scored", "reason": "", "count": 7, "benchmark": "jnli"},
            {"status": "model_error", "reason": "truncated", "count": 1, "benchmark": "jnli"},
        ],
        "provenance": {
            "shinsa_version": "0.1.0",
            "suite": "demo",
            "benchmarks": [
                {
                    "benchmark": "jnli",
                    "version": "1.0",
                    "shots": 4,
                    "items": 8,
                    "dataset_digest": "9f86d081884c7d659a2feaa0c55ad015",
                    "dataset": "prepared",
                }
            ],
            "engine_fingerprints": ["vllm 0.32.0 small bfloat16"],
            "judge_identities": [],
            "sandbox_tiers": ["jail tier 2"],
            "reproduce": "shinsa run --model mine --suite demo",
        },
        "tokens": {
            "prompt_tokens": 5120,
            "completion_tokens": 64,
            "judge_prompt_tokens": 0,
            "judge_completion_tokens": 0,
        },
        "ledger": {
            "steps_needed": 8,
            "steps_asked": 8,
            "steps_asked_again": 0,
            "steps_delivered_again": 3,
            "steps_failed": 0,
            "repeats": [
                {"cause": "retried", "reason": "rate_limited", "count": 2},
                {"cause": "silent", "reason": "", "count": 1},
            ],
        },
    }
    return {**report, **changes}
