"""What a worker's result must be before anything is made of it: an identity, numbers that add up, known words."""

from __future__ import annotations

import math
from collections.abc import Iterator

from shinsa.inference.v1 import completion_pb2
from shinsa.judge.v1 import verdict_pb2
from shinsa.sandbox.v1 import execution_pb2
from shinsa.step.v1 import step_pb2

# As the columns of the sample log hold them.
_MOST_ID = 32
_MOST_CURRENCY = 8
MOST_COUNT = 2**31 - 1
# A million times this still fits into the 64 bits of a sum.
_MOST_TOKENS = 2**40
_MOST_COST = 1e12
_MOST_SECONDS = 1e9
# Year 10000, where a timestamp ends.
END_OF_TIME = 253_402_300_800


def identity_problem(message: step_pb2.Result | step_pb2.HandBack) -> str:
    """Why nobody can say which step this answers; empty where its ids are ids."""
    if not message.step_id:
        return "step_id is empty"
    for field, text in (("step_id", message.step_id), ("item_id", message.item_id)):
        if not (len(text) <= _MOST_ID and text.isascii() and text.isprintable()):
            return f"{field} is {text[:_MOST_ID]!r}, which is no id"
    return ""


def content_problem(message: step_pb2.Result) -> str:
    """What is wrong with a result of known identity; empty where it can be recorded and reckoned with."""
    return next(_problems(message), "")


def _problems(message: step_pb2.Result) -> Iterator[str]:
    if max(message.attempt, message.deliveries) > MOST_COUNT:
        yield f"attempt {message.attempt} or deliveries {message.deliveries} is out of bounds"
    for field, time in (("started_at", message.started_at), ("finished_at", message.finished_at)):
        if not 0 <= time.seconds < END_OF_TIME or not 0 <= time.nanos < 1_000_000_000:
            yield f"{field} is no time"
    kind = message.WhichOneof("outcome")
    if kind == "generate":
        yield from _of_completion(message.generate.completion)
    elif kind == "execute" and message.execute.execution.verdict not in execution_pb2.Verdict.values():
        yield f"{message.execute.execution.verdict} is no verdict of an execution"
    elif kind == "judge":
        yield from _of_verdict(message.judge.verdict)


def _of_completion(completion: completion_pb2.Completion) -> Iterator[str]:
    yield from _of_usage(completion.usage)
    for choice in completion.choices:
        if choice.finish_reason not in completion_pb2.FinishReason.values():
            yield f"{choice.finish_reason} is no finish reason"
    if not 0 <= completion.latency_seconds <= _MOST_SECONDS:
        yield f"latency_seconds is {completion.latency_seconds}"
    if completion.HasField("cost"):
        yield from _of_cost(completion.cost)


def _of_verdict(verdict: verdict_pb2.Verdict) -> Iterator[str]:
    yield from _of_usage(verdict.usage)
    if verdict.HasField("cost"):
        yield from _of_cost(verdict.cost)
    spread = verdict.spread
    numbers = [verdict.value, spread.lowest, spread.highest, spread.deviation, spread.agreement]
    numbers += [finding.number for finding in verdict.findings]
    if not all(map(math.isfinite, numbers)):
        yield "a value of the verdict is no finite number"
    for member in verdict.members:
        yield from _of_verdict(member.verdict)


def _of_usage(usage: completion_pb2.TokenUsage) -> Iterator[str]:
    counts = (usage.prompt_tokens, usage.completion_tokens, usage.reasoning_tokens, usage.cached_tokens)
    if max(counts) > _MOST_TOKENS:
        yield f"{max(counts)} tokens are more than there can be"


def _of_cost(cost: completion_pb2.Cost | verdict_pb2.Cost) -> Iterator[str]:
    if not 0 <= cost.amount <= _MOST_COST:
        yield f"the cost is {cost.amount}"
    if len(cost.currency) > _MOST_CURRENCY or not cost.currency.isprintable():
        yield "the currency is no code of one"
