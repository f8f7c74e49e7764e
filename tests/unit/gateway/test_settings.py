"""Settings, and what the process refuses to start with."""

from __future__ import annotations

import pytest
from pydantic import ValidationError
from shinsa_chassis.settings import read_settings
from shinsa_gateway.settings import GatewaySettings, is_loopback


def test_the_defaults_are_a_local_mesh() -> None:
    settings = GatewaySettings()
    assert (settings.http_host, settings.http_port) == ("127.0.0.1", 8800)
    addresses = (settings.orchestrator_address, settings.inference_address, settings.sandbox_address)
    assert (*addresses, settings.judge_address) == tuple(f"127.0.0.1:{port}" for port in range(50050, 50054))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.0.1", "::1", "[::1]", "localhost", "Localhost"])
def test_loopback_is_recognised(host: str) -> None:
    assert is_loopback(host)
    assert GatewaySettings(http_host=host).http_host == host


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "gateway.example", "", "localhost.evil.example"])
def test_without_keys_no_other_host_is_allowed(host: str) -> None:
    assert not is_loopback(host)
    with pytest.raises(ValidationError, match="SHINSA_GATEWAY_API_KEY"):
        GatewaySettings(http_host=host)


def test_with_a_key_any_host_is_allowed_and_the_key_is_not_shown() -> None:
    settings = GatewaySettings(http_host="0.0.0.0", api_key="top-secret")
    assert "top-secret" not in repr(settings)


def test_a_refusal_is_one_sentence_and_exit_status_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SHINSA_GATEWAY_HTTP_HOST", "0.0.0.0")
    monkeypatch.setenv("SHINSA_GATEWAY_API_KEY", "")
    with pytest.raises(SystemExit) as left:
        read_settings(GatewaySettings)
    assert left.value.code == 2
    assert "which others can reach, and no API key is set; set SHINSA_GATEWAY_API_KEY" in capsys.readouterr().err


def test_origins_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHINSA_GATEWAY_CORS_ORIGINS", "https://a.example/, https://b.example,")
    assert GatewaySettings().cors_origins == ("https://a.example", "https://b.example")


@pytest.mark.parametrize(
    "name", ["NATS_URL", "NATS_TOKEN", "ACK_WAIT_SECONDS", "MAX_DELIVERIES", "GRPC_PORT", "HEALTH_PORT"]
)
def test_a_setting_that_means_nothing_to_the_gateway_is_refused(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(f"SHINSA_GATEWAY_{name}", {"NATS_URL": "nats://h:1", "NATS_TOKEN": "t"}.get(name, "7"))
    with pytest.raises(ValidationError, match=f"SHINSA_GATEWAY_{name}: the gateway has no queue"):
        GatewaySettings()


def test_what_strangers_may_do_says_nothing_where_everybody_may_do_everything() -> None:
    with pytest.raises(ValidationError, match="SHINSA_GATEWAY_ANONYMOUS_SCOPES is set, and no key is asked for"):
        GatewaySettings(anonymous_scopes="read")
    assert GatewaySettings(anonymous_scopes="read", require_keys=True).anonymous_scopes == {"read"}
