"""Protobuf messages and public values say the same, field by field."""

from __future__ import annotations

import json
import math
import shlex
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest
from google.protobuf.descriptor import FieldDescriptor as Field
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from pydantic import BaseModel
from shinsa.failure.v1 import failure_pb2
from shinsa.inference.v1 import completion_pb2, inference_service_pb2, model_pb2, sampling_pb2
from shinsa.judge.v1 import judge_service_pb2
from shinsa.orchestrator.v1 import item_pb2, orchestrator_service_pb2, report_pb2, run_pb2
from shinsa.sandbox.v1 import execution_pb2, program_pb2, sandbox_service_pb2
from shinsa_chassis.errors import Reason, ShinsaError
from shinsa_gateway.domain.generation import Order, Turn
from shinsa_gateway.domain.item import ItemStatus
from shinsa_gateway.domain.model import ModelState
from shinsa_gateway.domain.run import RunSpec, RunState
from shinsa_gateway.outbound.wire.catalog import (
    read_benchmark_catalog,
    read_board,
    read_judge_catalog,
    read_runtime,
)
from shinsa_gateway.outbound.wire.comparison import read_comparison
from shinsa_gateway.outbound.wire.generation import read_generate, write_order
from shinsa_gateway.outbound.wire.item import read_item_detail, write_status
from shinsa_gateway.outbound.wire.model import read_model, read_served_model, write_model
from shinsa_gateway.outbound.wire.reference import read_imported
from shinsa_gateway.outbound.wire.report import read_report
from shinsa_gateway.outbound.wire.run import read_run, write_spec

WHOLE, BROKEN, TEXT = (
    (Field.CPPTYPE_INT32, Field.CPPTYPE_UINT32, Field.CPPTYPE_INT64, Field.CPPTYPE_UINT64),
    (
        Field.CPPTYPE_DOUBLE,
        Field.CPPTYPE_FLOAT,
    ),
    Field.CPPTYPE_STRING,
)


# What services tell each other, and reports show in their own words.
BETWEEN_SERVICES = {
    "shinsa.inference.v1.ModelEntry.version",
    "shinsa.judge.v1.Profile.definition_json",
    "shinsa.judge.v1.Profile.prompts",
}


class Filler:
    """Gives every field of a message a value of its own and remembers them; ``choose`` names branches of oneofs."""

    def __init__(self, *choose: str) -> None:
        self._choose = choose
        self._numbers = count(101)
        self.values: list[Any] = []

    def fill(self, message: Message, depth: int = 0) -> Any:
        if isinstance(message, Timestamp):
            message.FromSeconds(1_700_000_000 + next(self._numbers))
            self.values.append(message.ToJsonString())
            return message
        if isinstance(message, Duration):
            message.FromSeconds(next(self._numbers))
            self.values.append(float(message.seconds))
            return message
        for field in message.DESCRIPTOR.fields:
            if self._wanted(field) and depth < 12:
                self._set(message, field, depth)
        return message

    def _wanted(self, field: Field) -> bool:
        if field.full_name in BETWEEN_SERVICES:
            return False
        oneof = field.containing_oneof
        if oneof is None or len(oneof.fields) == 1:
            return True
        chosen = [branch.name for branch in oneof.fields if branch.name in self._choose]
        return field.name == (chosen or [oneof.fields[0].name])[0]

    def _set(self, message: Message, field: Field, depth: int) -> None:
        if field.message_type is not None:
            self._set_message(message, field, depth)
        elif field.is_repeated:
            getattr(message, field.name).append(self._value(field))
        else:
            setattr(message, field.name, self._value(field))

    def _set_message(self, message: Message, field: Field, depth: int) -> None:
        if field.message_type is message.DESCRIPTOR and depth > 10:
            return
        inner = getattr(message, field.name)
        if not field.is_repeated:
            inner.SetInParent()
        self.fill(
            inner.add() if field.is_repeated else inner, depth + (5 if field.message_type is message.DESCRIPTOR else 1)
        )

    def _value(self, field: Field) -> Any:
        number = next(self._numbers)
        match field.cpp_type:
            case Field.CPPTYPE_BOOL:
                return True
            case Field.CPPTYPE_ENUM:
                return 1
            case kind if kind in WHOLE:
                value: Any = number
            case kind if kind in BROKEN:
                value = number / 1024
            case _:
                value = f"{field.name}-{number}"
                if field.type == Field.TYPE_BYTES:
                    self.values.append(value)
                    return value.encode()
        self.values.append(value)
        return value


def leaves(value: Any) -> Iterator[Any]:
    """Every scalar of a public value as JSON, the keys of maps too."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from leaves(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner)
    else:
        yield value


READERS: list[tuple[Callable[[], Message], Callable[[Any], BaseModel], tuple[str, ...]]] = [
    (run_pb2.Run, read_run, ()),
    (report_pb2.Report, read_report, ()),
    (report_pb2.Board, read_board, ()),
    (orchestrator_service_pb2.Comparison, read_comparison, ()),
    (orchestrator_service_pb2.ListBenchmarksResponse, read_benchmark_catalog, ()),
    (judge_service_pb2.ListProfilesResponse, read_judge_catalog, ()),
    (orchestrator_service_pb2.ImportReferencesResponse, read_imported, ()),
    (sandbox_service_pb2.Runtime, read_runtime, ()),
    (model_pb2.ModelEntry, read_model, ("openai",)),
    (model_pb2.ModelEntry, read_model, ("scripted",)),
    (orchestrator_service_pb2.GetItemResponse, read_item_detail, ("generate", "generated", "chat", "json_schema")),
    (orchestrator_service_pb2.GetItemResponse, read_item_detail, ("generate", "generated", "raw", "regex")),
    (orchestrator_service_pb2.GetItemResponse, read_item_detail, ("generate", "failure", "raw", "choice")),
    (orchestrator_service_pb2.GetItemResponse, read_item_detail, ("execute", "executed", "calls")),
    (orchestrator_service_pb2.GetItemResponse, read_item_detail, ("execute", "executed", "script")),
    (orchestrator_service_pb2.GetItemResponse, read_item_detail, ("execute", "failure", "output")),
    (orchestrator_service_pb2.GetItemResponse, read_item_detail, ("judge", "judged")),
]


@pytest.mark.parametrize(("make", "read", "choose"), READERS)
def test_no_field_of_a_message_is_lost(make: Any, read: Any, choose: tuple[str, ...]) -> None:
    filler = Filler(*choose)
    message = filler.fill(make())
    shown = list(leaves(read(message).model_dump(mode="json")))
    # The kind of a step is told by its request, the version that it asks for by its task alone;
    # the command of a report goes on with the model's entry.
    shown += [value.partition(" --entry ")[0] for value in shown if isinstance(value, str)]
    elsewhere = ("kind-", "version-") if "generate" in choose else "kind-"
    missing = [value for value in filler.values if value not in shown and not str(value).startswith(elsewhere)]
    assert missing == []
    assert len(filler.values) > 6


def test_a_vllm_entry_survives_the_way_there_and_back() -> None:
    entry = model_pb2.ModelEntry(name="m", concurrency=3, labels=[model_pb2.Label(key="size", value="135M")])
    Filler().fill(entry.vllm)
    Filler("json_schema").fill(entry.sampling)
    Filler().fill(entry.price)
    entry.vllm.gpu_memory_utilization = 0.5
    assert write_model(read_model(entry)) == entry


@pytest.mark.parametrize("engine", ["openai", "scripted"])
def test_other_entries_survive_the_way_there_and_back(engine: str) -> None:
    entry = Filler(engine).fill(model_pb2.ModelEntry())
    assert write_model(read_model(entry)) == entry


@pytest.mark.parametrize("shape", ["json_schema", "regex", "choice"])
def test_a_question_goes_out_as_it_was_written(shape: str) -> None:
    request = inference_service_pb2.GenerateRequest(model="m")
    Filler().fill(request.chat)
    Filler(shape).fill(request.sampling)
    asked = read_generate(request)
    turns = tuple(Turn.model_validate(one.model_dump()) for one in asked.messages)
    order = Order(messages=turns, sampling=asked.sampling)
    assert write_order("m", order) == request
    assert write_order("m", Order(raw="a")).raw == "a"


def test_an_absent_flag_stays_absent() -> None:
    for flag in (None, False, True):
        entry = model_pb2.ModelEntry(name="m", vllm=model_pb2.VllmEngine(model="x", enable_prefix_caching=flag))
        entry.vllm.MergeFrom(model_pb2.VllmEngine(add_special_tokens=flag))
        engine = read_model(entry).vllm
        assert engine is not None
        assert engine.enable_prefix_caching is engine.add_special_tokens is flag
        assert write_model(read_model(entry)) == entry


def test_a_spec_is_written_as_it_would_be_typed() -> None:
    spec = RunSpec.model_validate(
        {
            "model": "m",
            "benchmarks": [{"benchmark": "b", "shots": [0, 4], "repetitions": 2}],
            "limit": 5,
            "judges": {"*": "p"},
            "overrides": {"a": True, "b": 0.25, "c": 3, "d": "x", "e": 1e-7},
            "dataset": "/d",
            "note": "n",
            "window": 8,
        }
    )
    message = write_spec(spec)
    assert {each.key: each.value for each in message.overrides} == {
        "a": "true",
        "b": "0.25",
        "c": "3",
        "d": "x",
        "e": "1e-07",
    }
    assert [(each.role, each.profile) for each in message.judges] == [("*", "p")]
    read = read_run(run_pb2.Run(spec=message)).spec
    assert read.model_copy(update={"overrides": {}}) == spec.model_copy(update={"overrides": {}})


def test_states_are_words() -> None:
    names = {number: name.removeprefix("RUN_STATE_").lower() for name, number in run_pb2.RunState.items() if number}
    assert {number: read_run(run_pb2.Run(state=number)).state.value for number in names} == names  # type: ignore[arg-type]
    assert read_run(run_pb2.Run()).state is RunState.UNKNOWN
    assert read_run(run_pb2.Run(state=99)).state is RunState.UNKNOWN  # type: ignore[arg-type]
    served = {number: read_served_model(model_pb2.ServedModel(state=number)).state for number in range(6)}  # type: ignore[arg-type]
    words = (ModelState.UNKNOWN, ModelState.IDLE, ModelState.LOADING, ModelState.READY, ModelState.FAILED)
    assert tuple(served.values()) == (*words, ModelState.UNKNOWN)


def test_statuses_go_both_ways() -> None:
    for status in ItemStatus:
        if status is not ItemStatus.UNKNOWN:
            answer = orchestrator_service_pb2.GetItemResponse(item=item_pb2.Item(status=write_status(status)))
            assert read_item_detail(answer).status is status
    assert write_status(None) == item_pb2.ITEM_STATUS_UNSPECIFIED


def step_of(**parts: Any) -> Any:
    answer = orchestrator_service_pb2.GetItemResponse(steps=[item_pb2.Step(id="s", **parts)])
    return read_item_detail(answer).steps[0]


@pytest.mark.parametrize("number", [number for number in execution_pb2.Verdict.values() if number])
def test_verdicts_are_words(number: Any) -> None:
    execution = execution_pb2.Execution(verdict=number)
    step = step_of(
        execute=sandbox_service_pb2.ExecuteRequest(), executed=sandbox_service_pb2.ExecuteResponse(execution=execution)
    )
    assert step.result.verdict == execution_pb2.Verdict.Name(number).removeprefix("VERDICT_").lower()


def test_bytes_that_are_no_text_are_marked_and_kept() -> None:
    output = execution_pb2.Output(content=b"a\xffb\x00", total_bytes=9, truncated=True)
    execution = execution_pb2.Execution(stdout=output, stderr=execution_pb2.Output(content="日本".encode()))
    program = program_pb2.Program(stdin=b"\xfe")
    shown = step_of(
        execute=sandbox_service_pb2.ExecuteRequest(program=program),
        executed=sandbox_service_pb2.ExecuteResponse(execution=execution),
    ).model_dump(mode="json")
    assert shown["result"]["stdout"] == {
        "text": "a\ufffdb\x00",
        "lossy": True,
        "base64": "Yf9iAA==",
        "total_bytes": 9,
        "truncated": True,
    }
    assert (shown["result"]["stderr"]["text"], shown["result"]["stderr"]["lossy"]) == ("日本", False)
    assert shown["request"]["program"]["stdin"] == {"text": "\ufffd", "lossy": True, "base64": "/g=="}


def test_what_was_not_measured_is_null_and_zero_is_zero() -> None:
    report = report_pb2.Report(scores=[report_pb2.Score(metric="a"), report_pb2.Score(metric="b", value=0, stderr=0)])
    absent, zero = read_report(report).model_dump(mode="json")["scores"]
    assert (absent["value"], absent["stderr"], absent["low"]) == (None, None, None)
    assert (zero["value"], zero["stderr"], zero["low"]) == (0.0, 0.0, None)


def test_an_unset_sampling_field_is_null_and_zero_temperature_is_zero() -> None:
    sampling = sampling_pb2.Sampling(temperature=0)
    request = inference_service_pb2.GenerateRequest(model="m", raw="", sampling=sampling)
    step = step_of(generate=request)
    assert (step.request.sampling.temperature, step.request.sampling.top_p) == (0.0, None)
    assert (step.request.raw, step.result, step.failure) == ("", None, None)


def test_a_failed_step_says_why() -> None:
    failure = failure_pb2.Failure(reason=failure_pb2.REASON_GAVE_UP, message="m", origin="judge", attempts=5)
    step = step_of(judge=judge_service_pb2.JudgeRequest(), failure=failure)
    assert (step.result, step.failure.reason, step.failure.attempts) == (None, "gave_up", 5)


def test_a_step_without_its_request_is_malformed() -> None:
    with pytest.raises(ShinsaError) as refused:
        step_of(kind="generate")
    assert refused.value.reason is Reason.UPSTREAM_MALFORMED
    assert "'s'" in refused.value.message


def test_numbers_that_json_does_not_know_are_null() -> None:
    item = item_pb2.Item(metrics=[item_pb2.Metric(name="a", value=math.nan), item_pb2.Metric(name="b", value=1)])
    answer = orchestrator_service_pb2.GetItemResponse(item=item)
    assert '"metrics":{"a":null,"b":1.0}' in read_item_detail(answer).model_dump_json()


def test_finish_reasons_are_words() -> None:
    choices = [completion_pb2.Choice(finish_reason=number) for number in range(6)]  # type: ignore[arg-type]
    answer = inference_service_pb2.GenerateResponse(completion=completion_pb2.Completion(choices=choices))
    step = step_of(generate=inference_service_pb2.GenerateRequest(), generated=answer)
    words = [choice.finish_reason for choice in step.result.choices]
    assert words == ["unknown", "stop", "length", "tool_calls", "content_filter", "unknown"]


def test_the_command_of_a_report_carries_the_model_without_secrets() -> None:
    message = report_pb2.Report()
    message.run.spec.model = "m"
    message.provenance.reproduce = "shinsa run --model m --suite demo"
    entry = message.provenance.model
    entry.name, entry.concurrency = "m", 4
    entry.openai.base_url, entry.openai.model = "https://me:secret@host:8443/v1?a=b", "it's"
    entry.openai.api_key_env = "A_KEY"
    provenance = read_report(message).provenance
    *command, option, told = shlex.split(provenance.reproduce)
    assert (shlex.join(command), option) == ("shinsa run --model m --suite demo", "--entry")
    engine = {"base_url": "https://host:8443/v1?a=b", "model": "it's", "api_key_env": "A_KEY"}
    assert json.loads(told) == {"openai": engine, "concurrency": 4}
    assert provenance.model is not None
    assert "secret" not in provenance.model.model_dump_json()
    # More than a command line can hold: then it says nothing, rather than half of it.
    entry.labels.add(key="long", value="x" * 100_001)
    assert read_report(message).provenance.reproduce == ""
    message.provenance.ClearField("model")
    assert read_report(message).provenance.reproduce == "shinsa run --model m --suite demo"
