"""What a test may do on this machine."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

# Number of CAP_SYS_ADMIN, see capabilities(7). A container's root has not got it unless the engine is told so.
_SYS_ADMIN = 21


def lacking(*programs: str) -> str:
    """What keeps a test from mounts and namespaces of its own, with these programs; empty where nothing does."""
    if os.geteuid():
        return "root's rights"
    status = Path("/proc/self/status").read_text("ascii").splitlines()
    effective = next(int(line.split()[1], 16) for line in status if line.startswith("CapEff:"))
    if not effective >> _SYS_ADMIN & 1:
        return "the right to mount (CAP_SYS_ADMIN), which a container's root has not"
    return ", ".join(program for program in programs if not shutil.which(program))
