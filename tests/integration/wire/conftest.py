"""A NATS server as deploy/ sets it up: its configuration, its users, and certificates made by the script beside it."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from broker_rig import free_port, start_nats

DEPLOY = Path(__file__).parents[3] / "deploy"
USERS = ("orchestrator", "inference", "judge", "sandbox")


class WiredNats:
    """TLS with certificates on both sides, and one user a service; killed and started again over the same store."""

    def __init__(self, folder: Path, certificates: Path) -> None:
        self.folder = folder
        self.certificates = certificates
        self.port = free_port()
        self.url = f"tls://localhost:{self.port}"
        self.passwords = {user: f"secret-of-{user}" for user in USERS}
        self.tls = True
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        text = (DEPLOY / "compose/config/nats.conf").read_text("utf-8")
        text = text.replace("0.0.0.0:4222", f"127.0.0.1:{self.port}").replace('http: "0.0.0.0:8222"\n', "")
        (self.folder / "nats.conf").write_text(text.replace("/data", str(self.folder / "store")), "utf-8")
        (self.folder / "users.conf").write_text((DEPLOY / "nats/users.conf").read_text("utf-8"), "utf-8")
        own = self.certificates / "nats"
        flags = ["--tls", f"--tlscert={own}/cert.pem", f"--tlskey={own}/key.pem", f"--tlscacert={own}/ca.pem"]
        options = ["--config", str(self.folder / "nats.conf"), *([*flags, "--tlsverify"] if self.tls else [])]
        secrets = {f"SHINSA_NATS_{user.upper()}_PASSWORD": f'"{word}"' for user, word in self.passwords.items()}
        self.process = start_nats(options, self.port, self.folder / "log", **secrets)

    def kill(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
            self.process = None

    def settings_of(self, user: str) -> dict[str, str]:
        """What a service is told so that this server lets it in, without a prefix."""
        own = self.certificates / user
        return {
            "nats_url": self.url,
            "nats_user": user,
            "nats_password": self.passwords[user],
            "nats_ca_file": str(own / "ca.pem"),
            "nats_cert_file": str(own / "cert.pem"),
            "nats_key_file": str(own / "key.pem"),
        }


@pytest.fixture(scope="session")
def make_certificates(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    """Each call makes a new authority, with a certificate for each service."""

    def make() -> Path:
        folder = tmp_path_factory.mktemp("certificates")
        subprocess.run([DEPLOY / "compose/certificates.sh", folder], check=True, capture_output=True, timeout=120)
        return folder

    return make


@pytest.fixture(scope="session")
def certificates(make_certificates: Callable[[], Path]) -> Path:
    return make_certificates()


@pytest.fixture
def wired(tmp_path: Path, certificates: Path) -> Iterator[WiredNats]:
    server = WiredNats(tmp_path / "nats", certificates)
    server.start()
    yield server
    server.kill()
