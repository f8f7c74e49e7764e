"""Frames and lists for text that others wrote."""

from __future__ import annotations

from collections.abc import Iterable

from rich.cells import cell_len, chop_cells
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.panel import Panel
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text
from shinsa_client.generation import EngineFingerprint

from shinsa_cli.render.console import clean


class Prose:
    """Text in the width at hand. Japanese knows no spaces between words, so that its lines may break anywhere."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for line in self._text.split("\n"):
            wide = cell_len(line) > len(line)
            for piece in chop_cells(line, options.max_width) if wide else (line,):
                yield Text(piece, overflow="fold")


def box(title: str, text: str, style: str = "dim") -> Panel:
    """A titled frame."""
    body = Prose(clean(text)) if text else Text("(empty)", "dim italic")
    return Panel(body, title=Text(clean(title), style), title_align="left", border_style="dim", padding=(0, 1))


def code(title: str, text: str) -> Panel:
    """A titled frame with the file's syntax in colours."""
    language = "python" if title.endswith(".py") else "text"
    body = Syntax(clean(text), language, theme="ansi_dark", background_color="default", word_wrap=True)
    return Panel(body, title=Text(clean(title), "cyan"), title_align="left", border_style="dim", padding=(0, 1))


def facts(pairs: Iterable[tuple[str, str]]) -> RenderableType:
    """Names and values, one a line; those without a value are left out."""
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in pairs:
        if value:
            table.add_row(name, Text(clean(value)))
    return table


def fingerprint_text(engine: EngineFingerprint) -> str:
    """What produced an answer, on one line."""
    parts = (engine.engine, engine.engine_version, engine.model, engine.revision, engine.dtype, engine.reported)
    return " ".join(filter(None, parts))
