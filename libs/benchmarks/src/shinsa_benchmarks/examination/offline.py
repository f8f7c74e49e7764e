"""An examination without inference: the prompts written out, and answers made elsewhere scored.

The prompts, the seeds and the scores are those of a run over the mesh.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NoReturn

from shinsa_benchmarks.benchmark import Benchmark, Dataset, wanted
from shinsa_benchmarks.manifest import Setting
from shinsa_benchmarks.tallies import Score, tally
from shinsa_benchmarks.vocabulary import (
    Case,
    Checks,
    Choice,
    Execution,
    Item,
    Limits,
    Message,
    Outcome,
    Program,
    Reply,
    Sample,
    Sampling,
    Status,
    StepFailed,
    Verdict,
)

# Runs a program in a sandbox.
Execute = Callable[[Program, Checks | None, Limits | None], Awaitable[Execution]]


@dataclass(frozen=True, slots=True)
class CaseRequest:
    """One thing to ask a judge about a sample; ``call`` counts the sample's cases from 1."""

    sample: str
    category: str
    call: int
    role: str
    case: Case


# Gives the verdict on a case. It may raise ``StepFailed``.
Judge = Callable[[CaseRequest], Awaitable[Verdict]]


@dataclass(frozen=True, slots=True)
class Request:
    """One thing to ask the model about a sample; ``call`` counts the requests of one sample from 1."""

    sample: str
    category: str
    call: int
    prompt: Sequence[Message] | str
    sampling: Sampling


@dataclass(frozen=True, slots=True)
class ScoredItem:
    sample: str
    category: str
    outcome: Outcome


def offline_items(
    benchmark: Benchmark,
    dataset: Dataset,
    *,
    shots: int,
    settings: Mapping[str, Setting],
    limit: int = 0,
    judges: Collection[str] = (),
) -> list[Item]:
    """The items that a run would examine once each; ``limit`` 0 is all, ``judges`` are optional roles that are served.

    Raises ``ValueError`` for shots, and for a split of the settings, that the data lacks, and ``UnfitError`` for other
    settings that it does not fit.
    """
    manifest = benchmark.manifest
    if not 0 <= shots <= manifest.most_shots:
        raise ValueError(f"{manifest.id} takes 0 to {manifest.most_shots} shots, not {shots}")
    if len(dataset.train) < shots:
        raise ValueError(f"{shots} shots need as many examples; the data ({dataset.origin}) has {len(dataset.train)}")
    samples = dataset.examined(settings)
    if not samples:
        raise ValueError(f"the data ({dataset.origin}) has no samples {wanted(settings)}")
    samples = samples[: limit or None]
    benchmark.check(samples, shots, settings)
    return [
        Item(
            sample=sample,
            shots=shots,
            examples=tuple(dataset.train[:shots]),
            settings=settings,
            seed=_seed(manifest.id, shots, sample.id),
            judges=frozenset(manifest.judge_roles).union(judges),
        )
        for sample in samples
    ]


async def open_requests(
    benchmark: Benchmark, items: Sequence[Item], answers: Mapping[str, Sequence[Choice]]
) -> list[Request]:
    """What is still to be asked: requests that ``answers`` (by sample, in order) do not answer.

    A request that depends on an earlier answer comes up once that one is given.
    """
    requests = []
    for item in items:
        desk = _Desk(answers.get(item.sample.id, ()))
        try:
            await benchmark.examine(item, desk)
        except StepFailed as failure:
            if failure.reason != _UNANSWERED and failure.reason != _NOT_OFFLINE:
                raise
        requests += [Request(item.sample.id, item.sample.category, *open_) for open_ in desk.unanswered]
    return requests


async def open_cases(
    benchmark: Benchmark, items: Sequence[Item], answers: Mapping[str, Sequence[Choice]]
) -> list[CaseRequest]:
    """What a judge is to be asked about these answers (by sample, in order), whatever it will find."""
    requests: list[CaseRequest] = []

    async def noted(request: CaseRequest) -> Verdict:
        requests.append(request)
        return Verdict(False, unreadable_reason="not judged yet")

    for item in items:
        if item.sample.id in answers:
            await score_item(benchmark, item, answers[item.sample.id], judge=noted)
    return requests


async def score_item(
    benchmark: Benchmark,
    item: Item,
    answers: Sequence[Choice],
    execute: Execute | None = None,
    judge: Judge | None = None,
) -> ScoredItem:
    """One sample's answers scored; ``execute`` runs programs, ``judge`` gives verdicts.

    Raises ``ValueError`` where there are more or fewer answers than the benchmark asks for, and where it takes a step
    that is not possible here.
    """
    desk = _Desk(answers, execute, judge, item.sample)
    item = _tried(item, len(answers))
    try:
        outcome = await benchmark.examine(item, desk)
    except StepFailed as failure:
        asked = f"{len(answers)} given, {desk.wanted} or more asked for"
        raise ValueError(f"too few answers ({asked})" if desk.unanswered else failure.message) from failure
    if desk.wanted < len(answers) and outcome.status is not Status.MODEL_ERROR:
        raise ValueError(f"too many answers ({len(answers)} given, {desk.wanted} asked for)")
    return ScoredItem(item.sample.id, item.sample.category, outcome)


def _tried(item: Item, answers: int) -> Item:
    """The item with as many attempts as there are answers, if these are fewer: who tried once has one chance."""
    if not 0 < answers < int(item.settings.get("attempts", 0)):
        return item
    return replace(item, settings={**item.settings, "attempts": answers})


def total(benchmark: Benchmark, items: Sequence[Item], scored: Sequence[ScoredItem]) -> list[Score]:
    """Scores over the items that were scored; the others of ``items`` count as not measured."""
    categories: dict[str, int] = {}
    for item in items:
        if item.sample.category:
            categories[item.sample.category] = categories.get(item.sample.category, 0) + 1
    rows = [(one.sample, one.category, one.outcome) for one in scored]
    return tally(benchmark.manifest, rows, items=len(items), category_items=categories)


_UNANSWERED = "unanswered"
_NOT_OFFLINE = "not_offline"


class _Desk:
    """``Steps`` over answers that are there already; ``wanted`` counts the answers that were asked for."""

    def __init__(
        self,
        answers: Sequence[Choice],
        execute: Execute | None = None,
        judge: Judge | None = None,
        sample: Sample | None = None,
    ) -> None:
        self._answers = answers
        self._execute, self._judge, self._sample = execute, judge, sample
        self._calls = self._cases = 0
        self.wanted = 0
        self.unanswered: list[tuple[int, Sequence[Message] | str, Sampling]] = []

    async def generate(self, prompt: Sequence[Message] | str, sampling: Sampling) -> Reply:
        self._calls += 1
        first, self.wanted = self.wanted, self.wanted + (sampling.n or 1)
        if self.wanted > len(self._answers):
            self.unanswered.append((self._calls, prompt, sampling))
            raise StepFailed("generate", _UNANSWERED, "this request has no answer yet")
        return Reply(tuple(self._answers[first : self.wanted]))

    async def execute(self, program: Program, checks: Checks | None = None, limits: Limits | None = None) -> Execution:
        if self._execute is None:
            self._refuse("execute", "programs run in the sandbox of a mesh")
        return await self._execute(program, checks, limits)

    async def judge(self, role: str, case: Case) -> Verdict:
        if self._judge is None or self._sample is None:
            self._refuse("judge", "answers are judged by the judge of a mesh")
        self._cases += 1
        return await self._judge(CaseRequest(self._sample.id, self._sample.category, self._cases, role, case))

    def _refuse(self, kind: str, why: str) -> NoReturn:
        raise StepFailed(kind, _NOT_OFFLINE, f"{why}, not here")


def _seed(benchmark: str, shots: int, sample: str) -> int:
    """As a run seeds the item's first repetition."""
    text = f"seed\x00{benchmark}\x00{shots}\x000\x00{sample}"
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()) >> 1
