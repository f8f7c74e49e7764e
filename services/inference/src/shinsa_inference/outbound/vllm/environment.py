"""What vLLM reads from the environment. It must be set before vLLM is imported, and operators may set it otherwise."""

from __future__ import annotations

import atexit
import os
import platform
import shutil
import tempfile
from collections.abc import Mapping
from functools import cache

from shinsa_chassis.errors import Reason, ShinsaError

from shinsa_inference.outbound.vllm.gpu import gpu_problem

_DEFAULTS = {
    # No telemetry.
    "VLLM_NO_USAGE_STATS": "1",
    "DO_NOT_TRACK": "1",
    # A fork of a process with gRPC's threads would hang.
    "VLLM_WORKER_MULTIPROC_METHOD": "spawn",
    "VLLM_LOGGING_LEVEL": "WARNING",
    "VLLM_LOGGING_STREAM": "ext://sys.stderr",
    # Progress bars of loaders are no log lines.
    "TQDM_DISABLE": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "TOKENIZERS_PARALLELISM": "false",
}
_CPU_DEFAULTS = {
    # GiB for keys and values; vLLM would take most of the machine's memory.
    "VLLM_CPU_KVCACHE_SPACE": "2",
    # The first request with log-probabilities would compile C++ for half a minute, or die where no compiler is.
    "TORCH_COMPILE_DISABLE": "1",
}


# Where vLLM puts its sockets; what a killed engine leaves of them would stay in the machine's /tmp for ever.
_SOCKETS = "VLLM_RPC_BASE_PATH"


def prepare_environment() -> None:
    """Sets what is not set yet; before vLLM is imported."""
    _set(_DEFAULTS)
    if _SOCKETS not in os.environ:
        os.environ[_SOCKETS] = socket_folder()


@cache
def socket_folder() -> str:
    """A folder of this process for the sockets of its engines, which goes with it; the guardian's if it is killed."""
    folder = tempfile.mkdtemp(prefix="shinsa-vllm-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def check_platform() -> None:
    """Raises ``ShinsaError`` ENGINE_FAILED where this vLLM can compute on nothing, as one for CUDA without a GPU."""
    from vllm.platforms import current_platform

    if current_platform.is_unspecified():
        why = gpu_problem() or "There is a GPU, but not for this build of vLLM: take the image `cuda`, or another vLLM."
        raise ShinsaError(Reason.ENGINE_FAILED, why, retryable=False)


def prepare_cpu() -> bool:
    """Whether vLLM will compute on the CPU; if so, sets what its processes there need."""
    from vllm.platforms import current_platform

    cpu = bool(current_platform.is_cpu())
    if cpu:
        _set(_CPU_DEFAULTS)
    return cpu


def _set(defaults: Mapping[str, str]) -> None:
    for name, value in defaults.items():
        os.environ.setdefault(name, value)


def fast_cpu_dtype() -> str:
    """``float32`` where this CPU only emulates bfloat16 (measured: seven times slower), else vLLM's own choice."""
    import torch

    if platform.machine() in ("x86_64", "AMD64") and not torch.cpu._is_avx512_bf16_supported():
        return "float32"
    return "auto"
