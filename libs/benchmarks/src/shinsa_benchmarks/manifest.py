"""What a benchmark says of itself, read from the ``manifest.toml`` in its folder."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from shinsa_benchmarks.documents import read_document

Setting = str | int | float | bool
# Of a setting that is a whole number: a sampling parameter travels in 32 bits.
MOST = 2**32 - 1
Statistic = Literal[
    "",
    "pearson",
    "spearman",
    "corpus_bleu",
    "pass_at_k",
    "calibration_error",
    "ambiguous_accuracy",
    "disambiguated_accuracy",
    "accuracy_gap",
    "ambiguous_bias",
    "disambiguated_bias",
    "absolute_bias",
    "absolute_bias_of_known",
]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Metric(_Part):
    """A named number of a scored item. ``lowest`` and ``highest`` bound it; ``better`` says which end is good."""

    name: str
    lowest: float = 0.0
    highest: float = 1.0
    better: Literal["higher", "lower"] = "higher"
    primary: bool = False
    # Every item is right (1) or wrong (0): its interval is Wilson's.
    binary: bool = False
    # What an item that ended in a model error counts as: the worst value, or not at all.
    model_error: Literal["worst", "exclude"] = "worst"
    definition: str = ""
    # Not a mean over items but a number of the whole task, computed from the items' values named in `of`.
    statistic: Statistic = ""
    of: list[str] = []
    # Of pass_at_k: out of so many attempts at least one is right.
    k: int = Field(0, ge=0)
    # The one category of samples on which it bears; else all.
    category: str = ""
    # An optional judge role without which it is not measured at all.
    judge_role: str = ""
    # The setting that has it measured; where no item has it, it is not measured at all.
    on_demand: str = ""
    # The item's value by which it counts in the mean, such as how many instructions it has; else all count alike.
    weight: str = ""

    @model_validator(mode="after")
    def _bounded(self) -> Metric:
        if self.weight and (self.statistic or self.binary):
            raise ValueError(f"metric {self.name}: weight is for means over items that are not binary")
        if bool(self.statistic) != bool(self.of):
            raise ValueError(f"metric {self.name}: set both statistic and of, or neither")
        if (self.statistic == "pass_at_k") != bool(self.k):
            raise ValueError(f"metric {self.name}: k is for the statistic pass_at_k, which needs it")
        if not self.lowest < self.highest:
            raise ValueError(f"metric {self.name}: lowest must be below highest")
        if self.binary and (self.lowest, self.highest) != (0.0, 1.0):
            raise ValueError(f"metric {self.name}: a binary metric lies between 0 and 1")
        return self

    @property
    def scale(self) -> str:
        """Its range in short, such as ``0-1``."""
        return f"{self.lowest:g}-{self.highest:g}"

    @property
    def worst(self) -> float:
        return self.lowest if self.better == "higher" else self.highest

    @property
    def best(self) -> float:
        return self.highest if self.better == "higher" else self.lowest


class Download(_Part):
    """A file that holds data: an archive by the end of its address (tar, tar.gz, tar.bz2, zip), or the data itself.

    Of an archive the first ``strip`` parts of each path and then ``below`` are taken away, ``into`` is put before what
    is left. Of a single file ``into`` is its path below the family's folder.
    """

    url: str = Field(pattern=r"^https://")
    strip: int = Field(1, ge=0)
    below: str = ""
    into: str = ""


class Source(_Part):
    """Where the real data comes from, and which of its files are read (paths below the upstream root)."""

    name: str
    url: str = ""
    revision: str = ""
    licence: str
    redistributable: bool = True
    # How to get the files, where a plain download does not give them in the layout below.
    obtain: str = ""
    # What `shinsa data prepare` fetches; nothing where the data is private, asked for, or not to be passed on.
    downloads: list[Download] = []
    # Path of the family below a folder of upstream data, such as "jglue".
    folder: str
    # Role of a file ("test", "train", "references") to its path below `folder`, the first that exists is taken. A path
    # with a `*` stands for all files that match.
    files: dict[str, list[str]]
    # Roles that an upstream copy may lack. Few-shots ("train") are then those of the specimen, other samples none.
    optional: list[str] = []

    @model_validator(mode="after")
    def _roles_are_known(self) -> Source:
        if unknown := [role for role in self.optional if role not in self.files]:
            raise ValueError(f"source.optional: {unknown[0]!r} is not a role of source.files ({', '.join(self.files)})")
        return self


class Manifest(_Part):
    """Everything about a benchmark that is not code."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    # Raised whenever prompts, extraction or scoring change: a run pins it and is not resumed under another.
    version: str
    title: str
    description: str
    language: str = "ja"
    # Of the instruction, the opening and the headings around it.
    prompt_language: Literal["ja", "en"] = "ja"
    licence: str
    # What may be examined: "dev" where upstream, or llm-jp-eval of it, has samples for development apart from the test.
    # With several a run names one by the setting `split`; the first is its default.
    splits: list[Literal["test", "dev"]] = ["test"]
    shots: list[int] = [0]
    most_shots: int = 0
    metrics: list[Metric]
    steps: list[Literal["generate", "execute", "judge"]]
    judge_roles: list[str] = []
    # Asked only in runs where a judge profile is named for this very role, such as a scorer.
    optional_judge_roles: list[str] = []
    # No rule says where an answer is complete: one that was cut off is scored as it stands.
    open_answers: bool = False
    # Settings with their defaults; a run may override each by name (`--set jnli.max_tokens=20`). Whole numbers are at
    # least 1, or at least 0 where that is the default, and at most MOST.
    settings: dict[str, Setting] = {}
    # Settings that take one of a few values only.
    choices: dict[str, list[str]] = {}
    source: Source

    @model_validator(mode="before")
    @classmethod
    def _split_is_a_setting(cls, given: Any) -> Any:
        if not isinstance(given, dict) or len(splits := given.get("splits", [])) < 2:
            return given
        settings, choices = given.get("settings", {}), given.get("choices", {})
        return given | {"settings": {**settings, "split": splits[0]}, "choices": {**choices, "split": splits}}

    @model_validator(mode="after")
    def _consistent(self) -> Manifest:
        if sum(metric.primary for metric in self.metrics) != 1:
            raise ValueError("metrics: mark exactly one as primary")
        if "judge" in self.steps and not self.judge_roles:
            raise ValueError("judge_roles: a benchmark with judge steps names at least one role")
        if unknown := {metric.judge_role for metric in self.metrics} - {"", *self.optional_judge_roles}:
            raise ValueError(f"metrics: {sorted(unknown)[0]!r} is not among optional_judge_roles")
        if any(shots > self.most_shots for shots in self.shots):
            raise ValueError("shots: none may exceed most_shots")
        names = {metric.name for metric in self.metrics}
        if len(names) != len(self.metrics):
            raise ValueError("metrics: each name stands once")
        if clash := names & self.parts:
            raise ValueError(f"metrics: {sorted(clash)[0]!r} is both a metric and a value that a metric is made of")
        if strange := {metric.on_demand for metric in self.metrics} - {"", *self.settings}:
            raise ValueError(f"metrics: on_demand {sorted(strange)[0]!r} is not among settings")
        for name, allowed in self.choices.items():
            if self.settings.get(name) not in allowed:
                raise ValueError(f"choices.{name}: the setting's default must be one of {', '.join(allowed)}")
        return self

    @property
    def parts(self) -> frozenset[str]:
        """Names of the items' values that are no metrics but that metrics are made of."""
        weights = {metric.weight for metric in self.metrics if metric.weight}
        return frozenset(weights.union(*(metric.of for metric in self.metrics)))

    @property
    def primary(self) -> Metric:
        return next(metric for metric in self.metrics if metric.primary)

    def settings_with(self, overrides: dict[str, Any]) -> dict[str, Setting]:
        """The settings with overrides applied, each of its default's type.

        Raises ``KeyError`` for an unknown name; ``ValueError`` for a value of the wrong type, outside its choices, or a
        whole number that is too small or too large.
        """
        merged: dict[str, Setting] = dict(self.settings)
        for name, value in overrides.items():
            default = self.settings[name]
            merged[name] = _as_type_of(default, name, value)
            if name in self.choices and merged[name] not in self.choices[name]:
                raise ValueError(f"setting {name!r} is one of {', '.join(self.choices[name])}, not {value!r}")
        return merged


def _as_type_of(default: Setting, name: str, value: Any) -> Setting:
    if isinstance(default, bool):
        if str(value).lower() in ("true", "false"):
            return str(value).lower() == "true"
        raise ValueError(f"setting {name!r} is true or false, not {value!r}")
    wrong = ValueError(f"setting {name!r} is a {_KINDS[type(default)]}, not {value!r}")
    if isinstance(value, bool) or (isinstance(default, int) and isinstance(value, float) and not value.is_integer()):
        raise wrong
    try:
        converted = type(default)(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise wrong from error
    if isinstance(converted, float) and not math.isfinite(converted):
        raise wrong
    if isinstance(default, int) and isinstance(converted, int) and converted < (least := min(1, default)):
        raise ValueError(f"setting {name!r} is a whole number of at least {least}, not {value!r}")
    if isinstance(converted, int) and converted > MOST:
        raise ValueError(f"setting {name!r} is a whole number of at most {MOST}, not {value!r}")
    return converted


_KINDS: dict[type, str] = {int: "whole number", float: "number", str: "text"}


def read_manifest(path: Path) -> Manifest:
    """Reads and validates one manifest. Raises ``DocumentError``."""
    return read_document(path, Manifest)
