"""The `jail` executor: slots, each with warm interpreters, and the supervision of what runs in them."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass

from shinsa_chassis.errors import Reason, ShinsaError
from shinsa_chassis.logging import get_logger

from shinsa_sandbox.domain.execution import Execution
from shinsa_sandbox.domain.limits import DEFAULTS
from shinsa_sandbox.domain.runtime import TIER_FULL, TIER_WATCHED, Capabilities, Job, Refusal
from shinsa_sandbox.outbound.jail.hierarchy import Hierarchy, NoGroupsError, find_hierarchy
from shinsa_sandbox.outbound.jail.interpreter import Interpreter, InterpreterMissingError, find_interpreter
from shinsa_sandbox.outbound.jail.library import library
from shinsa_sandbox.outbound.jail.privilege import lending
from shinsa_sandbox.outbound.jail.run import Run, RunSettings
from shinsa_sandbox.outbound.jail.slot import Slot, SlotPlan
from shinsa_sandbox.outbound.jail.zygote_process import ZygoteFailedError
from shinsa_sandbox.ports import OutputListener

_log = get_logger(__name__)

_REMEDIES = {
    "user and mount namespaces": (
        "allow user namespaces (sysctl user.max_user_namespaces, kernel.apparmor_restrict_unprivileged_userns=0, a "
        "seccomp profile that permits unshare and clone) or run as root with CAP_SYS_ADMIN"
    ),
    "namespaces": "allow user namespaces; in a container, a seccomp profile with clone, mount and pivot_root",
    "root directory": "in a container, a seccomp profile that permits mount, and no AppArmor profile that denies it",
    "system call filter": "use a kernel with seccomp filters, and a container profile that permits prctl and seccomp",
    "process file system and root": "in a container, unmask /proc (procMount: Unmasked with hostUsers: false)",
}


@dataclass(frozen=True, slots=True)
class JailSettings:
    """``slots`` 0 is one for each processor; ``control_groups`` names a delegated folder, empty looks for one."""

    slots: int = 0
    interpreter: str = ""
    control_groups: str = ""
    uid_base: int = 61_000
    fresh_network: bool = True
    disk_bytes: int = DEFAULTS.disk_bytes
    inodes: int = 4096
    recycle_after: int = 5000


class JailExecutor:
    """Runs Python programs. `probe` first; it may be asked again later."""

    name = "jail"

    def __init__(self, settings: JailSettings) -> None:
        self._settings = settings
        self._slots: list[Slot] = []
        self._free: asyncio.Queue[Slot] = asyncio.Queue()
        self._recovering: set[asyncio.Task[None]] = set()
        self._run_settings = RunSettings(settings.inodes, 0)
        self._capabilities: Capabilities | Refusal | None = None
        self._draining = False

    @property
    def slots(self) -> int:
        return self._settings.slots or len(os.sched_getaffinity(0))

    async def probe(self) -> Capabilities | Refusal:
        """Opens the slots on the first call; a refusal is final only until the next call."""
        if not isinstance(self._capabilities, Capabilities):
            self._capabilities = await self._open()
        return self._capabilities

    async def _open(self) -> Capabilities | Refusal:
        try:
            interpreter = await asyncio.to_thread(find_interpreter, self._settings.interpreter)
        except InterpreterMissingError as error:
            return Refusal(
                "interpreter", str(error), "set the interpreter to a Python that is not a virtual environment's"
            )
        hierarchy, lacking = self._hierarchy()
        plan = self._plan(interpreter, hierarchy)
        slots = [Slot(number, plan) for number in range(self.slots)]
        try:
            for slot in slots:
                await slot.open()
        except (ZygoteFailedError, OSError) as error:
            for slot in slots:
                await slot.close()
            step = error.step if isinstance(error, ZygoteFailedError) else "control groups"
            detail = error.detail if isinstance(error, ZygoteFailedError) else str(error)
            return Refusal(step, detail, _REMEDIES.get(step, ""))
        _log.info(
            "jail_open", slots=len(slots), lending=plan.lending.value, landlock=slots[0].landlock_version or "none"
        )
        tier = TIER_FULL if hierarchy is not None else TIER_WATCHED
        self._run_settings = RunSettings(self._settings.inodes, tier)
        self._slots = slots
        for slot in slots:
            self._free.put_nowait(slot)
        return Capabilities(tier, interpreter.version, lacking)

    def _hierarchy(self) -> tuple[Hierarchy | None, str]:
        try:
            return find_hierarchy(self._settings.control_groups), ""
        except NoGroupsError as error:
            return None, str(error)

    def _plan(self, interpreter: Interpreter, hierarchy: Hierarchy | None) -> SlotPlan:
        settings = self._settings
        return SlotPlan(
            interpreter,
            hierarchy,
            settings.uid_base,
            lending(settings.uid_base, 2 * self.slots),
            settings.fresh_network,
            settings.disk_bytes,
            settings.inodes,
            settings.recycle_after,
            library(),
        )

    async def run(self, job: Job, listener: OutputListener | None = None) -> Execution:
        """Waits for a free slot and runs the job there. Answers before the slot is cleaned up."""
        slot = await self._free.get()
        try:
            run = await self._started(slot, job, listener)
        except BaseException:
            self._free.put_nowait(slot)
            raise
        broken = True
        try:
            execution = await run.perform()
            if self._draining:
                raise ShinsaError(Reason.UNAVAILABLE, "the sandbox is closing; ask another replica", origin="sandbox")
            broken = False
            return execution
        except ShinsaError as error:
            broken = error.reason is Reason.INTERNAL
            raise
        except (ZygoteFailedError, OSError) as error:
            raise ShinsaError(Reason.INTERNAL, f"the jail did not work: {error}", origin="sandbox") from error
        finally:
            run.close()
            task = asyncio.create_task(self._recover(slot, run, broken), name=f"recover slot {slot.number}")
            self._recovering.add(task)
            task.add_done_callback(self._recovering.discard)

    async def _started(self, slot: Slot, job: Job, listener: OutputListener | None) -> Run:
        try:
            if not slot.is_open:
                await slot.open()
        except (ZygoteFailedError, TimeoutError, OSError) as error:
            raise ShinsaError(Reason.INTERNAL, f"the slot cannot be opened: {error}", origin="sandbox") from error
        return Run(slot, job, self._run_settings, listener)

    async def _recover(self, slot: Slot, run: Run, broken: bool) -> None:
        """Puts the slot back into use; one that is not clean is made anew."""
        try:
            if broken:
                raise ZygoteFailedError("running a job", "it broke the slot")
            await slot.recover(run.used, run.kept)
        except Exception as error:  # noqa: BLE001 - whatever it is, there are no fewer slots for it
            _log.warning("slot_reopened", slot=slot.number, problem=str(error) or type(error).__name__)
            for _, jail in (*run.used, *run.kept):
                jail.close()
            await self._reopen(slot)
        self._free.put_nowait(slot)

    async def _reopen(self, slot: Slot) -> None:
        """If it cannot be opened now, the next job tries again and hears why."""
        try:
            await slot.close()
            await slot.open()
        except Exception as error:  # noqa: BLE001 - as above
            _log.error("slot_broken", slot=slot.number, problem=str(error) or type(error).__name__)

    async def drain(self) -> None:
        """Waits for the cleaning up under way and closes every slot. Nobody may be waiting for a job any more."""
        self._draining = True
        while self._recovering:
            await asyncio.gather(*self._recovering, return_exceptions=True)
        slots, self._slots = self._slots, []
        for slot in slots:
            await slot.close()
        self._capabilities = None
        self._free = asyncio.Queue()
        self._draining = False
