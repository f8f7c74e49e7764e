"""The supervisor as a program: takes the state directory over, plans the mesh, runs it until a signal."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from shinsa_cli.mesh.child import start_program
from shinsa_cli.mesh.lock import Holder, LockHeld, StateLock
from shinsa_cli.mesh.logs import put_aside, tail
from shinsa_cli.mesh.plan import MeshOptions, Plan, plan_mesh
from shinsa_cli.mesh.processes import kill_leftovers
from shinsa_cli.mesh.state import ChildRecord, ChildState, MeshRecord, MeshState, StateDir, now
from shinsa_cli.mesh.supervisor import Supervisor
from shinsa_cli.problem import BAD_INPUT, Problem

OnRecord = Callable[[MeshRecord], None]


def take_over(state: StateDir) -> StateLock:
    """Makes the directory this process's own, and ends what a killed supervisor left behind in it.

    Raises ``Problem`` that says who has it.
    """
    try:
        state.create()
        lock = StateLock.take(state.lock)
    except OSError as error:
        raise Problem(f"{state.root} cannot be used: {error.strerror}", field="--state", exit_code=BAD_INPUT) from error
    except LockHeld as held:
        raise _held(state, held.holder) from None
    lock.sign(Holder(os.getpid(), now(), ""))
    clear_leftovers(state)
    put_aside(state.logs)
    return lock


def _held(state: StateDir, holder: Holder | None) -> Problem:
    who = "another process" if holder is None else f"process {holder.pid}, since {holder.since}"
    where = f", at {holder.gateway_url}" if holder and holder.gateway_url else ""
    return Problem(
        f"a mesh runs with the state directory {state.root} already: {who}{where}",
        remedy="use it, stop it with `shinsa down`, or start another with --state DIR --port 0",
        exit_code=BAD_INPUT,
    )


def clear_leftovers(state: StateDir) -> int:
    """Kills what a mesh left behind whose supervisor was killed. Returns how many processes that were."""
    before = state.read()
    return kill_leftovers(before.mesh_id) if before is not None else 0


async def serve_mesh(
    options: MeshOptions, lock: StateLock, *, on_change: OnRecord, on_healthy: OnRecord | None = None
) -> MeshRecord:
    """Until a stop signal, or until the mesh proves unable to start. A second signal kills what has not stopped.

    ``on_healthy`` runs once, in a thread; where it fails the mesh is stopped and the failure raised. Returns the last
    record, ``STOPPED`` or ``FAILED``. Raises ``Problem`` where the mesh could not even be planned.
    """
    state = StateDir(options.state)
    plan = plan_mesh(options, os.environ)
    lock.sign(Holder(os.getpid(), plan.record.started_at, plan.record.gateway_url))
    stop, healthy = asyncio.Event(), asyncio.Event()

    record_file = RecordFile(state)

    def publish(record: MeshRecord) -> None:
        record_file.write(record)
        on_change(record)
        if record.state is MeshState.HEALTHY:
            healthy.set()

    await _migrate_databases(plan)
    supervisor = Supervisor(plan.record, plan.specs, publish)
    with _stop_signals(lambda: supervisor.kill() if stop.is_set() else stop.set()):
        afterwards = asyncio.create_task(_once_healthy(healthy, stop, supervisor, on_healthy))
        await supervisor.run(stop)
        healthy.set()
        await afterwards
    record_file.close()
    plan.claims.release()
    return supervisor.record


class RecordFile:
    """Keeps ``mesh.json`` true. Where it cannot be written, such as on a full disk, the mesh goes on, and it is tried
    again until it can."""

    def __init__(self, state: StateDir, *, again_seconds: float = 2.0) -> None:
        self._state = state
        self._again_seconds = again_seconds
        self._later: asyncio.TimerHandle | None = None

    def write(self, record: MeshRecord) -> None:
        """This record from now on, or as soon as there is room for it."""
        self.close()
        try:
            self._state.write(record)
        except OSError:
            self._later = asyncio.get_running_loop().call_later(self._again_seconds, self.write, record)

    def close(self) -> None:
        """Tries no more."""
        if self._later is not None:
            self._later.cancel()
            self._later = None


async def _migrate_databases(plan: Plan) -> None:
    """Files of our own the orchestrator brings up to date itself; a database that others may use, only when told to."""
    orchestrator = next(spec for spec in plan.specs if spec.name == "orchestrator")
    if not any(orchestrator.env.get(f"SHINSA_ORCHESTRATOR_{store}_URL") for store in ("RESULTS", "SAMPLE_LOG")):
        return
    process = await start_program([*orchestrator.argv, "migrate"], orchestrator.env, orchestrator.log)
    if await process.wait() != 0:
        raise Problem(
            "the database could not be brought up to date",
            field="--database-url",
            remedy="check that it can be reached and that its user may create tables",
            excerpt=tail(orchestrator.log),
        )


async def _once_healthy(
    healthy: asyncio.Event, stop: asyncio.Event, supervisor: Supervisor, on_healthy: OnRecord | None
) -> None:
    await healthy.wait()
    if on_healthy is None or supervisor.record.state is not MeshState.HEALTHY:
        return
    try:
        await asyncio.to_thread(on_healthy, supervisor.record)
    except Exception:
        stop.set()
        raise


@contextmanager
def _stop_signals(on_signal: Callable[[], None]) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    numbers = (signal.SIGTERM, signal.SIGINT)
    for number in numbers:
        loop.add_signal_handler(number, on_signal)
    try:
        yield
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)


def failure_of(record: MeshRecord) -> Problem:
    """Why a mesh did not come up, with the end of the log that tells more."""
    unfit = [child for child in record.children if child.state not in (ChildState.HEALTHY, ChildState.STOPPED)]
    culprit = next(iter(sorted(unfit, key=_blame, reverse=True)), None)
    waiting = ", ".join(f"{child.name} ({child.problem or child.state})" for child in unfit)
    message = record.problem or (f"the mesh is not healthy yet: {waiting}" if waiting else "the supervisor is gone")
    slow = all(child.state in (ChildState.WAITING, ChildState.STARTING) for child in unfit)
    longer = "; a slow machine needs longer: `--wait-seconds 600`" if waiting and slow else ""
    return Problem(
        message,
        excerpt=tail(Path(culprit.log)) if culprit else "",
        remedy=f"mend what the log says, then `shinsa up` again{longer}",
    )


def _blame(child: ChildRecord) -> int:
    """Whose log is worth showing: the higher the better."""
    order = (ChildState.WAITING, ChildState.UNHEALTHY, ChildState.STARTING, ChildState.BACKING_OFF, ChildState.FAILED)
    return order.index(child.state) if child.state in order else -1
