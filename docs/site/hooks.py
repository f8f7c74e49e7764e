"""What mkdocs calls while it builds the site: made pages, the navigation's stars, links out of docs/."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(Path(__file__).parent))

from links import BrokenLinkError, moved  # noqa: E402 - mkdocs runs this file by its path
from pages import PAGES, made_pages  # noqa: E402

# Pages of one wide table, which needs the room of the table of contents.
_WIDE = ("data.md", "fidelity/index.md")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Makes the pages and puts them into the navigation."""
    try:
        made = made_pages(ROOT)
    except BrokenLinkError as error:
        raise PluginError(str(error)) from error
    config.extra["made_pages"] = made
    written = [path.relative_to(ROOT / "docs").as_posix() for path in sorted((ROOT / "docs").rglob("*.md"))]
    config.nav = _filled(config.nav, sorted({*written, *made}))
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the made pages to those below docs/."""
    for name, content in config.extra["made_pages"].items():
        files.append(File.generated(config, name, content=content))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Moves links of a page below docs/ that lead out of it; wide pages get the room they need."""
    name = page.file.src_uri
    if name in _WIDE:
        page.meta["hide"] = ["toc"]
    if name in config.extra["made_pages"]:
        return markdown
    try:
        return moved(markdown, f"docs/{name}", name, ROOT, PAGES)
    except BrokenLinkError as error:
        raise PluginError(str(error)) from error


def _filled(nav: Any, names: list[str]) -> Any:
    if isinstance(nav, dict):
        return {title: _filled(below, names) for title, below in nav.items()}
    if isinstance(nav, list):
        return [one for entry in nav for one in _entries(entry, names)]
    return nav


def _entries(entry: Any, names: list[str]) -> list[Any]:
    if not isinstance(entry, str) or not entry.endswith("/*"):
        return [_filled(entry, names)]
    folder = entry.removesuffix("*")
    here = [name for name in names if name.startswith(folder) and "/" not in name.removeprefix(folder)]
    return [name for name in here if not name.endswith(("/README.md", "/index.md"))]
