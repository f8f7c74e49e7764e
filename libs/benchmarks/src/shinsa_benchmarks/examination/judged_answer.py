"""One prompt, one open answer, one verdict of a judge."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from shinsa_benchmarks.benchmark import Dataset, Steps
from shinsa_benchmarks.examination.catalog_folder import CatalogFolder
from shinsa_benchmarks.examination.replies import fault, sampling
from shinsa_benchmarks.manifest import Metric
from shinsa_benchmarks.sources.loading import Read, load_dataset
from shinsa_benchmarks.vocabulary import Case, Item, Message, Outcome, Sample, Verdict


@dataclass(frozen=True)
class JudgedAnswer(CatalogFolder):
    """A benchmark of open answers; its parts are functions.

    ``samples`` reads the files; the field ``prompt`` of a sample is sent as the only message. ``case`` says what the
    judge of the manifest's first role is shown, ``score`` gives every metric. An answer that was cut off is judged as
    it stands.
    """

    samples: Read
    case: Callable[[Item, str], Case]
    score: Callable[[Sample, Verdict], Mapping[str, float]]

    def load(self, folder: Path, origin: str = "specimen") -> Dataset:
        return load_dataset(self.manifest, folder, origin, self.samples)

    async def examine(self, item: Item, steps: Steps) -> Outcome:
        reply = await steps.generate([Message("user", item.sample.fields["prompt"])], sampling(item.settings))
        if outcome := fault(reply):
            return outcome
        verdict = await steps.judge(self.manifest.judge_roles[0], self.case(item, reply.text))
        if problem := unreadable(self.manifest.primary, verdict):
            return Outcome.infra_error("judge_unreadable", problem, reply.text)
        return Outcome.scored(self.score(item.sample, verdict), reply.text)


def unreadable(metric: Metric, verdict: Verdict) -> str:
    """Why a verdict gives no value of the metric; empty where it does."""
    if not verdict.readable or verdict.value is None:
        return verdict.unreadable_reason or "the verdict has no value"
    if not metric.lowest <= verdict.value <= metric.highest:
        return f"the value {verdict.value:g} is outside {metric.scale}"
    return ""
