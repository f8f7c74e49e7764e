"""API keys from a TOML file, of which only hashes are kept.

[[keys]]
name = "nightly"
sha256 = "9f86d081…"          # printf %s "$KEY" | sha256sum
scopes = ["read", "submit"]
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from shinsa_chassis.errors import Reason, ShinsaError

from shinsa_gateway.domain.access import ApiKey, Scope, name_of_a_key


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    name: Annotated[str, AfterValidator(name_of_a_key)] = Field(min_length=1)
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    scopes: Annotated[frozenset[Scope], Field(min_length=1)]


class _Keys(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    keys: Annotated[list[_Entry], Field(min_length=1)]


def read_key_file(path: Path) -> tuple[ApiKey, ...]:
    """The keys of a file; INVALID_ARGUMENT names the file and the entry at fault. A file without keys is refused."""
    try:
        entries = _Keys.model_validate(tomllib.loads(path.read_text("utf-8-sig"))).keys
    except OSError as error:
        raise _refused(path, error.strerror or str(error)) from error
    except ValidationError as error:
        raise _refused(path, "; ".join(_sentences(error))) from error
    except ValueError as error:  # not TOML, or not UTF-8
        raise _refused(path, str(error)) from error
    names = [entry.name for entry in entries]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise _refused(path, f"the name {twice[0]!r} is given to more than one key")
    return tuple(ApiKey(entry.name, entry.sha256, entry.scopes) for entry in entries)


def _sentences(error: ValidationError) -> list[str]:
    found = error.errors(include_input=False)
    return [f"{'.'.join(map(str, one['loc']))}: {one['msg'].removeprefix('Value error, ')}" for one in found]


def _refused(path: Path, problem: str) -> ShinsaError:
    return ShinsaError(
        Reason.INVALID_ARGUMENT,
        f"The API keys file {path} cannot be used: {problem}; each [[keys]] has name, sha256 (64 hexadecimal digits) "
        "and scopes (read, submit, operate, admin).",
        field="api_keys_file",
    )
