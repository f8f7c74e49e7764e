"""README's first run as a stranger has it: on a bare Debian, in a container, with what README names and nothing else.

``make walk`` starts it; it needs root, debootstrap, and a Docker engine or an installed dockerd. The commands are
README's own, in its order: what installs packages as root, everything after ``git clone`` as an ordinary user.
``SHINSA_WALK_OPTIONS`` holds further options of ``docker run`` (an index, a proxy, certificates).
"""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from documentation.documents import ROOT, Command, blocks, commands
from integration.sandbox.docker_rig import engine
from waiting import block_until

WORK = ROOT / "build" / "walk"
# Of what keeps the container.
_OURS = ("sleep", "ps", "docker-init", "tini")


def first_run() -> list[Command]:
    """The commands of README's first section, in order."""
    shell = [block for block in blocks() if block.file == "README.md" and block.heading == "First run"]
    return [command for block in shell if block.language == "sh" for command in commands(block)]


def options_of_a_container() -> list[str]:
    """What README says a container must be allowed."""
    (line,) = [one.text for one in first_run() if one.text.startswith("docker run ")]
    return [word for word in shlex.split(line) if "=" in word and word.startswith("--")]


class Machine:
    """A container of a bare image with a bundle of this checkout; ``bare`` gives it no more than Docker's default."""

    def __init__(self, image: str, *, bare: bool) -> None:
        allowed = [] if bare else options_of_a_container()
        more = shlex.split(os.environ.get("SHINSA_WALK_OPTIONS", ""))
        fixed = ["--detach", "--init", "--network", "host", "--volume", f"{WORK}/shinsa.bundle:/shinsa.bundle:ro"]
        told = _said(["docker", "run", *fixed, *allowed, *more, image, "sleep", "infinity"])
        self.name = told.split()[-1]

    def do(self, text: str, user: str = "root", folder: str = "/") -> None:
        """Runs it in a login shell and shows what it says; raises ``SystemExit`` where it fails."""
        sys.stdout.write(f"\n[{user}] $ {text}\n")
        sys.stdout.flush()
        started = time.monotonic()
        home = "/root" if user == "root" else f"/home/{user}"
        who = ["--user", user, "--workdir", folder, "--env", f"HOME={home}", "--env", f"USER={user}"]
        code = subprocess.run(["docker", "exec", *who, self.name, "bash", "-lc", text], check=False).returncode
        sys.stdout.write(f"[{user}] {text}: exit {code} after {time.monotonic() - started:.0f} s\n")
        if code:
            raise SystemExit(f"README cannot be followed: {text!r} ends with {code}")

    def left_running(self) -> list[str]:
        """Processes that are none of ours."""
        listed = _said(["docker", "top", self.name, "-eo", "pid,comm"]).splitlines()[1:]
        names = [line.split(maxsplit=1)[1] for line in listed]
        return [name for name in names if name not in _OURS]

    def remove(self) -> None:
        _said(["docker", "rm", "--force", self.name])


def walk(machine: Machine, user: str, words: list[str]) -> None:
    """Follows README; ``words`` are the commands that are wanted of those after the installation, all where empty."""
    for command in first_run():
        if command.text.startswith("apt-get "):
            machine.do(command.text)
    if user != "root":
        machine.do(f"useradd --create-home --shell /bin/bash {user}")
    folder = "/root/shinsa" if user == "root" else f"/home/{user}/shinsa"
    machine.do(f"git clone --quiet --config advice.detachedHead=false /shinsa.bundle {folder}", user)
    for command in first_run():
        if command.text.startswith("make ") and (not words or command.text in words):
            machine.do(command.text, user, folder)
            block_until(
                lambda: not machine.left_running(), lambda: f"left running: {machine.left_running()}", seconds=30
            )


@contextmanager
def image(suite: str) -> Iterator[str]:
    """A bare system's image on an engine; the system is made once and kept below build/walk."""
    WORK.mkdir(parents=True, exist_ok=True)
    packed = WORK / f"{suite}.tar"
    if not packed.exists():
        folder = WORK / suite
        _said(["debootstrap", "--variant=minbase", suite, str(folder)])
        _said(["tar", "--create", "--directory", str(folder), "--file", f"{packed}.part", "."])
        Path(f"{packed}.part").rename(packed)
        _said(["rm", "--recursive", "--force", "--one-file-system", str(folder)])
    with engine() as url:
        os.environ["DOCKER_HOST"] = url
        yield _said(["docker", "import", str(packed), f"shinsa-bare:{suite}"]).strip()


def _said(command: list[str]) -> str:
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise SystemExit(f"{shlex.join(command)}: {(ended.stderr or ended.stdout).strip()[-2000:]}")
    return ended.stdout


def main() -> None:
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("--suite", default="bookworm", help="the Debian release")
    reader.add_argument("--user", default="reader", choices=("reader", "root"), help="who follows README")
    reader.add_argument("--bare", action="store_true", help="without the options that README names for containers")
    reader.add_argument("commands", nargs="*", metavar="COMMAND", help='of README, like "make demo"; all if left out')
    asked = reader.parse_args()
    with image(asked.suite) as found:
        _said(["git", "-C", str(ROOT), "bundle", "create", str(WORK / "shinsa.bundle"), "HEAD"])
        machine = Machine(found, bare=asked.bare)
        try:
            walk(machine, asked.user, asked.commands)
        finally:
            machine.remove()
    sys.stdout.write("\nREADME was followed from a bare system to its end\n")


if __name__ == "__main__":
    main()
