"""Judges that compute: batches, faults, and what is said where something is missing. No library is loaded here."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from shinsa_chassis.errors import Reason, ShinsaError
from shinsa_judge.application.judge_case import JudgeCase
from shinsa_judge.application.judges import Judges
from shinsa_judge.application.shelf import Shelf
from shinsa_judge.domain.case import Case, JudgeRequest
from shinsa_judge.domain.measure import Score
from shinsa_judge.domain.profile_set import ProfileSet
from shinsa_judge.domain.scorer_profile import ScorerProfile
from shinsa_judge.outbound.scorers import LocalScorer, make_scorer, revision_of


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    return tmp_path


def profile(weights: Path, metric: str = "bertscore", **more: Any) -> ScorerProfile:
    return ScorerProfile.model_validate({"kind": "scorer", "metric": metric, "model": str(weights), **more})


class Lengths:
    """The value is the length of the candidate."""

    def __init__(self, told: ScorerProfile) -> None:
        self.batches: list[int] = []
        MADE.append(self)

    def compute(self, cases: Sequence[Mapping[str, str]]) -> list[Score | ShinsaError]:
        self.batches.append(len(cases))
        if any(case["candidate"] == "crash" for case in cases):
            raise RuntimeError("out of memory")
        return [_length(case["candidate"]) for case in cases]


MADE: list[Lengths] = []


def _length(text: str) -> Score | ShinsaError:
    if text == "long":
        return ShinsaError(Reason.CONTEXT_OVERFLOW, "too long")
    return Score(float(len(text)), engine="lengths")


async def judged(shelf: Shelf, told: ScorerProfile, scorer: LocalScorer, *texts: str) -> list[Any]:
    judges = Judges(lambda name, profile: scorer)
    await judges.exchange(ProfileSet({"s": told}))
    judge = JudgeCase(shelf, judges)
    cases = [Case("text_similarity", {"candidate": text, "reference": "手本"}) for text in texts]
    found = await asyncio.gather(*(judge(JudgeRequest("s", case)) for case in cases), return_exceptions=True)
    await judges.close()
    return found


async def test_cases_are_computed_together(shelf: Shelf, weights: Path) -> None:
    MADE.clear()
    told = profile(weights, batch=4, concurrency=16)
    verdicts = await judged(shelf, told, LocalScorer(told, (), Lengths), *("x" * n for n in range(1, 17)))
    assert [verdict.value for verdict in verdicts] == [float(n) for n in range(1, 17)]
    assert len(MADE) == 1
    assert max(MADE[0].batches) == 4
    assert len(MADE[0].batches) <= 5
    judge = verdicts[0].judge
    assert (judge.fingerprint.engine, judge.rubric_digest) == ("lengths", shelf.measures["text_similarity"].digest)
    assert judge.fingerprint.revision == revision_of(weights)


async def test_one_case_at_fault_spoils_no_other(shelf: Shelf, weights: Path) -> None:
    told = profile(weights)
    one, long, two = await judged(shelf, told, LocalScorer(told, (), Lengths), "x", "long", "xx")
    assert (one.value, two.value) == (1.0, 2.0)
    assert (long.reason, long.retryable) == (Reason.CONTEXT_OVERFLOW, False)


async def test_a_crash_is_told_to_all_who_waited(shelf: Shelf, weights: Path) -> None:
    told = profile(weights)
    found = await judged(shelf, told, LocalScorer(told, (), Lengths), "x", "crash")
    assert {one.reason for one in found[-1:]} == {Reason.ENGINE_FAILED}
    assert "out of memory" in found[-1].message


async def test_what_is_missing_is_said(shelf: Shelf, weights: Path) -> None:
    told = profile(weights)
    nowhere = LocalScorer(told, ("no_such_library",), Lengths)
    assert await nowhere.problem() == "The metric 'bertscore' needs no_such_library; install it where the judge runs."
    (error,) = await judged(shelf, told, nowhere, "x")
    assert (error.reason, error.retryable) == (Reason.FAILED_PRECONDITION, False)
    empty = profile(weights / "none")
    assert "There are no weights at" in await LocalScorer(empty, (), Lengths).problem()
    broken = LocalScorer(told, (), fails)
    assert await broken.problem() == ""
    (error,) = await judged(shelf, told, broken, "x")
    assert "cannot be used: no config" in error.message
    assert await broken.problem() == error.message


def fails(told: ScorerProfile) -> Lengths:
    raise OSError("no config")


async def test_a_scorer_takes_measures_of_its_metric_only(shelf: Shelf, weights: Path) -> None:
    told = profile(weights)
    judges = Judges(lambda name, profile: LocalScorer(told, (), Lengths))
    await judges.exchange(ProfileSet({"s": told}))
    judge = JudgeCase(shelf, judges)
    for rubric in ("translation_quality", "mt_bench_single"):
        with pytest.raises(ShinsaError, match=r"does not take rubric .*; known: text_similarity") as refused:
            await judge(JudgeRequest("s", Case(rubric, {})))
        assert refused.value.reason is Reason.INVALID_ARGUMENT
    with pytest.raises(ShinsaError, match="needs the field 'reference'"):
        await judge(JudgeRequest("s", Case("text_similarity", {"candidate": "x"})))


def test_a_revision_is_that_of_the_weights(weights: Path) -> None:
    before = revision_of(weights)
    (weights / "notes.txt").write_text("x")
    assert revision_of(weights) == before
    (weights / "model.safetensors").write_bytes(b"others")
    assert revision_of(weights) != before


async def test_how_the_comet_library_is_called(shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The library itself is large; what is handed to it is checked against its documented interface."""
    asked: list[Any] = []

    class Model:
        def predict(self, rows: list[dict[str, str]], *, batch_size: int, gpus: int, progress_bar: bool) -> Any:
            asked.append((rows, batch_size, gpus, progress_bar))
            return SimpleNamespace(scores=[0.5 + len(row["mt"]) / 100 for row in rows])

    library = ModuleType("comet")
    library.__spec__ = SimpleNamespace(name="comet")  # type: ignore[assignment]
    library.load_from_checkpoint = lambda path: asked.append(path) or Model()  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "comet", library)
    told = profile(tmp_path / "wmt", "comet", batch=3)
    (tmp_path / "wmt" / "checkpoints").mkdir(parents=True)
    scorer = make_scorer(told)
    judges = Judges(lambda name, profile: scorer)
    await judges.exchange(ProfileSet({"s": told}))
    case = Case("translation_quality", {"source": "Closed.", "translation": "休館。"})
    with pytest.raises(ShinsaError, match=r"there must be one checkpoint in .*, not 0"):
        await JudgeCase(shelf, judges)(JudgeRequest("s", case))
    (tmp_path / "wmt" / "checkpoints" / "model.ckpt").write_bytes(b"x")
    scorer = make_scorer(told)
    await judges.exchange(ProfileSet({"s": told.model_copy(update={"concurrency": 9})}))
    verdict = await JudgeCase(shelf, judges)(JudgeRequest("s", case))
    assert verdict.value == pytest.approx(0.53)
    assert asked == [
        str(tmp_path / "wmt" / "checkpoints" / "model.ckpt"),
        ([{"src": "Closed.", "mt": "休館。"}], 3, 0, False),
    ]


async def test_a_metric_that_loses_a_case_keeps_nobody_waiting(shelf: Shelf, weights: Path) -> None:
    class Forgetful(Lengths):
        def compute(self, cases: Sequence[Mapping[str, str]]) -> list[Score | ShinsaError]:
            return super().compute(cases)[1:]

    told = profile(weights)
    async with asyncio.timeout(60):
        (caught,) = await judged(shelf, told, LocalScorer(told, (), Forgetful), "abc")
    assert (caught.reason, "0 results for 1 cases" in caught.message) == (Reason.ENGINE_FAILED, True)
