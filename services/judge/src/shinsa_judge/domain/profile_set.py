"""All profiles of the files in force."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from shinsa_judge.domain.configuration import Fault
from shinsa_judge.domain.endpoint_profile import AzureProfile, InferenceProfile, OpenAiProfile
from shinsa_judge.domain.panel_profile import PanelProfile
from shinsa_judge.domain.profile import digest_of
from shinsa_judge.domain.rubric import Rubric
from shinsa_judge.domain.scorer_profile import ScorerProfile
from shinsa_judge.domain.scripted_profile import ScriptedProfile

AskedProfile = OpenAiProfile | AzureProfile | InferenceProfile | ScriptedProfile
BackedProfile = AskedProfile | ScorerProfile
Profile = BackedProfile | PanelProfile

KINDS: Mapping[str, type[Profile]] = {
    "openai": OpenAiProfile,
    "azure": AzureProfile,
    "inference": InferenceProfile,
    "panel": PanelProfile,
    "scorer": ScorerProfile,
    "scripted": ScriptedProfile,
}


@dataclass(frozen=True, slots=True)
class PromptFileUse:
    """A profile's ``prompt_file``: its path as written, the file that writes it, and the line for faults."""

    path: str
    origin: str
    line: int

    def fault(self, problem: str) -> Fault:
        return Fault(self.origin, self.line, f"prompt_file {self.path!r}: {problem}")


@dataclass(frozen=True, slots=True)
class ProfileSet:
    """All judges by name, and which of them serves a role when a run names none.

    ``prompts`` holds, by profile, the rubrics that a user's file of prompts dresses anew; ``prompt_texts`` what that
    file says.
    """

    profiles: Mapping[str, Profile]
    roles: Mapping[str, str] = field(default_factory=dict)
    prompt_files: Mapping[str, PromptFileUse] = field(default_factory=dict)
    prompts: Mapping[str, Mapping[str, Rubric]] = field(default_factory=dict)
    prompt_texts: Mapping[str, str] = field(default_factory=dict)

    def digest(self, name: str) -> str:
        """SHA-256 over everything that bears on the profile's verdicts: its own keys, prompts, members."""
        profile = self.profiles[name]
        parts = [profile.own_digest]
        if isinstance(profile, PanelProfile):
            parts += [self.digest(member) for member in profile.members]
        parts += [rubric.digest for _, rubric in sorted(self.prompts.get(name, {}).items())]
        return parts[0] if len(parts) == 1 else digest_of(parts)
