"""Between the words of the benchmarks and the messages of the worker services."""

from __future__ import annotations

import subprocess
import sys
import time
from types import SimpleNamespace
from typing import Any

import pytest
from nats.errors import TimeoutError as NatsTimeout
from shinsa.failure.v1 import failure_pb2
from shinsa.inference.v1 import completion_pb2, inference_service_pb2, message_pb2
from shinsa.judge.v1 import judge_service_pb2
from shinsa.sandbox.v1 import execution_pb2, sandbox_service_pb2
from shinsa.step.v1 import step_pb2
from shinsa_benchmarks.vocabulary import (
    Case,
    ExecutionVerdict,
    ExpectedOutput,
    FinishReason,
    FunctionCall,
    FunctionCalls,
    Limits,
    Message,
    Program,
    Sampling,
    StructuredOutput,
    TestScript,
    Tool,
    ToolCall,
    messages,
)
from shinsa_chassis.broker import Broker
from shinsa_chassis.errors import Reason, ShinsaError
from shinsa_chassis.model_entries import ModelEntries
from shinsa_chassis.result_inbox import ReceivedResult
from shinsa_orchestrator.domain.model import ModelEntry
from shinsa_orchestrator.domain.step import StepTask
from shinsa_orchestrator.outbound.jetstream_queue import JetStreamQueue
from shinsa_orchestrator.outbound.packing import COMPRESS_FROM_BYTES, pack, unpack
from shinsa_orchestrator.outbound.step_codec import MessageCodec

CODEC = MessageCodec()

FULL = Sampling(
    temperature=0.0,
    top_p=0.9,
    top_k=5,
    max_tokens=7,
    seed=-3,
    stop=("a", "b"),
    n=2,
    presence_penalty=0.1,
    frequency_penalty=0.2,
    repetition_penalty=1.1,
    min_p=0.05,
    structured_output=StructuredOutput(choice=("x", "y")),
    tools=(Tool("f", "does f", "{}"),),
    tool_choice="auto",
    reasoning_effort="low",
    reasoning_budget_tokens=9,
    chat_template_arguments='{"a": 1}',
    logprobs=3,
)


def test_a_chat_with_every_kind_of_turn_and_every_setting() -> None:
    turns = [
        Message("system", "s"),
        Message("user", "問い"),
        Message("assistant", "", (ToolCall("f", "{}", "c1"),)),
        Message("tool", "t", (), "c1"),
    ]
    request = inference_service_pb2.GenerateRequest.FromString(CODEC.generate_request("m", turns, FULL))
    roles = [message.role for message in request.chat.messages]
    assert roles == [message_pb2.ROLE_SYSTEM, message_pb2.ROLE_USER, message_pb2.ROLE_ASSISTANT, message_pb2.ROLE_TOOL]
    assert request.chat.messages[1].content == "問い"
    assert request.chat.messages[2].tool_calls[0].arguments_json == "{}"
    assert request.chat.messages[3].tool_call_id == "c1"
    sampling = request.sampling
    assert [field.name for field, _ in sampling.ListFields()] == [field.name for field in sampling.DESCRIPTOR.fields]
    assert (sampling.HasField("temperature"), sampling.temperature, sampling.seed, sampling.n) == (True, 0.0, -3, 2)
    assert (list(sampling.stop), list(sampling.structured_output.choice.values)) == (["a", "b"], ["x", "y"])
    assert (sampling.chat_template_arguments_json, sampling.tools[0].parameters_json) == ('{"a": 1}', "{}")


def test_what_is_not_set_is_not_sent() -> None:
    request = inference_service_pb2.GenerateRequest.FromString(CODEC.generate_request("m", "raw text", Sampling()))
    assert (request.raw, request.WhichOneof("prompt")) == ("raw text", "raw")
    assert request.sampling.ListFields() == []


@pytest.mark.parametrize(
    ("shape", "name"),
    [({"regex": "a+"}, "regex"), ({"json_schema": "{}"}, "json_schema"), ({"choice": ("a",)}, "choice")],
)
def test_shapes(shape: Any, name: str) -> None:
    sampling = Sampling(structured_output=StructuredOutput(**shape))
    request = inference_service_pb2.GenerateRequest.FromString(CODEC.generate_request("m", "p", sampling))
    assert request.sampling.structured_output.WhichOneof("shape") == name


_SAME = """
from shinsa_benchmarks.vocabulary import *
from shinsa_orchestrator.outbound.step_codec import MessageCodec
codec = MessageCodec()
program = Program({"b.py": "2", "a.py": "1"}, "a.py")
case = Case("r", {"z": "1", "a": "2"})
parts = codec.execute_request(program, None, None) + codec.judge_request("p", case)
print(parts.hex())
"""


def test_the_same_question_gives_the_same_bytes_in_every_process() -> None:
    outputs = {
        subprocess.run(
            [sys.executable, "-c", _SAME], env={"PYTHONHASHSEED": seed}, check=True, capture_output=True, text=True
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1
    reordered = CODEC.execute_request(Program({"a.py": "1", "b.py": "2"}, "a.py"), None, None)
    assert outputs.pop().startswith(reordered.hex())


def test_programs_with_each_kind_of_check() -> None:
    def request(checks: Any) -> sandbox_service_pb2.ExecuteRequest:
        program = Program({"main.py": "あ"}, "main.py", stdin="in")
        raw = CODEC.execute_request(program, checks, Limits(cpu_seconds=1.5, memory_bytes=1 << 20))
        return sandbox_service_pb2.ExecuteRequest.FromString(raw)

    calls = request(FunctionCalls("f", (FunctionCall("(1,)", "2"),)))
    assert (calls.checks.calls.function, calls.checks.calls.calls[0].keywords) == ("f", "{}")
    assert (calls.program.runtime, calls.program.stdin, calls.limits.cpu_seconds) == ("python", b"in", 1.5)
    assert calls.program.files[0].content == "あ".encode()
    script = request(TestScript("def check(f): ...", ("f",), "check"))
    assert (script.checks.script.check, list(script.checks.script.functions)) == ("check", ["f"])
    assert request(ExpectedOutput("out")).checks.output.stdout == b"out"
    assert not request(None).HasField("checks")


def test_replies_executions_and_verdicts() -> None:
    response = inference_service_pb2.GenerateResponse()
    choice = response.completion.choices.add(text="t", reasoning="r", finish_reason=completion_pb2.FINISH_REASON_LENGTH)
    choice.tool_calls.add(id="c", name="f", arguments_json="{")
    reply = CODEC.reply(response.SerializeToString())
    assert reply.choices[0].tool_calls == (ToolCall("f", "{", "c"),)
    assert (reply.text, reply.truncated, reply.choices[0].reasoning) == ("t", True, "r")
    assert reply.choices[0].finish_reason is FinishReason.LENGTH

    execution = execution_pb2.Execution(verdict=execution_pb2.VERDICT_TIMEOUT, reason="timeout(cpu)", trust="split")
    execution.checks.add(name="1", passed=False, detail="no")
    execution.stdout.content = b"\xff!"
    read = CODEC.execution(sandbox_service_pb2.ExecuteResponse(execution=execution).SerializeToString())
    assert (read.verdict, read.stdout, read.checks[0].detail) == (ExecutionVerdict.TIMEOUT, "\ufffd!", "no")

    judged = judge_service_pb2.JudgeResponse()
    judged.verdict.unreadable_reason = "no_marker"
    verdict = CODEC.verdict(judged.SerializeToString())
    assert (verdict.readable, verdict.value, verdict.unreadable_reason) == (False, None, "no_marker")
    judged.verdict.readable, judged.verdict.value = True, 0.0
    assert CODEC.verdict(judged.SerializeToString()).value == 0.0
    for name, told in (("correct", {"flag": False}), ("confidence", {"number": 80}), ("answer", {"text": "31"})):
        judged.verdict.findings.add(name=name, **told)
    read_findings = CODEC.verdict(judged.SerializeToString()).findings
    assert read_findings == {"correct": False, "confidence": 80.0, "answer": "31"}
    assert read_findings["correct"] is False


def test_case_fields_and_profile() -> None:
    request = judge_service_pb2.JudgeRequest.FromString(CODEC.judge_request("p", Case("r", {"b": "2", "a": "1"})))
    assert (request.profile, request.case.rubric) == ("p", "r")
    assert [(field.name, field.value) for field in request.case.fields] == [("a", "1"), ("b", "2")]


@pytest.mark.parametrize("size", [0, 10, COMPRESS_FROM_BYTES, 300_000])
def test_packing_keeps_every_byte(size: int) -> None:
    message = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    packed = pack(message)
    assert unpack(packed) == message
    assert (len(packed) < len(message)) == (size >= COMPRESS_FROM_BYTES)


def test_packing_of_another_version_is_refused() -> None:
    with pytest.raises(ValueError, match="another version"):
        unpack(b"\x07abc")


class _Broker:
    """Keeps what is submitted, and hands out what it is given."""

    def __init__(self) -> None:
        self.submitted: list[tuple[step_pb2.Task, str, str]] = []

    async def submit(self, task: step_pb2.Task, *, service: str, key: str) -> None:
        self.submitted.append((task, service, key))

    def now(self) -> float:
        # Its clock is ahead of ours by a minute.
        return time.time() + 60


def _task(kind: Any, request: bytes) -> StepTask:
    return StepTask("s", "r", "i", kind, "gpt-4.1", request, 2, "r-0", 12.9)


async def test_tasks_carry_the_request_as_it_was_digested() -> None:
    broker: Any = _Broker()
    queue = JetStreamQueue(broker)
    generate = CODEC.generate_request("m", messages(("user", "問い")), FULL)
    execute = CODEC.execute_request(Program({"a": "b"}, "a"), None, None)
    judge = CODEC.judge_request("p", Case("r", {"a": "b"}))
    for kind, request in (("generate", generate), ("execute", execute), ("judge", judge)):
        await queue.submit(_task(kind, request))
    tasks = [task for task, _, _ in broker.submitted]
    assert [(service, key) for _, service, key in broker.submitted] == [
        ("inference", "gpt-4.1"),
        ("sandbox", "gpt-4.1"),
        ("judge", "gpt-4.1"),
    ]
    # By the broker's clock, which is ahead of ours.
    assert all(40 < task.deadline.seconds <= 72 for task in tasks)
    assert tasks[0].generate.SerializeToString(deterministic=True) == generate
    assert tasks[1].execute.SerializeToString(deterministic=True) == execute
    assert tasks[2].judge.SerializeToString(deterministic=True) == judge
    assert (tasks[0].reply_to, tasks[0].attempt) == ("shinsa.results.v1.r-0", 2)


class _Results:
    """A broker's inbox with these results."""

    def __init__(self, *results: step_pb2.Result, sender: str = "") -> None:
        delivery: Any = SimpleNamespace(message=_Message)
        self._received = [ReceivedResult(result, delivery, sender) for result in results]
        self.acknowledged: list[ReceivedResult] = []

    async def __aenter__(self) -> _Results:
        return self

    async def __aexit__(self, *why: object) -> None:
        return None

    async def next_batch(self) -> list[ReceivedResult]:
        return self._received

    async def ack(self, received: list[ReceivedResult]) -> None:
        self.acknowledged += received


class _Letters(dict[str, step_pb2.DeadLetter]):
    async def keep(self, letter: step_pb2.DeadLetter, name: str) -> bool:
        self[name] = letter
        return True


class _Message:
    """A delivery's message, as far as a letter tells of it."""

    data = b"\xff not a message"
    metadata = SimpleNamespace(sequence=SimpleNamespace(stream=7), num_delivered=2)


async def _received(*results: step_pb2.Result, sender: str = "", letters: Any = None) -> list[Any]:
    inner = _Results(*results, sender=sender)

    class Opening:
        dead_letters = letters

        def results(self, shard: str) -> _Results:
            return inner

    broker: Any = Opening()
    async with JetStreamQueue(broker).results("r-0") as inbox:
        batch = list(await inbox.next_batch())
        await inbox.ack([one.receipt for one in batch])
    assert [one.result for one in inner.acknowledged] == list(results)
    return batch


async def test_results_bring_tokens_origin_and_times() -> None:
    generated = step_pb2.Result(step_id="s", item_id="i", attempt=3, worker="w", deliveries=2)
    generated.started_at.FromNanoseconds(1_500_000_000)
    completion = generated.generate.completion
    completion.choices.add(text="t")
    completion.usage.prompt_tokens, completion.usage.completion_tokens = 5, 2
    fingerprint = completion.fingerprint
    fingerprint.engine, fingerprint.engine_version, fingerprint.model = "vllm", "0.32", "smol"
    fingerprint.revision, fingerprint.dtype = "93ef", "float32"
    judged = step_pb2.Result(step_id="j")
    judged.judge.verdict.judge.profile = "mild"
    judged.judge.verdict.judge.profile_digest = "0123456789abcdef"
    judged.judge.verdict.judge.fingerprint.engine = "openai"
    executed = step_pb2.Result(step_id="e")
    executed.execute.execution.verdict = execution_pb2.VERDICT_PASS
    executed.execute.execution.executor, executed.execute.execution.tier = "jail", "2"

    one, two, three = await _received(generated, judged, executed)
    assert (one.attempt, one.worker, one.deliveries, one.started_at) == (3, "w", 2, 1.5)
    assert (one.prompt_tokens, one.completion_tokens, one.failed) == (5, 2, False)
    assert one.origin == "vllm 0.32 smol@93ef float32"
    assert CODEC.reply(one.body).text == "t"
    assert two.origin == "mild profile 0123456789ab openai"
    assert three.origin == "jail tier 2"


async def test_a_verdict_tells_its_cost_and_whether_it_is_of_one_mind() -> None:
    one, split, nested = (step_pb2.Result(step_id=name) for name in ("one", "split", "nested"))
    one.judge.verdict.readable = True
    one.judge.verdict.cost.amount, one.judge.verdict.cost.currency = 0.0, "USD"
    one.judge.verdict.spread.agreement = 1.0
    split.judge.verdict.spread.agreement = 0.5
    member = nested.judge.verdict.members.add().verdict
    member.spread.agreement = 0.5
    nested.judge.verdict.readable, nested.judge.verdict.spread.agreement = True, 1.0
    found = await _received(one, split, nested)
    assert [(result.kind, result.disagreed, result.unreadable) for result in found] == [
        ("judge", False, False),
        ("judge", True, True),
        ("judge", True, False),
    ]
    assert [(result.cost, result.currency) for result in found] == [(0.0, "USD"), (None, ""), (None, "")]


async def test_failures_and_results_that_are_none() -> None:
    failed = step_pb2.Result(step_id="f")
    failed.failure.reason, failed.failure.message = failure_pb2.REASON_RATE_LIMITED, "slow down"
    no_choices, no_verdict = step_pb2.Result(step_id="c"), step_pb2.Result(step_id="v")
    no_choices.generate.completion.usage.prompt_tokens = 1
    no_verdict.execute.execution.reason = "?"
    batch = await _received(failed, no_choices, no_verdict, step_pb2.Result(step_id="n"))
    assert [one.failed for one in batch] == [True] * 4
    assert (batch[0].reason, batch[0].message) == ("rate_limited", "slow down")
    assert {one.reason for one in batch[1:]} == {"upstream_malformed"}
    assert ["no choices" in batch[1].message, "no verdict" in batch[2].message, "empty" in batch[3].message] == [
        True
    ] * 3


async def test_a_result_that_answers_no_step_is_parked_with_its_reason() -> None:
    letters = _Letters()
    nobodys, odd, good = (step_pb2.Result(step_id=step_id, worker="w") for step_id in ("", "a\r\nb", "s"))
    good.failure.reason = failure_pb2.REASON_TIMEOUT
    batch = await _received(nobodys, odd, good, sender="sandbox", letters=letters)
    assert [one.step_id for one in batch] == ["", "", "s"]
    assert all(name.startswith("result.7.") and name.isprintable() for name in letters)
    for letter, field in zip(letters.values(), ("step_id is empty", "which is no id"), strict=True):
        assert (letter.service, letter.key, letter.worker, letter.deliveries) == ("orchestrator", "sandbox", "w", 2)
        assert letter.failure.reason == failure_pb2.REASON_UPSTREAM_MALFORMED
        assert field in letter.failure.message


async def test_a_result_that_makes_no_sense_is_a_failure_of_its_step() -> None:
    results = [step_pb2.Result(step_id=f"s{number}") for number in range(4)]
    for result in results:
        result.generate.completion.choices.add(text="t")
    results[0].generate.completion.usage.prompt_tokens = 2**63
    results[1].generate.completion.cost.amount = float("nan")
    results[2].generate.completion.choices[0].finish_reason = 99  # type: ignore[assignment]
    results[3].attempt = 2**32 - 1
    for one in await _received(*results, sender="inference"):
        assert (one.failed, one.reason) == (True, "upstream_malformed"), one.step_id


async def test_no_service_answers_in_the_name_of_another() -> None:
    judged = step_pb2.Result(step_id="j")
    judged.judge.verdict.readable = True
    for sender, known in (("judge", "j"), ("", "j"), ("sandbox", ""), ("inference", "")):
        (result,) = await _received(judged, sender=sender)
        assert result.step_id == known, sender
        assert result.receipt is not None


async def test_a_message_bus_that_is_away_is_said_so_in_our_words() -> None:
    class Away:
        def results(self, shard: str) -> Any:
            raise NatsTimeout

    class AwayModels:
        async def put(self, entry: Any) -> None:
            raise ConnectionResetError("reset by peer")

    broker: Any = Away()
    broker.models = AwayModels()
    queue = JetStreamQueue(broker)
    with pytest.raises(ShinsaError, match="the message bus cannot be reached") as inbox:
        async with queue.results("r-0"):
            pass
    with pytest.raises(ShinsaError, match="reset by peer"):
        await queue.announce(ModelEntry("m", "scripted", b""))
    assert inbox.value.reason is Reason.UNAVAILABLE


def test_the_broker_has_what_the_queue_uses() -> None:
    for name in ("submit", "results", "close_results", "answer_recorded"):
        assert callable(getattr(Broker, name))
    assert callable(ModelEntries.put)
    assert callable(ModelEntries.drop)
