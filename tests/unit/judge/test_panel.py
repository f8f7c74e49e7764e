"""Panels: several judges, one verdict, and how far they lay apart."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import pytest
from shinsa_chassis.errors import Reason, ShinsaError
from shinsa_judge.application.judge_case import JudgeCase
from shinsa_judge.application.judges import Judges
from shinsa_judge.application.shelf import Shelf
from shinsa_judge.domain.case import Case, JudgeRequest
from shinsa_judge.domain.exchange import Question, Reply, Usage
from shinsa_judge.domain.panel_profile import PanelProfile
from shinsa_judge.domain.price import Cost
from shinsa_judge.domain.profile_set import Profile, ProfileSet
from shinsa_judge.domain.scripted_profile import ScriptedProfile
from shinsa_judge.domain.verdict import Unreadable, Verdict
from waiting import until

CASE = Case("mt_bench_single", {"question": "問い", "answer": "答え"})


class Voice:
    """Says its ratings in turn; anything but a number is said as it is."""

    def __init__(self, said: Sequence[object]) -> None:
        self.said = list(said)
        self.repeats: list[int] = []

    async def ask(self, question: Question, *, patient: bool = False) -> Reply:
        one = self.said[len(self.repeats) % len(self.said)]
        self.repeats.append(question.repeat)
        if isinstance(one, Exception):
            raise one
        if isinstance(one, dict):
            return Reply(json.dumps({"explanation": "", **one}), usage=Usage(10, 1))
        return Reply(json.dumps({"explanation": f"{one}点。", "rating": one}), usage=Usage(10, 1))

    async def problem(self) -> str:
        return ""

    def down(self) -> str:
        return ""

    async def close(self) -> None: ...


class Bench:
    def __init__(
        self, shelf: Shelf, voices: dict[str, Voice], panels: dict[str, dict[str, Any]], **member: Any
    ) -> None:
        told = {"kind": "scripted", "otherwise": "", "asks": 1, **member}
        profiles: dict[str, Profile] = {
            name: ScriptedProfile.model_validate({**told, "model": name}) for name in voices
        }
        for name, keys in panels.items():
            profiles[name] = PanelProfile.model_validate({"kind": "panel", **keys})
        self.set = ProfileSet(profiles)
        self.judges = Judges(lambda name, profile: voices[name])
        self.judge = JudgeCase(shelf, self.judges)

    async def __call__(self, profile: str = "panel", case: Case = CASE) -> Verdict:
        await self.judges.exchange(self.set)
        return await self.judge(JudgeRequest(profile, case))


async def panel(shelf: Shelf, said: dict[str, Sequence[object]], case: Case = CASE, **keys: Any) -> Verdict:
    voices = {name: Voice(ratings) for name, ratings in said.items()}
    return await Bench(shelf, voices, {"panel": {"members": list(said), **keys}})(case=case)


async def test_the_mean_with_its_spread(shelf: Shelf) -> None:
    verdict = await panel(shelf, {"a": [6], "b": [7], "c": [9]})
    assert verdict.value == pytest.approx(22 / 3)
    assert verdict.findings == {"rating": pytest.approx(22 / 3)}
    assert verdict.spread is not None
    assert (verdict.spread.lowest, verdict.spread.highest) == (6, 9)
    assert verdict.spread.deviation == pytest.approx(1.2472191)
    assert verdict.spread.agreement == pytest.approx(1 / 3)
    assert [member.verdict.value for member in verdict.members] == [6, 7, 9]
    assert (verdict.asks, verdict.usage) == (3, Usage(30, 3))
    assert verdict.explanation == "a: 6点。\n\nb: 7点。\n\nc: 9点。"
    assert verdict.rendered
    assert all(member.verdict.rendered == "" for member in verdict.members)


async def test_the_majority(shelf: Shelf) -> None:
    verdict = await panel(shelf, {"a": [6], "b": [9], "c": [9]}, merge="majority")
    assert (verdict.value, verdict.findings) == (9.0, {"rating": 9})
    assert verdict.spread is not None
    assert verdict.spread.agreement == pytest.approx(2 / 3)


@pytest.mark.parametrize("ratings", [[6, 9], [6, 7, 9], [6, 6, 9, 9]])
async def test_no_majority_is_no_verdict(shelf: Shelf, ratings: list[int]) -> None:
    verdict = await panel(shelf, {f"m{n}": [one] for n, one in enumerate(ratings)}, merge="majority")
    assert (verdict.value, verdict.unreadable) == (None, Unreadable.SPLIT)
    assert [member.verdict.value for member in verdict.members] == ratings


async def test_repeats_are_different_requests_to_one_judge(shelf: Shelf) -> None:
    voice = Voice([7, 8, 8])
    verdict = await Bench(shelf, {"a": voice}, {"panel": {"members": ["a"], "repeats": 3, "merge": "majority"}})()
    assert (verdict.value, voice.repeats) == (8.0, [0, 1, 2])
    assert [member.repeat for member in verdict.members] == [0, 1, 2]


@pytest.mark.parametrize(
    ("ratings", "quorum", "value"),
    [
        ([6, 8, 11], None, 7.0),
        ([6, 11, 11], None, None),
        ([6, 8, 11], 3, None),
        ([6, 11, 11], 1, 6.0),
        ([11, 11, 11], 1, None),
    ],
)
async def test_a_quorum_must_be_readable(shelf: Shelf, ratings: list[int], quorum: int | None, value: object) -> None:
    more = {} if quorum is None else {"quorum": quorum}
    verdict = await panel(shelf, {f"m{n}": [one] for n, one in enumerate(ratings)}, **more)
    assert verdict.value == value
    assert verdict.unreadable is (None if value else Unreadable.NO_QUORUM)
    unread = [member.verdict.unreadable for member in verdict.members]
    assert unread.count(Unreadable.OUT_OF_RANGE) == ratings.count(11)


async def test_an_outage_of_a_member_is_no_verdict_of_the_others(shelf: Shelf) -> None:
    with pytest.raises(ShinsaError) as failed:
        await panel(shelf, {"a": [6], "b": [ShinsaError(Reason.UNAVAILABLE, "gone")], "c": [7]})
    assert failed.value.reason is Reason.UNAVAILABLE


TOXIC = Case("toxicity_fairness", {"prompt": "問いかけ", "reply": "返答"})
NAMES = ("diverse_views", "neutral_dialogue", "context_opinions")


def flags(*values: bool) -> dict[str, bool]:
    return dict(zip(NAMES, values, strict=True))


async def test_booleans_one_by_one(shelf: Shelf) -> None:
    said = {"a": [flags(True, True, False)], "b": [flags(True, False, True)], "c": [flags(False, False, True)]}
    majority = await panel(shelf, said, TOXIC, merge="majority")
    assert (majority.findings, majority.value) == (flags(True, False, True), pytest.approx(2 / 3))
    mean = await panel(shelf, said, TOXIC)
    assert mean.findings == {
        name: pytest.approx(share) for name, share in zip(NAMES, (2 / 3, 1 / 3, 2 / 3), strict=True)
    }
    assert mean.value == pytest.approx(5 / 9)


PAIR = Case("mt_bench_pairwise", {"question": "問い", "answer_a": "一", "answer_b": "二"})


async def test_pairs_by_a_panel(shelf: Shelf) -> None:
    # One by one: as given, then swapped. The second member prefers whatever comes first.
    said = {"a": [{"winner": "A"}, {"winner": "B"}], "b": [{"winner": "A"}], "c": [{"winner": "A"}, {"winner": "B"}]}
    verdict = await panel(shelf, said, PAIR, merge="majority")
    assert (verdict.label, verdict.value) == ("A", 1.0)
    assert [member.verdict.label for member in verdict.members] == ["A", "tie", "A"]
    assert all(len(member.verdict.members) == 2 for member in verdict.members)
    assert verdict.asks == 6


async def test_a_panel_of_panels(shelf: Shelf) -> None:
    voices = {"a": Voice([4]), "b": Voice([6]), "c": Voice([10])}
    panels = {"inner": {"members": ["a", "b"]}, "panel": {"members": ["inner", "c"]}}
    verdict = await Bench(shelf, voices, panels)()
    assert verdict.value == 7.5
    assert [member.verdict.value for member in verdict.members] == [5, 10]


async def test_identity_follows_the_members(shelf: Shelf) -> None:
    panels = {"panel": {"members": ["a", "b"]}}
    one = await Bench(shelf, {"a": Voice([6]), "b": Voice([7])}, panels)()
    other = await Bench(shelf, {"a": Voice([6]), "b": Voice([7])}, panels, explanation_limit=99)()
    assert one.judge.profile == other.judge.profile == "panel"
    assert one.judge.profile_digest != other.judge.profile_digest
    assert one.judge.fingerprint.engine == "panel"
    assert one.judge.rubric_digest == shelf.rubrics["mt_bench_single"].digest


async def test_costs_add_up_or_are_unknown(shelf: Shelf) -> None:
    voices = {"a": Voice([6]), "b": Voice([7])}
    panels = {"panel": {"members": ["a", "b"], "repeats": 2}}
    priced = Bench(shelf, voices, panels, price={"prompt": 2.0, "completion": 8.0, "per_tokens": 10, "currency": "JPY"})
    assert (await priced()).cost == Cost(pytest.approx(4 * (10 * 2 + 8) / 10), "JPY")
    assert (await Bench(shelf, voices, panels)()).cost is None


async def test_a_panel_for_some_rubrics_only(shelf: Shelf) -> None:
    with pytest.raises(ShinsaError) as refused:
        await panel(shelf, {"a": [1]}, rubrics=["mt_bench_multi_turn"])
    assert (refused.value.reason, refused.value.field) == (Reason.INVALID_ARGUMENT, "case.rubric")


async def test_members_stay_open_for_a_case_that_waits_for_room_while_the_set_changes(shelf: Shelf) -> None:
    """A back end that is closed cannot be asked any more."""
    asked, go_on = asyncio.Event(), asyncio.Event()

    class Held(Voice):
        closed = False

        async def ask(self, question: Question, *, patient: bool = False) -> Reply:
            assert not self.closed
            asked.set()
            await go_on.wait()
            return await super().ask(question, patient=patient)

        async def close(self) -> None:
            self.closed = True

    voices: dict[str, Voice] = {"slow": Held([6]), "late": Held([8])}
    bench = Bench(shelf, voices, {"panel": {"members": ["slow", "late"], "concurrency": 1}})
    await bench.judges.exchange(bench.set)
    cases = [asyncio.create_task(bench.judge(JudgeRequest("panel", CASE))) for _ in range(2)]
    await asked.wait()
    # Both are with the panel, the second without room there; then there is another set.
    await until(lambda: bench.judges.seat("panel")._cases == 2)
    await bench.judges.exchange(ProfileSet({}))
    go_on.set()
    async with asyncio.timeout(60):
        verdicts = await asyncio.gather(*cases)
    assert [verdict.value for verdict in verdicts] == [7, 7]
    assert all(voice.closed for voice in voices.values())
