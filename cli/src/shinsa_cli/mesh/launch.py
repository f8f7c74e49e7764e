"""Starting a detached mesh and waiting for it; finding and stopping one."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from typing import Any

from shinsa_cli.mesh.__main__ import options_to_json
from shinsa_cli.mesh.lock import StateLock
from shinsa_cli.mesh.plan import MeshOptions
from shinsa_cli.mesh.processes import is_same_process
from shinsa_cli.mesh.serve import clear_leftovers, failure_of, take_over
from shinsa_cli.mesh.state import MeshRecord, MeshState, StateDir
from shinsa_cli.own_program import own_program
from shinsa_cli.problem import Problem

_POLL = 0.1
# For a supervisor to notice and to say that all have stopped.
_STOP_MARGIN = 5.0

Look = Callable[[MeshRecord], None]


def launch(options: MeshOptions) -> int:
    """Starts the supervisor in a session of its own; it holds the state directory's lock. Returns its process number.

    Raises ``Problem`` where the directory is held, or the mesh could not be planned.
    """
    state = StateDir(options.state)
    lock = take_over(state)
    try:
        return _start_supervisor(state, options, lock)
    finally:
        lock.close()


def _start_supervisor(state: StateDir, options: MeshOptions, lock: StateLock) -> int:
    with (state.logs / "supervisor.log").open("ab") as log:
        supervisor = subprocess.Popen(  # noqa: S603 - our own program
            own_program("shinsa_cli.mesh", str(lock.fd)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            pass_fds=[lock.fd],
            start_new_session=True,
            text=True,
        )
    assert supervisor.stdin is not None
    assert supervisor.stdout is not None
    try:
        with supervisor.stdin as questions, supervisor.stdout as answers:
            # One that is gone already answers nothing, which says it.
            with contextlib.suppress(BrokenPipeError):
                questions.write(options_to_json(options))
                questions.close()
            line = answers.readline()
    except KeyboardInterrupt:
        supervisor.terminate()
        raise
    answer: dict[str, Any] = json.loads(line) if line else {"message": f"the supervisor died at once; see {log.name}"}
    if answer:
        supervisor.wait()
        raise Problem(
            answer["message"],
            remedy=answer.get("remedy", ""),
            field=answer.get("field", ""),
            excerpt=answer.get("excerpt", ""),
            exit_code=answer.get("code", 1),
        )
    supervisor.returncode = 0  # it is not ours to wait for, and would warn that it is still running
    return supervisor.pid


def wait_until_healthy(state: StateDir, pid: int, *, limit: float, look: Look) -> MeshRecord:
    """Shows each state to ``look`` until the mesh is healthy. Raises ``Problem`` with the log of who is at fault."""
    deadline = time.monotonic() + limit
    while True:
        record = state.read()
        if record is not None and record.supervisor_pid == pid:
            look(record)
            if record.state is MeshState.HEALTHY:
                return record
            if record.state in (MeshState.FAILED, MeshState.STOPPED) or not is_running(record):
                raise failure_of(record)
            if time.monotonic() > deadline:
                raise failure_of(record)
        elif time.monotonic() > deadline:
            raise Problem(f"the supervisor says nothing; see {state.logs}")
        time.sleep(_POLL)


def is_running(record: MeshRecord) -> bool:
    """Whether the supervisor of this record is alive."""
    return is_same_process(record.supervisor_pid, record.supervisor_ticks)


def stop(state: StateDir, *, look: Look | None = None) -> bool:
    """Stops the mesh in good order, or by force where that takes too long. Returns whether there was one."""
    record = state.read()
    if record is None or not is_running(record):
        return clear_leftovers(state) > 0
    _signal(record, signal.SIGTERM)
    deadline = time.monotonic() + record.stop_seconds + _STOP_MARGIN
    while is_running(record) and time.monotonic() < deadline:
        if look is not None:
            look(state.read() or record)
        time.sleep(_POLL)
    if is_running(record):
        _signal(record, signal.SIGKILL)  # the kernel then ends the children
        clear_leftovers(state)
    return True


def _signal(record: MeshRecord, number: signal.Signals) -> None:
    """To the supervisor, which may have ended by itself a moment ago."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(record.supervisor_pid, number)
