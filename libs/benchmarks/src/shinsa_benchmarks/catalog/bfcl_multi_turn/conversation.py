"""The conversation of one scene, with calls in the text or through the endpoint's tools."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from shinsa_benchmarks.examination import fault, sampling
from shinsa_benchmarks.examination.replies import truncated
from shinsa_benchmarks.extraction.answers import ends_at_blank_line
from shinsa_benchmarks.extraction.calls import Call, CallFault, native_calls, written_calls
from shinsa_benchmarks.prompting import Prompts
from shinsa_benchmarks.prompting.tools import tool
from shinsa_benchmarks.vocabulary import Item, Message, Outcome, Reply, Sample, Sampling


class Conversation:
    """What has been said so far, and which functions are on offer."""

    def __init__(self, prompts: Prompts, item: Item) -> None:
        self.sample = item.sample
        self.messages: list[Message] = []
        self._prompts = prompts
        self._native = item.settings["calls"] == "native"
        self._plain = sampling(item.settings)
        self._functions: list[Any] = []
        # What was wrong with calls that could not be read; each has ended its turn.
        self.broken: list[str] = []
        # What a reply that was empty would be by itself; it has ended its turn.
        self.silent: Outcome | None = None

    @property
    def sampling(self) -> Sampling:
        if not self._native:
            return self._plain
        tools = tuple(tool(part, part["name"]) for part in self._functions)
        return replace(self._plain, tools=tools, tool_choice="auto")

    def begin(self, turn: int) -> None:
        """The user's words of a turn. A turn without any is one in which functions that were held back come in."""
        later = {name for key, names in self.sample.fields["held_back"].items() if int(key) > turn for name in names}
        on_offer = [part for part in self.sample.fields["functions"] if part["name"] not in later]
        new = [part for part in on_offer if part not in self._functions]
        self._functions = on_offer
        said = [Message(part["role"], part["content"]) for part in self.sample.fields["turns"][turn]]
        said = said or [Message("user", self._prompts.text("more.txt"))]
        if not self._native and new:
            place = next(number for number, message in enumerate(said) if message.role == "user")
            said[place] = Message("user", self._introduced(turn, new, said[place].content))
        self.messages += said

    def fault(self, reply: Reply) -> Outcome | None:
        """The outcome of a reply that ends the examination: withheld, or cut off in its midst."""
        if reply.choices and reply.choices[0].tool_calls:
            return None
        if outcome := fault(reply):
            if not reply.choices or outcome.reason != "empty":
                return outcome
            self.silent = outcome
        cut = reply.truncated and isinstance(self.heard(reply), CallFault) and not ends_at_blank_line(reply.text)
        return truncated(reply) if cut else None

    def heard(self, reply: Reply) -> tuple[Call, ...] | CallFault:
        """The calls in a reply."""
        if self._native:
            return native_calls(reply.choices[0].tool_calls)
        return written_calls(reply.text, [part["name"] for part in self._functions])

    def tell(self, reply: Reply, results: Sequence[str]) -> None:
        """Lets the model see what came of its calls."""
        choice = reply.choices[0]
        self.messages.append(Message("assistant", choice.text, choice.tool_calls if self._native else ()))
        if self._native:
            told = zip(choice.tool_calls, results, strict=True)
            self.messages += [Message("tool", result, tool_call_id=call.id) for call, result in told]
        else:
            self.messages.append(Message("user", "\n".join([self._prompts.text("results.txt"), *results])))

    def close(self, reply: Reply, calls: tuple[Call, ...] | CallFault) -> None:
        """The reply that ends a turn."""
        self.messages.append(Message("assistant", reply.text))
        if isinstance(calls, CallFault) and calls.attempted:
            self.broken.append(f"{calls.reason}: {calls.detail}")

    def _introduced(self, turn: int, functions: Sequence[Any], request: str) -> str:
        shown = Sample(
            self.sample.id,
            {"functions": [json.dumps(part, ensure_ascii=False) for part in functions], "request": request},
        )
        question = self._prompts.question(shown)
        return question if turn else f"{self._prompts.instruction}\n\n{question}"
