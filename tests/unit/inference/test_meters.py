"""What is counted of engines: loads, how full their batches are, what the prefix cache saved."""

from __future__ import annotations

from typing import Any
from unittest.mock import Mock

import pytest
from prometheus_client import REGISTRY
from shinsa.inference.v1 import inference_service_pb2
from shinsa.step.v1 import step_pb2
from shinsa_chassis.errors import Reason, ShinsaError
from shinsa_inference.application.models import Models
from shinsa_inference.domain.completion import TokenUsage
from shinsa_inference.domain.model import ModelEntry, ScriptedEngine, VllmEngine
from shinsa_inference.inbound.consumer import WorkQueues
from shinsa_inference.inbound.servicer import Servicer
from shinsa_inference.outbound.load_meter import MeteredMaker
from shinsa_inference.outbound.vllm.batch_meter import BatchMeter


def counted(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(name, labels)


async def test_loads_are_counted_and_timed(maker: Any) -> None:
    metered = MeteredMaker(maker)
    heavy = ModelEntry("metered-heavy", VllmEngine("/weights"))
    engine = await metered(heavy)
    assert engine is maker.last("metered-heavy")
    await metered(heavy)
    assert counted("shinsa_model_loads_total", model="metered-heavy", outcome="ok") == 2
    assert counted("shinsa_model_load_seconds_count", model="metered-heavy") == 2


async def test_a_load_that_fails_counts_by_its_reason_and_is_not_timed(maker: Any) -> None:
    maker.fail["metered-bad"] = ShinsaError(Reason.INVALID_ARGUMENT, "no")
    maker.fail["metered-odd"] = RuntimeError("odd")
    for name, kind in (("metered-bad", ShinsaError), ("metered-odd", RuntimeError)):
        with pytest.raises(kind):
            await MeteredMaker(maker)(ModelEntry(name, VllmEngine("/weights")))
    assert counted("shinsa_model_loads_total", model="metered-bad", outcome="invalid_argument") == 1
    assert counted("shinsa_model_loads_total", model="metered-odd", outcome="internal") == 1
    assert counted("shinsa_model_load_seconds_count", model="metered-bad") is None


async def test_what_holds_no_weights_is_no_load(maker: Any) -> None:
    await MeteredMaker(maker)(ModelEntry("metered-light", ScriptedEngine(otherwise="x")))
    assert counted("shinsa_model_loads_total", model="metered-light", outcome="ok") is None


@pytest.mark.parametrize("door", ["queue", "call", "stream"])
async def test_tokens_are_counted_at_every_door(door: str, maker: Any) -> None:
    name = f"metered-{door}"
    models = Models(maker, most_loaded=1, settle_seconds=0, reload_after_seconds=60)
    models.put(ModelEntry(name, ScriptedEngine(otherwise="x")))
    request = inference_service_pb2.GenerateRequest(model=name, raw="質問")
    if door == "queue":
        handle = WorkQueues(models, Mock(), Mock())._handler(name)
        answers = [await handle(step_pb2.Task(generate=request))]
    elif door == "call":
        answers = [await Servicer(models).Generate(request, None)]
    else:
        streamed = inference_service_pb2.GenerateStreamRequest(request=request)
        parts = [part async for part in Servicer(models).GenerateStream(streamed, None)]
        answers = [part for part in parts if part.HasField("completion")]
    (usage,) = [answer.completion.usage for answer in answers]
    assert usage.prompt_tokens
    assert usage.completion_tokens
    assert counted("shinsa_model_tokens_total", model=name, direction="prompt") == usage.prompt_tokens
    assert counted("shinsa_model_tokens_total", model=name, direction="completion") == usage.completion_tokens
    await models.close()


def test_a_batch_is_full_at_its_places_and_the_rest_waits() -> None:
    meter = BatchMeter("metered-batch", 4)

    def states() -> list[float | None]:
        return [counted("shinsa_engine_sequences", model="metered-batch", state=one) for one in ("batch", "waiting")]

    with meter.holding(3), meter.holding(3):
        assert states() == [4, 2]
    assert states() == [0, 0]
    # The inner ended among six, the outer among three.
    assert counted("shinsa_engine_batch_fill_sum", model="metered-batch") == 1.75
    with pytest.raises(ValueError, match="broke"), meter.holding(2):
        raise ValueError("broke")
    assert states() == [0, 0]


def test_tokens_of_prompts_are_told_by_where_they_came_from() -> None:
    meter = BatchMeter("metered-prompts", 4)
    for usage in (TokenUsage(prompt=100, cached=60), TokenUsage(prompt=10)):
        meter.answered(usage)
    assert counted("shinsa_engine_prompt_tokens_total", model="metered-prompts", state="cached") == 60
    assert counted("shinsa_engine_prompt_tokens_total", model="metered-prompts", state="computed") == 50
