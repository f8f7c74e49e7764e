"""Files that a person has asked for."""

from __future__ import annotations

import sys
from pathlib import Path

from shinsa_cli.problem import bad_input

STANDARD_OUTPUT = Path("-")


def check_folder(path: Path | None, option: str) -> None:
    """Raises ``Problem`` where ``option`` names a file in a folder that is not there, before any work is done."""
    if path is not None and not path.parent.is_dir():
        raise bad_input(f"there is no folder {path.parent}", field=option, remedy="make it, or name another file")


def write_file(path: Path, content: bytes | str, option: str) -> None:
    """Writes it, to standard output where the path is `-`; text as UTF-8. Raises ``Problem`` that names the option."""
    data = content if isinstance(content, bytes) else content.encode("utf-8", "replace")
    try:
        if path == STANDARD_OUTPUT:
            sys.stdout.buffer.write(data)
            sys.stdout.flush()
        else:
            path.write_bytes(data)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise bad_input(f"{path} cannot be written: {error.strerror}", field=option) from error
