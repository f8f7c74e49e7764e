"""BFCL v3, several turns: a conversation in which calls are made, to services that are simulated in the sandbox."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from shinsa_benchmarks.benchmark import Dataset, Steps
from shinsa_benchmarks.catalog.bfcl_multi_turn.conversation import Conversation
from shinsa_benchmarks.catalog.bfcl_multi_turn.files import as_json, samples
from shinsa_benchmarks.examination.catalog_folder import CatalogFolder
from shinsa_benchmarks.extraction.calls import CallFault
from shinsa_benchmarks.sources.loading import load_dataset
from shinsa_benchmarks.vocabulary import ExecutionVerdict, Item, Limits, Outcome, Program, Sample

Scene = list[list[list[Any]]]
_ENTRY = "play.py"
# Many times what the longest scene prints.
_MOST_OUTPUT = 512 * 1024


class SimulationFailed(Exception):  # noqa: N818 - it reads as a fact
    """The simulation did not run to its end, which is never the doing of the calls themselves."""


class MultiTurn(CatalogFolder):
    """Each reply's calls are made in the sandbox, in a fresh simulation that plays the scene from its beginning.

    What counts in the end is the state of the services after each turn, and what the model has been shown.
    """

    def load(self, folder: Path, origin: str = "specimen") -> Dataset:
        return load_dataset(self.manifest, folder, origin, samples)

    async def examine(self, item: Item, steps: Steps) -> Outcome:
        talk, most = Conversation(self.prompts, item), int(item.settings["steps_per_turn"])
        made: Scene = []
        try:
            for turn in range(len(item.sample.fields["turns"])):
                made.append([])
                if outcome := await self._turn(talk, turn, made, most, steps):
                    return outcome
            if talk.silent and not any(made):
                return talk.silent
            played = await _play(item.sample, made, steps)
            wanted = await _play(item.sample, item.sample.fields["wanted"], steps)
        except SimulationFailed as problem:
            return Outcome.infra_error("simulation_failed", str(problem), _shown(made))
        wrong = turns_fault(item.sample.fields["wanted"], made, wanted, played)
        return _scored(item.sample, made, "; ".join([wrong, *talk.broken]) if wrong else None)

    async def _turn(self, talk: Conversation, turn: int, made: Scene, most: int, steps: Steps) -> Outcome | None:
        """One turn, to the first reply without calls. An outcome where the examination ends here."""
        talk.begin(turn)
        for _ in range(most):
            reply = await steps.generate(list(talk.messages), talk.sampling)
            if outcome := talk.fault(reply):
                return replace(outcome, answer=_shown(made))
            calls = talk.heard(reply)
            if isinstance(calls, CallFault) or not calls:
                talk.close(reply, calls)
                return None
            made[-1] += [as_json(call) for call in calls]
            results = (await _play(talk.sample, made, steps))[-1]["results"]
            talk.tell(reply, results[len(results) - len(calls) :])
        return _scored(talk.sample, made, f"turn {turn + 1} went on for more than {most} steps")


def turns_fault(
    wanted_calls: Scene, calls: Scene, wanted: Sequence[Mapping[str, Any]], played: Sequence[Mapping[str, Any]]
) -> str | None:
    """What is wrong after which turn, or ``None``. Turns in which nothing is wanted are passed over.

    After each other turn the services must be in the state that the wanted calls lead to, and the results of the wanted
    calls of this turn must be among those of the model's calls so far, whatever else it called.
    """
    seen: Counter[str] = Counter()
    for number, (want, play) in enumerate(zip(wanted, played, strict=True), start=1):
        seen.update(play["results"])
        if not wanted_calls[number - 1]:
            continue
        if not calls[number - 1]:
            return f"turn {number}: no call was made"
        for service, state in want["state"].items():
            if play["state"][service] != state:
                return f"turn {number}: {service} is not in the wanted state"
        if missing := Counter(want["results"]) - seen:
            return f"turn {number}: this result was not obtained: {next(iter(missing))[:200]}"
    return None


async def _play(sample: Sample, scene: Scene, steps: Steps) -> Sequence[Mapping[str, Any]]:
    """Results and state, turn by turn."""
    fields = sample.fields
    told = {"config": fields["config"], "classes": fields["services"], "turns": scene, "filler": fields.get("filler")}
    program = Program(_simulation(), _ENTRY, stdin=json.dumps(told))
    execution = await steps.execute(program, None, Limits(output_bytes=_MOST_OUTPUT))
    if execution.verdict is not ExecutionVerdict.PASS:
        raise SimulationFailed(f"{execution.verdict.value}: {execution.reason or execution.stderr[-200:]}")
    try:
        turns: list[Mapping[str, Any]] = json.loads(execution.stdout)["turns"]
    except (ValueError, KeyError, TypeError) as error:
        raise SimulationFailed("its output cannot be read; it may have been cut off") from error
    return turns


@cache
def _simulation() -> Mapping[str, str]:
    folder = Path(__file__).parent / "simulation"
    return {path.name: path.read_text("utf-8") for path in sorted(folder.glob("*.py")) if path.name != "__init__.py"}


def _scored(sample: Sample, made: Scene, problem: str | None) -> Outcome:
    metrics = {"accuracy": float(problem is None)} | held_back(sample.fields["wanted"], made)
    return replace(Outcome.scored(metrics, _shown(made)), detail=problem or "")


def held_back(wanted: Scene, made: Scene) -> dict[str, float]:
    """1 if no call was made in the turns in which none is wanted, of those that were reached; nothing of a scene
    without such turns."""
    idle = [calls for want, calls in zip(wanted, made, strict=False) if not want]
    return {"held_back": float(not any(idle))} if idle else {}


def _shown(made: Scene) -> str:
    return "\n".join(
        "; ".join(f"{name}({positional or ''}{keywords})" for name, positional, keywords in turn) or "-"
        for turn in made
    )


BENCHMARK = MultiTurn(Path(__file__).parent)
