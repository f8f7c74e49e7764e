"""One database, SQLite or PostgreSQL: connections, transactions, and errors said in our words."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from shinsa_chassis.errors import Reason, ShinsaError
from sqlalchemy import ColumnElement, Connection, Double, event, func
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import GenericFunction

# Longest waits: for SQLite's write lock, for a connection, for the answer to one statement.
BUSY_SECONDS = 30.0
CONNECT_SECONDS = 10.0
COMMAND_SECONDS = 60.0
# With less than this left beside its files, SQLite cannot be relied on to write: a write-ahead log alone takes as much.
LEAST_FREE_BYTES = 4 * 2**20
# PostgreSQL's classes: the connection broke, also before it was one; shut down by its administrator, crashed, or not
# ready for connections yet.
_AWAY = ("08", "57P")
# What passes where the server is there: it lacks connections or memory, was told to stop a statement, rolled back one
# of two that stood in each other's way, or is a standby that is about to take over.
_BUSY = ("53", "57014", "40", "55P03", "25006")
# uvloop's word, in a RuntimeError, for a connection that closed before whoever writes to it was told.
_CLOSED = "the handler is closed"
# PostgreSQL's classes and codes of whoever may not come in, or may not do there what must be done: password or role,
# database, schema, rights.
_REFUSED = ("28", "3D", "3F", "42501")
# Its code for text that its encoding does not have, which of what UTF-8 can say is NUL alone.
_NO_TEXT = "22021"
_FILE_TROUBLE = frozenset({sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN})


class epoch_now(GenericFunction[float]):  # noqa: N801 - it is written as an SQL function
    """Seconds since the epoch by the database's clock, so that replicas need not agree on theirs."""

    type = Double()
    inherit_cache = True


@compiles(epoch_now, "sqlite")
def _sqlite_now(element: object, compiler: object, **options: object) -> str:
    return "((julianday('now') - 2440587.5) * 86400.0)"


@compiles(epoch_now, "postgresql")
def _postgresql_now(element: object, compiler: object, **options: object) -> str:
    return "extract(epoch from clock_timestamp())::double precision"


class Database:
    """An engine. ``name`` is what errors call it, such as "results store", ``setting`` what its address stands in.

    ``told``: is given the sentence when a statement finds no room, and "" when a transaction was committed.
    """

    def __init__(self, name: str, engine: AsyncEngine, setting: str = "its URL") -> None:
        self.name = name
        self.engine = engine
        self.setting = setting
        self.told: Callable[[str], None] = lambda _problem: None

    @property
    def embedded(self) -> bool:
        return self.engine.dialect.name == "sqlite"

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A connection for reading. Raises ``ShinsaError`` (unavailable) if the database cannot be reached."""
        async with self._guarded(), self.engine.connect() as connection:
            yield connection

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that is committed at the end. SQLite takes its write lock at the start, not on the way."""
        async with self._guarded(), self.engine.connect() as connection:
            await connection.execution_options(shinsa_writes=True)
            async with connection.begin():
                yield connection
            self.told("")

    @asynccontextmanager
    async def _guarded(self) -> AsyncIterator[None]:
        try:
            yield
        except (OperationalError, InterfaceError, PoolTimeout, OSError) as error:
            raise self._unavailable(error) from error
        except Exception as error:
            invalidated = isinstance(error, DBAPIError) and error.connection_invalidated
            closed = invalidated or (isinstance(error, RuntimeError) and _CLOSED in str(error))
            if closed or _has_state(error, (*_AWAY, *_BUSY, *_REFUSED)) or self._has_no_room(error):
                raise self._unavailable(error) from error
            if _sqlstate(error) == _NO_TEXT:
                message = f"a text holds a NUL character, which the {self.name} cannot hold; leave it out"
                raise ShinsaError(Reason.INVALID_ARGUMENT, message) from error
            raise

    def _unavailable(self, error: BaseException) -> ShinsaError:
        cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
        if self._has_no_room(error):
            problem = self.no_room(str(cause))
            self.told(problem)
            return ShinsaError(Reason.UNAVAILABLE, problem, origin="orchestrator")
        if _has_state(error, _REFUSED):
            # Somebody may be about to mend it, as where a password is changed: whoever asks tries again.
            remedy = f"check user, password and database in {self.setting}, and what that user may do there"
            problem = f"the {self.name} refuses us: {cause}; {remedy}"
            return ShinsaError(Reason.UNAVAILABLE, problem, origin="orchestrator")
        what = "does not serve us now" if _has_state(error, _BUSY) else "cannot be reached"
        said = str(cause) or "it did not answer in time"
        return ShinsaError(Reason.UNAVAILABLE, f"the {self.name} {what}: {said}", origin="orchestrator")

    def no_room(self, cause: str) -> str:
        """The sentence for people."""
        return f"the {self.name} has no room: {cause}; make room on its disk, nothing is lost meanwhile"

    @property
    def cramped(self) -> bool:
        """Whether next to nothing is free beside the files of an embedded database."""
        file = self.engine.url.database
        if not self.embedded or not file:
            return False
        try:
            return shutil.disk_usage(Path(file).absolute().parent).free < LEAST_FREE_BYTES
        except OSError:
            return False

    def _has_no_room(self, error: BaseException) -> bool:
        """SQLite's SQLITE_FULL, or trouble with files where nothing is free; PostgreSQL's disk_full (53100)."""
        cause = error.orig if isinstance(error, DBAPIError) else error
        code = getattr(cause, "sqlite_errorcode", None)
        if code is not None:
            kind = code & 0xFF
            return kind == sqlite3.SQLITE_FULL or (kind in _FILE_TROUBLE and self.cramped)
        return _sqlstate(error) == "53100"


def _has_state(error: BaseException, classes: tuple[str, ...]) -> bool:
    return _sqlstate(error).startswith(classes)


def _sqlstate(error: BaseException) -> str:
    """PostgreSQL's code of what is wrong; empty of any other error."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    return str(getattr(cause, "sqlstate", None) or "")


@asynccontextmanager
async def open_database(
    name: str, url: str, *, setting: str, command_seconds: float | None = COMMAND_SECONDS
) -> AsyncIterator[Database]:
    """Opens ``url``; ``setting`` is named where it is wrong. Connections are made on first use.

    ``command_seconds`` bounds the wait for each answer of PostgreSQL; None: as long as it takes.
    """
    database = Database(name, _engine(url, setting, command_seconds), setting)
    try:
        yield database
    finally:
        await database.engine.dispose()


def _engine(url: str, setting: str, command_seconds: float | None) -> AsyncEngine:
    wanted = "use sqlite+aiosqlite:///FILE or postgresql+asyncpg://USER:PASSWORD@HOST/NAME"
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise ShinsaError(Reason.INVALID_ARGUMENT, f"{setting} is no database URL; {wanted}", field=setting) from error
    if parsed.drivername not in ("sqlite+aiosqlite", "postgresql+asyncpg"):
        problem = f"{setting}: {parsed.drivername!r} is not supported; {wanted}"
        raise ShinsaError(Reason.INVALID_ARGUMENT, problem, field=setting)
    if parsed.drivername == "postgresql+asyncpg":
        limits = {"timeout": CONNECT_SECONDS, "command_timeout": command_seconds}
        return create_async_engine(parsed, pool_pre_ping=True, pool_size=5, max_overflow=10, connect_args=limits)
    if not parsed.database or parsed.database == ":memory:":
        raise ShinsaError(Reason.INVALID_ARGUMENT, f"{setting}: name a file; memory does not survive us", field=setting)
    _make_folder(Path(parsed.database).absolute().parent, setting)
    engine = create_async_engine(parsed, connect_args={"timeout": BUSY_SECONDS})
    event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    event.listen(engine.sync_engine, "begin", _begin_sqlite)
    return engine


def _make_folder(folder: Path, setting: str) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        problem = (
            f"{folder} cannot be made: {error.strerror}; set state_dir to a folder that can be written, or {setting}"
        )
        raise ShinsaError(Reason.FAILED_PRECONDITION, problem, field=setting) from error


def _prepare_sqlite(connection: Any, _record: object) -> None:
    """Write-ahead log, no sync at each commit: a power cut may cost the last moments, a crash of ours nothing."""
    # Transactions are begun by us (`_begin_sqlite`), not by the driver at the first write.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "cache_size=-16000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("shinsa_writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def now() -> ColumnElement[float]:
    """``epoch_now()`` for a statement."""
    return func.epoch_now()


def cleaned(text: str) -> str:
    """``text`` as both databases take it: without NUL characters and lone surrogates."""
    if "\x00" in text:
        text = text.replace("\x00", "\N{REPLACEMENT CHARACTER}")
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode()
    return text
