"""Profiles on disk and in the environment; a mounted ConfigMap is a folder of files."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from shinsa_judge.domain.judges_file import JudgesSources
from shinsa_judge.domain.profile_set import PromptFileUse
from shinsa_judge.domain.templates import SourceText


class JudgesFile:
    """``path`` is a file, or a folder whose ``*.toml`` files all count.

    Opened anew at each reading, through whatever symlinks lead there then. ``environment`` is the text of the variable
    of that name; ``has_secret`` says whether a variable is set.
    """

    def __init__(
        self, path: Path, environment: SourceText | None = None, has_secret: Callable[[str], bool] | None = None
    ) -> None:
        self._path = path
        self._environment = environment
        self._has_secret = has_secret or (lambda _variable: True)

    async def read(self) -> JudgesSources:
        return await asyncio.to_thread(self._read)

    async def read_prompts(self, use: PromptFileUse) -> SourceText:
        """Relative paths start where the judges files are."""
        folder = self._path if self._path.is_dir() else self._path.parent
        path = folder / use.path
        return SourceText(str(path), await asyncio.to_thread(path.read_text, "utf-8"))

    def _read(self) -> JudgesSources:
        paths = [self._path]
        if self._path.is_dir():
            paths = sorted(path for path in self._path.glob("*.toml") if not path.name.startswith("."))
            if not paths:
                raise FileNotFoundError(f"{self._path}: no .toml file in this folder")
        files = [SourceText(str(path), path.read_text("utf-8-sig")) for path in paths]
        return JudgesSources(files, self._environment, self._has_secret)
