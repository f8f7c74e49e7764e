"""Following the profile files: a sound change takes force, an unsound one is refused and the old set stays."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace

import structlog

from shinsa_judge.application.judges import Judges
from shinsa_judge.domain.configuration import ConfigurationError, Fault
from shinsa_judge.domain.judges_file import JudgesSources, parse_judges
from shinsa_judge.domain.profile_set import ProfileSet
from shinsa_judge.domain.prompt_file import parse_prompts
from shinsa_judge.domain.rubric import Rubric
from shinsa_judge.domain.templates import SourceText
from shinsa_judge.ports import JudgesSource

_log = structlog.get_logger(__name__)


class ProfileReload:
    """Compares the files' texts, not their dates: a replaced symlink, a rename and a write in place are all seen."""

    def __init__(self, source: JudgesSource, judges: Judges, rubrics: Mapping[str, Rubric]) -> None:
        self._source = source
        self._judges = judges
        self._rubrics = rubrics
        self._seen: object = None
        self._missing = False

    async def load(self) -> None:
        """The first load. Raises ``ConfigurationError`` or ``OSError``: without any set the service cannot start."""
        await self._take(await self._source.read())

    async def follow(self, interval: float) -> None:
        """Looks every ``interval`` seconds, until cancelled."""
        while True:
            await asyncio.sleep(interval)
            await self.look()

    async def look(self) -> bool:
        """Looks once; whether another set is in force now."""
        try:
            sources = await self._source.read()
        except (OSError, UnicodeDecodeError) as error:
            if not self._missing:
                _log.error("judges_file_unreadable", problem=str(error))
            self._missing = True
            return False
        self._missing = False
        try:
            return await self._take(sources)
        except ConfigurationError as error:
            _log.error("judges_file_refused", faults=[str(fault) for fault in error.faults])
            return False

    async def _take(self, sources: JudgesSources) -> bool:
        """Puts the set in force if it is another. What was seen is remembered even if refused: one bad file is one
        line in the log."""
        profiles, prompts, faults = await self._found(sources)
        seen = (sources.texts, prompts, faults)
        if seen == self._seen:
            return False
        self._seen = seen
        if profiles is None or faults:
            raise ConfigurationError(faults)
        texts = {name: text.text for name, text in prompts.items()}
        await self._judges.exchange(replace(profiles, prompts=self._dressed(prompts), prompt_texts=texts))
        origins = [source.origin for source in (*sources.texts, *prompts.values())]
        _log.info("judges_file_loaded", origins=origins, profiles=sorted(profiles.profiles))
        return True

    async def _found(self, sources: JudgesSources) -> tuple[ProfileSet | None, dict[str, SourceText], list[Fault]]:
        """The set, the texts of prompts by profile, and what is wrong with either."""
        try:
            profiles = parse_judges(sources)
        except ConfigurationError as error:
            return None, {}, list(error.faults)
        prompts: dict[str, SourceText] = {}
        faults: list[Fault] = []
        for name, use in profiles.prompt_files.items():
            try:
                prompts[name] = await self._source.read_prompts(use)
            except (OSError, UnicodeDecodeError) as error:
                faults.append(use.fault(f"cannot be read: {error}"))
        return profiles, prompts, faults

    def _dressed(self, prompts: Mapping[str, SourceText]) -> dict[str, Mapping[str, Rubric]]:
        return {name: parse_prompts(text).rubrics(self._rubrics) for name, text in prompts.items()}
