"""What is wrong with a field, and JSON that comes in one."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from typing import NoReturn

from shinsa_chassis.errors import Reason, ShinsaError


def refuse(field: str, why: str, near: Iterable[str] = ()) -> NoReturn:
    """Raises INVALID_ARGUMENT: the field, what is wrong and what to do."""
    raise ShinsaError(Reason.INVALID_ARGUMENT, f"{field} {why}.", field=field, near_matches=near)


def json_object(field: str, text: str) -> dict[str, object]:
    """What the text says; empty for an empty text. Raises INVALID_ARGUMENT for anything but an object."""
    if not text:
        return {}
    try:
        value = json.loads(text, parse_float=_finite, parse_constant=_finite)
        # A lone surrogate can be written as an escape, and then in no message.
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        refuse(field, f"is no valid JSON: {error}")
    if not isinstance(value, dict):
        refuse(field, f"is a JSON {type(value).__name__}; it must be an object")
    return value


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is no finite number")
    return number
