"""API keys in a file."""

from __future__ import annotations

from pathlib import Path

import pytest
from shinsa_chassis.errors import Reason, ShinsaError
from shinsa_gateway.domain.access import Scope, key_hash
from shinsa_gateway.outbound.key_file import read_key_file
from shinsa_gateway.settings import GatewaySettings
from shinsa_gateway.wiring import read_keyring

HASH = key_hash("secret")


def entry(name: str = "nightly", sha256: str = HASH, scopes: str = '["read", "submit"]') -> str:
    return f'[[keys]]\nname = "{name}"\nsha256 = "{sha256}"\nscopes = {scopes}\n'


def test_keys_are_read_with_their_scopes(tmp_path: Path) -> None:
    path = tmp_path / "keys.toml"
    # A byte order mark does no harm.
    path.write_text("\ufeff" + entry() + entry("board", key_hash("other"), '["read"]'))
    nightly, board = read_key_file(path)
    assert (nightly.name, nightly.sha256, nightly.scopes) == ("nightly", HASH, {Scope.READ, Scope.SUBMIT})
    assert (board.name, board.scopes) == ("board", {Scope.READ})


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "keys: Field required"),
        ("keys = []", "keys: List should have at least 1 item"),
        (entry(sha256="secret"), "keys.0.sha256: String should match pattern"),
        (entry(sha256=HASH.upper()), "keys.0.sha256"),
        (entry(scopes='["reed"]'), "keys.0.scopes.0: Input should be 'read', 'submit', 'operate' or 'admin'"),
        (entry(scopes="[]"), "keys.0.scopes"),
        (entry(name=""), "keys.0.name"),
        (entry(name="anonymous"), "keys.0.name: 'anonymous' is what callers without a named key are called"),
        (entry() + 'key = "x"', "keys.0.key: Extra inputs are not permitted"),
        (entry() + entry(), "the name 'nightly' is given to more than one key"),
        ("[[keys]", "line 1"),
    ],
)
def test_a_wrong_file_is_refused_with_the_place(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "keys.toml"
    path.write_text(text)
    with pytest.raises(ShinsaError) as refused:
        read_key_file(path)
    assert refused.value.reason is Reason.INVALID_ARGUMENT
    assert str(path) in refused.value.message
    assert says in refused.value.message
    assert "secret" not in refused.value.message


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "keys.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ShinsaError, match=r"keys\.toml cannot be used"):
        read_key_file(path)


def test_both_settings_make_one_ring(tmp_path: Path) -> None:
    path = tmp_path / "keys.toml"
    path.write_text(entry())
    ring = read_keyring(GatewaySettings(api_key="all-powerful", api_keys_file=path))
    one, all_powerful = ring.identify("secret"), ring.identify("all-powerful")
    assert one is not None
    assert not one.may(Scope.OPERATE)
    assert all_powerful is not None
    assert all(all_powerful.may(scope) for scope in Scope)
