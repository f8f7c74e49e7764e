"""What went wrong, as one readable message, and the exit code it leads to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

COMPLETE = 0
INCOMPLETE = 1
BAD_INPUT = 2
UNREACHABLE = 3
INTERRUPTED = 130


class Problem(Exception):  # noqa: N818 - it is shown to a person, not raised at one
    """Something a person must know. ``message`` says what is wrong, ``remedy`` what to do about it.

    ``field`` is the option or request field at fault, ``near_matches`` known names close to an unknown one, best first,
    ``excerpt`` lines that help to see why, such as the end of a log.
    """

    def __init__(
        self,
        message: str,
        *,
        remedy: str = "",
        field: str = "",
        near_matches: Iterable[str] = (),
        excerpt: str = "",
        exit_code: int = INCOMPLETE,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.field = field
        self.near_matches = tuple(near_matches)
        self.excerpt = excerpt
        self.exit_code = exit_code


def bad_input(message: str, *, remedy: str = "", field: str = "", near_matches: Iterable[str] = ()) -> Problem:
    """The person asked for something that cannot be."""
    return Problem(message, remedy=remedy, field=field, near_matches=near_matches, exit_code=BAD_INPUT)


def refuse_unheeded(options: Mapping[str, bool], where: str) -> None:
    """Raises ``Problem`` for the first option that was given and that nobody heeds ``where``, such as "with --json"."""
    for option, given in options.items():
        if given:
            raise bad_input(f"{option} means nothing {where}", field=option, remedy="leave it out")


def unreachable(message: str, *, remedy: str = "") -> Problem:
    """The mesh could not be asked."""
    return Problem(message, remedy=remedy, exit_code=UNREACHABLE)
