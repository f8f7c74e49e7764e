"""The Docker engine behind coroutines: what we ask of it, and what its errors mean to us."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from shinsa_chassis.errors import Reason, ShinsaError
from shinsa_chassis.logging import get_logger

from shinsa_sandbox.domain.runtime import TIER_FULL
from shinsa_sandbox.outbound.docker.requirements import tier_of
from shinsa_sandbox.outbound.docker.stream_relay import own_socket
from shinsa_sandbox.outbound.ownership import Owner, labels_of

T = TypeVar("T")

_log = get_logger(__name__)
_CALL_SECONDS = 60
# Docker's own list, and what else of the machine shows below /sys; control groups stay, the guest counts by them.
_MASKED = (
    *("/proc/asound", "/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list"),
    *("/proc/timer_stats", "/proc/sched_debug", "/proc/scsi", "/sys/firmware"),
    *("/sys/block", "/sys/bus", "/sys/class", "/sys/dev", "/sys/devices", "/sys/kernel", "/sys/module", "/sys/power"),
)
_THREADS = 32
# What a removal may take that is under way already, and how often the engine may refuse one for another reason.
_REMOVAL_SECONDS = 30.0
_MOST_REFUSALS = 5
# The threads of a kernel of its own (gVisor's) count as the container's: with fewer it does not even start.
_OWN_KERNEL_TASKS = 256


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """``url`` empty: as the environment says (``DOCKER_HOST``), else the local socket.

    ``runtime`` is the engine's name of an OCI runtime such as ``runsc``; empty takes the engine's default.
    """

    url: str = ""
    runtime: str = ""


@dataclass(frozen=True, slots=True)
class Box:
    """A container to be made: no network, no capability and no further privilege, always.

    ``user`` is "uid:gid"; ``tmpfs`` maps folders to their mount options; ``lease_seconds`` bounds its life if nobody
    removes it.
    """

    image: str
    command: Sequence[str]
    user: str
    memory_bytes: int
    pids: int
    processors: float
    lease_seconds: float
    read_only: bool = True
    init: bool = False
    folder: str = "/"
    tmpfs: Mapping[str, str] | None = None
    environment: Mapping[str, str] | None = None
    disk_bytes: int = 0


class Engine:
    """One connection pool to one engine. Every call runs in a thread of its own pool."""

    def __init__(self, settings: EngineSettings, owner: Owner) -> None:
        self._settings = settings
        self._owner = owner
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="docker")
        self._api: Any = None

    @property
    def runtime(self) -> str:
        return self._settings.runtime

    @property
    def owner(self) -> Owner:
        return self._owner

    async def open(self) -> Mapping[str, Any]:
        """Connects and returns what the engine says of itself. ``ShinsaError`` (UNAVAILABLE) if nobody answers."""
        self._api = await self._in_thread("connect to", self._connect)
        return await self.describe()

    async def describe(self) -> Mapping[str, Any]:
        """What the engine says of itself now."""
        info: Mapping[str, Any] = await self.ask("describe", lambda api: api.info())
        return info

    def _connect(self) -> Any:
        # Not before it is wanted: most sandboxes never are asked for a container.
        import docker

        if self._settings.url:
            url = self._settings.url
            return docker.APIClient(base_url=url, timeout=_CALL_SECONDS, num_pools=_THREADS, version="auto")
        return docker.from_env(timeout=_CALL_SECONDS, max_pool_size=_THREADS).api

    async def ask(self, what: str, question: Callable[[Any], T]) -> T:
        """Runs a question to the low-level client. The engine's errors become ``ShinsaError``."""
        return await self._in_thread(what, partial(question, self._api))

    async def _in_thread(self, what: str, action: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, action)
        except Exception as error:
            told = translated(error, what)
            if told is None:
                raise
            raise told from error

    async def create(self, box: Box, purpose: str) -> str:
        """Makes the container and returns its id. It removes itself when its first process ends."""
        creating = asyncio.ensure_future(self.ask("create a container", lambda api: self._create(api, box, purpose)))
        try:
            return await asyncio.shield(creating)
        except asyncio.CancelledError:
            creating.add_done_callback(self._remove_created)
            raise

    def _remove_created(self, creating: asyncio.Future[str]) -> None:
        if not creating.cancelled() and creating.exception() is None:
            self._threads.submit(self._remove_unwanted, creating.result())

    def _remove_unwanted(self, container: str) -> None:
        """Of a caller that is gone: nobody else would hear that it does not go."""
        try:
            self._remove(container)
        except Exception as error:  # noqa: BLE001 - whatever it is, the log is the last to learn of it
            _log.warning("container_left", container=container, problem=_said(error))

    def _create(self, api: Any, box: Box, purpose: str) -> str:
        from docker.types import LogConfig, Ulimit

        host = api.create_host_config(
            network_mode="none",
            cap_drop=["ALL"],
            security_opt=["no-new-privileges"],
            read_only=box.read_only,
            mem_limit=box.memory_bytes,
            memswap_limit=box.memory_bytes,
            pids_limit=box.pids + (_OWN_KERNEL_TASKS if tier_of(self._settings.runtime) > TIER_FULL else 0),
            nano_cpus=int(box.processors * 1e9),
            init=box.init,
            tmpfs=dict(box.tmpfs or {}),
            shm_size=1 << 20,
            ipc_mode="private",
            auto_remove=True,
            log_config=LogConfig(type="none"),
            runtime=self._settings.runtime or None,
            ulimits=[Ulimit(name="core", soft=0, hard=0)],
            storage_opt={"size": str(box.disk_bytes)} if box.disk_bytes else None,
        )
        if box.read_only:
            host["MaskedPaths"] = list(_MASKED)
        made = api.create_container(
            image=box.image,
            entrypoint=list(box.command),
            command=[],
            user=box.user,
            stdin_open=True,
            tty=False,
            working_dir=box.folder,
            hostname="sandbox",
            environment=dict(box.environment or {}),
            labels=labels_of(self._owner, purpose, time.time() + box.lease_seconds),
            healthcheck={"test": ["NONE"]},
            host_config=host,
        )
        return str(made["Id"])

    async def attach(self, container: str) -> socket.socket:
        """The container's three streams as one socket, in Docker's framing; attach before the start."""
        streams = {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
        file = await self.ask("attach", lambda api: api.attach_socket(container, params=streams))
        return own_socket(file)

    async def start(self, container: str) -> None:
        await self.ask("start a container", lambda api: api.start(container))

    async def remove(self, container: str) -> None:
        """Kills and removes; already gone is as good. What is still there after half a minute is left to the reaper.

        ``ShinsaError`` if the engine refuses to.
        """
        await self._in_thread("remove a container", partial(self._remove, container))

    def _remove(self, container: str) -> None:
        from docker.errors import APIError, DockerException, NotFound

        refused, deadline = 0, time.monotonic() + _REMOVAL_SECONDS
        while time.monotonic() < deadline:
            try:
                self._api.remove_container(container, force=True, v=True)
                return
            except NotFound:
                return
            except APIError as error:
                # 409: it is removing itself at this moment, which takes a busy engine a while.
                refused += error.status_code != 409
                if refused == _MOST_REFUSALS:
                    raise
                time.sleep(0.1)
            except (DockerException, OSError) as error:
                _log.warning("container_left", container=container, problem=str(error))
                return  # nobody to ask; the reaper will
        _log.warning("container_left", container=container, problem="its removal is still under way")

    async def ran_out_of_memory(self, container: str, since: float) -> bool:
        """Whether the engine noted that the kernel ended a process of the container for its memory."""
        wanted = {"container": [container], "event": ["oom"]}

        def look(api: Any) -> bool:
            # An end in the future would be waited for.
            noted = api.events(since=f"{since:.6f}", until=f"{time.time():.6f}", filters=wanted, decode=True)
            return any(True for _ in noted)

        return await self.ask("look at events", look)

    def close(self) -> None:
        if self._api is not None:
            self._api.close()
        self._threads.shutdown(wait=False)


def translated(error: Exception, what: str) -> ShinsaError | None:
    """The client's error in our words; ``None`` for what is not its."""
    from docker.errors import APIError, DockerException, ImageNotFound, NotFound

    if isinstance(error, ImageNotFound):
        return ShinsaError(Reason.NOT_FOUND, _said(error), origin="docker")
    if isinstance(error, NotFound):
        return ShinsaError(Reason.UNAVAILABLE, f"the container is gone: {_said(error)}", origin="docker")
    if isinstance(error, APIError):
        return ShinsaError(Reason.INTERNAL, f"Docker could not {what}: {_said(error)}", origin="docker")
    # The HTTP client's errors are input and output errors too.
    if isinstance(error, DockerException | OSError):
        text = f"the Docker engine does not answer ({_said(error)}); start it, or set where it listens"
        return ShinsaError(Reason.UNAVAILABLE, text, origin="docker")
    return None


def _said(error: Exception) -> str:
    text = getattr(error, "explanation", None) or str(error) or type(error).__name__
    return " ".join(str(text).split())[:300]
