"""Generation, execution and judging at once: how long a run takes against its longest stage.

A run of programs (generated, executed) and two-turn conversations (generated, judged) whose three stages have about
equal work. Afterwards the steps that the mesh recorded are asked again, the same requests of the same services with
nothing else going on, one stage after the other: that is what a runner takes that finishes a stage before it begins
the next. The model and the judge answer after a fixed time, the programs sleep: the processor is not what is measured.

    .venv/bin/python bench/pipeline.py [--seconds 30]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvloop
from mesh import Mesh, get, timestamp
from processes import connects, free_port, running
from shinsa.inference.v1.inference_service_pb2_grpc import InferenceServiceStub
from shinsa.judge.v1.judge_service_pb2_grpc import JudgeServiceStub
from shinsa.orchestrator.v1 import orchestrator_service_pb2 as orchestrator_pb
from shinsa.orchestrator.v1.orchestrator_service_pb2_grpc import OrchestratorServiceStub
from shinsa.sandbox.v1.sandbox_service_pb2_grpc import SandboxServiceStub
from shinsa_chassis.grpc_channel import open_channel

HERE = Path(__file__).parent
# What each stage serves at once, and how long one request takes, in seconds.
GENERATING, GENERATE_SECONDS = 16, 0.4
EXECUTING, EXECUTE_SECONDS = 8, 0.4
JUDGING, JUDGE_SECONDS = 16, 0.8
PROGRAM = f"```python\nimport time\n\n\ndef solve(x):\n    time.sleep({EXECUTE_SECONDS})\n    return x + 1\n```"
BENCHMARKS = ("jhumaneval", "mt_bench_ja")
KINDS = ("generate", "execute", "judge")
PROFILE = """
[profiles.mock]
kind = "openai"
base_url = "{url}"
model = "mock"
concurrency = {at_once}

[roles]
"*" = "mock"
"""


@dataclass
class Stage:
    """All recorded requests of one kind, and the seconds that they took by themselves."""

    kind: str
    requests: list[Any] = field(default_factory=list)
    seconds: float = 0.0


def write_lines(path: Path, rows: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")


def write_upstream(root: Path, programs: int, conversations: int) -> None:
    """Questions in the upstream formats: functions that all have one name, conversations without references."""
    functions = [
        {
            "task_id": f"JHumanEval/{number}",
            "prompt": f'def solve(x: int) -> int:\n    """第{number}問：xの次の整数を返す\n    """\n',
            "prompt_en": f'def solve(x: int) -> int:\n    """Task {number}: the integer after x."""\n',
            "entry_point": "solve",
            "canonical_solution": "    return x + 1\n",
            "test": f"def check(candidate):\n    assert candidate({number}) == {number + 1}\n",
        }
        for number in range(programs)
    ]
    write_lines(root / "jhumaneval" / "jhuman-eval.jsonl", functions)
    turns = ["町の催し{n}の案内を短く書いてください。", "催し{n}の案内をていねいに書き直してください。"]
    talks = [
        {"question_id": n + 1, "category": "writing", "turns": [turn.format(n=n) for turn in turns]}
        for n in range(conversations)
    ]
    folder = root / "mt_bench_ja" / "swallow" / "japanese_mt_bench"
    write_lines(folder / "question.jsonl", talks)
    answers = [{"question_id": n + 1, "choices": [{"turns": ["-", "-"]}]} for n in range(conversations)]
    write_lines(folder / "reference_answer" / "gpt-4o-2024-08-06.jsonl", answers)


def through_mesh(mesh: Mesh, limit: int) -> tuple[dict[str, Any], float]:
    """The finished run and its makespan, from the order to the end."""
    rules = [{"pattern": "関数|def ", "reply": PROGRAM}]
    scripted = {"rules": rules, "otherwise": "承知しました。", "latency_seconds": GENERATE_SECONDS}
    get(f"{mesh.url}/v1/models", {"name": "steady", "scripted": scripted, "concurrency": GENERATING})
    wanted = [{"benchmark": name, "shots": [0]} for name in BENCHMARKS]
    body = {"model": "steady", "benchmarks": wanted}
    ended(mesh, get(f"{mesh.url}/v1/runs", body | {"limit": 4}))
    started = time.time()
    run = ended(mesh, get(f"{mesh.url}/v1/runs", body | {"limit": limit}))
    return run, timestamp(run["finished_at"]) - started


def ended(mesh: Mesh, run: dict[str, Any]) -> dict[str, Any]:
    while run["state"] in ("pending", "running"):
        time.sleep(0.1)
        run = get(f"{mesh.url}/v1/runs/{run['id']}")
    if run["state"] != "complete":
        raise RuntimeError(f"the run is {run['state']}: {run.get('problem')} {run['progress']}")
    return run


async def recorded(address: str, run_id: str) -> list[Stage]:
    """Every request that the run made, by kind, in the order in which it was asked."""
    stages = {kind: Stage(kind) for kind in KINDS}
    steps = []
    async with open_channel(address) as channel:
        stub = OrchestratorServiceStub(channel)
        async for item in items(stub, run_id):
            found = await stub.GetItem(orchestrator_pb.GetItemRequest(item_id=item.id))
            steps += found.steps
    steps.sort(key=lambda step: step.started_at.ToNanoseconds())
    for step in steps:
        stages[step.kind].requests.append(getattr(step, step.WhichOneof("request")))
    return list(stages.values())


async def items(stub: Any, run_id: str) -> AsyncIterator[Any]:
    cursor = ""
    while True:
        page = await stub.ListItems(orchestrator_pb.ListItemsRequest(run_id=run_id, page_size=500, cursor=cursor))
        for item in page.items:
            yield item
        cursor = page.next_cursor
        if not cursor:
            return


async def one_after_the_other(addresses: dict[str, str], stages: list[Stage]) -> None:
    """Each stage as fast as its service allows, and the next when it is over."""
    async with AsyncExitStack() as stack:
        channels = {name: await stack.enter_async_context(open_channel(at)) for name, at in addresses.items()}
        doors: dict[str, tuple[Callable[[Any], Awaitable[Any]], int]] = {
            "generate": (InferenceServiceStub(channels["inference"]).Generate, GENERATING),
            "execute": (SandboxServiceStub(channels["sandbox"]).Execute, EXECUTING),
            "judge": (JudgeServiceStub(channels["judge"]).Judge, JUDGING),
        }
        for stage in stages:
            stage.seconds = await asked(*doors[stage.kind], stage.requests)


async def asked(door: Callable[[Any], Awaitable[Any]], at_once: int, requests: list[Any]) -> float:
    waiting = iter(requests)

    async def work() -> None:
        for request in waiting:
            await door(request)

    started = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(at_once)))
    return time.perf_counter() - started


def measure(seconds: float) -> tuple[float, list[Stage]]:
    programs = round(seconds * EXECUTING / EXECUTE_SECONDS)
    conversations = round(seconds * JUDGING / JUDGE_SECONDS / 2)
    endpoint = free_port()
    mock = (sys.executable, HERE / "mock_judge.py", "--port", endpoint, "--latency", JUDGE_SECONDS)
    with tempfile.TemporaryDirectory() as scratch, running(*mock, ready=connects(endpoint)):
        folder = Path(scratch)
        write_upstream(folder / "upstream", programs, conversations)
        judges = folder / "judges.toml"
        judges.write_text(PROFILE.format(url=f"http://127.0.0.1:{endpoint}/v1", at_once=JUDGING), "utf-8")
        options = ("--judges", str(judges))
        mesh = Mesh(folder / "mesh", folder / "upstream", BENCHMARKS, options, SHINSA_SANDBOX_SLOTS=str(EXECUTING))
        try:
            run, makespan = through_mesh(mesh, max(programs, conversations))
            record = json.loads((mesh.state / "mesh.json").read_text("utf-8"))
            addresses = {child["name"]: child["address"] for child in record["children"]}
            stages = uvloop.run(recorded(addresses["orchestrator"], run["id"]))
            workers = {name: addresses[name] for name in ("inference", "sandbox", "judge")}
            uvloop.run(one_after_the_other(workers, stages))
            return makespan, stages
        finally:
            mesh.stop()


def show(makespan: float, stages: list[Stage]) -> None:
    print(f"{'stage':<12}{'requests':>10}{'seconds alone':>16}")
    for stage in stages:
        print(f"{stage.kind:<12}{len(stage.requests):>10}{stage.seconds:>16.2f}")
    longest, total = max(stage.seconds for stage in stages), sum(stage.seconds for stage in stages)
    print(f"\none stage after the other: {total:.2f} s; the mesh: {makespan:.2f} s")
    print(f"mesh ÷ longest stage:      {makespan / longest:.3f}")
    print(f"sequential ÷ mesh:         {total / makespan:.2f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=30, help="work of each stage")
    show(*measure(parser.parse_args().seconds))
