"""Who may do what: scopes and API keys, of which only hashes are kept."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Scope(StrEnum):
    """What a key allows. `admin` includes all others; the others do not include each other."""

    READ = "read"
    SUBMIT = "submit"
    OPERATE = "operate"
    ADMIN = "admin"


ALL_SCOPES = frozenset(Scope)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is asking, as far as the gateway knows."""

    name: str
    scopes: frozenset[Scope]
    # Of this key; 0: as many as the gateway lets everybody have.
    requests_per_minute: int = 0

    def may(self, scope: Scope) -> bool:
        return scope in self.scopes or Scope.ADMIN in self.scopes

    def own_word(self, word: str) -> str:
        """A word of this caller's choice, as no other caller can choose it; the local caller has none beside it."""
        if not word or self == LOCAL_CALLER:
            return word
        return hashlib.sha256(f"{self.name}\n{word}".encode()).hexdigest()


LOCAL_CALLER = Caller("local", ALL_SCOPES)
ANONYMOUS = "anonymous"
# Whoever shows the one key of the settings that has no name of its own.
UNNAMED = "api_key"
_TAKEN = frozenset({LOCAL_CALLER.name, ANONYMOUS, UNNAMED})
# How keys of the results store begin, so that nobody need be asked about others.
STORED_KEY_PREFIX = "shk_"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key's name, the SHA-256 of the key in hexadecimal, and what it allows."""

    name: str
    sha256: str
    scopes: frozenset[Scope]


def name_of_a_key(name: str) -> str:
    """The name, unless others are called so already: what is theirs would be the key's, too. Raises ``ValueError``."""
    if name in _TAKEN:
        raise ValueError(f"{name!r} is what callers without a named key are called; take another name")
    return name


def key_hash(key: str) -> str:
    """SHA-256 in hexadecimal. Unsalted: keys are long random strings, not passwords."""
    return hashlib.sha256(key.encode()).hexdigest()


class Keyring:
    """The keys of the settings. Without any, and where none is ``required``, everybody is the local caller.

    ``anonymous`` is what those may do who show no key.
    """

    def __init__(
        self, keys: Iterable[ApiKey] = (), *, required: bool = False, anonymous: frozenset[Scope] = frozenset()
    ) -> None:
        self._keys = tuple(keys)
        self._required = required
        self.anonymous = anonymous

    @property
    def open(self) -> bool:
        """Whether no key is asked for."""
        return not self._keys and not self._required

    def identify(self, presented: str) -> Caller | None:
        """Whose key this is. Every known key is compared, each in constant time."""
        digest = key_hash(presented)
        found: Caller | None = None
        for key in self._keys:
            if hmac.compare_digest(digest, key.sha256):
                found = Caller(key.name, key.scopes)
        return found
