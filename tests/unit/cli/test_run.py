"""`shinsa run`, `watch`, `resume`, `cancel`: what is sent, what is shown, and the exit code."""

from __future__ import annotations

import json
import threading
import time
from types import SimpleNamespace
from typing import Any

import pytest
from shinsa_cli.gateway import events
from shinsa_client.events import EventReader
from unit.cli.documents import report_json, run_json
from unit.cli.fake_gateway import FakeGateway, Reply, problem
from unit.cli.program import Shinsa

RUN = "r0example0000001"


def over(state: str) -> Reply:
    """A stream that ends with the run in this state."""
    return Reply(events=[("run", run_json("running")), ("run", run_json(state))])


def prepared(gateway: FakeGateway, state: str = "complete") -> None:
    gateway.says("POST /v1/runs", Reply(run_json("pending"), 201))
    gateway.says(f"GET /v1/runs/{RUN}", run_json(state))
    gateway.says(f"GET /v1/runs/{RUN}/events", over(state))
    gateway.says(f"GET /v1/runs/{RUN}/report", report_json(run_json(state)))


def test_a_run_is_followed_to_its_report(gateway: FakeGateway, shinsa: Shinsa) -> None:
    prepared(gateway)
    ended = shinsa("run", "--model", "mine", "--suite", "demo")
    assert ended.code == 0
    assert "0.750" in ended.out
    assert "0.410 … 0.930" in ended.out
    assert "7/8" in ended.out
    assert "running" in ended.err
    assert "Ctrl-C" in ended.err


@pytest.mark.parametrize(("state", "code"), [("complete", 0), ("incomplete", 1), ("failed", 1), ("cancelled", 1)])
def test_only_a_complete_run_ends_with_zero(gateway: FakeGateway, shinsa: Shinsa, state: str, code: int) -> None:
    prepared(gateway, state)
    assert shinsa("run", "--model", "mine", "--suite", "demo", "--json").code == code
    assert shinsa("watch", RUN).code == code
    assert shinsa("report", RUN).code == code


PLAN = [{"benchmark": "jnli", "version": "1.1", "dataset_digest": "3f2a9c1d77aa", "shots": 0, "items": 4}]


def test_a_run_of_what_was_pinned_goes_on(gateway: FakeGateway, shinsa: Shinsa) -> None:
    prepared(gateway)
    gateway.says("POST /v1/runs", Reply(run_json("pending", plan=PLAN), 201))
    assert shinsa("run", "-m", "mine", "-s", "demo", "--pin", "jnli=1.1:3f2a9c1d").code == 0
    assert gateway.requests(f"POST /v1/runs/{RUN}/cancel") == []


@pytest.mark.parametrize(
    ("pin", "words"),
    [
        ("jnli=1.0:3f2a", "has version 1.1 here, not 1.0"),
        ("jnli=1.1:beef", "digest 3f2a here, not beef"),
        ("mawps=1.1:beef", "mawps is not part of it"),
    ],
)
def test_a_run_of_anything_else_is_cancelled(gateway: FakeGateway, shinsa: Shinsa, pin: str, words: str) -> None:
    prepared(gateway)
    gateway.says("POST /v1/runs", Reply(run_json("pending", plan=PLAN), 201))
    gateway.says(f"POST /v1/runs/{RUN}/cancel", run_json("cancelled"))
    ended = shinsa("run", "-m", "mine", "-s", "demo", "--pin", pin)
    assert ended.code == 2
    assert words in " ".join(ended.err.split())
    assert len(gateway.requests(f"POST /v1/runs/{RUN}/cancel")) == 1


def test_a_run_that_is_planned_otherwise_is_cancelled(gateway: FakeGateway, shinsa: Shinsa) -> None:
    prepared(gateway)
    gateway.says("POST /v1/runs", Reply(run_json("pending", plan=PLAN, plan_digest="5d41402abc4b"), 201))
    gateway.says(f"POST /v1/runs/{RUN}/cancel", run_json("cancelled"))
    assert shinsa("run", "-m", "mine", "-s", "demo", "--pin-plan", "5d41").code == 0
    ended = shinsa("run", "-m", "mine", "-s", "demo", "--pin-plan", "beef")
    assert (ended.code, len(gateway.requests(f"POST /v1/runs/{RUN}/cancel"))) == (2, 1)
    assert "planned otherwise here" in " ".join(ended.err.split())


def test_the_judges_of_a_report_are_demanded_before_anything_is_asked(gateway: FakeGateway, shinsa: Shinsa) -> None:
    prepared(gateway)
    gateway.says("GET /v1/judges", {"profiles": [{"name": "gpt", "digest": "3f2a9c1d77aa"}]})
    assert shinsa("run", "-m", "mine", "-s", "demo", "--pin-judge", "gpt=3f2a9c").code == 0
    before = len(gateway.requests("POST /v1/runs"))
    for pin, words in (("gpt=beef", "another here (3f2a, not beef)"), ("strict=beef", "'strict' is not here")):
        ended = shinsa("run", "-m", "mine", "-s", "demo", "--pin-judge", pin)
        assert (ended.code, len(gateway.requests("POST /v1/runs"))) == (2, before)
        assert words in " ".join(ended.err.split())
        assert "shinsa judges restore" in " ".join(ended.err.split())


def test_the_entry_of_a_command_is_registered_first(gateway: FakeGateway, shinsa: Shinsa) -> None:
    prepared(gateway)
    gateway.says("POST /v1/models", Reply({"name": "mine"}, 201))
    told = '{"scripted": {"otherwise": "あ"}, "concurrency": 2}'
    assert shinsa("run", "-m", "mine", "-s", "demo", "--entry", told).code == 0
    assert [asked.body for asked in gateway.requests("POST /v1/models")] == [{"name": "mine", **json.loads(told)}]
    gateway.refuses("POST /v1/models", 409, "model 'mine' is registered otherwise")
    runs = len(gateway.requests("POST /v1/runs"))
    for wrong in (told, "[]", "{"):
        assert shinsa("run", "-m", "mine", "-s", "demo", "--entry", wrong).code == 2
    assert len(gateway.requests("POST /v1/runs")) == runs


def test_a_pin_without_a_digest_is_refused_before_anything_is_asked(gateway: FakeGateway, shinsa: Shinsa) -> None:
    ended = shinsa("run", "-m", "mine", "-s", "demo", "--pin", "jnli=1.1")
    assert (ended.code, gateway.requests("POST /v1/runs")) == (2, [])
    assert "BENCHMARK=VERSION:DIGEST" in ended.err


def test_everything_that_was_asked_for_is_sent(gateway: FakeGateway, shinsa: Shinsa) -> None:
    prepared(gateway)
    words = ["--benchmarks", "jnli@0,4,mawps", "--benchmarks", "mt_bench_ja", "--shots", "2", "--limit", "100"]
    choices = ["--judge", "strict", "--judge", "mt-bench=gpt", "--set", "temperature=0.2", "--set", "jnli.stop=a=b"]
    ended = shinsa("run", "-m", "mine", *words, *choices, "--repetitions", "3", "--note", "nightly", "--no-wait")
    assert ended.code == 0
    assert ended.out.strip() == RUN
    assert f"shinsa cancel {RUN}" in ended.err
    (asked,) = gateway.requests("POST /v1/runs")
    assert asked.body == {
        "model": "mine",
        "suite": "",
        "benchmarks": [
            {"benchmark": "jnli", "shots": [0, 4], "repetitions": 3},
            {"benchmark": "mawps", "shots": [2], "repetitions": 3},
            {"benchmark": "mt_bench_ja", "shots": [2], "repetitions": 3},
        ],
        "limit": 100,
        "judges": {"*": "strict", "mt-bench": "gpt"},
        "overrides": {"temperature": "0.2", "jnli.stop": "a=b"},
        "dataset": "",
        "note": "nightly",
    }


def test_json_is_the_report_and_nothing_else(gateway: FakeGateway, shinsa: Shinsa) -> None:
    prepared(gateway)
    assert shinsa("run", "--model", "mine", "--suite", "demo", "--json").json == report_json()
    assert shinsa("run", "--model", "mine", "--suite", "demo", "--json", "--no-wait").json == run_json("pending")
    assert shinsa("watch", RUN, "--json").json == run_json()


def test_a_broken_connection_does_not_start_a_second_run(gateway: FakeGateway, shinsa: Shinsa) -> None:
    prepared(gateway)
    gateway.says("POST /v1/runs", Reply(breaks=True), Reply(run_json("pending"), 201))
    assert shinsa("run", "--model", "mine", "--suite", "demo", "--no-wait").code == 0
    keys = {asked.headers["Idempotency-Key"] for asked in gateway.requests("POST /v1/runs")}
    assert len(gateway.requests("POST /v1/runs")) == 2
    assert len(keys) == 1


def test_a_stream_that_breaks_off_is_picked_up_again(gateway: FakeGateway, shinsa: Shinsa) -> None:
    prepared(gateway)
    first_part = Reply(events=[("run", run_json("running"))])
    gateway.says(f"GET /v1/runs/{RUN}/events", first_part, Reply(breaks=True), problem(503, "later"), over("complete"))
    assert shinsa("watch", RUN).code == 0
    assert len(gateway.requests(f"GET /v1/runs/{RUN}/events")) == 4


def test_a_gateway_that_stays_away_is_given_up(
    gateway: FakeGateway, shinsa: Shinsa, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "PATIENCE", 0.2)
    prepared(gateway)
    gateway.refuses(f"GET /v1/runs/{RUN}/events", 503, "The orchestrator cannot be reached.")
    ended = shinsa("watch", RUN)
    assert ended.code == 3
    assert "The orchestrator cannot be reached." in ended.err


def test_a_heartbeat_is_a_word_of_the_gateway(
    gateway: FakeGateway, shinsa: Shinsa, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run may be silent for long; a gateway that is started anew meanwhile is waited for all the same."""
    prepared(gateway)
    clock = [0.0]
    monkeypatch.setattr(events, "time", SimpleNamespace(monotonic=lambda: clock[0], sleep=lambda _: None))

    class Silent(list[Any]):
        def __iter__(self) -> Any:
            yield "run", run_json("running")
            clock[0] += 10 * events.PATIENCE
            yield "", {}

    gateway.says(
        f"GET /v1/runs/{RUN}/events", Reply(events=Silent([("run", {})])), Reply(breaks=True), over("complete")
    )
    assert shinsa("watch", RUN).code == 0


def test_a_problem_in_the_stream_ends_the_watch(gateway: FakeGateway, shinsa: Shinsa) -> None:
    prepared(gateway)
    told = problem(404, "There is no run any more.").body
    gateway.says(f"GET /v1/runs/{RUN}/events", Reply(events=[("problem", told)]))
    ended = shinsa("watch", RUN)
    assert ended.code == 2
    assert "There is no run any more." in ended.err


def test_an_unknown_name_is_answered_with_near_matches_and_the_option(gateway: FakeGateway, shinsa: Shinsa) -> None:
    gateway.refuses(
        "POST /v1/runs", 404, "There is no benchmark 'jnl'.", field="benchmarks.0.benchmark", near_matches=["jnli"]
    )
    ended = shinsa("run", "--model", "mine", "--benchmarks", "jnl")
    assert ended.code == 2
    assert ended.out == ""
    assert "There is no benchmark 'jnl'." in ended.err
    assert "--benchmarks (benchmarks.0.benchmark)" in ended.err
    assert "did you mean: jnli" in ended.err
    assert "Traceback" not in ended.err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "either a suite or benchmarks"),
        (("--suite", "demo", "--benchmarks", "jnli"), "either a suite or benchmarks"),
        (("--suite", "demo", "--shots", "4"), "--shots goes with --benchmarks"),
        (("--benchmarks", "jnli", "--shots", "four"), "'four' is no list of shot counts"),
        (("--benchmarks", "jnli,jnli"), "'jnli' stands twice"),
        (("--benchmarks", "4"), "'4' names no benchmark"),
        (("--suite", "demo", "--set", "temperature"), "'temperature' is no KEY=VALUE"),
        (("--suite", "demo", "--set", "a=1", "--set", "a=2"), "sets a key for the second time"),
        (("--suite", "demo", "--judge", "mt="), "'mt=' chooses no judge"),
        (("--suite", "demo", "--limit", "-1"), "--limit"),
        (("--suit", "demo"), "--suit"),
    ],
)
def test_bad_input_is_refused_before_anything_is_asked(
    gateway: FakeGateway, shinsa: Shinsa, words: tuple[str, ...], says: str
) -> None:
    ended = shinsa("run", "--model", "mine", *words)
    assert ended.code == 2
    assert says in ended.err
    assert gateway.asked == []


def test_ctrl_c_leaves_the_run_and_says_how_to_stop_it(
    gateway: FakeGateway, shinsa: Shinsa, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared(gateway)

    def interrupted(*_: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr("shinsa_cli.examination.watch_run", interrupted)
    ended = shinsa("run", "--model", "mine", "--suite", "demo")
    assert ended.code == 130
    assert f"shinsa watch {RUN}" in ended.err
    assert f"shinsa cancel {RUN}" in ended.err
    assert gateway.requests(f"POST /v1/runs/{RUN}/cancel") == []


def test_a_run_is_cancelled_resumed_and_judged_again(gateway: FakeGateway, shinsa: Shinsa) -> None:
    prepared(gateway)
    gateway.says(f"POST /v1/runs/{RUN}/cancel", run_json("cancelled"))
    gateway.says(f"POST /v1/runs/{RUN}/resume", run_json("running"))
    gateway.says(f"POST /v1/runs/{RUN}/rejudge", Reply(run_json("pending"), 201))
    gateway.says(f"POST /v1/runs/{RUN}/rescore", report_json())
    assert shinsa("cancel", RUN, "--json").json["state"] == "cancelled"
    assert shinsa("resume", RUN).out.strip() == RUN
    assert shinsa("resume", RUN, "--wait", "--json").json == report_json()
    assert shinsa("rejudge", RUN, "--judge", "strict", "--no-wait").code == 0
    assert gateway.requests(f"POST /v1/runs/{RUN}/rejudge")[0].body == {"judges": {"*": "strict"}}
    assert shinsa("rejudge", RUN).code == 2
    assert gateway.requests(f"POST /v1/runs/{RUN}/resume")[0].body is None
    assert shinsa("rescore", RUN, "--json").json == report_json()


def test_judges_are_given_a_budget(gateway: FakeGateway, shinsa: Shinsa) -> None:
    prepared(gateway, "paused")
    bounded = run_json("paused")
    bounded["spec"]["judge_budget"] = {"tokens": 5000, "cost": 1.5}
    gateway.says(f"GET /v1/runs/{RUN}", bounded)
    gateway.says(f"POST /v1/runs/{RUN}/resume", run_json("running"))
    gateway.says(f"POST /v1/runs/{RUN}/rejudge", Reply(run_json("pending"), 201))
    tokens, cost = ("--max-judge-tokens", "5000"), ("--max-judge-cost", "2.5")
    assert shinsa("run", "--model", "mine", "--suite", "demo", *tokens, *cost).code == 1
    assert shinsa("resume", RUN, "--max-judge-tokens", "0").code == 0
    assert shinsa("rejudge", RUN, "--judge", "strict", *cost, "--no-wait").code == 0
    budgets = [
        gateway.requests(request)[0].body["judge_budget"]
        for request in ("POST /v1/runs", f"POST /v1/runs/{RUN}/resume", f"POST /v1/runs/{RUN}/rejudge")
    ]
    assert budgets == [{"tokens": 5000, "cost": 2.5}, {"tokens": 0, "cost": 1.5}, {"tokens": 5000, "cost": 2.5}]
    assert shinsa("run", "--model", "mine", "--suite", "demo", "--max-judge-cost", "-1").code == 2


def test_a_budget_that_is_refused_names_its_option(gateway: FakeGateway, shinsa: Shinsa) -> None:
    prepared(gateway, "paused")
    gateway.says(f"POST /v1/runs/{RUN}/resume", problem(409, "it has used more", field="judge_budget.tokens"))
    ended = shinsa("resume", RUN, "--max-judge-tokens", "5")
    assert ended.code == 2
    assert "--max-judge-tokens (judge_budget.tokens)" in ended.err


def test_the_beginning_of_a_run_id_is_enough_where_it_is_the_only_one(gateway: FakeGateway, shinsa: Shinsa) -> None:
    prepared(gateway)
    other = run_json(id="r0exbmple0000002")
    gateway.says("GET /v1/runs", {"runs": [run_json(), other], "next_cursor": None})
    assert shinsa("report", "r0exa").code == 0
    ambiguous = shinsa("report", "r0ex")
    assert ambiguous.code == 2
    assert "r0exbmple0000002" in ambiguous.err
    assert shinsa("report", "latest").code == 0
    unknown = shinsa("report", "nothing")
    assert unknown.code == 2
    assert "There is no /v1/runs/nothing" in unknown.err


def test_events_are_read_as_the_standard_says() -> None:
    lines = [
        "\N{ZERO WIDTH NO-BREAK SPACE}",
        ": comment",
        "event: run",
        "data: {",
        "data:}",
        "",
        "data: x",
        "",
        "data: cut off",
    ]
    reader = EventReader()
    found = [event for event in map(reader.line, lines[1:]) if event is not None]
    assert [(event.name, event.data) for event in found] == [("run", "{\n}"), ("message", "x")]


def test_progress_goes_on_while_the_run_does(gateway: FakeGateway, shinsa: Shinsa) -> None:
    """The watcher waits for a run that takes its time, without asking again and again."""
    prepared(gateway)
    release = threading.Event()

    class Slow(list[Any]):
        def __iter__(self) -> Any:
            yield "run", run_json("running")
            release.wait(60)
            yield "run", run_json("complete")

    slow = Slow([("run", {})])
    gateway.says(f"GET /v1/runs/{RUN}/events", Reply(events=slow))
    before = time.monotonic()
    threading.Timer(0.3, release.set).start()
    assert shinsa("watch", RUN).code == 0
    assert time.monotonic() - before >= 0.25
    assert len(gateway.requests(f"GET /v1/runs/{RUN}/events")) == 1


def test_reuse_is_asked_for_by_name_alone(gateway: FakeGateway, shinsa: Shinsa) -> None:
    prepared(gateway)
    for words in ((), ("--reuse",)):
        assert shinsa("run", "--model", "mine", "--suite", "demo", "--no-wait", *words).code == 0
    without, asked = gateway.requests("POST /v1/runs")
    assert "reuse" not in without.body
    assert asked.body["reuse"] is True
    gateway.says("POST /v1/runs", problem(400, "nothing here is greedy", field="spec.reuse"))
    ended = shinsa("run", "--model", "mine", "--suite", "demo", "--reuse")
    assert ended.code == 2
    assert "--reuse (spec.reuse)" in ended.err
