"""One prompt, one short answer, scored by comparison with the gold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from shinsa_benchmarks.benchmark import Dataset, Steps
from shinsa_benchmarks.examination.catalog_folder import CatalogFolder
from shinsa_benchmarks.examination.replies import fault, sampling, truncated
from shinsa_benchmarks.prompting import prompt
from shinsa_benchmarks.sources.loading import Read, load_dataset
from shinsa_benchmarks.vocabulary import Item, Outcome, Sample


@dataclass(frozen=True)
class ShortAnswer(CatalogFolder):
    """A benchmark of short answers; its parts are functions.

    ``samples`` reads the files, ``answer`` takes the answer out of a reply, ``settled`` says whether a reply that was
    cut off holds a whole answer all the same, ``score`` gives every metric of the manifest.
    """

    samples: Read
    answer: Callable[[str], str]
    settled: Callable[[str], bool]
    score: Callable[[Sample, str], Mapping[str, float]]

    def load(self, folder: Path, origin: str = "specimen") -> Dataset:
        return load_dataset(self.manifest, folder, origin, self.samples)

    async def examine(self, item: Item, steps: Steps) -> Outcome:
        reply = await steps.generate(prompt(self.prompts, item), sampling(item.settings))
        if outcome := fault(reply):
            return outcome
        if reply.truncated and not self.settled(reply.text):
            return truncated(reply)
        answer = self.answer(reply.text)
        return Outcome.scored(self.score(item.sample, answer), answer)
