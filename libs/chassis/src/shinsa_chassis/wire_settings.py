"""How a service speaks to NATS and to other services: who it is, whom it trusts, and what contradicts itself."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings


class WireSettings(BaseSettings):
    """Credentials and TLS. Secrets may be given by file; such a file is read anew at each connection."""

    nats_url: str = Field(
        default="nats://127.0.0.1:4222", description="nats://host:port, or tls://host:port; several with commas"
    )
    nats_user: str = Field(default="", description="user of the NATS server; with nats_password or its file")
    nats_password: SecretStr | None = Field(default=None, description="password of nats_user")
    nats_password_file: Path | None = Field(default=None, description="file with the password of nats_user")
    nats_token: SecretStr | None = Field(default=None, description="token of the NATS server, where it has no users")
    nats_token_file: Path | None = Field(default=None, description="file with the token of the NATS server")
    nats_ca_file: Path | None = Field(
        default=None, description="PEM file of the authorities that NATS's certificate is checked with; turns TLS on"
    )
    nats_cert_file: Path | None = Field(default=None, description="PEM file of the certificate that we show to NATS")
    nats_key_file: Path | None = Field(default=None, description="PEM file of the key of nats_cert_file")
    nats_server_name: str = Field(default="", description="name in NATS's certificate, if the URL has another")
    grpc_tls: Literal["off", "server", "mutual"] = Field(
        default="off", description="off; server: servers show a certificate; mutual: their callers too"
    )
    grpc_cert_file: Path | None = Field(
        default=None, description="PEM file of our certificate, for our door and, where mutual, for our calls"
    )
    grpc_key_file: Path | None = Field(default=None, description="PEM file of the key of grpc_cert_file")
    grpc_ca_file: Path | None = Field(
        default=None, description="PEM file of the authorities that other services' certificates are checked with"
    )

    @classmethod
    def env_prefix(cls) -> str:
        """Such as ``SHINSA_JUDGE_``."""
        return str(cls.model_config.get("env_prefix", "")).upper()

    @classmethod
    def env_name(cls, field: str) -> str:
        """The variable that sets ``field``."""
        return cls.env_prefix() + field.upper()

    @property
    def nats_tls(self) -> bool:
        """Whether NATS must speak TLS; a server that offers none is refused then."""
        named = self.nats_ca_file or self.nats_cert_file or self.nats_server_name
        return bool(named) or any(urlsplit(url.strip()).scheme == "tls" for url in self.nats_url.split(","))

    @field_validator("nats_url")
    @classmethod
    def _are_addresses_of_nats(cls, urls: str) -> str:
        for url in urls.split(","):
            scheme, marked, rest = url.strip().rpartition("://")
            if scheme not in ("", "nats", "tls") or (marked and not scheme) or not rest:
                raise ValueError(f"{url.strip()!r} is no address of NATS; write nats://host:port or tls://host:port")
        return urls

    @model_validator(mode="after")
    def _nats_credentials_agree(self) -> Self:
        name = type(self).env_name
        password = self.nats_password or self.nats_password_file
        token = self.nats_token or self.nats_token_file
        if self.nats_password and self.nats_password_file:
            raise ValueError(_two(name("nats_password"), name("nats_password_file")))
        if self.nats_token and self.nats_token_file:
            raise ValueError(_two(name("nats_token"), name("nats_token_file")))
        if self.nats_user and token:
            raise ValueError(_two(name("nats_user"), name("nats_token")))
        if bool(self.nats_user) != bool(password):
            here, gone = ("nats_user", "nats_password") if self.nats_user else ("nats_password", "nats_user")
            raise ValueError(f"{name(here)} is set and {name(gone)} is not; set both, or neither")
        if (self.nats_user or token) and any("@" in url for url in self.nats_url.split(",")):
            raise ValueError(
                f"{name('nats_url')} holds credentials and {name('nats_user' if self.nats_user else 'nats_token')} is "
                "set too; take them out of the URL"
            )
        return self

    @model_validator(mode="after")
    def _certificates_have_keys(self) -> Self:
        name = type(self).env_name
        for cert, key in (("nats_cert_file", "nats_key_file"), ("grpc_cert_file", "grpc_key_file")):
            if bool(getattr(self, cert)) != bool(getattr(self, key)):
                here, gone = (cert, key) if getattr(self, cert) else (key, cert)
                raise ValueError(f"{name(here)} is set and {name(gone)} is not; set both, or neither")
        if self.grpc_tls == "off":
            for field in ("grpc_cert_file", "grpc_ca_file"):
                if getattr(self, field):
                    raise ValueError(
                        f"{name(field)} is set and {name('grpc_tls')} is off; say server or mutual, or unset the file"
                    )
        if self.grpc_tls == "mutual" and not (self.grpc_cert_file and self.grpc_ca_file):
            raise ValueError(
                f"{name('grpc_tls')}=mutual needs {name('grpc_cert_file')}, {name('grpc_key_file')} and "
                f"{name('grpc_ca_file')}; set them, or say server or off"
            )
        return self

    @model_validator(mode="after")
    def _files_are_there(self) -> Self:
        for field in type(self).model_fields:
            value = getattr(self, field)
            if field.startswith(("nats_", "grpc_")) and isinstance(value, Path) and not value.is_file():
                raise ValueError(
                    f"{type(self).env_name(field)}: there is no file {value}; mount it, or correct the path"
                )
        return self


def _two(one: str, other: str) -> str:
    return f"{one} and {other} are both set and may contradict each other; unset one"
