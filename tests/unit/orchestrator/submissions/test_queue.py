"""From a submission to a finished run, with everything that can come in between."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from shinsa_chassis.errors import Reason, ShinsaError
from shinsa_orchestrator.application.submissions import Actor
from shinsa_orchestrator.domain.submission import ModelSource, SubmissionFilter, SubmissionOrder, SubmissionState
from shinsa_orchestrator.ports.submissions import SubmitterLimits

OPERATOR = Actor("olga", operator=True)


async def refusal(act: Any) -> ShinsaError:
    with pytest.raises(ShinsaError) as refused:
        await act
    return refused.value


async def test_a_submission_becomes_a_model_and_a_run(open_office: Any) -> None:
    office = open_office()
    submitted = await office.submit()
    assert (submitted.state, submitted.approved) == (SubmissionState.PENDING, True)
    ended = await office.over(submitted)
    assert ended.state is SubmissionState.FINISHED
    run = await office.replica.runs.get(ended.run_id)
    assert (run.spec.model, run.spec.suite) == ("org_model-01234567-bfloat16", "night")
    assert await office.world.models.model(ended.model_name) is not None
    actions = [(event.actor, event.action) for event in await office.desk.events(ended.id)]
    assert actions == [("ann", "submitted"), ("queue", "started"), ("queue", "finished")]


async def test_the_same_commit_and_precision_is_a_duplicate_however_it_is_named(open_office: Any, hub: Any) -> None:
    office = open_office()
    first = await office.submit()
    commit = hub.models["org/model"]["sha"]
    for fields in (
        {"revision": commit},
        {"precision": "bfloat16"},
        {"suite": "night"},
        {"add_special_tokens": True},
    ):
        refused = await refusal(office.submit(by="bob", **fields))
        assert (refused.reason, refused.field) == (Reason.ALREADY_EXISTS, "model")
        assert first.id in refused.message
    await office.submit(precision="float16")
    bare = await office.over(await office.submit(add_special_tokens=False))
    assert bare.model_name == "org_model-01234567-bfloat16-bare"
    registered = {"source": ModelSource.REGISTERED, "model": bare.model_name, "revision": "", "precision": ""}
    refused = await refusal(office.submit(**registered, add_special_tokens=True))
    assert (refused.reason, refused.field) == (Reason.INVALID_ARGUMENT, "add_special_tokens")


async def test_two_at_the_same_moment_are_one(open_office: Any) -> None:
    office = open_office()
    results = await asyncio.gather(*(office.submit(by=f"p{n}") for n in range(6)), return_exceptions=True)
    refused = [one for one in results if isinstance(one, ShinsaError)]
    assert [one.reason for one in refused] == [Reason.ALREADY_EXISTS] * 5


async def test_a_failed_one_blocks_nobody_and_goes_on_where_it_stopped(open_office: Any, world: Any) -> None:
    office = open_office()
    right = world.workers.answer

    def down(task: Any, request: Any) -> Any:
        raise world.Failed("rate_limited", "come back later")

    world.workers.answer = down
    failed = await office.over(await office.submit())
    assert (failed.state, failed.failure_code) == (SubmissionState.FAILED, "incomplete")
    world.workers.answer = right
    again = (await office.desk.resubmit(failed.id, Actor("ann"))).submission
    assert (again.state, again.attempts, again.run_id) == (SubmissionState.PENDING, 2, "")
    ended = await office.over(again)
    assert (ended.state, ended.run_id) == (SubmissionState.FINISHED, failed.run_id)
    assert (await office.replica.runs.get(ended.run_id)).round == 2


async def test_a_failed_one_lets_another_take_its_place(open_office: Any, world: Any) -> None:
    office = open_office()
    world.workers.hold = {"generate"}
    submitted = await office.submit()
    await office.queue.look()
    await office.replica.runs.cancel((await office.now(submitted)).run_id)
    failed = await office.over(submitted)
    assert failed.failure_code == "cancelled"
    await office.submit(by="bob")
    refused = await refusal(office.desk.resubmit(failed.id, Actor("ann")))
    assert refused.reason is Reason.ALREADY_EXISTS


async def test_more_priority_then_more_votes_then_earlier(open_office: Any, hub: Any, a_model: Any) -> None:
    office = open_office(at_once=0)
    for name in ("a", "b", "c", "d"):
        hub.models[f"org/{name}"] = a_model()
    a, b, c, d = [await office.submit(f"org/{name}") for name in "abcd"]
    await office.desk.vote(c.id, Actor("v1"), retract=False)
    await office.desk.vote(c.id, Actor("v1"), retract=False)
    await office.desk.vote(b.id, Actor("v1"), retract=False)
    await office.desk.vote(b.id, Actor("v2"), retract=False)
    await office.desk.move(d.id, OPERATOR, 5)
    assert list(await office.store.pending()) == [d.id, b.id, c.id, a.id]
    assert (await office.desk.get(c.id)).submission.votes == 1
    assert (await office.desk.get(a.id)).position == 4
    await office.desk.vote(b.id, Actor("v1"), retract=True)
    await office.desk.vote(b.id, Actor("v2"), retract=True)
    assert list(await office.store.pending()) == [d.id, c.id, a.id, b.id]


async def test_a_wait_is_expected_only_where_there_is_something_to_learn_from(
    open_office: Any, hub: Any, a_model: Any
) -> None:
    office = open_office()
    hub.models["org/b"] = a_model()
    submitted = await office.submit()
    assert (await office.desk.get(submitted.id)).expected_wait is None
    ended = await office.over(submitted)
    seconds = ended.finished_at - ended.started_at
    placed = await office.desk.get((await office.submit("org/b")).id)
    assert (placed.position, placed.expected_wait) == (1, 0.0)
    assert list(await office.store.recent_durations(5)) == [pytest.approx(seconds, abs=1e-3)]


async def test_what_could_not_be_checked_waits_for_an_operator(open_office: Any) -> None:
    office = open_office(hub_url="http://127.0.0.1:1")
    submitted = await office.submit()
    assert not submitted.approved
    assert {check.verdict.value for check in submitted.checks} == {"not_checked"}
    await office.queue.look()
    assert (await office.now(submitted)).state is SubmissionState.PENDING
    await office.desk.approve(submitted.id, OPERATOR)
    assert (await office.over(submitted)).state is SubmissionState.FINISHED


async def test_a_refused_model_is_never_stored(open_office: Any) -> None:
    office = open_office()
    refused = await refusal(office.submit("org/nothing"))
    assert (refused.reason, refused.field) == (Reason.INVALID_ARGUMENT, "model")
    assert sum((await office.desk.counts()).values()) == 0
    checks = await office.desk.check(SubmissionOrder(ModelSource.HUB, "org/nothing", "pretrained"))
    assert [check.verdict.value for check in checks if check.name == "exists"] == ["failed"]


async def test_a_registered_model_goes_through_the_queue_too(open_office: Any) -> None:
    office = open_office()
    ended = await office.over(await office.submit("m", source="registered"))
    assert (ended.state, ended.model_name) == (SubmissionState.FINISHED, "m")
    refused = await refusal(office.submit("mm", source="registered"))
    assert refused.near_matches == ("m",)


async def test_an_unknown_suite_is_refused_with_what_comes_near(open_office: Any) -> None:
    refused = await refusal(open_office().submit(suite="nite"))
    assert (refused.field, refused.near_matches) == ("suite", ("night",))


async def test_limits_of_a_submitter(open_office: Any, hub: Any, a_model: Any) -> None:
    office = open_office(at_once=0, limits=SubmitterLimits(pending=1, per_day=2))
    for name in ("a", "b", "c"):
        hub.models[f"org/{name}"] = a_model()
    first = await office.submit("org/a")
    waiting = await refusal(office.submit("org/b"))
    assert waiting.reason is Reason.RATE_LIMITED
    assert "waiting already" in waiting.message
    await office.submit("org/c", by="bob")
    await office.desk.withdraw(first.id, Actor("ann"))
    await office.desk.withdraw((await office.submit("org/a")).id, Actor("ann"))
    today = await refusal(office.submit("org/b"))
    assert today.retry_after is not None
    assert today.retry_after > 80_000


async def test_only_its_submitter_or_an_operator_withdraws(open_office: Any) -> None:
    office = open_office(at_once=0)
    submitted = await office.submit()
    assert (await refusal(office.desk.withdraw(submitted.id, Actor("bob")))).reason is Reason.PERMISSION_DENIED
    placed = await office.desk.withdraw(submitted.id, OPERATOR)
    assert (placed.submission.state, placed.position) == (SubmissionState.WITHDRAWN, None)
    again = await refusal(office.desk.withdraw(submitted.id, OPERATOR))
    assert again.reason is Reason.FAILED_PRECONDITION
    assert "is withdrawn" in again.message
    assert (await refusal(office.desk.vote(submitted.id, OPERATOR, retract=False))).field == "submission_id"


async def test_a_rejection_says_why(open_office: Any) -> None:
    office = open_office(at_once=0)
    submitted = await office.submit()
    assert (await refusal(office.desk.reject(submitted.id, OPERATOR, " "))).field == "reason"
    rejected = (await office.desk.reject(submitted.id, OPERATOR, "stolen weights")).submission
    assert (rejected.state, rejected.failure_message) == (SubmissionState.REJECTED, "stolen weights")


async def test_no_two_replicas_take_the_same(open_office: Any, hub: Any, a_model: Any) -> None:
    offices = [open_office(name) for name in ("one", "two", "three")]
    for n in range(4):
        hub.models[f"org/{n}"] = a_model()
        await offices[0].submit(f"org/{n}")
    claimed = await asyncio.gather(*(office.store.claim(2) for office in offices for _ in range(2)))
    taken = [one.id for one in claimed if one is not None]
    assert len(taken) == len(set(taken)) == 2


async def test_a_replica_that_dies_half_way_leaves_one_run(open_office: Any) -> None:
    office = open_office()
    submitted = await office.submit()
    claimed = await office.store.claim(1)
    await office.queue._start(claimed)
    # As if the process had died before it wrote down which run it started.
    written, event = await office.now(submitted), (await office.store.events(submitted.id))[0]
    await office.store.change(written, claimed, event, of=(SubmissionState.RUNNING,))
    assert (await office.now(submitted)).run_id == ""
    ended = await office.over(submitted)
    assert ended.state is SubmissionState.FINISHED
    assert len(await office.world.runs.runs(model="", before="", limit=10)) == 1


async def test_replicas_that_look_at_once_start_one_run_and_say_so_once(open_office: Any) -> None:
    one, two = open_office("one"), open_office("two")
    submitted = await one.submit()
    claimed = await one.store.claim(1)
    await asyncio.gather(one.queue._start(claimed), two.queue._start(claimed))
    assert [event.action for event in await one.store.events(submitted.id)] == ["submitted", "started"]
    assert (await one.over(submitted)).state is SubmissionState.FINISHED
    assert len(await one.world.runs.runs(model="", before="", limit=10)) == 1


async def test_the_worker_lives_on_while_the_store_is_away(open_office: Any, monkeypatch: Any) -> None:
    office = open_office()
    looks = 0
    look = office.queue.look

    async def away() -> None:
        nonlocal looks
        looks += 1
        if looks < 3:
            raise ShinsaError(Reason.UNAVAILABLE, "away")
        await look()

    monkeypatch.setattr(office.queue, "look", away)
    working = asyncio.create_task(office.queue.run())
    submitted = await office.submit()

    async def finished() -> bool:
        return (await office.now(submitted)).state is SubmissionState.FINISHED

    await office.world.until(finished)
    working.cancel()


async def test_the_listing_filters_and_pages(open_office: Any, hub: Any, a_model: Any) -> None:
    office = open_office(at_once=0)
    for name in ("a_b", "axb", "c%d"):
        hub.models[f"org/{name}"] = a_model()
    for name in ("org/a_b", "org/axb"):
        await office.submit(name)

    async def names(**wanted: Any) -> list[str]:
        return [one.submission.order.model for one in (await office.desk.listing(SubmissionFilter(**wanted)))[0]]

    assert await names(search="A_B") == ["org/a_b"]
    assert await names(search="%") == []
    assert await names(submitter="'; DROP TABLE submissions;--") == []
    assert await names(states=(SubmissionState.FAILED,)) == []
    page, cursor = await office.desk.listing(SubmissionFilter(), page_size=1)
    rest, end = await office.desk.listing(SubmissionFilter(), page_size=1, cursor=cursor)
    assert ([one.submission.order.model for one in (*page, *rest)], end) == (["org/axb", "org/a_b"], "")
