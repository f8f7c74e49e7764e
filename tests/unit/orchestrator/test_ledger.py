"""Why steps were asked or delivered more than once: each cause under its name, whoever dies meanwhile."""

from __future__ import annotations

from typing import Any

from shinsa.orchestrator.v1 import report_pb2
from shinsa_orchestrator.application.ledger import ledger
from shinsa_orchestrator.domain.item import StepTotals
from shinsa_orchestrator.domain.progress import Progress
from shinsa_orchestrator.domain.repeat import RepeatCause, RepeatCount
from shinsa_orchestrator.domain.step import StepResult
from shinsa_orchestrator.inbound.report_messages import report as report_message


def totals(**fields: int) -> StepTotals:
    counts = {"recorded": 10, "failed": 0, "adopted": 0, "asked": 10, "delivered_again": 0}
    return StepTotals("generate", **{**counts, **fields}, prompt_tokens=0, completion_tokens=0)


def asked(times: int, again: int) -> Progress:
    progress = Progress()
    progress.stages["generate"].asked, progress.stages["generate"].again = times, again
    return progress


def test_a_delivery_that_nobody_explains_was_lost_in_silence() -> None:
    noted = [RepeatCount(RepeatCause.RETRIED, "rate_limited", 5, told=3), RepeatCount(RepeatCause.DRAINED, "", 1, 1)]
    found = ledger(asked(10, 0), [totals(delivered_again=6)], noted)
    assert found.repeats == (*noted, RepeatCount(RepeatCause.SILENT, "", 2))
    assert found.steps_delivered_again == 5 + 1 + 2


def test_what_an_older_version_asked_again_has_no_cause() -> None:
    found = ledger(asked(13, 3), [totals(asked=13)], [RepeatCount(RepeatCause.RESUMED, "timeout", 1)])
    assert found.steps_asked_again == 3
    assert found.repeats == (RepeatCount(RepeatCause.UNKNOWN, "", 2), RepeatCount(RepeatCause.RESUMED, "timeout", 1))


def test_an_ask_that_is_only_noted_counts() -> None:
    """An owner asked again and died; the answer to the first ask was recorded by the next, who knew of one."""
    found = ledger(asked(10, 0), [totals()], [RepeatCount(RepeatCause.NO_ANSWER, "", 1)])
    assert (found.steps_needed, found.steps_asked, found.steps_asked_again) == (10, 11, 1)


def test_an_undisturbed_run_repeats_nothing() -> None:
    found = ledger(asked(10, 0), [totals()], [])
    assert (found.steps_asked, found.steps_asked_again, found.steps_delivered_again, found.repeats) == (10, 0, 0, ())


async def test_the_next_owner_asks_for_what_the_queue_knows(world: Any) -> None:
    world.lease_seconds = 0.3
    world.workers.hold = {"generate"}
    first = world.replica("first")
    run = await first.runs.submit(world.spec("sums"))
    await world.until(lambda: len(world.workers.held) == 8)
    await first.kill()
    asked_before = world.workers.asks()

    second = world.replica("second")
    await world.until(lambda: world.workers.asks() == asked_before + 8)
    await world.workers.let_go("generate")
    await world.over(second, run)
    found = (await second.reports.report(run.id)).ledger
    assert found.repeats == (RepeatCount(RepeatCause.TAKEN_OVER, "", 8),)
    assert (found.steps_asked, found.steps_asked_again, found.steps_delivered_again) == (12, 0, 0)
    assert set(world.workers.executions.values()) == {1}


async def test_a_worker_s_word_outlives_who_heard_it(world: Any) -> None:
    """Two tasks come back with a word, a third without, and the orchestrator that learnt of them is killed."""
    world.lease_seconds = 0.3
    world.workers.hold = {"generate"}
    first = world.replica("first")
    run = await first.runs.submit(world.spec("sums"))
    await world.until(lambda: len(world.workers.held) == 8)
    limited, stopped, lost = world.workers.held[:3]
    for task, cause, reason in (
        (limited, RepeatCause.RETRIED, "rate_limited"),
        (stopped, RepeatCause.DRAINED, ""),
        # Once more, as it is when the first one's acknowledgement was lost.
        (stopped, RepeatCause.DRAINED, ""),
    ):
        word = StepResult(task.step_id, task.item_id, 1, b"", deliveries=1, reason=reason, handed_back=cause)
        world.workers.deliver(task.reply_to, word)
    await world.until(lambda: not world.workers.pending(limited.reply_to))
    await first.kill()

    deliver = world.workers.deliver

    def second_deliveries(inbox: str, result: StepResult) -> None:
        result.deliveries = 2 if result.step_id in {limited.step_id, stopped.step_id, lost.step_id} else 1
        deliver(inbox, result)

    world.workers.deliver = second_deliveries
    await world.workers.let_go("generate")
    second = world.replica("second")
    await world.over(second, run)
    report = await second.reports.report(run.id)
    found = {one.cause: (one.reason, one.count) for one in report.ledger.repeats}
    assert found == {
        RepeatCause.RETRIED: ("rate_limited", 1),
        RepeatCause.DRAINED: ("", 1),
        RepeatCause.SILENT: ("", 1),
    }
    assert report.ledger.steps_delivered_again == 3
    told = [(one.cause, one.reason, one.count) for one in report_message(report).ledger.repeats]
    assert told == [
        (report_pb2.REPEAT_CAUSE_RETRIED, "rate_limited", 1),
        (report_pb2.REPEAT_CAUSE_DRAINED, "", 1),
        (report_pb2.REPEAT_CAUSE_SILENT, "", 1),
    ]


def test_every_cause_has_a_name_on_the_wire() -> None:
    names = {name.removeprefix("REPEAT_CAUSE_").lower() for name in report_pb2.RepeatCause.keys()}  # noqa: SIM118
    assert names - {"unspecified"} == {cause.value for cause in RepeatCause} - {"unknown"}
