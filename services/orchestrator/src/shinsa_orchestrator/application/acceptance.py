"""Whether a model's endpoint takes what the benchmarks of a run will send, found out before anything is asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields

from shinsa_benchmarks.examination.offline import open_requests
from shinsa_benchmarks.vocabulary import Sampling
from shinsa_chassis.errors import Reason, ShinsaError

from shinsa_orchestrator.application.lines import Line
from shinsa_orchestrator.domain.model import ModelEntry
from shinsa_orchestrator.domain.shard import Place

_FIRST = Place(line=0, repetition=0, sample=0, position=0)
# Where the benchmarks' word differs from that of entries.
_ENTRY_WORDS = {"chat_template_arguments": "chat_template_arguments_json"}


async def check_accepted(entry: ModelEntry, lines: Sequence[Line]) -> None:
    """Looks at the first request of each line. Raises INVALID_ARGUMENT with benchmark and field.

    An entry that says nothing of what it takes (an engine of our own) takes everything.
    """
    if not entry.accepts:
        return
    for line in lines:
        if not line.samples:
            continue
        for request in await open_requests(line.benchmark, [line.item(_FIRST)], {}):
            _check(entry, line.planned.benchmark, request.sampling)


async def check_reusable(lines: Sequence[Line]) -> None:
    """Raises INVALID_ARGUMENT where the first requests of all lines are decoded with chance, so that nothing could be
    reused. One that leaves the temperature open may be greedy by the model's entry."""
    by_chance: dict[str, str] = {}
    for line in lines:
        if not line.samples:
            continue
        for request in await open_requests(line.benchmark, [line.item(_FIRST)], {}):
            chance = _chance(request.sampling)
            if not chance:
                return
            by_chance[line.planned.benchmark] = chance
    if by_chance:
        found = ", ".join(f"{name} with {chance}" for name, chance in by_chance.items())
        raise ShinsaError(
            Reason.INVALID_ARGUMENT,
            f"spec.reuse: only greedy completions (temperature 0, one choice) can be reused, and no benchmark here "
            f"asks for such ({found}); leave reuse out, or set temperature=0",
            field="spec.reuse",
        )


def _chance(sampling: Sampling) -> str:
    """What of it lets chance in; empty if nothing does."""
    if sampling.temperature:
        return f"temperature {sampling.temperature:g}"
    return f"n {sampling.n}" if (sampling.n or 1) > 1 else ""


def _check(entry: ModelEntry, benchmark: str, sampling: Sampling) -> None:
    for field in _set_fields(sampling):
        if field not in entry.accepts:
            raise ShinsaError(
                Reason.INVALID_ARGUMENT,
                f"spec.model: {benchmark} sends {field}, which the endpoint of model {entry.name!r} does not take "
                f"(it takes {', '.join(entry.accepts)}); leave the benchmark out, or add {field} to the entry's "
                "accepts if the endpoint does take it",
                field="spec.model",
            )


def _set_fields(sampling: Sampling) -> Iterator[str]:
    for field in fields(sampling):
        if getattr(sampling, field.name) not in (None, "", ()):
            yield _ENTRY_WORDS.get(field.name, field.name)
