"""The state directory of a mesh, and ``mesh.json`` in it: what runs, where it listens, how it fares."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

DEFAULT_STATE = Path(".shinsa/mesh")
FORMAT = 1


class MeshState(StrEnum):
    """Of the mesh as a whole."""

    STARTING = "starting"
    HEALTHY = "healthy"
    # Something that was up is down or does not answer; it is being restarted.
    DEGRADED = "degraded"
    STOPPING = "stopping"
    STOPPED = "stopped"
    # Never came up; the supervisor has given up.
    FAILED = "failed"


class ChildState(StrEnum):
    """Of one child process."""

    WAITING = "waiting"
    STARTING = "starting"
    HEALTHY = "healthy"
    # Runs, and does not answer its health check.
    UNHEALTHY = "unhealthy"
    # Has ended; its restart is due.
    BACKING_OFF = "backing_off"
    STOPPED = "stopped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class ChildRecord:
    """One child, as last seen. ``start_ticks`` tells its process from a later one with the same number."""

    name: str
    address: str
    log: str
    state: ChildState = ChildState.WAITING
    pid: int | None = None
    start_ticks: int | None = None
    started_at: str = ""
    restarts: int = 0
    # How it last ended, in words; empty if it never did.
    last_exit: str = ""
    # Why it is not healthy, in words.
    problem: str = ""


@dataclass(frozen=True, slots=True)
class MeshRecord:
    """Contents of ``mesh.json``. Holds the NATS token: the file is its owner's alone."""

    mesh_id: str
    version: str
    gateway_url: str
    nats_url: str
    nats_token: str
    data_dir: str
    supervisor_pid: int
    supervisor_ticks: int | None
    started_at: str
    # How long an orderly stop takes at most.
    stop_seconds: float
    state: MeshState = MeshState.STARTING
    problem: str = ""
    children: tuple[ChildRecord, ...] = ()
    format: int = FORMAT

    def with_child(self, child: ChildRecord) -> MeshRecord:
        """The same, with this child's entry put in place of the old."""
        return replace(self, children=tuple(child if old.name == child.name else old for old in self.children))

    def public(self) -> dict[str, Any]:
        """All but the secrets, for printing."""
        shown = asdict(self)
        del shown["nats_token"]
        return shown


@dataclass(frozen=True, slots=True)
class StateDir:
    """Where everything of one mesh lies."""

    root: Path

    @classmethod
    def chosen(cls, option: Path | None) -> StateDir:
        """The option, else ``$SHINSA_STATE``, else ``./.shinsa/mesh``."""
        named = option or Path(os.environ.get("SHINSA_STATE") or DEFAULT_STATE)
        return cls(named.expanduser().absolute())

    @property
    def lock(self) -> Path:
        return self.root / "mesh.lock"

    @property
    def record(self) -> Path:
        return self.root / "mesh.json"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def store(self) -> Path:
        """Of the orchestrator: SQLite files, where no database is named."""
        return self.root / "store"

    @property
    def nats_store(self) -> Path:
        return self.root / "nats"

    @property
    def nats_config(self) -> Path:
        return self.root / "nats.conf"

    def create(self) -> None:
        """Makes the folders; the root is its owner's alone."""
        self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        for folder in (self.logs, self.data, self.store, self.nats_store):
            folder.mkdir(exist_ok=True)

    def read(self) -> MeshRecord | None:
        """The record, or ``None`` if no mesh was ever started here or the file is another version's."""
        try:
            fields = json.loads(self.record.read_text("utf-8"))
            if fields.get("format") != FORMAT:
                return None
            children = tuple(_child(child) for child in fields.pop("children"))
            fields["state"] = MeshState(fields["state"])
            return MeshRecord(children=children, **fields)
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def write(self, record: MeshRecord) -> None:
        """Replaces the record at one stroke: a reader sees the old or the new, never half."""
        write_private(self.record, json.dumps(asdict(record), indent=2))


def _child(fields: dict[str, Any]) -> ChildRecord:
    return ChildRecord(**{**fields, "state": ChildState(fields["state"])})


def write_private(path: Path, text: str) -> None:
    """Writes a file that only its owner may read, at one stroke."""
    fd, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(fd, "w", encoding="utf-8") as file:
            file.write(text)
        Path(name).replace(path)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise


def now() -> str:
    """The time in ISO 8601, UTC, whole seconds."""
    return datetime.now(UTC).isoformat(timespec="seconds")
