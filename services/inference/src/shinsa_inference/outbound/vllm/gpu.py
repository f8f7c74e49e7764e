"""Whether this process sees a GPU, asked of NVIDIA's management library (NVML), as vLLM itself asks.

A container gets that library and the devices from the host's container toolkit when it starts; without a GPU there is
not even the library.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

NVML = "libnvidia-ml.so.1"
REMEDY = (
    "Give it one: `--gpus all` or Compose's profile gpu with the NVIDIA container toolkit on the host, or "
    "`nvidia.com/gpu` in a pod's limits. Where no model has weights, leave SHINSA_INFERENCE_ACCELERATOR empty or run "
    "the image `endpoint`; for vLLM on the processor run the image `cpu`."
)
# From nvml.h.
_SUCCESS = 0
_CAUSES = {
    4: "this user may not use its devices",
    9: "the host's NVIDIA driver is not loaded",
    12: "a part of the host's NVIDIA driver was not handed to the container",
    15: "a GPU does not answer any more, and wants the host restarted",
    18: "driver and library are of different versions, as after an update without a restart of the host",
}


def gpu_problem(load: Callable[[str], Any] = ctypes.CDLL) -> str:
    """Empty if there is a GPU, else what is wrong and what to do. ``load`` opens a library or raises OSError."""
    try:
        nvml = load(NVML)
    except OSError:
        return f"There is no GPU for vLLM: nobody handed NVIDIA's driver ({NVML}) to this process. {REMEDY}"
    code = nvml.nvmlInit_v2()
    if code != _SUCCESS:
        cause = _CAUSES.get(code, "nvidia-smi on the host tells more")
        return f"There is no GPU for vLLM: NVML answers error {code}, {cause}. {REMEDY}"
    count = ctypes.c_uint(0)
    try:
        nvml.nvmlDeviceGetCount_v2(ctypes.byref(count))
    finally:
        nvml.nvmlShutdown()
    return "" if count.value else f"There is no GPU for vLLM: NVIDIA's driver shows none to this process. {REMEDY}"
