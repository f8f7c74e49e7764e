"""Files that are written by hand: manifests, suites and boards in TOML, and prompts."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

_Model = TypeVar("_Model", bound=BaseModel)
_SAID = {"missing": "is missing", "extra_forbidden": "unknown key"}


class DocumentError(ValueError):
    """A file that cannot be what it should be; the message names it, the place in it and what is wrong."""


def read_document(path: Path, model: type[_Model]) -> _Model:
    """What a file holds, with or without a byte order mark. Raises ``DocumentError``, and ``OSError``."""
    text = document_text(path)
    try:
        given = tomllib.loads(text)
        return model.model_validate(given)
    except ValidationError as error:
        raise DocumentError(f"{path}: {'; '.join(_fault(one, given) for one in error.errors())}") from error
    except ValueError as error:
        raise DocumentError(f"{path}: {error}") from error


def document_text(path: Path) -> str:
    """What a file holds, without a byte order mark. Raises ``DocumentError`` where it is no UTF-8, and ``OSError``."""
    try:
        return path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DocumentError(f"{path}: UTF-8 text expected: {error.reason}") from error


def _fault(error: ErrorDetails, given: Mapping[str, Any]) -> str:
    """One of pydantic's findings in a line; what is one of several is named by its name rather than by its number."""
    place = [*_named(error["loc"], given)]
    problem = error["msg"].removeprefix("Value error, ").removeprefix("Input ")
    said = _SAID.get(error["type"], problem[:1].lower() + problem[1:])
    return ": ".join([*place, said])


def _named(place: Sequence[str | int], given: Mapping[str, Any]) -> list[str]:
    match place:
        case [str(several), int(number), *rest] if isinstance(one := given[several][number], dict):
            return [f"{several.removesuffix('s')} {one.get('id', one.get('name', number))!r}", *map(str, rest)]
        case _:
            return [str(part) for part in place]
