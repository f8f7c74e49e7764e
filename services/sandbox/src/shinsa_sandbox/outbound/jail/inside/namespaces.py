"""A zygote's way from the host into namespaces of its own."""

from __future__ import annotations

import os

from . import jail, kernel

_OWN_NAMESPACES = (
    kernel.CLONE_NEWUSER
    | kernel.CLONE_NEWNS
    | kernel.CLONE_NEWPID
    | kernel.CLONE_NEWNET
    | kernel.CLONE_NEWIPC
    | kernel.CLONE_NEWUTS
    | kernel.CLONE_NEWCGROUP
)


def detach_from_host(outside_uid: int, become_first: bool) -> int:
    """Enters a mount namespace; without root's rights, together with a user namespace that grants them over it.

    Returns what root of the zygote's own user namespace will be here. It is never the host's root: the kernel lets that
    user write to its settings whatever namespaces it is in.
    """
    if outside_uid >= 0:
        os.setgroups([])
    if outside_uid >= 0 and not become_first:
        kernel.unshare(kernel.CLONE_NEWNS)
        return outside_uid
    if become_first:
        os.setresgid(outside_uid, outside_uid, outside_uid)
        os.setresuid(outside_uid, outside_uid, outside_uid)
        # Changing user made the process undumpable and its own /proc/self closed to it.
        kernel.set_dumpable(True)
    uid, gid = os.getuid(), os.getgid()
    if uid == 0 and _outside_of_root() == 0:
        raise PermissionError("the service runs as root and may not become another user; run it as one")
    kernel.unshare(kernel.CLONE_NEWUSER | kernel.CLONE_NEWNS)
    jail.write_text("/proc/self/setgroups", "deny")
    jail.write_text("/proc/self/uid_map", f"0 {uid} 1")
    jail.write_text("/proc/self/gid_map", f"0 {gid} 1")
    return 0


def _outside_of_root() -> int:
    """Who our root is one user namespace further out."""
    with open("/proc/self/uid_map", encoding="ascii") as file:
        ranges = (line.split() for line in file)
        return next((int(outside) for inside, outside, _ in ranges if inside == "0"), 0)


def enter(outside_uid: int) -> int:
    """Forks into the zygote's own namespaces; in the child root is what is ``outside_uid`` here."""
    ready, go = os.pipe()
    child = kernel.clone(_OWN_NAMESPACES)
    if child == 0:
        os.close(go)
        if os.read(ready, 1) != b"1":
            os._exit(1)
        os.close(ready)
        os.setresgid(0, 0, 0)
        os.setresuid(0, 0, 0)
        # Changing user made the process undumpable, and its jails unable to write their own user maps.
        kernel.set_dumpable(True)
        return 0
    os.close(ready)
    if outside_uid == 0:
        jail.write_text(f"/proc/{child}/setgroups", "deny")
    jail.write_text(f"/proc/{child}/uid_map", f"0 {outside_uid} 1")
    jail.write_text(f"/proc/{child}/gid_map", f"0 {outside_uid} 1")
    os.write(go, b"1")
    os.close(go)
    return child
