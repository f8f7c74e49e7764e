"""What is wrong with what was asked for: the field, and names that come near."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from shinsa_chassis.errors import Reason, ShinsaError


def listed(names: Iterable[str]) -> str:
    """The names in a sentence."""
    return ", ".join(sorted(names)) or "none"


def invalid(field: str, message: str) -> ShinsaError:
    """What was asked for is wrong in itself."""
    return ShinsaError(Reason.INVALID_ARGUMENT, f"{field}: {message}", field=field)


def no_run(run_id: str, field: str = "run_id") -> ShinsaError:
    """There is none of this id."""
    message = f"{field}: there is no run {run_id!r}; list the runs to see which there are"
    return ShinsaError(Reason.NOT_FOUND, message, field=field)


def unknown(field: str, what: str, name: str, known: Iterable[str]) -> ShinsaError:
    """A name that does not exist, with those that come near."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names)
    hint = f"did you mean {' or '.join(map(repr, near))}?" if near else f"there are: {listed(names)}"
    return ShinsaError(
        Reason.INVALID_ARGUMENT, f"{field}: unknown {what} {name!r}; {hint}", field=field, near_matches=near
    )
