"""One prompt, one program, run against the data set's tests in the sandbox."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from shinsa_benchmarks.benchmark import Dataset, Steps
from shinsa_benchmarks.examination.catalog_folder import CatalogFolder
from shinsa_benchmarks.examination.linting import METRIC, SETTING, LintMissing, lint, lint_value
from shinsa_benchmarks.examination.replies import fault, sampling, together, truncated
from shinsa_benchmarks.prompting import Prompts
from shinsa_benchmarks.sources.loading import Read, load_dataset
from shinsa_benchmarks.vocabulary import (
    Execution,
    ExecutionVerdict,
    Item,
    Message,
    Outcome,
    Program,
    Sample,
    TestScript,
)

_FILE = "solution.py"


@dataclass(frozen=True, slots=True)
class Draft:
    """The candidate's code, and the test that it must pass."""

    code: str
    checks: TestScript


@dataclass(frozen=True)
class Programming(CatalogFolder):
    """A benchmark of programs; its parts are functions.

    ``samples`` reads the files, ``ask`` lays out the prompt, ``draft`` takes the program out of a reply's text (and
    whether that was cut off) or gives ``None`` where there is none.
    """

    samples: Read
    ask: Callable[[Prompts, Item], Sequence[Message] | str]
    draft: Callable[[Sample, str, bool], Draft | None]

    def load(self, folder: Path, origin: str = "specimen") -> Dataset:
        return load_dataset(self.manifest, folder, origin, self.samples)

    async def examine(self, item: Item, steps: Steps) -> Outcome:
        reply = await steps.generate(self.ask(self.prompts, item), sampling(item.settings))
        if outcome := fault(reply):
            return outcome
        draft = self.draft(item.sample, reply.text, reply.truncated)
        if draft is None and reply.truncated:
            return truncated(reply)
        if draft is None:
            return Outcome.model_error("no_code", "the reply holds no Python code", reply.text)
        tested = steps.execute(Program({_FILE: draft.code}, _FILE), draft.checks)
        if not item.settings.get(SETTING):
            return _outcome(draft, await tested)
        execution, linted = await together(tested, lint(draft.code, steps))
        outcome = _outcome(draft, execution)
        try:
            return replace(outcome, metrics={**outcome.metrics, METRIC: lint_value(linted)})
        except LintMissing as problem:
            return Outcome.infra_error("no_pylint", str(problem), draft.code)


def _outcome(draft: Draft, execution: Execution) -> Outcome:
    """pass@1 of one program: 1 if every test passed (Chen et al. 2021), else 0, whatever the candidate did instead."""
    passed = execution.verdict is ExecutionVerdict.PASS
    outcome = Outcome.scored({"pass@1": float(passed), "passed": float(passed)}, draft.code)
    detail = ": ".join(part for part in (execution.verdict.value, execution.reason) if part)
    return outcome if passed else replace(outcome, detail=detail)
