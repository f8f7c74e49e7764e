"""``python -m shinsa_cli.mesh LOCK_FD``: the supervisor of a detached mesh.

Reads its options as JSON from standard input (a database URL may hold a password, which a command line would show).
Answers with one line of JSON on standard output: an empty object, or the problem that kept it from starting.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from pathlib import Path
from typing import Any

from shinsa_cli.mesh.lock import StateLock
from shinsa_cli.mesh.plan import MeshOptions
from shinsa_cli.mesh.serve import serve_mesh
from shinsa_cli.mesh.state import MeshRecord, MeshState, now
from shinsa_cli.problem import Problem


def options_to_json(options: MeshOptions) -> str:
    """For the supervisor's standard input."""
    return json.dumps(
        {
            "state": str(options.state),
            "port": options.port,
            "data": str(options.data) if options.data else None,
            "database_url": options.database_url,
            "judges": str(options.judges) if options.judges else None,
            "drain_seconds": options.drain_seconds,
        }
    )


def options_from_json(text: str) -> MeshOptions:
    """The reverse."""
    fields: dict[str, Any] = json.loads(text)
    for name in ("state", "data", "judges"):
        fields[name] = Path(fields[name]) if fields[name] else None
    return MeshOptions(**fields)


def main() -> int:
    """Exit status 0 after an orderly stop, 1 otherwise."""
    options = options_from_json(sys.stdin.read())
    lock = StateLock(int(sys.argv[1]))
    os.set_inheritable(lock.fd, False)
    try:
        record = asyncio.run(serve_mesh(options, lock, on_change=_Journal()))
    except Problem as problem:
        told = {"message": problem.message, "remedy": problem.remedy, "field": problem.field}
        _answer({**told, "excerpt": problem.excerpt, "code": problem.exit_code})
        return 1
    return 0 if record.state is MeshState.STOPPED else 1


def _answer(line: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()
    # Whoever started us may be gone by the time anything else is written.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class _Journal:
    """A line of JSON for each change, into the supervisor's log. The first change answers whoever started us."""

    def __init__(self) -> None:
        self._before: MeshRecord | None = None

    def __call__(self, record: MeshRecord) -> None:
        before, self._before = self._before, record
        if before is None:
            _answer({})
        if before is None or before.state is not record.state:
            self._write("mesh_changed", state=record.state, problem=record.problem)
        for child in set(record.children) - set(before.children if before else ()):
            told = {"child": child.name, "pid": child.pid, "problem": child.problem, "last_exit": child.last_exit}
            self._write("child_changed", state=child.state, **told)

    def _write(self, event: str, **bound: object) -> None:
        # A full disk has no room for a line of the log; the mesh goes on.
        with contextlib.suppress(OSError):
            sys.stderr.write(json.dumps({"at": now(), "event": event, **bound}) + "\n")
            sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
