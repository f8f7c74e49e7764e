"""The connection to NATS: it waits, it comes back, and it says in words why it cannot be had."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

from nats.aio.client import Client
from nats.aio.transport import TcpTransport
from nats.errors import Error as NatsError

from shinsa_chassis.logging import get_logger
from shinsa_chassis.settings import ServiceSettings

log = get_logger(__name__)

_NO_TLS = "nats: the server offers no TLS"
_CLOSE_SECONDS = 2.0
# A server whose machine is gone says nothing at all. The library would notice that after six minutes.
_PING_SECONDS = 10.0
_UNANSWERED_PINGS = 2
_NOT_PERMITTED = "permissions violation"
# OpenSSL's number for a certificate that was issued for another name.
_HOSTNAME_MISMATCH = 62


class UnreadableFileError(NatsError):
    """A file that the settings name cannot be used. A ``NatsError``, so that the client tries again."""

    def __init__(self, setting: str, path: Path | None, problem: str) -> None:
        super().__init__(f"{setting}: {path}: {problem}")


@contextlib.contextmanager
def _as_lost_connection() -> Iterator[None]:
    """uvloop's word for a closed connection is one that the library, and all who publish, take for a bug of theirs."""
    try:
        yield
    except RuntimeError as error:
        raise ConnectionResetError(str(error)) from error


class _Transport(TcpTransport):
    def write(self, payload: bytes) -> None:
        with _as_lost_connection():
            super().write(payload)  # type: ignore[no-untyped-call]

    def writelines(self, payload: list[bytes]) -> None:
        with _as_lost_connection():
            super().writelines(payload)  # type: ignore[no-untyped-call]

    def __bool__(self) -> bool:
        # The library puts one of its own in the place of what is false, as its own are before they connect.
        return True

    async def wait_closed(self) -> None:
        # After a handshake that failed, the end that the library waits for may never be told to it.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_SECONDS):
                await super().wait_closed()  # type: ignore[no-untyped-call]


class NatsConnection(Client):
    """The library's client, with changes: no error closes it for good, one that closes while it is written to is a lost
    one, a silent server is soon left, files are read anew at each connection, and where TLS is wanted nothing is sent
    without."""

    def __init__(self, settings: ServiceSettings) -> None:
        super().__init__()
        self._wire = settings
        self._transport = _Transport()  # type: ignore[no-untyped-call]
        self._told = ""
        self.closing = False

    async def enter(self, reconnected: Callable[[], Awaitable[None]]) -> None:
        """Returns when NATS has let us in, however long that takes; from then on it reconnects by itself.

        Each new problem is told to the log once.
        """
        settings = self._wire

        async def back() -> None:
            self._told = ""
            await reconnected()

        async def disconnected() -> None:
            if not self.closing:
                log.warning("nats_disconnected")

        await self.connect(
            servers=[url.strip() for url in settings.nats_url.split(",")],
            name=settings.replica,
            user=settings.nats_user or None,
            password=self._password if settings.nats_user else None,
            token=self._token if settings.nats_token or settings.nats_token_file else None,
            inbox_prefix=inbox_prefix(settings),
            tls_hostname=settings.nats_server_name or None,
            connect_timeout=3,
            reconnect_time_wait=0.25,  # type: ignore[arg-type]  # seconds; the annotation is narrower than the use
            max_reconnect_attempts=-1,
            ping_interval=_PING_SECONDS,  # type: ignore[arg-type]  # as above
            max_outstanding_pings=_UNANSWERED_PINGS,
            pending_size=64 * 1024 * 1024,
            skip_subject_validation=True,
            error_cb=self._failed,
            disconnected_cb=disconnected,
            reconnected_cb=back,
        )
        if self._told:
            log.info("nats_connected")
        self._told = ""

    @property
    def ssl_context(self) -> ssl.SSLContext:
        """Made anew for each connection: renewed certificates count from the next one on."""
        return tls_context(self._wire)

    def _password(self) -> str:
        return _secret(self._wire, "nats_password")

    def _token(self) -> str:
        return _secret(self._wire, "nats_token")

    def _connect_command(self) -> bytes:
        # The library believes a server that says it has no TLS, and would show it our credentials.
        if self._wire.nats_tls and not self._server_info.get("tls_required"):
            raise NatsError(_NO_TLS)
        return bytes(super()._connect_command())

    async def _process_headers(self, headers: bytes | None) -> dict[str, str] | None:
        # Whoever publishes writes them. The library would take what it cannot read for a broken connection, and meet
        # the same message again after each reconnection.
        try:
            return await super()._process_headers(headers)
        except (ValueError, LookupError, TypeError) as error:
            log.warning("nats_headers_unreadable", problem=str(error))
            return None

    async def _process_err(self, err_msg: str) -> None:
        # The library closes the client when its credentials are revoked. Somebody is about to set new ones.
        problem = NatsError(f"nats: {err_msg.strip().strip(chr(39))}")
        await self._failed(problem)
        if _NOT_PERMITTED not in err_msg.lower():
            await self._process_op_err(problem)

    async def _failed(self, error: Exception) -> None:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            # An attempt that fails in the moment in which it is cancelled says only that it failed, and the library
            # would try again for ever.
            raise asyncio.CancelledError
        problem = str(error) or type(error).__name__
        if _NOT_PERMITTED in problem.lower():
            user = self._wire.nats_user or "this connection's user"
            remedy = f"compare what the server permits {user} with deploy/nats/users.conf of this version"
            log.error("nats_not_permitted", problem=problem, remedy=remedy)
        elif self.is_connected:
            log.warning("nats_error", problem=problem)
        elif problem != self._told:
            self._told = problem
            self._tell(problem, remedy_for(self._wire, error, problem))

    def _tell(self, problem: str, remedy: str) -> None:
        if remedy:
            log.error("nats_refused", url=self._wire.nats_url, problem=problem, remedy=remedy)
        else:
            log.warning("waiting_for_nats", url=self._wire.nats_url, problem=problem)


def inbox_prefix(settings: ServiceSettings) -> str:
    """Where answers reach us. Of our own user, so that NATS can keep other users from listening."""
    return f"_INBOX_{settings.nats_user}" if settings.nats_user else "_INBOX"


def tls_context(settings: ServiceSettings) -> ssl.SSLContext:
    """Trusts ``nats_ca_file`` alone, or the system's authorities where none is named; shows our certificate if any.

    Raises ``UnreadableFileError``.
    """
    ca, certificate = settings.nats_ca_file, settings.nats_cert_file
    if ca is None:
        context = ssl.create_default_context()
    else:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        try:
            context.load_verify_locations(cafile=ca)
        except OSError as error:
            raise UnreadableFileError(settings.env_name("nats_ca_file"), ca, str(error)) from error
    if certificate is not None:
        try:
            context.load_cert_chain(certificate, settings.nats_key_file)
        except OSError as error:
            raise UnreadableFileError(settings.env_name("nats_cert_file"), certificate, str(error)) from error
    return context


def remedy_for(settings: ServiceSettings, error: Exception, problem: str) -> str:
    """What to do about it; empty where waiting is all that can be done."""
    name = settings.env_name
    if isinstance(error, ssl.SSLCertVerificationError):
        if error.verify_code == _HOSTNAME_MISMATCH:
            return f"connect under a name that the server's certificate holds, or set {name('nats_server_name')}"
        return f"set {name('nats_ca_file')} to the authority that signed the server's certificate"
    if isinstance(error, ssl.SSLError):
        files = f"{name('nats_cert_file')} and {name('nats_key_file')}"
        return f"if the server asks for certificates, set {files} to one that it trusts"
    if isinstance(error, UnreadableFileError):
        return "correct the file; it is read again at each try"
    if problem == _NO_TLS:
        return f"turn TLS on at the server, or unset our TLS settings and write nats:// in {name('nats_url')}"
    if "authorization" in problem.lower() or "authentication" in problem.lower():
        if settings.nats_user:
            return f"check {name('nats_user')} and {name('nats_password')} against the users that the server knows"
        return f"set {name('nats_user')} and {name('nats_password')}, or check {name('nats_token')}"
    return ""


def _secret(settings: ServiceSettings, field: str) -> str:
    """The value of ``field``, or the contents of its file without the line end. Raises ``UnreadableFileError``."""
    value = getattr(settings, field)
    if value is not None:
        return str(value.get_secret_value())
    path: Path = getattr(settings, f"{field}_file")
    try:
        text = path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableFileError(settings.env_name(f"{field}_file"), path, str(error)) from error
    if not text:
        raise UnreadableFileError(settings.env_name(f"{field}_file"), path, "the file is empty")
    return text
