"""One prompt with instructions that a program can check, one open answer (Zhou et al. 2023, IFEval)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from shinsa_benchmarks.benchmark import Dataset, Steps
from shinsa_benchmarks.examination.catalog_folder import CatalogFolder
from shinsa_benchmarks.examination.replies import fault, sampling
from shinsa_benchmarks.metrics.instructions import (
    ArgumentFault,
    Check,
    Instruction,
    Rule,
    check_of,
    loose_verdicts,
    strict_verdicts,
)
from shinsa_benchmarks.sources.loading import load_dataset
from shinsa_benchmarks.sources.records import Record, json_lines
from shinsa_benchmarks.vocabulary import Item, Message, Outcome, Sample

# Counts the prompt's instructions; the weight of the metrics over instructions.
WEIGHT = "instructions"


@dataclass(frozen=True)
class InstructionFollowing(CatalogFolder):
    """A benchmark in IFEval's format: JSON lines of ``key``, ``prompt``, ``instruction_id_list`` and ``kwargs``.

    ``rules`` has a rule for every instruction id. ``repaired`` replaces some of them for one more metric,
    ``instruction_repaired``. The prompt is sent as it is, as the only message.
    """

    rules: Mapping[str, Rule]
    repaired: Mapping[str, Rule] = field(default_factory=dict)

    def load(self, folder: Path, origin: str = "specimen") -> Dataset:
        return load_dataset(self.manifest, folder, origin, self._samples)

    async def examine(self, item: Item, steps: Steps) -> Outcome:
        sample = item.sample
        reply = await steps.generate([Message("user", sample.fields["prompt"])], sampling(item.settings))
        if outcome := fault(reply):
            return replace(outcome, metrics={WEIGHT: float(len(sample.fields["instructions"]))})
        return Outcome.scored(self.score(sample, reply.text), reply.text)

    def score(self, sample: Sample, response: str) -> Mapping[str, float]:
        """Every metric of one response, and its weight."""
        instructions = [Instruction(part["id"], part["arguments"]) for part in sample.fields["instructions"]]
        checks = _checks(self.rules, instructions)
        strict, loose = strict_verdicts(checks, response), loose_verdicts(checks, response)
        metrics = {
            "prompt_strict": float(all(strict)),
            "prompt_loose": float(all(loose)),
            "instruction_strict": _share(strict),
            "instruction_loose": _share(loose),
            WEIGHT: float(len(instructions)),
        }
        if self.repaired:
            repaired = _checks({**self.rules, **self.repaired}, instructions)
            metrics["instruction_repaired"] = _share(strict_verdicts(repaired, response))
        return metrics

    def _samples(self, files: Mapping[str, Path]) -> tuple[Iterator[Sample], Iterator[Sample]]:
        return map(self._sample, json_lines(files["test"])), iter(())

    def _sample(self, record: Record) -> Sample:
        ids, arguments = record.texts("instruction_id_list", at_least=1), record.records("kwargs", at_least=1)
        if len(ids) != len(arguments):
            raise record.fault(f"as many 'kwargs' as instructions expected ({len(ids)}), not {len(arguments)}")
        given = [_given(part.fields) for part in arguments]
        try:
            _checks(self.rules, [Instruction(*pair) for pair in zip(ids, given, strict=True)])
        except ArgumentFault as error:
            raise record.fault(str(error)) from error
        instructions = [{"id": id_, "arguments": values} for id_, values in zip(ids, given, strict=True)]
        return Sample(str(record.integer("key", 0)), {"prompt": record.text("prompt"), "instructions": instructions})


def _given(values: Mapping[str, Any]) -> dict[str, Any]:
    """Without the nulls that some copies of the data set hold for every argument of other instructions."""
    return {name: value for name, value in values.items() if value is not None}


def _checks(rules: Mapping[str, Rule], instructions: Iterable[Instruction]) -> list[Check]:
    return [check_of(rules, instruction) for instruction in instructions]


def _share(verdicts: Sequence[bool]) -> float:
    return sum(verdicts) / len(verdicts)
