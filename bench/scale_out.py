"""Two of everything share a run, and more judges shorten only the judging.

Two processes each of orchestrator, inference (scripted), sandbox and judge examine 20,000 items together: sums that are
generated, programs that are executed, conversations that are judged. Who did how much is read from the sample log.
Then a smaller run is repeated with one, two and four judges at an endpoint that takes its time: the table shows how
long each stage took. Every figure is measured in one call.

    .venv/bin/python bench/scale_out.py [--items 20000] [--judged 600] [--judges 1 2 4]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from fleet import SERVICES, Fleet, Stage
from mesh import Mesh, get
from pipeline import PROFILE, write_upstream
from processes import connects, free_port, running
from sums import write_samples

HERE = Path(__file__).parent
# Of a hundred items so many are programs, and so many conversations with two verdicts each.
PROGRAMS, CONVERSATIONS = 1, 5
JUDGE_SECONDS, JUDGE_AT_ONCE = 0.5, 4
BENCHMARKS = ("mawps", "jhumaneval", "mt_bench_ja")
KINDS = ("generate", "execute", "judge")
PROGRAM = "```python\ndef solve(x):\n    return x + 1\n```"


def body(sums: int, programs: int, conversations: int) -> dict[str, Any]:
    """A run of so many items of each kind; repetitions stand for what the data does not hold."""
    return {
        "model": "scripted",
        "benchmarks": [
            {"benchmark": name, "shots": [0], "repetitions": count}
            for name, count in zip(BENCHMARKS, (sums, programs, conversations), strict=True)
        ],
    }


def measure(items: int, judged: int, judges: list[int]) -> None:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        port = free_port()
        stack.enter_context(
            running(
                sys.executable,
                HERE / "mock_judge.py",
                "--port",
                port,
                "--latency",
                JUDGE_SECONDS,
                ready=connects(port),
            )
        )
        write_samples(folder / "upstream", 100)
        write_upstream(folder / "upstream", 1, 5)
        (folder / "judges.toml").write_text(
            PROFILE.format(url=f"http://127.0.0.1:{port}/v1", at_once=JUDGE_AT_ONCE), "utf-8"
        )
        mesh = Mesh(
            folder / "mesh",
            folder / "upstream",
            BENCHMARKS,
            ("--judges", str(folder / "judges.toml")),
            SHINSA_ORCHESTRATOR_ITEMS_PER_SHARD="500",
        )
        stack.callback(mesh.stop)
        rules = [{"pattern": "関数|def ", "reply": PROGRAM}]
        scripted = {"rules": rules, "otherwise": "5"}
        get(f"{mesh.url}/v1/models", {"name": "scripted", "scripted": scripted, "concurrency": 64})
        fleet = stack.enter_context(Fleet(mesh))
        once, _ = fleet.finished(fleet.run(body(1, 1, 1))["id"])
        of_each = {one["benchmark"]: int(one["items"]) for one in once["progress"]["benchmarks"]}
        if items:
            shared(fleet, items, of_each)
        if judged:
            scaled(fleet, judged, judges, of_each)


def shared(fleet: Fleet, items: int, of_each: dict[str, int]) -> None:
    """Two of each."""
    for service in SERVICES:
        fleet.scale(service, 2)
    programs, conversations = PROGRAMS * items // 100, CONVERSATIONS * items // 100
    before = fleet.cpu()
    counts = (items - programs - conversations, programs, conversations)
    run, seconds = fleet.finished(fleet.run(body(*repetitions(counts, of_each)))["id"])
    spent = {name: after - before.get(name, 0.0) for name, after in fleet.cpu().items()}
    counted = run["progress"]["items"]
    print(f"two of each: {counted:,} items in {seconds:.0f} s, {counted / seconds:.0f} a second\n")
    for name, cpu in sorted(spent.items()):
        print(f"  {name:<16}{cpu:>8.1f} s of processor time")
    for kind, stage in sorted(fleet.stages(run["id"]).items()):
        shares = ", ".join(f"{count:,}" for _, count in sorted(stage.workers.items()))
        print(f"  {kind:<10} steps {stage.steps:>7,}, by worker: {shares}")
    for service in SERVICES:
        fleet.scale(service, 1)


def repetitions(counts: tuple[int, int, int], of_each: dict[str, int]) -> list[int]:
    """How often the data must be gone through for so many sums, programs and conversations."""
    return [max(1, count // of_each[name]) for name, count in zip(BENCHMARKS, counts, strict=True)]


def scaled(fleet: Fleet, judged: int, judges: list[int], of_each: dict[str, int]) -> None:
    """The same run with more and more judges."""
    rows: list[tuple[int, float, dict[str, Stage]]] = []
    for count in judges:
        fleet.scale("judge", count)
        # Each conversation is two verdicts.
        counts = (judged * 10, judged // 20, judged // 2)
        run, seconds = fleet.finished(fleet.run(body(*repetitions(counts, of_each)))["id"])
        rows.append((count, seconds, fleet.stages(run["id"])))
    print(
        f"\nthe judge takes {JUDGE_SECONDS:g} s, {JUDGE_AT_ONCE} at once in each process\n\n"
        f"{'judges':>6}{'makespan s':>12}" + "".join(f"{kind + ' s':>12}" for kind in KINDS)
    )
    for count, seconds, stages in rows:
        print(f"{count:>6}{seconds:>12.1f}" + "".join(f"{stages[kind].seconds:>12.1f}" for kind in KINDS))
    first = rows[0][2]
    for count, _, stages in rows[1:]:
        ratios = ", ".join(f"{kind} {first[kind].seconds / stages[kind].seconds:.2f}" for kind in KINDS)
        print(f"{rows[0][0]} ÷ {count} judges: {ratios}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=20_000, help="of the shared run; 0: none")
    parser.add_argument("--judged", type=int, default=600, help="verdicts of each run with more judges; 0: none")
    parser.add_argument("--judges", type=int, nargs="+", default=[1, 2, 4])
    options = parser.parse_args()
    measure(options.items, options.judged, options.judges)
