"""Scenes of several turns, with the simulation played right here."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from shinsa_benchmarks import discovery
from shinsa_benchmarks.benchmark import DatasetError
from shinsa_benchmarks.catalog.bfcl_multi_turn.files import CATEGORIES
from shinsa_benchmarks.catalog.bfcl_multi_turn.simulation import play as simulation
from shinsa_benchmarks.catalog.bfcl_multi_turn.task import held_back, turns_fault
from shinsa_benchmarks.vocabulary import (
    Choice,
    Execution,
    ExecutionVerdict,
    FinishReason,
    Item,
    Limits,
    Message,
    Outcome,
    Program,
    Reply,
    Sample,
    Sampling,
    Status,
    ToolCall,
)

PACKAGE = "shinsa_benchmarks.catalog.bfcl_multi_turn.simulation."
BENCHMARK = discovery.benchmarks()["bfcl_multi_turn"]
SPECIMEN = {sample.id: sample for sample in BENCHMARK.load(discovery.specimen_folder("bfcl_multi_turn")).test}
FILES, TICKETS = "multi_turn_base_0", "multi_turn_base_2"


class Talk:
    """One reply after the other; programs are played in this process."""

    def __init__(self, *choices: Choice | str, verdict: ExecutionVerdict = ExecutionVerdict.PASS) -> None:
        self.choices = [choice if isinstance(choice, Choice) else Choice(choice) for choice in choices]
        self.verdict = verdict
        self.prompts: list[Sequence[Message]] = []
        self.samplings: list[Sampling] = []

    async def generate(self, prompt: Sequence[Message], sampling: Sampling) -> Reply:
        self.prompts.append(prompt)
        self.samplings.append(sampling)
        return Reply((self.choices[len(self.prompts) - 1],))

    async def execute(self, program: Program, checks: None = None, limits: Limits | None = None) -> Execution:
        assert program.entry == "play.py"
        assert set(program.files) >= {f"{module}.py" for module in simulation.MODULES.values()}
        return Execution(self.verdict, stdout=json.dumps(simulation.play(json.loads(program.stdin), PACKAGE)))


async def examine(sample: Sample, talk: Talk, **settings: object) -> Outcome:
    item = Item(sample, settings=BENCHMARK.manifest.settings_with(dict(settings)))
    return await BENCHMARK.examine(item, talk)  # type: ignore[arg-type]


async def test_a_scene_that_goes_well() -> None:
    talk = Talk("[mv(source='plan.txt', destination='letters')]", "Done.", "[sort(file_name='notes.txt')]", "So.")
    outcome = await examine(SPECIMEN[FILES], talk)
    assert outcome.metrics == {"accuracy": 1.0}
    roles = [message.role for message in talk.prompts[-1]]
    assert roles == ["user", "assistant", "user", "assistant", "user", "assistant", "user"]
    last = talk.prompts[-1][-1].content
    assert last == 'Results of the calls:\n{"sorted_content": "apples\\npears\\nplums"}'
    assert "sort" in talk.prompts[0][0].content
    assert "# Functions" not in talk.prompts[2][-1].content, "functions are described once"


@pytest.mark.parametrize(
    ("replies", "problem"),
    [
        (("No.", "[sort(file_name='notes.txt')]", "So."), "turn 1: no call was made"),
        (("[ls()]", "Ok.", "[sort(file_name='notes.txt')]", "So."), "turn 1: GorillaFileSystem is not in the wanted"),
        (
            ("[mv(source='plan.txt', destination='letters')]", "Ok.", "[cat(file_name='notes.txt')]", "So."),
            "turn 2: this",
        ),
        (
            ("[mv(source='plan.txt', destination='letters'), rm(file_name='notes.txt')]", "Ok.", "[ls()]", "So."),
            "turn 1: GorillaFileSystem",
        ),
        (("[mv(source=", "[sort(file_name='notes.txt')]", "So."), "turn 1: no call was made; broken_call"),
    ],
)
async def test_scenes_that_go_wrong(replies, problem) -> None:
    outcome = await examine(SPECIMEN[FILES], Talk(*replies))
    assert (outcome.status, outcome.metrics) == (Status.SCORED, {"accuracy": 0.0})
    assert outcome.detail.startswith(problem)


@pytest.mark.parametrize("calls", ["written", "native"])
async def test_an_empty_reply_ends_a_turn(calls: str) -> None:
    """After its calls a model may have no more to say; without any in the whole scene it has said nothing."""
    made = [
        [ToolCall("mv", '{"source": "plan.txt", "destination": "letters"}', "a")],
        [ToolCall("sort", '{"file_name": "notes.txt"}', "b")],
    ]
    written = ["[mv(source='plan.txt', destination='letters')]", "[sort(file_name='notes.txt')]"]
    replies = [
        Choice(text) if calls == "written" else Choice("", FinishReason.TOOL_CALLS, tool_calls=tuple(each))
        for text, each in zip(written, made, strict=True)
    ]
    talk = Talk(replies[0], "", replies[1], " \n")
    assert (await examine(SPECIMEN[FILES], talk, calls=calls)).metrics == {"accuracy": 1.0}
    outcome = await examine(SPECIMEN[FILES], Talk("", ""), calls=calls)
    assert (outcome.status, outcome.reason) == (Status.MODEL_ERROR, "empty")
    outcome = await examine(SPECIMEN[FILES], Talk(replies[0], Choice("", FinishReason.LENGTH)), calls=calls)
    assert (outcome.status, outcome.reason) == (Status.MODEL_ERROR, "truncated")


async def test_an_empty_reply_holds_back() -> None:
    talk = Talk("", "[resolve_ticket(ticket_id=1, resolution='new ink')]", "Ok.")
    assert (await examine(SPECIMEN["multi_turn_miss_param_0"], talk)).metrics == {"accuracy": 1.0, "held_back": 1.0}


async def test_more_calls_than_wanted_are_free() -> None:
    talk = Talk(
        "[ls(), nothing_like_it(x=1)]",
        "[mv(source='plan.txt', destination='letters')]",
        "Ok.",
        "[sort(file_name='notes.txt'), sort(file_name='none')]",
        "So.",
    )
    assert (await examine(SPECIMEN[FILES], talk)).metrics == {"accuracy": 1.0}
    assert "there is no function nothing_like_it" in talk.prompts[1][-1].content


async def test_a_model_that_goes_on_is_stopped() -> None:
    outcome = await examine(SPECIMEN[FILES], Talk(*["[ls()]"] * 3), steps_per_turn=3)
    assert outcome.metrics == {"accuracy": 0.0}
    assert outcome.detail == "turn 1 went on for more than 3 steps"
    with pytest.raises(ValueError, match="steps_per_turn"):
        await examine(SPECIMEN[FILES], Talk(), steps_per_turn=0)


async def test_native_calls() -> None:
    call = ToolCall(
        "create_ticket",
        json.dumps({"title": "Window", "description": "The window on the stairs does not close.", "priority": 3}),
        "c1",
    )
    done = ToolCall("resolve_ticket", '{"ticket_id": 1, "resolution": "new ink"}', "c2")
    calling = [Choice("", FinishReason.TOOL_CALLS, tool_calls=(each,)) for each in (call, done)]
    talk = Talk(calling[0], "Ticket 2.", calling[1], "Resolved.")
    outcome = await examine(SPECIMEN[TICKETS], talk, calls="native")
    assert outcome.metrics == {"accuracy": 1.0}
    assert {tool.name for tool in talk.samplings[0].tools} == {
        "ticket_login",
        "create_ticket",
        "resolve_ticket",
        "get_ticket",
    }
    asked, called, told = talk.prompts[1]
    assert asked.content == SPECIMEN[TICKETS].fields["turns"][0][0]["content"]
    assert called.tool_calls == (call,)
    assert (told.role, told.tool_call_id) == ("tool", "c1")
    assert json.loads(told.content)["id"] == 2


async def test_a_tool_call_that_is_not_json_is_wrong() -> None:
    broken = Choice("", FinishReason.TOOL_CALLS, tool_calls=(ToolCall("create_ticket", "{", "c"),))
    outcome = await examine(SPECIMEN[TICKETS], Talk(broken, "?"), calls="native")
    assert outcome.metrics == {"accuracy": 0.0}
    assert "not a JSON object" in outcome.detail


async def test_a_function_that_comes_in_later() -> None:
    talk = Talk("I cannot.", "[sort(file_name='notes.txt')]", "So.")
    assert (await examine(SPECIMEN["multi_turn_miss_func_0"], talk)).metrics == {"accuracy": 1.0, "held_back": 1.0}
    assert '"sort"' not in talk.prompts[0][0].content
    assert '"sort"' in talk.prompts[1][-1].content
    assert "More functions are available now." in talk.prompts[1][-1].content
    native = Talk("I cannot.", "Still not.")
    await examine(SPECIMEN["multi_turn_miss_func_0"], native, calls="native")
    assert [any(tool.name == "sort" for tool in sampling.tools) for sampling in native.samplings] == [False, True]


async def test_an_argument_that_comes_later() -> None:
    talk = Talk("How?", "[resolve_ticket(ticket_id=1, resolution='new ink')]", "Ok.")
    assert (await examine(SPECIMEN["multi_turn_miss_param_0"], talk)).metrics == {"accuracy": 1.0, "held_back": 1.0}


CALL = ["ls", [], {}]


@pytest.mark.parametrize(
    ("wanted", "made", "value"),
    [
        ([[CALL], [], [CALL]], [[CALL], [], [CALL]], 1.0),
        ([[CALL], [], [CALL]], [[], [CALL], [CALL]], 0.0),
        ([[CALL], [], []], [[CALL], [], [CALL]], 0.0),
        ([[CALL], [CALL]], [[CALL, CALL], [CALL]], None),
        ([[CALL], []], [[CALL]], None),
    ],
)
def test_calls_where_none_is_wanted(wanted: Any, made: Any, value: float | None) -> None:
    """The last scene was stopped in its first turn: of the others it tells nothing."""
    assert held_back(wanted, made) == ({} if value is None else {"held_back": value})


async def test_a_simulation_that_fails_is_nobody_s_mistake() -> None:
    outcome = await examine(SPECIMEN[FILES], Talk("[ls()]", verdict=ExecutionVerdict.TIMEOUT))
    assert (outcome.status, outcome.reason) == (Status.INFRA_ERROR, "simulation_failed")


async def test_a_reply_cut_off_in_a_call() -> None:
    outcome = await examine(SPECIMEN[FILES], Talk(Choice("[mv(source='pl", FinishReason.LENGTH)))
    assert (outcome.status, outcome.reason) == (Status.MODEL_ERROR, "truncated")


def test_categories_take_turns() -> None:
    assert [sample.category for sample in list(SPECIMEN.values())[:3]] == list(CATEGORIES)


@pytest.mark.parametrize(
    ("name", "change", "complaint"),
    [
        ("BFCL_v3_multi_turn_base.json", {"involved_classes": ["Shell"]}, "'Shell'"),
        ("BFCL_v3_multi_turn_base.json", {"id": "x"}, "none for 'x'"),
        ("BFCL_v3_multi_turn_base.json", {"initial_config": []}, "initial_config"),
        ("BFCL_v3_multi_turn_base.json", {"missed_function": {"a": []}}, "missed_function"),
        ("BFCL_v3_multi_turn_base.json", {"involved_classes": ["TravelAPI"]}, "functions of TravelAPI are missing"),
        ("possible_answer/BFCL_v3_multi_turn_base.json", {"ground_truth": [[]]}, "list of 2"),
        ("possible_answer/BFCL_v3_multi_turn_base.json", {"ground_truth": [["ls("], []]}, "calls such as"),
    ],
)
def test_broken_files_are_named(specimen_copy, name, change, complaint) -> None:
    folder = specimen_copy("bfcl_multi_turn")
    first, *rest = (folder / name).read_text("utf-8").splitlines()
    (folder / name).write_text("\n".join([json.dumps({**json.loads(first), **change}), *rest]), "utf-8")
    with pytest.raises(DatasetError, match=complaint):
        BENCHMARK.load(folder)


def played(sample: Sample, scene: list[Any]) -> Sequence[dict[str, Any]]:
    told = {"config": sample.fields["config"], "classes": sample.fields["services"], "turns": scene}
    turns: Sequence[dict[str, Any]] = simulation.play(told, PACKAGE)["turns"]
    return turns


@pytest.mark.shared_data
def test_upstream_calls_are_carried_out_and_right(upstream) -> None:
    """Each wanted call works, and a scene in which they are made is right."""
    samples = BENCHMARK.load(upstream / "bfcl_v3").test
    assert len(samples) == 480
    calls = 0
    for sample in samples:
        wanted = played(sample, sample.fields["wanted"])
        results = [json.loads(result) for turn in wanted for result in turn["results"]]
        assert not [result for result in results if isinstance(result, dict) and "error" in result], sample.id
        assert turns_fault(sample.fields["wanted"], sample.fields["wanted"], wanted, wanted) is None
        calls += len(results)
    assert calls == 2788


@pytest.mark.shared_data
def test_upstream_scenes_without_a_changing_call_are_wrong(upstream) -> None:
    """Leaving out the last call that changes a service is noticed in every scene that has one."""
    tried = 0
    for sample in BENCHMARK.load(upstream / "bfcl_v3").test[::5]:
        scene, wanted = sample.fields["wanted"], played(sample, sample.fields["wanted"])
        for turn in range(len(scene)):
            for place in range(len(scene[turn])):
                less = [*scene[:turn], scene[turn][:place] + scene[turn][place + 1 :], *scene[turn + 1 :]]
                found = played(sample, less)
                if found[turn]["state"] != wanted[turn]["state"]:
                    assert turns_fault(scene, less, wanted, found) is not None, (sample.id, turn, place)
                    tried += 1
    assert tried > 100
