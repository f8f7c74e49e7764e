"""Runs, leases and scores behave the same in every database."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from typing import Any

import pytest
from shinsa.inference.v1 import model_pb2
from shinsa_chassis.endpoint_presets import PRESETS
from shinsa_chassis.errors import Reason, ShinsaError
from shinsa_orchestrator.domain.model import ModelEntry
from shinsa_orchestrator.domain.progress import Progress
from shinsa_orchestrator.domain.report import Score
from shinsa_orchestrator.domain.run import (
    ACTIVE,
    OVER,
    BenchmarkChoice,
    JudgeBudget,
    Override,
    Plan,
    PlannedBenchmark,
    Run,
    RunSpec,
    RunState,
)
from shinsa_orchestrator.outbound.model_version import version_of
from sqlalchemy import text


def a_run(run_id: str = "r1", model: str = "m", items: int = 30) -> Run:
    line = PlannedBenchmark(
        "jnli", "1", 2, 1, items, "specimen", "d", ("generate",), {"temperature": 0.5, "flag": True}
    )
    spec = RunSpec(model, benchmarks=(BenchmarkChoice("jnli", (2,)),), overrides=(Override("a", "あ"),), note="n")
    return Run(run_id, spec, Plan((line,), {"grader": "mild"}, 10, 8), created_at=5.5)


async def added(stores: Any, run: Run, key: str = "") -> Run:
    shards = [Progress(items=10) for _ in range(run.plan.shards)]
    stored: Run = await stores.runs.add_run(run, shards, key)
    return stored


def progress(**counts: int) -> Progress:
    made = Progress(items=10)
    for status, count in counts.items():
        made.finished(status, 0, count)
    return made


async def test_a_name_that_no_store_can_hold_is_no_error_of_ours(stores: Any) -> None:
    """PostgreSQL refuses the character; SQLite looks for it in vain."""
    looks = (stores.runs.run, "r\x00"), (stores.models.model, "m\x00"), (stores.log.item, "i\x00")
    for look, name in looks:
        if stores.results.embedded:
            assert await look(name) is None
            continue
        with pytest.raises(ShinsaError, match="NUL character") as refused:
            await look(name)
        assert refused.value.reason is Reason.INVALID_ARGUMENT


async def test_a_run_comes_back_as_it_was_stored(stores: Any) -> None:
    run = a_run()
    stored = await added(stores, run)
    assert replace(stored, progress=Progress()) == run
    assert stored.progress.items == 30
    assert await stores.runs.run("r1") == stored
    assert await stores.runs.run("r2") is None


async def test_a_key_names_one_run_for_ever(stores: Any) -> None:
    await added(stores, a_run("r1"), "night")
    assert (await added(stores, a_run("r2"), "night")).id == "r1"
    assert await stores.runs.run("r2") is None
    assert (await stores.runs.run_of_key("night")).id == "r1"
    assert await stores.runs.run_of_key("day") is None
    await added(stores, a_run("r3"))
    await added(stores, a_run("r4"))


async def test_runs_come_newest_first_and_by_model(stores: Any) -> None:
    for run_id, model in (("r1", "m"), ("r2", "n"), ("r3", "m")):
        await added(stores, a_run(run_id, model))

    async def ids(**wanted: Any) -> list[str]:
        return [run.id for run in await stores.runs.runs(**{"model": "", "before": "", "limit": 10, **wanted})]

    assert await ids() == ["r3", "r2", "r1"]
    assert await ids(model="m") == ["r3", "r1"]
    assert await ids(before="r3", limit=1) == ["r2"]


async def test_states_change_only_from_those_named(stores: Any) -> None:
    await added(stores, a_run())
    assert not await stores.runs.change_state("r1", RunState.CANCELLED, of=OVER)
    assert await stores.runs.change_state("r1", RunState.FAILED, of=ACTIVE, problem="no data")
    failed = await stores.runs.run("r1")
    assert (failed.state, failed.problem) == (RunState.FAILED, "no data")
    assert failed.finished_at is not None
    assert not await stores.runs.change_state("r2", RunState.FAILED, of=ACTIVE)


async def test_each_shard_is_leased_to_one_owner_only(stores: Any) -> None:
    await added(stores, a_run("r1"))
    await added(stores, a_run("r2"))
    attempts = [stores.runs.lease_shard(f"owner-{n}", 60, not_of=[]) for n in range(8)]
    leases = [lease for lease in await asyncio.gather(*attempts) if lease is not None]
    assert sorted(lease.key for lease in leases) == [(run, n) for run in ("r1", "r2") for n in range(3)]
    assert {lease.epoch for lease in leases} == {1}
    assert leases[0].run.state is RunState.RUNNING
    assert leases[0].run.started_at is not None
    assert await stores.runs.lease_shard("late", 60, not_of=[]) is None


async def test_runs_that_are_full_are_passed_over(stores: Any) -> None:
    await added(stores, a_run("r1"))
    await added(stores, a_run("r2"))
    lease = await stores.runs.lease_shard("o", 60, not_of=["r1"])
    assert lease.key == ("r2", 0)
    assert await stores.runs.lease_shard("o", 60, not_of=["r1", "r2"]) is None


async def test_a_lease_that_ran_out_goes_to_the_next_and_its_owner_learns_of_it(stores: Any) -> None:
    await added(stores, a_run(items=10))
    first = await stores.runs.lease_shard("first", 60, not_of=[])
    assert await stores.runs.lease_shard("second", 60, not_of=[]) is None
    await stores.runs.renew("first", -1, {first.key: progress()})
    second = await stores.runs.lease_shard("second", 60, not_of=[])
    assert (second.key, second.epoch) == (first.key, 2)
    assert await stores.runs.renew("first", 60, {first.key: progress(scored=3)}) == {}
    assert not await stores.runs.release("first", first, progress(scored=3), done=True)
    assert (await stores.runs.run("r1")).progress.scored == 0
    assert await stores.runs.release("second", second, progress(scored=10), done=True)


async def test_renewing_keeps_the_lease_and_stores_progress(stores: Any) -> None:
    await added(stores, a_run(items=10))
    lease = await stores.runs.lease_shard("o", 0.05, not_of=[])
    for _ in range(3):
        pulses = await stores.runs.renew("o", 60, {lease.key: progress(scored=4, infra_error=1)})
        assert pulses[lease.key].state is RunState.RUNNING
        assert pulses[lease.key].round == 1
    await asyncio.sleep(0.1)  # longer than it was leased for at first
    assert await stores.runs.lease_shard("other", 1, not_of=[]) is None
    now = await stores.runs.run("r1")
    assert (now.progress.scored, now.progress.infra_errors, now.progress.done) == (4, 1, {0: 5})
    await stores.runs.change_state("r1", RunState.CANCELLED, of=ACTIVE)
    assert (await stores.runs.renew("o", 1, {lease.key: progress()}))[lease.key].state is RunState.CANCELLED


async def test_a_shard_given_back_unfinished_is_free_at_once(stores: Any) -> None:
    await added(stores, a_run(items=10))
    lease = await stores.runs.lease_shard("o", 600, not_of=[])
    assert await stores.runs.release("o", lease, progress(scored=4), done=False)
    again = await stores.runs.lease_shard("p", 600, not_of=[])
    assert (again.epoch, again.progress.scored) == (2, 4)


async def test_who_examined_for_the_round_before_does_not_say_how_a_shard_ended(stores: Any) -> None:
    await added(stores, a_run(items=10))
    old = await stores.runs.lease_shard("o", 600, not_of=[])
    await stores.runs.change_state("r1", RunState.CANCELLED, of=ACTIVE)
    assert await stores.runs.resume("r1", of=(RunState.CANCELLED,))
    late = progress(scored=9, infra_error=1)
    assert await stores.runs.renew("o", 600, {old.key: late}) == {}
    assert not await stores.runs.release("o", old, late, done=True)
    new = await stores.runs.lease_shard("o", 600, not_of=[])
    assert (new.key, new.epoch, new.run.round) == (old.key, 2, 2)
    assert not await stores.runs.release("o", old, late, done=True)
    assert (await stores.runs.renew("o", 600, {new.key: progress()}))[new.key].round == 2
    assert await stores.runs.finishable() == []
    assert await stores.runs.release("o", new, progress(scored=10), done=True)


async def test_nothing_of_a_cancelled_run_is_leased(stores: Any) -> None:
    await added(stores, a_run())
    await stores.runs.change_state("r1", RunState.CANCELLED, of=ACTIVE)
    assert await stores.runs.lease_shard("o", 1, not_of=[]) is None


async def _all_done(stores: Any, *parts: Progress) -> None:
    for part in parts:
        lease = await stores.runs.lease_shard("o", 60, not_of=[])
        await stores.runs.release("o", lease, part, done=True)


def score(metric: str, value: float | None) -> Score:
    return Score("jnli", 2, metric, True, value, None, 0.1, 0.3, 9, 1, 0, 10, 0.0, 1.0, "0-1")


async def test_a_run_ends_once_when_all_its_shards_are_done(stores: Any) -> None:
    await added(stores, a_run())
    await _all_done(stores, progress(scored=10), progress(scored=10))
    assert await stores.runs.finishable() == []
    assert not await stores.runs.finish("r1", 1, RunState.COMPLETE, progress(), [])
    await _all_done(stores, progress(scored=9, infra_error=1))
    assert await stores.runs.finishable() == ["r1"]
    final = progress(scored=29, infra_error=1)
    assert not await stores.runs.finish("r1", 2, RunState.INCOMPLETE, final, [])
    found = [score("exact_match", 0.1 + 0.2), score("exact_match/x", None)]
    assert await stores.runs.finish("r1", 1, RunState.INCOMPLETE, final, found)
    assert not await stores.runs.finish("r1", 1, RunState.COMPLETE, progress(), [])
    ended = await stores.runs.run("r1")
    assert (ended.state, ended.progress) == (RunState.INCOMPLETE, final)
    assert await stores.runs.scores(["r1", "r2"]) == {"r1": found}
    assert await stores.runs.finishable() == []
    await stores.runs.save_scores("r1", found[:1])
    assert await stores.runs.scores(["r1"]) == {"r1": found[:1]}


async def test_a_run_is_paused_once_when_nothing_but_parked_shards_is_left(stores: Any) -> None:
    await added(stores, a_run())
    leases = [await stores.runs.lease_shard("o", 60, not_of=[]) for _ in range(3)]
    await stores.runs.release("o", leases[0], progress(scored=10), done=True)
    await stores.runs.release("o", leases[1], progress(scored=4), done=False, parked=True)
    assert await stores.runs.pausable() == []
    assert not await stores.runs.pause("r1", 1, "spent")
    await stores.runs.release("o", leases[2], progress(scored=5), done=False, parked=True)
    assert await stores.runs.lease_shard("o", 60, not_of=[]) is None
    assert (await stores.runs.finishable(), await stores.runs.pausable()) == ([], ["r1"])
    assert not await stores.runs.pause("r1", 2, "spent")
    assert await stores.runs.pause("r1", 1, "spent")
    assert not await stores.runs.pause("r1", 1, "spent again")
    paused = await stores.runs.run("r1")
    assert (paused.state, paused.problem, paused.progress.scored) == (RunState.PAUSED, "spent", 19)
    assert {n: part.scored for n, part in (await stores.runs.shard_progress("r1")).items()} == {0: 10, 1: 4, 2: 5}

    more = replace(paused.spec, judge_budget=JudgeBudget(tokens=9, cost=0.5))
    assert await stores.runs.resume("r1", of=(RunState.PAUSED,), spec=more)
    resumed = await stores.runs.run("r1")
    assert (resumed.spec, resumed.problem, resumed.round) == (more, "", 2)
    assert await stores.runs.pausable() == []
    assert {(await stores.runs.lease_shard("o", 60, not_of=[])).number for _ in range(2)} == {1, 2}


async def test_resuming_opens_what_is_unfinished_or_had_infra_errors(stores: Any) -> None:
    await added(stores, a_run())
    await _all_done(stores, progress(scored=10), progress(scored=9, infra_error=1))
    assert not await stores.runs.resume("r1", of=OVER)
    await stores.runs.change_state("r1", RunState.CANCELLED, of=ACTIVE)
    assert await stores.runs.resume("r1", of=OVER)
    run = await stores.runs.run("r1")
    assert (run.state, run.round, run.finished_at) == (RunState.PENDING, 2, None)
    numbers = [(await stores.runs.lease_shard("o", 60, not_of=[])).number for _ in range(2)]
    assert numbers == [1, 2]
    assert await stores.runs.lease_shard("o", 60, not_of=[]) is None


async def test_complete_runs_are_those_in_that_state(stores: Any) -> None:
    for run_id in ("r1", "r2"):
        await added(stores, a_run(run_id, items=10))
        await _all_done(stores, progress(scored=10))
    await stores.runs.finish("r1", 1, RunState.COMPLETE, progress(scored=10), [])
    await stores.runs.finish("r2", 1, RunState.INCOMPLETE, progress(scored=10), [])
    [known] = await stores.runs.scored_runs()
    assert (known.id, known.model, known.versions) == ("r1", "m", {})
    assert known.finished_at > 1e9


async def test_a_run_on_samples_for_development_is_not_for_boards(stores: Any) -> None:
    for run_id, split in (("r1", "test"), ("r2", "dev")):
        run = a_run(run_id, items=10)
        line = replace(run.plan.lines[0], settings={"max_tokens": 9, "split": split})
        await added(stores, replace(run, plan=replace(run.plan, lines=(line,))))
        await _all_done(stores, progress(scored=10))
        await stores.runs.finish(run_id, 1, RunState.COMPLETE, progress(scored=10), [])
    assert [run.id for run in await stores.runs.scored_runs()] == ["r1"]


async def test_a_run_tells_when_its_scores_were_stored_and_by_what_it_was_measured(stores: Any) -> None:
    await added(stores, a_run(items=10))
    await _all_done(stores, progress(scored=10))
    before = await stores.runs.board_changes()
    versions = {"shinsa": "1.0", "vllm": "0.32.0"}
    await stores.runs.finish("r1", 1, RunState.COMPLETE, progress(scored=10), [score("exact_match", 0.5)], versions)
    [finished] = await stores.runs.scored_runs()
    assert finished.change == await stores.runs.board_changes() == before + 1
    assert finished.versions == (await stores.runs.run("r1")).versions == versions
    await stores.runs.save_scores("r1", [score("exact_match", 0.6)], {"shinsa": "1.1"})
    [rescored] = await stores.runs.scored_runs()
    assert (rescored.change, rescored.versions) == (finished.change + 1, {"shinsa": "1.1"})


async def test_models_are_kept_by_name(stores: Any) -> None:
    document = model_pb2.ModelEntry(name="m", scripted=model_pb2.ScriptedEngine(otherwise="\x00あ"))
    entry = ModelEntry("m", "scripted", document.SerializeToString(), version=version_of(document))
    assert await stores.models.save_model(entry, replace=False)
    assert not await stores.models.save_model(ModelEntry("m", "vllm", b""), replace=False)
    assert await stores.models.model("m") == entry
    assert await stores.models.save_model(ModelEntry("m", "vllm", b""), replace=True)
    await stores.models.save_model(ModelEntry("a", "openai", b""), replace=True)
    assert [(one.name, one.engine) for one in await stores.models.models()] == [("a", "openai"), ("m", "vllm")]
    assert await stores.models.model("n") is None
    assert await stores.models.remove_model("m")
    assert not await stores.models.remove_model("m")
    assert await stores.models.model("m") is None


async def test_whether_raw_prompts_get_special_tokens_is_read_back(stores: Any) -> None:
    for flag in (None, False, True):
        document = model_pb2.ModelEntry(name="m", vllm=model_pb2.VllmEngine(model="x", add_special_tokens=flag))
        await stores.models.save_model(ModelEntry("m", "vllm", document.SerializeToString()), replace=True)
        assert (await stores.models.model("m")).special_tokens is flag


async def test_what_an_endpoint_takes_is_read_back(stores: Any) -> None:
    for name, engine in (
        ("own", model_pb2.OpenAiEngine(preset="openai", accepts=["seed"])),
        ("preset", model_pb2.OpenAiEngine(preset="anthropic")),
        ("plain", model_pb2.OpenAiEngine(base_url="http://h/v1")),
    ):
        document = model_pb2.ModelEntry(name=name, openai=engine).SerializeToString()
        await stores.models.save_model(ModelEntry(name, "openai", document), replace=False)
    own, preset, plain = [await stores.models.model(name) for name in ("own", "preset", "plain")]
    assert (own.accepts, preset.accepts) == (("seed",), PRESETS["anthropic"].accepts)
    assert "seed" in plain.accepts
    assert "top_k" not in plain.accepts


async def test_callers_who_give_up_in_the_middle_leave_no_lock_behind(stores: Any) -> None:
    run = await added(stores, a_run(items=10))
    for delay in range(30):
        writing = asyncio.create_task(stores.runs.save_scores(run.id, [score("exact_match", 0.5)] * 20))
        await asyncio.sleep(delay * 0.0004)
        writing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await writing
    async with asyncio.timeout(60):
        await stores.runs.save_scores(run.id, [score("exact_match", 0.25)])
    assert (await stores.runs.scores([run.id]))[run.id][0].value == 0.25


async def test_one_ends_a_run_at_a_time(stores: Any) -> None:
    await added(stores, a_run("r1", items=10))
    assert not await stores.runs.claim_end("r1", "a", 60)
    lease = await stores.runs.lease_shard("a", 60, not_of=())
    await stores.runs.release("a", lease, progress(scored=10), done=True)
    assert await stores.runs.claim_end("r1", "a", 60)
    assert await stores.runs.claim_end("r1", "a", 60)
    assert not await stores.runs.claim_end("r1", "b", 60)
    # Of an owner that has died: it lapses.
    assert await stores.runs.claim_end("r1", "a", -1)
    assert await stores.runs.claim_end("r1", "b", 60)
    await stores.runs.release_end("r1", "a")
    assert not await stores.runs.claim_end("r1", "a", 60)
    await stores.runs.release_end("r1", "b")
    assert await stores.runs.claim_end("r1", "a", 60)
    assert await stores.runs.finish("r1", 1, RunState.COMPLETE, progress(scored=10), [])
    assert not await stores.runs.claim_end("r1", "a", 60)
    async with stores.results.reading() as connection:
        assert (await connection.execute(text("SELECT owner, lease_until FROM shards"))).all() == [("", 0.0)]
