"""No work for weights without a GPU: what is missing is told, with what to do, until it is there."""

from __future__ import annotations

import asyncio
import ctypes
import sys
from types import SimpleNamespace
from typing import Any

import pytest
from shinsa_chassis.errors import ShinsaError
from shinsa_inference.application.accelerator import Accelerator
from shinsa_inference.domain.model import ModelEntry, ScriptedEngine, VllmEngine
from shinsa_inference.outbound.vllm import environment
from shinsa_inference.outbound.vllm.gpu import gpu_problem

HEAVY = ModelEntry("heavy", VllmEngine("/weights/x"))
LIGHT = ModelEntry("light", ScriptedEngine(otherwise="x"))


class Library:
    """Answers as NVML does, through a pointer."""

    def __init__(self, *, code: int = 0, gpus: int = 0) -> None:
        self.code, self.gpus, self.open = code, gpus, 0

    def nvmlInit_v2(self) -> int:
        self.open += self.code == 0
        return self.code

    def nvmlDeviceGetCount_v2(self, pointer: Any) -> int:
        ctypes.cast(pointer, ctypes.POINTER(ctypes.c_uint))[0] = self.gpus
        return 0

    def nvmlShutdown(self) -> int:
        self.open -= 1
        return 0


@pytest.mark.parametrize(
    ("library", "said"),
    [
        (Library(gpus=8), ""),
        (Library(), "shows none to this process"),
        (Library(code=18), "of different versions"),
        (Library(code=999), "error 999, nvidia-smi"),
    ],
)
def test_what_the_library_says(library: Library, said: str) -> None:
    problem = gpu_problem(lambda _name: library)
    assert said in problem
    assert bool(problem) == bool(said)
    assert not problem or "--gpus all" in problem
    assert library.open == 0


def test_a_machine_without_a_driver_says_what_to_do() -> None:
    problem = gpu_problem(lambda name: ctypes.CDLL(f"no-such-{name}"))
    assert "nobody handed NVIDIA's driver" in problem
    assert "nvidia.com/gpu" in problem


async def test_weights_wait_and_are_told_when_it_comes() -> None:
    answers = ["no GPU", "no GPU", ""]
    told: list[str] = []
    accelerator = Accelerator(lambda: answers.pop(0), told.append, every_seconds=0)
    assert not await accelerator.look()
    await accelerator.ready_for(LIGHT)
    heavy = asyncio.create_task(accelerator.ready_for(HEAVY))
    await asyncio.sleep(0)
    assert not heavy.done()
    await accelerator.watch()
    await heavy
    assert told == ["no GPU", "no GPU", ""]
    assert answers == []


def test_vllm_without_anything_to_compute_on_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    platforms = SimpleNamespace(current_platform=SimpleNamespace(is_unspecified=lambda: True))
    monkeypatch.setitem(sys.modules, "vllm", SimpleNamespace(platforms=platforms))
    monkeypatch.setitem(sys.modules, "vllm.platforms", platforms)
    for problem, said in (("There is no GPU. Do this.", "Do this."), ("", "not for this build")):
        monkeypatch.setattr(environment, "gpu_problem", lambda problem=problem: problem)
        with pytest.raises(ShinsaError, match=said):
            environment.check_platform()
