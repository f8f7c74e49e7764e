"""Whatever a worker sends as a result: it is recorded and added up in every database, or refused with a reason."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from contract.stores.test_sample_log import item
from contract.wires.garbage import mutants
from shinsa.sandbox.v1 import execution_pb2
from shinsa.step.v1 import step_pb2
from shinsa_chassis.result_inbox import ReceivedResult
from shinsa_orchestrator.domain.step import StepRecord, StepResult
from shinsa_orchestrator.inbound import messages
from shinsa_orchestrator.outbound.result_check import identity_problem
from shinsa_orchestrator.outbound.step_codec import MessageCodec
from shinsa_orchestrator.outbound.worker_results import step_result

CODEC = MessageCodec()
READ: dict[str, Callable[[bytes], object]] = {
    "generate": CODEC.reply,
    "execute": CODEC.execution,
    "judge": CODEC.verdict,
}

SENDERS = {"generate": "inference", "execute": "sandbox", "judge": "judge"}


def sound(kind: str) -> step_pb2.Result:
    made = step_pb2.Result(step_id="s", run_id="r1", item_id="i1", attempt=1, deliveries=1, worker="w")
    if kind == "generate":
        made.generate.completion.choices.add(text="t", finish_reason=1)
        made.generate.completion.cost.currency = "USD"
    elif kind == "execute":
        made.execute.execution.verdict = execution_pb2.VERDICT_PASS
    else:
        made.judge.verdict.readable, made.judge.verdict.value = True, 7
        made.judge.verdict.findings.add(name="rating", number=7)
    return made


def read(kind: str) -> Iterator[StepResult]:
    """Every result that says whose it is, under an identity of its own."""
    for number, mutant in enumerate(mutants(sound(kind))):
        if identity_problem(mutant):
            continue
        received: Any = ReceivedResult(mutant, None, SENDERS[kind])  # type: ignore[arg-type]
        result = step_result(received)
        if not result.step_id:
            continue
        if result.failed and mutant.WhichOneof("outcome") != "failure":
            assert (result.reason, bool(result.message)) == ("upstream_malformed", True)
        yield replace(result, step_id=f"s{number}", item_id="i1")


@pytest.mark.parametrize("kind", ["generate", "execute", "judge"])
async def test_it_is_recorded_and_added_up_or_refused(stores: Any, kind: str) -> None:
    results = list(read(kind))
    records = [StepRecord("r1", 0, 1, kind, b"", result) for result in results]
    assert await stores.log.record(records, [item()]) == set()
    assert len(await stores.log.known_steps("r1", 0)) == len(results)
    [totals] = await stores.log.step_totals("r1")
    assert totals.failed == sum(result.failed for result in results)
    await stores.log.judge_totals("r1")
    await stores.log.completion_sums("r1")
    await stores.log.latency_totals("r1")
    for detail in await stores.log.steps(item()):
        messages.step(detail)
        if not detail.failed:
            READ[kind](detail.body)
