"""Judging a case: ask, read, ask again within bounds."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

import pytest
from shinsa_chassis.errors import Reason, ShinsaError
from shinsa_judge.application.judge_case import JudgeCase
from shinsa_judge.application.judges import Judges
from shinsa_judge.application.shelf import Shelf
from shinsa_judge.domain.exchange import Fingerprint, Finish, Question, Reply, Usage
from shinsa_judge.domain.profile_set import Profile, ProfileSet
from shinsa_judge.domain.verdict import Unreadable


@pytest.fixture
def judging(shelf: Shelf, profile: Callable[..., Profile]) -> Callable[..., JudgeCase]:
    def make(backend: object, **more: object) -> JudgeCase:
        judges = Judges(lambda name, profile: backend)
        set_up = judges.exchange(ProfileSet({"p": profile(**more)}, {}))
        with pytest.raises(StopIteration):
            set_up.send(None)
        return JudgeCase(shelf, judges)

    return make


async def test_a_readable_reply_is_a_verdict(judging, told, rating, request_for, rubrics) -> None:
    backend = told([rating(8, "具体的である。")])
    verdict = await judging(backend)(request_for())
    assert (verdict.readable, verdict.value, verdict.explanation, verdict.asks) == (True, 8.0, "具体的である。", 1)
    assert verdict.unreadable is None
    assert json.loads(verdict.raw_reply) == {"explanation": "具体的である。", "rating": 8}
    assert verdict.judge.profile == "p"
    assert verdict.judge.rubric_digest == rubrics["mt_bench_single"].digest
    assert verdict.judge.fingerprint == Fingerprint("told", model="told-1")
    sent = [{"role": message.role, "content": message.content} for message in backend.questions[0].messages]
    assert json.loads(verdict.rendered) == sent


async def test_asked_again_until_readable(judging, told, rating, request_for) -> None:
    backend = told([rating(11), rating("7"), rating(7)])
    verdict = await judging(backend)(request_for())
    assert (verdict.value, verdict.asks, verdict.usage) == (7.0, 3, Usage(30, 15))
    assert [question.ask for question in backend.questions] == [1, 2, 3]
    assert len({question.messages for question in backend.questions}) == 1


async def test_unreadable_after_the_last_ask(judging, told, rating, request_for) -> None:
    cut = Reply("まず、", Finish.LENGTH, usage=Usage(10, 5))
    backend = told([rating(11), cut, rating(9)])
    verdict = await judging(backend, asks=2)(request_for())
    assert (verdict.readable, verdict.value, verdict.explanation) == (False, None, "")
    assert (verdict.unreadable, verdict.asks, verdict.raw_reply) == (Unreadable.TRUNCATED, 2, "まず、")
    assert verdict.usage == Usage(20, 10)
    assert verdict.judge.fingerprint.engine == "told"


async def test_a_content_filter_is_a_refusal_not_an_outage(judging, told, request_for) -> None:
    backend = told([ShinsaError(Reason.CONTENT_FILTERED, "withheld")])
    verdict = await judging(backend)(request_for())
    assert (verdict.unreadable, verdict.asks) == (Unreadable.REFUSED, 3)


async def test_an_outage_is_no_verdict(judging, told, rating, request_for) -> None:
    backend = told([rating(0), ShinsaError(Reason.UNAVAILABLE, "gone")])
    with pytest.raises(ShinsaError) as failed:
        await judging(backend)(request_for())
    assert failed.value.reason is Reason.UNAVAILABLE


@pytest.mark.parametrize(
    ("fields", "field", "near"),
    [
        ({"question": "問い", "answer": ""}, "case.fields.answer", ()),
        ({"question": "問い", "answer": " \n\u3000\t"}, "case.fields.answer", ()),
        ({"question": "", "answer": "答え"}, "case.fields.question", ()),
        ({"question": "問い"}, "case.fields.answer", ()),
        ({"question": "問い", "answer": "答え", "answers": "x"}, "case.fields.answers", ("answer",)),
    ],
)
async def test_a_case_that_does_not_fill_the_rubric_is_never_asked(
    judging, told, rating, request_for, fields: dict[str, str], field: str, near: tuple[str, ...]
) -> None:
    backend = told([rating(5)])
    with pytest.raises(ShinsaError) as refused:
        await judging(backend)(request_for(**fields))
    assert (refused.value.reason, refused.value.field) == (Reason.INVALID_ARGUMENT, field)
    assert refused.value.near_matches == near
    assert backend.questions == []


async def test_unknown_names_and_their_near_matches(judging, told, rating, request_for) -> None:
    judge = judging(told([rating(5)]))
    with pytest.raises(ShinsaError) as no_rubric:
        await judge(request_for(rubric="mt_bench_singel"))
    assert (no_rubric.value.reason, no_rubric.value.field) == (Reason.NOT_FOUND, "case.rubric")
    assert no_rubric.value.near_matches[0] == "mt_bench_single"
    with pytest.raises(ShinsaError) as no_profile:
        await judge(request_for(profile="pp"))
    assert (no_profile.value.reason, no_profile.value.field) == (Reason.NOT_FOUND, "profile")
    assert no_profile.value.near_matches == ("p",)


async def test_a_profile_may_take_some_rubrics_only(judging, told, rating, request_for) -> None:
    judge = judging(told([rating(5)]), rubrics=["mt_bench_single_reference"])
    with pytest.raises(ShinsaError) as refused:
        await judge(request_for())
    assert (refused.value.reason, refused.value.field) == (Reason.INVALID_ARGUMENT, "case.rubric")


class Slow:
    """Counts how many ask at once."""

    def __init__(self) -> None:
        self.now = self.most = 0

    def down(self) -> str:
        return ""

    async def ask(self, question: Question, *, patient: bool = False) -> Reply:
        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(0.005)
        self.now -= 1
        return Reply('{"explanation": "", "rating": 1}')


async def test_no_more_cases_at_once_than_the_profile_allows(judging, request_for) -> None:
    slow = Slow()
    judge = judging(slow, concurrency=3)
    verdicts = await asyncio.gather(*(judge(request_for()) for _ in range(12)))
    assert slow.most == 3
    assert len(verdicts) == 12
