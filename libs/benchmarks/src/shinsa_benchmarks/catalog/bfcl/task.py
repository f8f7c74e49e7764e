"""BFCL v3, single turns: is the right function called with the right arguments, or none where none fits."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from shinsa_benchmarks.benchmark import Dataset, Steps
from shinsa_benchmarks.catalog.bfcl.check import calls_fault, is_offered, native_name
from shinsa_benchmarks.catalog.bfcl.files import samples
from shinsa_benchmarks.examination import fault, sampling
from shinsa_benchmarks.examination.catalog_folder import CatalogFolder
from shinsa_benchmarks.examination.replies import truncated
from shinsa_benchmarks.extraction.calls import Call, CallFault, native_calls, written_calls
from shinsa_benchmarks.prompting.tools import tool
from shinsa_benchmarks.sources.loading import load_dataset
from shinsa_benchmarks.vocabulary import Item, Message, Outcome, Reply, Sample, Sampling

# Of the source languages, as the prompt calls them.
_RELEASES = {"Java": "Java 8", "JavaScript": "JavaScript"}


class FunctionCalling(CatalogFolder):
    """One prompt, the calls in the reply. Calls are read and compared, never made."""

    def load(self, folder: Path, origin: str = "specimen") -> Dataset:
        return load_dataset(self.manifest, folder, origin, samples)

    async def examine(self, item: Item, steps: Steps) -> Outcome:
        native = item.settings["calls"] == "native"
        prompt = _conversation(item.sample) if native else self._written_prompt(item.sample)
        reply = await steps.generate(prompt, _sampling(item, native))
        called = bool(reply.choices and reply.choices[0].tool_calls)
        if not called and (outcome := fault(reply)):
            return outcome
        calls = _calls(reply, item.sample, native)
        if reply.truncated and isinstance(calls, CallFault):
            return truncated(reply)
        problem = _fault(item.sample, calls, native)
        outcome = Outcome.scored({"accuracy": float(problem is None)}, _shown(reply, calls))
        return replace(outcome, detail=problem or "")

    def _written_prompt(self, sample: Sample) -> Sequence[Message]:
        """The conversation with instruction and functions at the head of its first message from the user."""
        turns = _conversation(sample)
        place = next(number for number, turn in enumerate(turns) if turn.role == "user")
        language = sample.fields["language"]
        shown = Sample(
            sample.id,
            {
                "functions": [json.dumps(part, ensure_ascii=False) for part in sample.fields["functions"]],
                "source": _RELEASES.get(language, ""),
                "request": turns[place].content,
            },
        )
        turns[place] = Message("user", f"{self.prompts.instruction}\n\n{self.prompts.question(shown)}")
        return turns


def _conversation(sample: Sample) -> list[Message]:
    return [Message(part["role"], part["content"]) for part in sample.fields["messages"]]


def _sampling(item: Item, native: bool) -> Sampling:
    plain = sampling(item.settings)
    if not native:
        return plain
    language = item.sample.fields["language"]
    source = "" if language == "Python" else _RELEASES[language]
    tools = [tool(part, native_name(part["name"]), source=source) for part in item.sample.fields["functions"]]
    return replace(plain, tools=tuple(tools), tool_choice="auto" if tools else "")


def _calls(reply: Reply, sample: Sample, native: bool) -> tuple[Call, ...] | CallFault:
    """The reply's calls. Where native ones are asked for, text is not searched for any."""
    if native and not reply.choices[0].tool_calls:
        return CallFault("no_call", "the reply holds no tool call", attempted=False)
    if native:
        return native_calls(reply.choices[0].tool_calls)
    names = [part["name"] for part in sample.fields["functions"]]
    return written_calls(reply.text, names, raw=sample.fields["language"] != "Python")


def _fault(sample: Sample, calls: tuple[Call, ...] | CallFault, native: bool) -> str | None:
    """What is wrong, or ``None``. A broken call is a call too: it does not count as holding back."""
    kind, documents = sample.fields["kind"], sample.fields["functions"]
    if isinstance(calls, CallFault):
        return None if kind == "no_call" and not calls.attempted else f"{calls.reason}: {calls.detail}"
    if kind == "no_call":
        return "nothing on offer fits, and yet a function is called" if calls else None
    if kind == "some_call":
        some = any(is_offered(documents, call.name, native=native) for call in calls)
        return None if some else "none of the functions on offer is called"
    return calls_fault(documents, sample.fields["answers"], calls, sample.fields["language"], native=native)


def _shown(reply: Reply, calls: tuple[Call, ...] | CallFault) -> str:
    if reply.choices[0].tool_calls:
        return "\n".join(f"{call.name}({call.arguments})" for call in reply.choices[0].tool_calls)
    if isinstance(calls, CallFault):
        return reply.text
    return "\n".join(
        f"{call.name}({json.dumps(dict(call.arguments), ensure_ascii=False, default=str)})" for call in calls
    )


BENCHMARK = FunctionCalling(Path(__file__).parent)
