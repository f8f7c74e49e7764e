"""Memory is a matter of the window: runs of 1,000 to 1,000,000 items through one orchestrator, one after the other.

Prints the most that each process took while a run of each size was examined and tallied, and for the orchestrator the
ratio to the smallest run.

    .venv/bin/python bench/memory.py [--items 1000 10000 100000 1000000] [--window 512] [--inference 2]
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

from fleet import Fleet
from mesh import Mesh, get
from sums import write_samples

SAMPLES = 1000
MIB = 1024 * 1024


def measure(sizes: Sequence[int], window: int, inference: int) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        write_samples(folder / "upstream", SAMPLES)
        mesh = Mesh(folder / "mesh", folder / "upstream")
        try:
            with Fleet(mesh) as fleet:
                get(f"{mesh.url}/v1/models", {"name": "rules", "scripted": {"otherwise": "5"}, "concurrency": 256})
                fleet.scale("inference", inference)
                through(fleet, sizes, window)
        finally:
            mesh.stop()


def through(fleet: Fleet, sizes: Sequence[int], window: int) -> None:
    """A run of each size; a first one, not shown, has everything imported that runs need."""
    names = list(fleet.pids())
    print(f"window {window}; most resident MiB of each process\n")
    print(f"{'items':>10}{'seconds':>9}" + "".join(f"{name:>14}" for name in names) + f"{'ratio':>8}")
    first = 0
    for number, items in enumerate([sizes[0], *sizes]):
        fleet.forget_peaks()
        done, seconds = fleet.finished(fleet.run(_body(items, window))["id"])
        peaks = fleet.peaks()
        if number == 0:
            continue
        first = first or peaks["orchestrator"]
        columns = "".join(f"{peaks[name] / MIB:>14.0f}" for name in names)
        ratio = peaks["orchestrator"] / first
        print(f"{done['progress']['items']:>10,}{seconds:>9.1f}{columns}{ratio:>8.2f}", flush=True)


def _body(items: int, window: int) -> dict[str, object]:
    sums = {"benchmark": "mawps", "shots": [0], "repetitions": max(1, items // SAMPLES)}
    return {"model": "rules", "benchmarks": [sums], "window": window}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, nargs="+", default=[1_000, 10_000, 100_000, 1_000_000])
    parser.add_argument("--window", type=int, default=512)
    parser.add_argument("--inference", type=int, default=2)
    options = parser.parse_args()
    measure(options.items, options.window, options.inference)
