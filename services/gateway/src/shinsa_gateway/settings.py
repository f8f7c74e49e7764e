"""What the gateway is told from outside: ``SHINSA_GATEWAY_*``."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import NoDecode
from shinsa_chassis.settings import ServiceSettings, service_config


def is_loopback(host: str) -> bool:
    """Whether a host name or address reaches this machine alone."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


# What services with queues and a gRPC door are told: the gateway has neither.
_UNHEEDED = frozenset(
    {
        *(name for name in ServiceSettings.model_fields if name.startswith("nats_")),
        *("ack_wait_seconds", "recorded_patience_seconds", "max_deliveries", "clock_skew_seconds"),
        *("grpc_port", "health_port"),
    }
)


class GatewaySettings(ServiceSettings):
    """Where the gateway listens, whom it asks, and who may ask it."""

    model_config = service_config("gateway")

    grpc_port: int = Field(default=0, description="means nothing here: the gateway has no gRPC door")
    http_host: str = Field(default="127.0.0.1", description="address to listen on; 0.0.0.0 for all")
    http_port: int = Field(default=8800, ge=0, le=65535, description="port to listen on; 0 takes a free one")
    orchestrator_address: str = Field(default="127.0.0.1:50050", description="host:port")
    inference_address: str = Field(default="127.0.0.1:50051", description="host:port")
    sandbox_address: str = Field(default="127.0.0.1:50052", description="host:port")
    judge_address: str = Field(default="127.0.0.1:50053", description="host:port")
    api_key: SecretStr | None = Field(default=None, description="one key that may do everything")
    api_keys_file: Path | None = Field(default=None, description="TOML file of keys: name, sha256, scopes")
    require_keys: bool = Field(default=False, description="ask for a key of the results store even where none is set")
    anonymous_scopes: Annotated[frozenset[Literal["read", "submit", "operate"]], NoDecode] = Field(
        default=frozenset(), description="what those may do who show no key: read, submit, operate, with commas"
    )
    requests_per_minute: int = Field(
        default=1200,
        ge=0,
        description="requests that a key may make in a minute, if it has no limit of its own; 0: any",
    )
    cors_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="origins whose pages may call, separated by commas; * for all"
    )
    max_body_bytes: int = Field(default=1024 * 1024, ge=1024, description="largest request body")
    call_timeout_seconds: float = Field(default=60, gt=0, description="how long a service may take to answer")
    model_timeout_seconds: float = Field(
        default=600, gt=0, description="how long a model may take that is asked or checked through the gateway"
    )
    heartbeat_seconds: float = Field(default=15, gt=0, description="silence after which an event stream says it lives")

    @field_validator("cors_origins", mode="before")
    @classmethod
    def _split(cls, origins: object) -> object:
        if not isinstance(origins, str):
            return origins
        return tuple(origin.strip().rstrip("/") for origin in origins.split(",") if origin.strip())

    @field_validator("anonymous_scopes", mode="before")
    @classmethod
    def _scopes(cls, words: object) -> object:
        return frozenset(filter(None, map(str.strip, words.split(",")))) if isinstance(words, str) else words

    @model_validator(mode="after")
    def _heeds_all_it_is_told(self) -> Self:
        if given := sorted(map(self.env_name, self.model_fields_set & _UNHEEDED)):
            raise ValueError(f"{', '.join(given)}: the gateway has no queue and no gRPC door of its own; unset it")
        if self.anonymous_scopes and self._keyless():
            raise ValueError(
                "SHINSA_GATEWAY_ANONYMOUS_SCOPES is set, and no key is asked for: everybody may do everything; set "
                "SHINSA_GATEWAY_API_KEY, SHINSA_GATEWAY_API_KEYS_FILE or SHINSA_GATEWAY_REQUIRE_KEYS, too, or unset it"
            )
        return self

    def _keyless(self) -> bool:
        return self.api_key is None and self.api_keys_file is None and not self.require_keys

    @model_validator(mode="after")
    def _closed_unless_local(self) -> Self:
        if self._keyless() and not is_loopback(self.http_host):
            raise ValueError(
                f"SHINSA_GATEWAY_HTTP_HOST is {self.http_host!r}, which others can reach, and no API key is set; "
                "set SHINSA_GATEWAY_API_KEY, SHINSA_GATEWAY_API_KEYS_FILE or SHINSA_GATEWAY_REQUIRE_KEYS, or listen on "
                "127.0.0.1"
            )
        return self
