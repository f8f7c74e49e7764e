"""Settings of the wire that are missing or contradict each other, and certificates that do not belong together."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from shinsa_chassis.errors import ShinsaError
from shinsa_chassis.grpc_tls import channel_credentials, server_credentials
from shinsa_chassis.nats_connection import inbox_prefix
from shinsa_chassis.settings import ServiceSettings, service_config

SCRIPT = Path(__file__).parents[3] / "deploy/compose/certificates.sh"


class WireTest(ServiceSettings):
    model_config = service_config("sample")
    grpc_port: int = 0


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("certificates")
    subprocess.run([SCRIPT, folder], check=True, capture_output=True, timeout=60)
    return folder


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_text("x", "utf-8")
    return path


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"nats_user": "judge"}, "NATS_USER is set and SHINSA_SAMPLE_NATS_PASSWORD is not"),
        ({"nats_password": "x"}, "NATS_PASSWORD is set and SHINSA_SAMPLE_NATS_USER is not"),
        ({"nats_user": "j", "nats_password": "x", "nats_password_file": "FILE"}, "both set"),
        ({"nats_user": "j", "nats_password": "x", "nats_token": "t"}, "NATS_USER and SHINSA_SAMPLE_NATS_TOKEN"),
        ({"nats_token": "t", "nats_token_file": "FILE"}, "both set"),
        ({"nats_url": "nats://u:p@host:1", "nats_token": "t"}, "take them out of the URL"),
        ({"nats_url": "http://host:4222"}, "'http://host:4222' is no address of NATS; write nats://host:port"),
        ({"nats_url": "nats://a:1,"}, "is no address of NATS"),
        ({"nats_cert_file": "FILE"}, "NATS_KEY_FILE is not"),
        ({"nats_ca_file": "/nowhere/ca.pem"}, "there is no file /nowhere/ca.pem"),
        ({"grpc_cert_file": "FILE", "grpc_key_file": "FILE"}, "GRPC_TLS is off"),
        ({"grpc_ca_file": "FILE"}, "GRPC_TLS is off"),
        ({"grpc_tls": "mutual", "grpc_ca_file": "FILE"}, "mutual needs SHINSA_SAMPLE_GRPC_CERT_FILE"),
        ({"grpc_tls": "server", "grpc_key_file": "FILE"}, "GRPC_CERT_FILE is not"),
    ],
)
def test_contradictions_are_named_with_their_variables(told: dict[str, Any], words: str, file: Path) -> None:
    with pytest.raises(ValidationError) as refused:
        WireTest(**{name: str(file) if value == "FILE" else value for name, value in told.items()})
    assert words in str(refused.value)


def test_tls_of_nats_is_wanted_by_url_or_by_certificates(certificates: Path) -> None:
    assert not WireTest().nats_tls
    assert WireTest(nats_url="nats://a:1,tls://b:1").nats_tls
    assert WireTest(nats_ca_file=certificates / "judge/ca.pem").nats_tls
    assert WireTest(nats_server_name="nats").nats_tls


def test_an_inbox_is_of_its_user_alone() -> None:
    assert inbox_prefix(WireTest()) == "_INBOX"
    assert inbox_prefix(WireTest(nats_user="judge", nats_password="x")) == "_INBOX_judge"


def test_certificates_that_do_not_belong_together_are_refused(certificates: Path) -> None:
    judge, sandbox = certificates / "judge", certificates / "sandbox"
    wrong = WireTest(grpc_tls="server", grpc_cert_file=judge / "cert.pem", grpc_key_file=sandbox / "key.pem")
    with pytest.raises(ShinsaError, match=r"GRPC_CERT_FILE .* cannot be used together") as refused:
        server_credentials(wrong)
    assert refused.value.field == "grpc_cert_file"
    with pytest.raises(ShinsaError, match="set SHINSA_SAMPLE_GRPC_CERT_FILE"):
        server_credentials(WireTest(grpc_tls="server"))
    with pytest.raises(ShinsaError, match="set SHINSA_SAMPLE_GRPC_CA_FILE"):
        channel_credentials(WireTest(grpc_tls="server"))
    no_authority = WireTest(grpc_tls="server", grpc_ca_file=judge / "key.pem")
    with pytest.raises(ShinsaError, match="holds no certificates"):
        channel_credentials(no_authority)


def test_off_is_off() -> None:
    assert server_credentials(WireTest()) is None
    assert channel_credentials(WireTest()) is None
