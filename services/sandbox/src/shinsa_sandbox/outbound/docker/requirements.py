"""What an engine must offer, and how strongly its runtime isolates."""

from __future__ import annotations

from typing import Any

from shinsa_chassis.errors import Reason, ShinsaError

from shinsa_sandbox.domain.runtime import TIER_FULL, TIER_OWN_KERNEL

# OCI runtimes that put a kernel of their own between a container and the machine.
_OWN_KERNEL = ("runsc", "gvisor", "kata")


def tier_of(runtime: str) -> int:
    return TIER_OWN_KERNEL if runtime.startswith(_OWN_KERNEL) else TIER_FULL


def check_engine(info: Any, runtime: str) -> None:
    """Raises ISOLATION_MISSING for an engine that lacks something."""
    if problem := engine_problem(info, runtime):
        raise ShinsaError(Reason.ISOLATION_MISSING, problem, origin="docker")


def engine_problem(info: Any, runtime: str) -> str:
    """What this engine lacks for our purposes; empty if nothing."""
    if info.get("OSType") != "linux":
        return f"the engine runs containers of {info.get('OSType')!r}, not of linux"
    if not any(str(option).startswith("name=seccomp") for option in info.get("SecurityOptions") or ()):
        return "the engine has no system call filter (seccomp)"
    for limit, name in (("MemoryLimit", "memory"), ("PidsLimit", "process"), ("CpuCfsQuota", "processor")):
        if not info.get(limit, False):
            return f"the engine cannot set {name} limits; make control groups available to it"
    known = sorted(info.get("Runtimes") or ())
    if runtime and runtime not in known:
        return f"the engine knows no runtime {runtime!r}; it has {', '.join(known)}"
    return ""
