"""Items, steps and outcomes behave the same in every database."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from typing import Any

import pytest
from shinsa_benchmarks.vocabulary import Status
from shinsa_orchestrator.domain.item import (
    CompletionSums,
    FinishedItem,
    ItemFilter,
    JudgeTotals,
    LatencyTotals,
    StatusCount,
    StepTotals,
)
from shinsa_orchestrator.domain.repeat import Repeat, RepeatCause, RepeatCount
from shinsa_orchestrator.domain.step import KnownStep, StepRecord, StepResult, StoredResult
from shinsa_orchestrator.outbound import item_queries

BODY = b"\x00\xffbody"
_PLACE = ("run_id", "shard", "round", "kind", "request", "adopted", "question")


def step(number: int = 1, **fields: Any) -> StepRecord:
    """A recorded success of step ``number``; fields of the result, and those of its place."""
    place = {name: fields.pop(name) for name in _PLACE if name in fields}
    result = {"step_id": f"s{number}", "item_id": "i1", "attempt": 1, "body": BODY, "worker": "w", **fields}
    record = {"run_id": "r1", "shard": 0, "round": 1, "kind": "generate", "request": b"question", **place}
    return StepRecord(result=StepResult(**result), **record)


def item(number: int = 1, **fields: Any) -> FinishedItem:
    defaults: dict[str, Any] = {
        "id": f"i{number}",
        "run_id": "r1",
        "shard": 0,
        "round": 1,
        "position": number,
        "line": 0,
        "benchmark": "jnli",
        "shots": 2,
        "repetition": 1,
        "sample_id": f"s-{number}",
        "category": "c",
        "gold": "g",
        "status": Status.SCORED,
        "finished_at": 7.25,
        "answer": "a",
        "metrics": {"exact_match": 0.1 + 0.2},
    }
    return FinishedItem(**{**defaults, **fields})


async def test_what_is_recorded_comes_back(stores: Any) -> None:
    result = {"deliveries": 2, "started_at": 1.125, "finished_at": 2.5, "prompt_tokens": 5, "completion_tokens": 2}
    result |= {
        "reasoning_tokens": 1,
        "cached_tokens": 4,
        "latency": 0.1,
        "finish": "stop",
        "engine": "e",
        "greedy": True,
    }
    large = b"large" * 100_000
    assert await stores.log.record([step(1, **result), step(2, body=large, request=large)], [item()]) == set()
    assert await stores.log.results(["s1", "s9"]) == {"s1": StoredResult(BODY, False, "", "")}
    assert await stores.log.item("i1") == item()
    assert await stores.log.item("i2") is None
    one, two = await stores.log.steps(item())
    assert (two.body, two.request) == (BODY, b"question") if two.id == "s1" else (large, large)
    first = one if one.id == "s1" else two
    assert (first.deliveries, first.started_at, first.finished_at, first.worker) == (2, 1.125, 2.5, "w")
    copy = (await stores.log.copies(["s1"]))["s1"]
    assert (copy.kind, replace(copy, kind="")) == ("generate", step(1, **result).result)


async def test_known_steps_and_finished_items_are_by_shard(stores: Any) -> None:
    await stores.log.record(
        [step(1), step(2, shard=1), step(3, failed=True, reason="timeout", attempt=3, adopted=True)],
        [item(1), item(2, shard=1), item(3, status=Status.INFRA_ERROR, round=2, line=4)],
    )
    assert await stores.log.known_steps("r1", 0) == {
        "s1": KnownStep("generate", 1, 1, False, "", True),
        "s3": KnownStep("generate", 3, 1, True, "timeout", True, True),
    }
    assert await stores.log.finished("r1", 0) == {1: ("scored", 1, 0), 3: ("infra_error", 2, 4)}
    assert await stores.log.finished("r2", 0) == {}


async def test_the_first_success_of_a_step_stays(stores: Any) -> None:
    assert await stores.log.record([step(1)], []) == set()
    later = step(1, body=b"other", worker="v", attempt=2)
    assert await stores.log.record([later, step(2)], []) == {"s1"}
    assert await stores.log.record([step(1, failed=True, attempt=5, worker="v")], []) == {"s1"}
    assert (await stores.log.results(["s1"]))["s1"].body == BODY
    # The very same result delivered again is what the log holds.
    assert await stores.log.record([step(1)], []) == set()


async def test_a_failure_gives_way_to_a_success_and_to_a_later_attempt(stores: Any) -> None:
    failed = {"failed": True, "reason": "unavailable"}
    await stores.log.record([step(1, **failed), step(2, **failed, attempt=3)], [])
    assert await stores.log.record([step(1, **failed, attempt=1, worker="v")], []) == {"s1"}
    assert await stores.log.record([step(1, **failed, attempt=2, message="again", round=2)], []) == set()
    known = await stores.log.known_steps("r1", 0)
    assert (known["s1"].attempt, known["s1"].round) == (2, 2)
    assert await stores.log.record([step(1, attempt=2), step(2, attempt=1)], []) == set()
    assert await stores.log.successes(["s1", "s2", "s3"]) == {"s1", "s2"}


async def test_a_result_found_without_its_question_gets_it_later(stores: Any) -> None:
    await stores.log.record([step(1, kind="", request=None)], [])
    assert (await stores.log.known_steps("r1", 0))["s1"] == KnownStep("", 1, 1, False, "", False)
    await stores.log.fill_request("s1", "judge", b"question")
    await stores.log.fill_request("s1", "generate", b"other")
    assert (await stores.log.known_steps("r1", 0))["s1"] == KnownStep("judge", 1, 1, False, "", True)
    (found,) = await stores.log.steps(item())
    assert (found.kind, found.request) == ("judge", b"question")


async def test_a_success_without_question_keeps_the_one_of_its_failure(stores: Any) -> None:
    await stores.log.record([step(1, failed=True, kind="judge")], [])
    await stores.log.record([step(1, kind="", request=None)], [])
    (found,) = await stores.log.steps(item())
    assert (found.kind, found.request, found.failed) == ("judge", b"question", False)


async def test_an_outcome_stays_except_for_an_infra_error_of_an_earlier_round(stores: Any) -> None:
    broken = {"status": Status.INFRA_ERROR, "reason": "timeout", "metrics": {}}
    await stores.log.record([], [item(1), item(2, **broken)])
    await stores.log.record([], [item(1, round=2, answer="changed"), item(2, answer="same round")])
    assert (await stores.log.item("i1")).answer == "a"
    assert (await stores.log.item("i2")).status is Status.INFRA_ERROR
    await stores.log.record([], [item(2, round=2)])
    assert await stores.log.item("i2") == item(2, round=2)
    assert await stores.log.status_counts("r1") == [StatusCount(0, "jnli", Status.SCORED, "", 2)]


async def test_all_of_a_batch_is_written_or_nothing(stores: Any) -> None:
    broken = item(1, sample_id=None)
    with contextlib.suppress(Exception):  # each driver has an error class of its own
        await stores.log.record([step(1)], [broken])
    assert await stores.log.known_steps("r1", 0) == {}


async def test_text_that_a_database_refuses_is_made_acceptable(stores: Any) -> None:
    dirty = "a\x00b\udcffc😀"
    await stores.log.record(
        [step(1, failed=True, message=dirty, worker=dirty, origin=dirty)], [item(1, answer=dirty, detail=dirty)]
    )
    assert (await stores.log.item("i1")).answer == "a\ufffdb?c😀"
    assert (await stores.log.results(["s1"]))["s1"].message == "a\ufffdb?c😀"
    # As it is delivered again, the log knows it for the same.
    again = step(1, failed=True, message=dirty, worker=dirty, origin=dirty)
    assert await stores.log.record([again], []) == set()


async def test_outcomes_come_in_pieces_and_complete(stores: Any) -> None:
    from shinsa_orchestrator.outbound import sample_log

    count = sample_log.PIECE * 2 + 1
    await stores.log.record([], [item(n, id=f"x{n}") for n in reversed(range(count + 10))])
    pieces = [part async for part in stores.log.outcomes("r1", range(5, count + 5))]
    assert [len(part) for part in pieces] == [sample_log.PIECE, sample_log.PIECE, 1]
    rows = [row for part in pieces for row in part]
    assert [row.sample_id for row in rows] == [f"s-{n}" for n in range(5, count + 5)]
    assert rows[0].metrics == {"exact_match": 0.1 + 0.2}
    assert [part async for part in stores.log.outcomes("r2", range(5))] == []
    assert [part async for part in stores.log.outcomes("r1", range(5, 5))] == []


@pytest.mark.parametrize("urls", ["sqlite"], indirect=True)  # which alone tells how much it has done
async def test_of_outcomes_that_nobody_asks_for_none_is_looked_at(stores: Any) -> None:
    await stores.log.record([], [item(n, id=f"x{n}") for n in range(5000)])

    async def work(positions: range) -> int:
        done: list[None] = []
        async with stores.sample_log.reading() as connection:
            driver = (await connection.get_raw_connection()).driver_connection
            await driver.set_progress_handler(lambda: done.append(None), 10)
            await item_queries.outcomes(connection, "r1", positions, limit=1000)
            await driver.set_progress_handler(None, 0)
        return len(done)

    all_of_them = await work(range(1000, 2000))
    assert await work(range(4000, 5000)) <= 1.1 * all_of_them
    assert await work(range(1000, 1010)) < 0.1 * all_of_them


async def test_totals_by_kind(stores: Any) -> None:
    tokens = {"prompt_tokens": 5_000_000_000, "completion_tokens": 2}
    await stores.log.record(
        [
            step(1, **tokens, origin="vllm b", deliveries=3),
            step(2, **tokens, origin="vllm a", adopted=True, attempt=7, deliveries=9),
            step(3, failed=True, attempt=3, deliveries=0),
            step(4, kind="judge", prompt_tokens=1, origin="mild"),
            step(5, origin="vllm a"),
        ],
        [item(1), item(2, status=Status.MODEL_ERROR, reason="truncated"), item(3, line=1, benchmark="mawps")],
    )
    assert await stores.log.step_totals("r1") == [
        StepTotals("generate", 4, 1, 1, 5, 2, 10_000_000_000, 4),
        StepTotals("judge", 1, 0, 0, 1, 0, 1, 0),
    ]
    assert await stores.log.origins("r1") == {"generate": ["vllm a", "vllm b"], "judge": ["mild"]}
    assert await stores.log.status_counts("r1") == [
        StatusCount(0, "jnli", Status.MODEL_ERROR, "truncated", 1),
        StatusCount(0, "jnli", Status.SCORED, "", 1),
        StatusCount(1, "mawps", Status.SCORED, "", 1),
    ]
    assert await stores.log.step_totals("r2") == []


async def test_repeats_are_noted_once_and_counted_by_cause(stores: Any) -> None:
    def handed_back(number: int, delivery: int, attempt: int = 1, reason: str = "") -> Repeat:
        cause = RepeatCause.RETRIED if reason else RepeatCause.DRAINED
        return Repeat(f"s{number}", "r1", 0, cause, attempt, delivery, reason)

    noted = [
        handed_back(1, 1),
        handed_back(1, 2, reason="timeout"),
        # A worker that was about to give it back for a reason when it was told to stop says so, too.
        handed_back(1, 2),
        # Given back after its result had been sent: nobody was given it again.
        handed_back(1, 3),
        # The deliveries of an ask before are not among those of the result.
        handed_back(2, 1, reason="timeout"),
        handed_back(2, 2, reason="timeout"),
        handed_back(3, 1, reason="unavailable"),
        Repeat("s2", "r1", 0, RepeatCause.RESUMED, 2, reason="timeout"),
        Repeat("s9", "r1", 0, RepeatCause.NO_ANSWER, 2),
        Repeat("s1", "r1", 0, RepeatCause.TAKEN_OVER, 1, -2),
        Repeat("s1", "r1", 0, RepeatCause.TAKEN_OVER, 1, -3),
        Repeat("s7", "r2", 0, RepeatCause.NO_ANSWER, 2),
    ]
    await stores.log.record([], [], noted[:5])
    # A failure of the orchestrator's own making was delivered by nobody.
    results = [step(1, deliveries=3), step(2, attempt=2, deliveries=1), step(3, failed=True, deliveries=0)]
    assert await stores.log.record(results, [item(1)], noted) == set()
    assert await stores.log.repeat_counts("r1") == [
        RepeatCount(RepeatCause.DRAINED, "", 1, told=1),
        RepeatCount(RepeatCause.NO_ANSWER, "", 1),
        RepeatCount(RepeatCause.RESUMED, "timeout", 1),
        RepeatCount(RepeatCause.RETRIED, "timeout", 3, told=1),
        RepeatCount(RepeatCause.RETRIED, "unavailable", 1),
        RepeatCount(RepeatCause.TAKEN_OVER, "", 2),
    ]
    assert await stores.log.repeat_counts("r3") == []


async def test_items_are_found_by_what_is_asked_for(stores: Any) -> None:
    await stores.log.record(
        [],
        [
            item(1, wrong=True),
            item(2, benchmark="mawps", category="d"),
            item(3, status=Status.INFRA_ERROR, reason="timeout"),
            item(4, wrong=True, category="d"),
            item(5, run_id="r2"),
        ],
    )

    async def positions(after: int = -1, limit: int = 10, **wanted: Any) -> list[int]:
        return [one.position for one in await stores.log.items(ItemFilter("r1", **wanted), after=after, limit=limit)]

    assert await positions() == [1, 2, 3, 4]
    assert await positions(after=1, limit=2) == [2, 3]
    assert await positions(benchmark="mawps") == [2]
    assert await positions(status=Status.INFRA_ERROR) == [3]
    assert await positions(category="d", wrong_only=True) == [4]
    assert await positions(reason="timeout") == [3]
    assert await positions(reason="truncated") == []
    assert await positions(sample_id=item(4).sample_id) == [4]
    assert await positions(sample_id="none", shots=item(4).shots) == []
    assert await positions(shots=item(4).shots) == [1, 2, 3, 4]
    assert await positions(shots=2**32 - 1) == []
    assert await positions(after=10**30) == []


def verdict(number: int, item_id: str = "i1", **fields: Any) -> StepRecord:
    asked = {"kind": "judge", "item_id": item_id, "prompt_tokens": 10, "completion_tokens": number}
    return step(number, **{**asked, "origin": "gpt profile 1f rubric 2e openai gpt-4o", **fields})


async def test_verdicts_tell_what_they_cost_and_whether_judges_agreed(stores: Any) -> None:
    records = [
        verdict(1, cost=0.5, currency="USD"),
        verdict(2, cost=0.25, currency="USD", disagreed=True),
        verdict(3, "i2", cost=3.0, currency="JPY", unreadable=True, origin="gpt profile 9c"),
        verdict(4, "i2", origin="local profile 5d"),
        verdict(5, "i3", failed=True, reason="timeout"),
        step(6, prompt_tokens=1000),
    ]
    await stores.log.record(records, [item(1), item(2), item(3)])
    assert await stores.log.judge_totals("r1") == [
        JudgeTotals("gpt", "USD", 2, 0, 1, 20, 3, 0.75),
        JudgeTotals("gpt", "JPY", 1, 1, 0, 10, 3, 3.0),
        JudgeTotals("local", "", 1, 0, 0, 10, 4, 0.0),
    ]
    assert await stores.log.judge_totals("r2") == []
    known = await stores.log.known_steps("r1", 0)
    assert [(known[f"s{n}"].tokens, known[f"s{n}"].cost) for n in (2, 4, 6)] == [(12, 0.25), (14, 0.0), (1000, 0.0)]
    totals = {total.kind: total for total in await stores.log.step_totals("r1")}
    assert (totals["judge"].cost, totals["generate"].cost) == (3.75, 0.0)
    found = await stores.log.items(ItemFilter("r1", disagreed_only=True), after=-1, limit=9)
    assert [one.id for one in found] == ["i1"]


async def test_a_greedy_completion_is_found_by_its_question_and_its_engine_alone(stores: Any) -> None:
    asked = {"engine": "e1", "greedy": True, "question": "q1"}
    await stores.log.record(
        [
            step(1, run_id="r1", finished_at=5.0, **asked),
            step(2, run_id="r2", finished_at=4.0, **asked),
            step(3, run_id="r3", finished_at=3.0, **asked, adopted=True, reused_from="i9"),
            step(4, run_id="r4", finished_at=2.0, **{**asked, "greedy": False}),
            step(5, run_id="r5", finished_at=1.0, **asked, failed=True),
            step(6, run_id="r6", finished_at=1.0, **{**asked, "engine": "e2"}),
            step(7, run_id="r7", finished_at=1.0, **{**asked, "question": ""}),
        ],
        [],
    )

    async def found(*questions: str, engine: str = "e1", not_of: str = "r0") -> dict[str, str]:
        answers = await stores.log.answers_of(questions, engine=engine, not_of=not_of)
        return {question: result.step_id for question, result in answers.items()}

    assert await found("q1", "q2") == {"q1": "s2"}
    assert await found("q1", not_of="r2") == {"q1": "s1"}
    assert await found("q1", engine="e2") == {"q1": "s6"}
    assert await found("q1", engine="e3") == {}
    assert await found("") == {}


async def test_a_question_that_becomes_known_later_makes_a_greedy_completion_findable(stores: Any) -> None:
    blank = {"kind": "", "request": None, "engine": "e1"}
    await stores.log.record([step(1, **blank, greedy=True), step(2, **blank), step(3, **blank, failed=True)], [])
    for number in (1, 2, 3):
        await stores.log.fill_request(f"s{number}", "generate", b"question", f"q{number}")
    found = await stores.log.answers_of(["q1", "q2", "q3"], engine="e1", not_of="r2")
    assert {question: result.step_id for question, result in found.items()} == {"q1": "s1"}


async def test_the_engine_of_a_run_is_known_by_what_it_asked_for_itself(stores: Any) -> None:
    await stores.log.record([step(1, engine="e1"), step(2, engine="e2", adopted=True)], [])
    known = await stores.log.known_steps("r1", 0)
    assert (known["s1"].engine, known["s2"].engine) == ("e1", "")


async def test_completions_are_added_up_by_how_they_ended_and_where_they_come_from(stores: Any) -> None:
    usage = {"prompt_tokens": 10, "completion_tokens": 3, "reasoning_tokens": 2, "cached_tokens": 4}
    await stores.log.record(
        [
            step(1, finish="stop", greedy=True, **usage, cost=0.5, currency="USD"),
            step(2, finish="stop", greedy=True, **usage, cost=0.25, currency="USD"),
            step(3, finish="length", **usage),
            step(4, finish="stop", greedy=True, adopted=True, reused_from="i9", **usage, cost=9.0, currency="USD"),
            step(5, finish="stop", failed=True),
            step(6, kind="judge", finish="", **usage),
            step(7, run_id="r2", finish="stop", **usage),
        ],
        [],
    )
    assert await stores.log.completion_sums("r1") == [
        CompletionSums("length", "", False, False, False, 1, 10, 3, 2, 4, 0.0),
        CompletionSums("stop", "USD", False, False, True, 2, 20, 6, 4, 8, 0.75),
        CompletionSums("stop", "USD", True, True, True, 1, 10, 3, 2, 4, 9.0),
    ]
    assert await stores.log.completion_sums("r9") == []


async def test_percentiles_of_latency_are_of_what_the_run_asked_for_itself(stores: Any) -> None:
    own = [step(n, latency=float(n)) for n in range(1, 21)]
    others = [step(91, latency=99.0, adopted=True), step(92, latency=99.0, failed=True), step(93)]
    await stores.log.record([*own, *others, step(94, run_id="r2", latency=0.5)], [])
    assert await stores.log.latency_totals("r1") == LatencyTotals(20, 10.5, 10.0, 19.0, 20.0)
    assert await stores.log.latency_totals("r2") == LatencyTotals(1, 0.5, 0.5, 0.5, 0.5)
    assert await stores.log.latency_totals("r3") is None


async def test_two_writers_at_once_count_every_step_once(stores: Any) -> None:
    batches = [[step(n, worker=f"w{writer}", finished_at=writer) for n in range(20)] for writer in range(4)]
    refused = await asyncio.gather(*(stores.log.record(batch, []) for batch in batches))
    assert sum(20 - len(one) for one in refused) == 20
    assert (await stores.log.step_totals("r1"))[0].recorded == 20
