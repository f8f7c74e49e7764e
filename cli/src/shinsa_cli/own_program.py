"""How our own programs are started."""

from __future__ import annotations

import sys


def own_program(module: str, *arguments: str) -> tuple[str, ...]:
    """The command that runs one of our modules with this Python.

    Not from the current folder (``-P``): a file there that is called like a library would be imported in its place.
    """
    return (sys.executable, "-P", "-m", module, *arguments)
