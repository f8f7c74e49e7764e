"""`shinsa report`, `runs`, `items`, `item`, `compare`, `board`: what is read of the answers."""

from __future__ import annotations

from typing import Any

import pytest
from unit.cli.documents import report_json, run_json, score_json
from unit.cli.fake_gateway import FakeGateway
from unit.cli.program import Shinsa

RUN = "r0example0000001"
ITEM = "5f0c1e5f0c1e5f0c1e5f"


def item_json(**changes: Any) -> dict[str, Any]:
    item = {
        "id": ITEM,
        "run_id": RUN,
        "benchmark": "mt_bench_ja",
        "shots": 0,
        "repetition": 0,
        "sample_id": "101",
        "status": "scored",
        "reason": "",
        "detail": "",
        "metrics": {"score": 6.5},
        "answer": "五つ",
        "gold": "5",
        "category": "reasoning",
        "finished_at": "2026-01-31T09:00:07Z",
    }
    return {**item, **changes}


TIMES = {"started_at": "2026-01-31T09:00:02Z", "finished_at": "2026-01-31T09:00:05.5Z"}
GENERATE = {
    "kind": "generate",
    "id": "s1",
    "request": {
        "model": "mine",
        "messages": [{"role": "user", "content": "りんごは\x1b[31mいくつ\x07"}],
        "raw": None,
        "sampling": {"temperature": 0.0, "max_tokens": 16, "top_p": None, "stop": []},
    },
    "result": {
        "choices": [
            {"text": "五つ [bold]です[/bold]", "reasoning": "数える", "tool_calls": [], "finish_reason": "stop"}
        ],
        "usage": {"prompt_tokens": 12, "completion_tokens": 5, "reasoning_tokens": 2, "cached_tokens": 0},
        "effective_request_json": '{"model": "weights-1", "messages": [], "seed": 7}',
        "fingerprint": {"engine": "vllm", "engine_version": "0.32.0", "model": "weights-1"},
        "latency_seconds": 0.25,
    },
    "failure": None,
    "worker": "host-1",
    "attempt": 2,
    "deliveries": 1,
    **TIMES,
}
EXECUTE = {
    "kind": "execute",
    "id": "s2",
    "request": {
        "program": {
            "runtime": "python",
            "files": [{"path": "main.py", "content": {"text": "def add(a, b):\n    return a - b\n"}}],
            "entry": "main.py",
            "stdin": {"text": ""},
        },
        "limits": {"cpu_seconds": 5.0, "wall_seconds": 0, "memory_bytes": 268435456},
        "checks": {"calls": None, "script": {"source": "assert add(1, 2) == 3", "functions": ["add"], "check": ""}},
    },
    "result": {
        "verdict": "fail",
        "reason": "assert add(1, 2) == 3",
        "checks": [{"name": "assert add(1, 2) == 3", "passed": False, "detail": "got -1"}],
        "stdout": {"text": "hello", "total_bytes": 9000, "truncated": True},
        "stderr": {"text": ""},
        "exit_code": 1,
        "signal": "",
        "usage": {"cpu_seconds": 0.05, "wall_seconds": 0.06, "peak_memory_bytes": 10485760},
        "executor": "jail",
        "trust": "split",
        "tier": "2",
    },
    **TIMES,
}
JUDGE = {
    "kind": "judge",
    "id": "s3",
    "request": {"profile": "gpt", "rubric": "mt_bench_single", "fields": {"answer": "五つ"}},
    "result": {
        "readable": True,
        "value": 6.5,
        "label": "",
        "explanation": "正しいが短い。",
        "raw_reply": "正しいが短い。[[6.5]]",
        "usage": {"prompt_tokens": 100, "completion_tokens": 20},
        "asks": 1,
        "judge": {"profile": "gpt", "profile_digest": "abcdef0123456789", "rubric_digest": "0123456789abcdef"},
        "rendered_json": '[{"role": "user", "content": "次の答えを評価せよ"}]',
    },
    **TIMES,
}
LOST = {
    "kind": "judge",
    "id": "s4",
    "request": {"profile": "gpt", "rubric": "mt_bench_single", "fields": {"answer": "五つ"}},
    "result": None,
    "failure": {"reason": "timeout", "message": "the endpoint did not answer", "origin": "judge", "attempts": 3},
}


def test_a_report_shows_denominators_reasons_and_provenance(gateway: FakeGateway, shinsa: Shinsa) -> None:
    by_category = score_json(metric="exact_match/spatial", primary=False, value=0.5)
    gateway.says(f"GET /v1/runs/{RUN}", run_json())
    gateway.says(f"GET /v1/runs/{RUN}/report", report_json(run_json(), score_json(), by_category))
    ended = shinsa("report", RUN)
    (line,) = [line for line in ended.out.splitlines() if line.startswith("jnli @4") and "exact_match" in line]
    assert line.split() == ["jnli", "@4", "exact_match", "0.750", "0.410", "…", "0.930", "7/8", "1", "0"]
    told = ("truncated", "vllm 0.32.0 small bfloat16", "5,120 in, 64 out", "8 needed, 8 asked", "9f86d081884c")
    why = (
        "2 delivered again: the worker met what may pass (rate_limited)",
        "1 delivered again: no word from the worker",
    )
    for words in told + why:
        assert words in ended.out
    assert "could not be measured" not in ended.out
    assert "exact_match/spatial" not in ended.out
    assert "exact_match/spatial" in shinsa("report", RUN, "--by-category").out


def test_a_report_tells_what_the_completions_took(gateway: FakeGateway, shinsa: Shinsa) -> None:
    totals = {
        "completions": 9,
        "adopted": 0,
        "reused": 2,
        "not_greedy": 3,
        "reasoning_tokens": 1200,
        "cached_tokens": 4096,
        "finish_reasons": {"length": 1, "stop": 8},
        "latency": {"completions": 7, "mean": 1.0, "p50": 0.75, "p95": 2.125, "longest": 2.5},
        "costs": [{"amount": 5.25, "currency": "EUR"}],
    }
    gateway.says(f"GET /v1/runs/{RUN}", run_json())
    gateway.says(f"GET /v1/runs/{RUN}/report", report_json(run_json(), score_json()))
    plain = shinsa("report", RUN).out
    assert "its entry's price" not in plain
    assert "reused" not in plain
    gateway.says(f"GET /v1/runs/{RUN}/report", report_json(run_json(), score_json(), generation=totals))
    told = shinsa("report", RUN).out
    for words in (
        "4,096 in from the cache, 1,200 out for reasoning",
        "1 length, 8 stop",
        "median 0.75 s, 95 % within 2.12 s, longest 2.5 s (7 completions)",
        "5.25 EUR",
        "2 completions of earlier runs; 7 asked here, 3 of them not eligible (sampling)",
    ):
        assert words in told


def test_a_report_tells_what_each_judge_was_asked_for_and_where_judges_disagreed(
    gateway: FakeGateway, shinsa: Shinsa
) -> None:
    usage = {
        "profile": "three",
        "verdicts": 1200,
        "unreadable": 2,
        "disagreed": 31,
        "prompt_tokens": 90000,
        "completion_tokens": 4500,
        "costs": [{"amount": 12345.678, "currency": "USD"}, {"amount": 0.000196, "currency": "EUR"}],
    }
    paused = run_json("paused", problem="94,500 of 90,000 judge tokens are spent; `shinsa resume ...` goes on")
    gateway.says(f"GET /v1/runs/{RUN}", paused)
    gateway.says(f"GET /v1/runs/{RUN}/report", {**report_json(paused), "judges": [usage]})
    ended = shinsa("report", RUN)
    assert ended.code == 1
    told = "three: 1,200 verdicts, 2 unreadable, 31 disagreed, 90,000 tokens in, 4,500 out, 12,345.68 USD, 0.000196 EUR"
    assert told in " ".join(ended.out.split())
    assert "judge tokens are spent" in ended.out
    assert f"shinsa items {RUN} --disagreed" in ended.out


def test_a_verdict_shows_what_it_is_made_of_and_what_it_cost(gateway: FakeGateway, shinsa: Shinsa) -> None:
    def member(profile: str, value: float, **fields: Any) -> dict[str, Any]:
        verdict = {**JUDGE["result"], "value": value, "judge": {"profile": profile}, "explanation": f"{profile}は思う"}  # type: ignore[dict-item]
        return {"verdict": verdict, **fields}

    result = {
        **JUDGE["result"],  # type: ignore[dict-item]
        "findings": [{"name": "rating", "value": 6.5}, {"name": "helpful", "value": True}],
        "cost": {"amount": 0.0123, "currency": "USD"},
        "members": [member("one", 5), member("two", 8, repeat=1), member("two", 6, swapped=True)],
        "spread": {"lowest": 5, "highest": 8, "deviation": 1.25, "agreement": 0.5},
    }
    gateway.says(f"GET /v1/items/{ITEM}", {**item_json(), "steps": [{**JUDGE, "result": result}]})
    out = " ".join(shinsa("item", ITEM).out.split())
    for words in (
        "rating 6.5, helpful yes",
        "5 – oneは思う",
        "time 2: 8 – twoは思う",
        "two swapped 6",
        "5 to 8, deviation 1.25, 50% agree",
        "0.0123 USD",
    ):
        assert words in out, words


def test_what_is_missing_is_bounded_and_never_zero(gateway: FakeGateway, shinsa: Shinsa) -> None:
    lost = score_json(infra_errors=3, scored=4, worst_case=0.4, best_case=0.8)
    unmeasured = score_json(
        benchmark="jsquad", value=None, low=None, high=None, scored=0, model_errors=0, infra_errors=8
    )
    gateway.says(f"GET /v1/runs/{RUN}", run_json("incomplete"))
    gateway.says(f"GET /v1/runs/{RUN}/report", report_json(run_json("incomplete"), lost, unmeasured))
    ended = shinsa("report", RUN)
    assert ended.code == 1
    assert "0.400 … 0.800" in ended.out
    line, bounds = [line for line in ended.out.splitlines() if line.startswith("jsquad")]
    assert line.split()[3:] == ["–", "–", "0/8", "0", "8"]
    assert "8/8" in bounds
    assert f"shinsa resume {RUN} --wait" in ended.out
    assert f"shinsa items {RUN} --status infra_error" in ended.out


def test_runs_are_listed_over_pages(gateway: FakeGateway, shinsa: Shinsa) -> None:
    second = run_json("failed", id="r0example0000002", problem="no data")
    gateway.says("GET /v1/runs", {"runs": [run_json()], "next_cursor": "more"}, {"runs": [second], "next_cursor": None})
    ended = shinsa("runs", "--model", "mine")
    assert RUN in ended.out
    assert "r0example0000002" in ended.out
    first, then = gateway.requests("GET /v1/runs")
    assert first.query == {"model": "mine", "page_size": "20"}
    assert then.query["cursor"] == "more"
    gateway.says("GET /v1/runs", {"runs": [run_json(), second], "next_cursor": "more"})
    assert [run["id"] for run in shinsa("runs", "--limit", "1", "--json").json["runs"]] == [RUN]


def test_items_are_filtered_by_the_gateway_and_limited_here(gateway: FakeGateway, shinsa: Shinsa) -> None:
    gateway.says(f"GET /v1/runs/{RUN}", run_json())
    gateway.says(f"GET /v1/runs/{RUN}/items", {"items": [item_json(), item_json(id="other")], "next_cursor": None})
    filters = ("--benchmark", "mt_bench_ja", "--status", "scored", "--wrong", "--category", "reasoning", "--disagreed")
    filters += ("--shots", "0", "--sample", "q-81")
    ended = shinsa("items", RUN, *filters, "--limit", "1")
    assert ended.code == 0
    assert ITEM in ended.out
    assert "other" not in ended.out
    assert "there are more" in ended.err
    (asked,) = gateway.requests(f"GET /v1/runs/{RUN}/items")
    wanted = {"benchmark": "mt_bench_ja", "status": "scored", "wrong_only": "true", "category": "reasoning"}
    wanted |= {"disagreed_only": "true", "shots": "0", "sample_id": "q-81"}
    assert asked.query == {**wanted, "page_size": "2"}
    assert shinsa("items", RUN, "--limit", "1", "--json").json == {"items": [item_json()], "more": True}
    assert shinsa("items", RUN, "--limit", "0", "--json").json["more"] is False


def test_an_item_is_shown_whole(gateway: FakeGateway, shinsa: Shinsa) -> None:
    gateway.says(f"GET /v1/items/{ITEM}", {**item_json(), "steps": [GENERATE, EXECUTE, JUDGE, LOST]})
    out = shinsa("item", ITEM).out
    for words in (
        "五つ [bold]です[/bold]",
        "数える",
        "temperature=0.0, max_tokens=16",
        '{"model": "weights-1", "seed": 7}',
        "12 in, 5 out, 2 of them reasoning",
        "attempt 2",
        "3.5 s",
        "return a - b",
        "assert add(1, 2) == 3",
        "got -1",
        "cut; 9000 bytes in all",
        "cpu_seconds=5",
        "jail, tier 2, verdict by split",
        "次の答えを評価せよ",
        "正しいが短い。[[6.5]]",
        "abcdef012345",
        "timeout (judge, 3 tries): the endpoint did not answer",
        "gold",
    ):
        assert words in out, words


def test_a_report_is_readable_on_a_narrow_terminal(
    gateway: FakeGateway, shinsa: Shinsa, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    long = score_json(benchmark="jcommonsenseqa", metric="exact_match_figure_strict", scored=1117, items=1118)
    gateway.says(f"GET /v1/runs/{RUN}", run_json())
    gateway.says(f"GET /v1/runs/{RUN}/report", report_json(run_json(), long))
    out = shinsa("report", RUN).out
    (line,) = [line for line in out.splitlines() if line.startswith("jcommonsenseqa")]
    assert line.split()[-6:] == ["0.410", "…", "0.930", "1117/1118", "1", "0"]
    assert "0.750" in line
    assert max(map(len, out.split("time  ")[0].splitlines())) <= 80


def test_a_terminal_never_obeys_what_a_model_wrote(gateway: FakeGateway, shinsa: Shinsa) -> None:
    gateway.says(f"GET /v1/items/{ITEM}", {**item_json(answer="\x1b]0;title\x07\u202e"), "steps": [GENERATE]})
    out = shinsa("item", ITEM).out
    assert "␛[31mいくつ␇" in out
    assert not any(sign in out for sign in "\x1b\x07\u202e")


def test_japanese_is_broken_where_the_line_ends(
    gateway: FakeGateway, shinsa: Shinsa, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "24")
    reply = {"choices": [{"text": "ア " + "あ" * 30, "finish_reason": "stop"}]}
    gateway.says(f"GET /v1/items/{ITEM}", {**item_json(), "steps": [{**GENERATE, "result": reply}]})
    out = shinsa("item", ITEM).out
    assert "│ ア " + "あ" * 8 + "  │" in out
    assert "│ " + "あ" * 10 + " │" in out


def test_two_runs_are_compared(gateway: FakeGateway, shinsa: Shinsa) -> None:
    comparison = {
        "benchmark": "jnli",
        "shots": 4,
        "metric": "exact_match",
        "shared": 100,
        "mean_a": 0.71,
        "mean_b": 0.78,
        "difference": 0.07,
        "stderr": 0.03,
        "low": 0.01,
        "high": 0.13,
        "p_value": 0.0001,
        "a_better": 3,
        "b_better": 10,
        "rank_correlation": 0.62,
        "differences": [{"sample_id": "s7", "value_a": 0, "value_b": 1, "item_a": "ia", "item_b": "ib"}],
    }
    for run in ("a1", "b2"):
        gateway.says(f"GET /v1/runs/{run}", run_json(id=run))
    gateway.says("GET /v1/compare", {"comparisons": [comparison]})
    ended = shinsa("compare", "a1", "b2")
    (line,) = [line for line in ended.out.splitlines() if line.startswith("jnli") and "differ" not in line]
    cells = [
        "jnli",
        "@4",
        "exact_match",
        "100",
        "0.710",
        "0.780",
        "+0.070",
        "0.010",
        "…",
        "0.130",
        "<",
        "0.001",
        "3",
        "10",
        "0.620",
    ]
    assert line.split() == cells
    assert "s7 0.000 1.000 +1.000 ia ib" in " ".join(ended.out.split())
    assert shinsa("compare", "a1", "b2", "--samples", "5").code == 0
    asked = [request.query for request in gateway.requests("GET /v1/compare")]
    assert asked == [{"a": "a1", "b": "b2"}, {"a": "a1", "b": "b2", "samples": "5"}]


BOARD: dict[str, Any] = {
    "id": "first_slice",
    "title": "First slice",
    "nodes": [
        {"id": "total", "title": "Total", "parent": "", "weight": 1},
        {"id": "reading", "title": "Reading", "parent": "total", "weight": 2},
        {"id": "jnli", "title": "JNLI", "parent": "reading", "weight": 1},
    ],
    "rows": [
        {
            "model": "worse",
            "run_id": "r1",
            "cells": [
                {"node": "total", "value": 0.3, "stderr": 0.05, "complete": False},
                {"node": "jnli", "value": None, "stderr": None, "complete": False},
            ],
            "complete": False,
        },
        {
            "model": "better",
            "run_id": "r2",
            "cells": [{"node": "total", "value": 0.6, "stderr": None, "complete": True}],
            "complete": True,
        },
    ],
}


def test_a_board_shows_models_side_by_side_best_first(gateway: FakeGateway, shinsa: Shinsa) -> None:
    gateway.says("GET /v1/boards", {"boards": [{**BOARD, "rows": []}, {**BOARD, "id": "empty", "rows": []}]})
    gateway.says("GET /v1/boards/first_slice", BOARD)
    gateway.says("GET /v1/boards/empty", {**BOARD, "id": "empty", "rows": []})
    out = shinsa("board", "show").out
    assert out.index("better") < out.index("worse")
    assert "0.300 ± 0.098 *" in out
    assert "    JNLI" in out
    assert shinsa("board", "show", "first_slice", "--json").json == BOARD
    assert "first_slice" in shinsa("board", "list").out
    assert shinsa("board", "show", "nope").code == 2


def test_of_several_boards_the_one_with_complete_rows_is_shown(gateway: FakeGateway, shinsa: Shinsa) -> None:
    partly = {**BOARD, "id": "partly", "rows": [{**row, "complete": False} for row in BOARD["rows"]]}
    whole = {**BOARD, "rows": [{**row, "complete": True} for row in BOARD["rows"]]}
    gateway.says("GET /v1/boards", {"boards": [partly, whole]})
    gateway.says("GET /v1/boards/partly", partly)
    gateway.says("GET /v1/boards/first_slice", whole)
    assert shinsa("board", "show", "--json").json["id"] == "first_slice"
    gateway.says("GET /v1/boards/first_slice", {**whole, "rows": partly["rows"]})
    ambiguous = shinsa("board", "show")
    assert (ambiguous.code, "partly or first_slice" in ambiguous.err) == (2, True)


def test_a_board_of_many_models_has_a_line_for_each(gateway: FakeGateway, shinsa: Shinsa) -> None:
    rows = [{**BOARD["rows"][1], "model": f"model-{number}"} for number in range(5)]
    gateway.says("GET /v1/boards/first_slice", {**BOARD, "rows": rows})
    lines = shinsa("board", "show", "first_slice").out.splitlines()
    assert [line.split()[:2] for line in lines if line.startswith("model-")] == [
        [f"model-{number}", "0.600"] for number in range(5)
    ]
    assert not any("JNLI" in line for line in lines)


@pytest.mark.parametrize(("peak", "told"), [(0, "peak not known"), (3 * 2**20, "peak 3.0 MiB")])
def test_memory_that_nobody_measured_is_not_none(gateway: FakeGateway, shinsa: Shinsa, peak: int, told: str) -> None:
    """A program that the sandbox has ended cannot be asked what it used at most."""
    usage = {"cpu_seconds": 1.0, "wall_seconds": 1.0, "peak_memory_bytes": peak}
    step = {**EXECUTE, "result": {**EXECUTE["result"], "usage": usage}}
    gateway.says(f"GET /v1/items/{ITEM}", {**item_json(), "steps": [step]})
    assert told in shinsa("item", ITEM).out
