"""Completions of earlier runs are taken over where nothing differs, and only where a run asks for it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from shinsa.inference.v1 import completion_pb2
from shinsa_chassis.errors import ShinsaError
from shinsa_orchestrator.application.generation_totals import generation_totals
from shinsa_orchestrator.application.reuse import ReuseShelf
from shinsa_orchestrator.domain.identity import question
from shinsa_orchestrator.domain.item import CompletionSums, ItemFilter, LatencyTotals
from shinsa_orchestrator.domain.run import BenchmarkChoice, JudgeChoice, Override
from shinsa_orchestrator.domain.step import StepResult
from shinsa_orchestrator.outbound.worker_results import engine_digest


def engine(world: Any, settings: str = "settings-1", revision: str = "93efa2f", **usage: int) -> Any:
    """Answers as a greedy engine of these settings does."""

    def answer(task: Any, request: Any) -> Any:
        response = world.right(task, request)
        if task.kind == "generate":
            completion = response.completion
            completion.fingerprint.settings_digest = settings
            completion.fingerprint.revision = revision
            completion.greedy = request.sampling.temperature == 0
            completion.latency_seconds = 0.5
            for choice in completion.choices:
                choice.finish_reason = completion_pb2.FINISH_REASON_STOP
            completion.cost.amount, completion.cost.currency = 0.25, "EUR"
        return response

    return answer


async def asks(world: Any, *benchmarks: str, **fields: Any) -> tuple[Any, int]:
    """Report of a run, and how many generations its workers were asked for."""
    before = world.workers.asks("generate")
    report = await world.examined(*benchmarks, **fields)
    assert report.run.state.value == "complete"
    return report, world.workers.asks("generate") - before


async def test_the_second_run_asks_once_and_takes_the_rest_over(world: Any) -> None:
    world.workers.answer = engine(world)
    first, asked = await asks(world, "sums")
    assert (asked, first.generation.completions, first.generation.reused) == (12, 12, 0)
    second, asked = await asks(world, "sums", reuse=True)
    assert asked == 1
    generation = second.generation
    assert (generation.completions, generation.reused, generation.not_greedy, generation.adopted) == (12, 11, 0, 0)
    assert generation.tokens_taken_over == 11 * 7
    assert (generation.costs, first.generation.costs) == ({"EUR": 0.25}, {"EUR": 3.0})
    assert generation.latency == LatencyTotals(1, 0.5, 0.5, 0.5, 0.5)
    assert (second.ledger.steps_needed, second.ledger.steps_asked) == (12, 1)
    assert second.scores == first.scores


async def test_a_reused_step_names_the_item_it_was_made_for(world: Any) -> None:
    world.workers.answer = engine(world)
    first, _ = await asks(world, "sums")
    second, _ = await asks(world, "sums", reuse=True)
    sources = {item.sample_id: item.id for item in await _items(world, first)}
    marked = []
    for item in await _items(world, second):
        (step,) = await world.log.steps(item)
        marked.append(step.reused_from)
        assert step.reused_from in ("", sources[item.sample_id])
    assert marked.count("") == 1
    third, _ = await asks(world, "sums", reuse=True)
    # What was itself taken over is no source.
    for item in await _items(world, third):
        (step,) = await world.log.steps(item)
        assert step.reused_from in ("", sources[item.sample_id])


async def _items(world: Any, report: Any) -> Any:
    return await world.log.items(ItemFilter(report.run.id), after=-1, limit=100)


async def test_without_being_asked_for_nothing_is_reused(world: Any) -> None:
    world.workers.answer = engine(world)
    await asks(world, "sums")
    report, asked = await asks(world, "sums")
    assert (asked, report.generation.reused, report.run.spec.reuse) == (12, 0, False)


@pytest.mark.parametrize("other", [{"settings": "settings-2"}, {"revision": "0000000"}, {"settings": ""}])
async def test_another_engine_revision_or_settings_is_another_question(world: Any, other: dict[str, str]) -> None:
    world.workers.answer = engine(world)
    await asks(world, "sums")
    world.workers.answer = engine(world, **other)
    report, asked = await asks(world, "sums", reuse=True)
    assert (asked, report.generation.reused) == (12, 0)


async def test_other_parameters_are_another_question(world: Any) -> None:
    world.workers.answer = engine(world)
    await asks(world, "sums")
    report, asked = await asks(world, "sums", reuse=True, overrides=(Override("max_tokens", "17"),))
    assert (asked, report.generation.reused) == (12, 0)


class Log:
    """``SampleLog``, as far as the shelf reads it."""

    def __init__(self) -> None:
        self.read: list[tuple[str, str]] = []

    async def answers_of(self, questions: Any, *, engine: str, not_of: str) -> dict[str, StepResult]:
        self.read.append((engine, not_of))
        return {one: StepResult(f"{engine} {one}", "i", 1, b"") for one in questions}


async def test_an_engine_that_changes_during_a_run_ends_what_could_be_found_for_the_old_one() -> None:
    shelf = ReuseShelf("r1", Log())  # type: ignore[arg-type]
    shelf.learn("e1")
    found = await shelf.find("q")
    shelf.learn("e2")
    later = await shelf.find("q")
    assert found is not None
    assert later is not None
    assert (found.step_id, later.step_id) == ("e1 q", "e2 q")


async def test_only_the_first_asks_while_the_engine_is_not_known() -> None:
    shelf = ReuseShelf("r1", Log())  # type: ignore[arg-type]
    assert await shelf.find("q1") is None
    waiting = asyncio.create_task(shelf.find("q2"))
    await asyncio.sleep(0)
    assert not waiting.done()
    shelf.asked()
    assert await waiting is None
    # Nobody waits a second time for what may never come.
    assert await shelf.find("q3") is None
    shelf.learn("e1")
    assert await shelf.find("q3") is not None


async def test_repetitions_are_questions_of_their_own(world: Any) -> None:
    world.workers.answer = engine(world)

    spec = replace(world.spec("sums", limit=2), benchmarks=(BenchmarkChoice("sums", (), 3),))
    replica = world.replica()
    await world.over(replica, await replica.runs.submit(spec))
    assert world.workers.asks("generate") == 6
    run = await world.over(replica, await replica.runs.submit(replace(spec, reuse=True)))
    report = await replica.reports.report(run.id)
    assert (world.workers.asks("generate"), report.generation.reused) == (7, 5)
    assert question(b"x", 0, 0) != question(b"x", 1, 0) != question(b"x", 0, 1)


async def test_sampling_is_counted_as_not_eligible(world: Any) -> None:
    world.workers.answer = engine(world)
    hot = (Override("programs.temperature", "0.7"),)
    await asks(world, "sums", "programs", overrides=hot)
    report, asked = await asks(world, "sums", "programs", overrides=hot, reuse=True)
    assert report.generation.not_greedy == 6
    assert asked in (6, 7)
    assert report.generation.reused == 18 - asked


async def test_a_run_of_nothing_but_sampling_is_refused(world: Any) -> None:
    replica = world.replica()
    spec = world.spec("sums", "programs", overrides=(Override("temperature", "0.7"),), reuse=True)
    with pytest.raises(ShinsaError, match=r"sums with temperature 0\.7, programs with temperature 0\.7") as refused:
        await replica.runs.submit(spec)
    assert refused.value.field == "spec.reuse"


async def test_a_first_answer_that_fails_holds_nobody_up(world: Any) -> None:
    world.workers.answer = engine(world)
    await asks(world, "sums")
    right, failed = engine(world), set[str]()

    def answer(task: Any, request: Any) -> Any:
        if not failed:
            failed.add(task.step_id)
            raise world.Failed("unavailable")
        return right(task, request)

    world.workers.answer = answer
    world.threshold = 1.0
    report, asked = await asks(world, "sums", reuse=True)
    assert report.ledger.steps_failed == 1
    assert report.generation.completions == 11
    assert 1 < asked <= 12


async def test_a_run_that_is_killed_counts_what_it_reused_once(world: Any) -> None:
    world.workers.answer = engine(world)
    await asks(world, "sums", "essays")
    world.lease_seconds, world.window = 0.4, 3
    doomed = world.replica("doomed")
    run = await doomed.runs.submit(world.spec("sums", "essays", reuse=True))

    async def begun() -> bool:
        return bool([one for one in await world.log.completion_sums(run.id) if one.reused])

    await world.until(begun)
    await doomed.kill()
    heir = world.replica("heir")
    await world.over(heir, run)
    report = await heir.reports.report(run.id)
    generation = report.generation
    own = generation.completions - generation.reused
    assert generation.completions == 12 + 8
    assert 1 <= own < 20
    assert generation.prompt_tokens == 20 * 5
    assert generation.tokens_taken_over == generation.reused * 7
    assert generation.costs == {"EUR": 0.25 * own}
    assert generation.latency is not None
    assert generation.latency.completions == own
    again = await heir.reports.report(run.id)
    assert again.generation == generation


async def test_judging_again_counts_adopted_completions_apart(world: Any) -> None:
    world.workers.answer = engine(world)
    replica = world.replica()
    old = await world.over(replica, await replica.runs.submit(world.spec("essays")))
    new = await world.over(replica, await replica.runs.rejudge(old.id, [JudgeChoice("*", "stern")]))
    generation = (await replica.reports.report(new.id)).generation
    assert (generation.completions, generation.adopted, generation.reused) == (8, 8, 0)
    assert (generation.costs, generation.latency) == ({}, None)


def test_everything_that_is_known_of_an_engine_is_in_its_digest() -> None:
    known = completion_pb2.EngineFingerprint(settings_digest="s")
    assert engine_digest(completion_pb2.EngineFingerprint(engine="vllm", revision="r")) == ""
    digests = {engine_digest(known)}
    for field in completion_pb2.EngineFingerprint.DESCRIPTOR.fields:
        changed = completion_pb2.EngineFingerprint()
        changed.CopyFrom(known)
        setattr(changed, field.name, "other")
        digests.add(engine_digest(changed))
    assert len(digests) == 1 + len(completion_pb2.EngineFingerprint.DESCRIPTOR.fields)


def test_choices_are_counted_by_how_they_ended() -> None:
    alike = {"currency": "", "adopted": False, "reused": False, "greedy": False}
    numbers = {"prompt_tokens": 0, "completion_tokens": 0, "reasoning_tokens": 0, "cached_tokens": 0, "cost": 0.0}
    sums = [
        CompletionSums(finish="stop,length,stop", completions=2, **alike, **numbers),
        CompletionSums(finish="", completions=3, **alike, **numbers),
    ]
    assert generation_totals(sums, None).finish_reasons == {"length": 2, "stop": 4, "unknown": 3}
