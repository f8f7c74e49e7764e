"""Judges that compute, where their library and weights are on this machine; where not, they say what is missing."""

from __future__ import annotations

import asyncio
import hashlib
import importlib.util
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from shinsa_chassis.errors import Reason, ShinsaError
from shinsa_chassis.logging import get_logger

from shinsa_judge.domain.measure import Measure, Score
from shinsa_judge.domain.scorer_profile import ScorerProfile
from shinsa_judge.outbound.bertscore import BertScore
from shinsa_judge.outbound.comet_metric import CometMetric
from shinsa_judge.outbound.text_classifier import TextClassifier

_log = get_logger(__name__)

_WEIGHTS = ("*.safetensors", "*.bin", "*.ckpt", "config.json", "hparams.yaml")
_BLOCK = 1 << 20


class Metric(Protocol):
    """Weights in memory."""

    def compute(self, cases: Sequence[Mapping[str, str]]) -> list[Score | ShinsaError]:
        """One result a case, in order; blocks."""
        ...


# What each metric needs, and how its weights are loaded (blocking).
_LOADERS: Mapping[str, tuple[Sequence[str], Callable[[ScorerProfile], Metric]]] = {
    "bertscore": (("torch", "transformers"), BertScore),
    "classifier": (("torch", "transformers"), TextClassifier),
    "comet": (("comet",), CometMetric),
}


def make_scorer(profile: ScorerProfile) -> LocalScorer:
    """The scorer of the profile's metric."""
    libraries, load = _LOADERS[profile.metric]
    return LocalScorer(profile, libraries, load)


class LocalScorer:
    """``ports.Scorer``. Loads its weights with the first case; cases that wait together are computed together."""

    def __init__(
        self, profile: ScorerProfile, libraries: Sequence[str], load: Callable[[ScorerProfile], Metric]
    ) -> None:
        self._profile = profile
        self._libraries = libraries
        self._load = load
        self._metric: Metric | None = None
        self._revision = ""
        self._broken = ""
        self._waiting: list[tuple[Mapping[str, str], asyncio.Future[Score]]] = []
        self._computing: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"scorer-{profile.metric}")

    async def score(self, measure: Measure, fields: Mapping[str, str]) -> Score:
        if problem := await self.problem():
            raise ShinsaError(Reason.FAILED_PRECONDITION, problem, field="profile")
        future: asyncio.Future[Score] = asyncio.get_running_loop().create_future()
        self._waiting.append((fields, future))
        if self._computing is None or self._computing.done():
            self._computing = asyncio.create_task(self._compute())
        return await future

    async def problem(self) -> str:
        return _missing(self._profile, self._libraries) or self._broken

    def down(self) -> str:
        return ""

    async def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)
        self._metric = None

    async def _compute(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            batch, self._waiting = self._waiting[: self._profile.batch], self._waiting[self._profile.batch :]
            try:
                results = await loop.run_in_executor(self._thread, self._computed, [fields for fields, _ in batch])
            except Exception as error:  # noqa: BLE001 - whatever it is, those who wait must learn of it
                _log.exception("scoring_failed", metric=self._profile.metric)
                results = [_failed(error)] * len(batch)
            for (_, future), result in zip(batch, results, strict=True):
                if not future.done():
                    future.set_exception(result) if isinstance(result, ShinsaError) else future.set_result(result)

    def _computed(self, cases: Sequence[Mapping[str, str]]) -> list[Score | ShinsaError]:
        if self._metric is None:
            try:
                self._metric = self._load(self._profile)
            except Exception as error:
                self._broken = (
                    f"The weights at {self._profile.model} cannot be used: {error}; mend them and restart the judge."
                )
                raise ShinsaError(Reason.FAILED_PRECONDITION, self._broken, field="profile") from error
            self._revision = revision_of(Path(self._profile.model))
        found = self._metric.compute(cases)
        if len(found) != len(cases):
            raise ValueError(f"{len(found)} results for {len(cases)} cases")
        return [one if isinstance(one, ShinsaError) else replace(one, revision=self._revision) for one in found]


def _missing(profile: ScorerProfile, libraries: Sequence[str]) -> str:
    absent = [name for name in libraries if importlib.util.find_spec(name) is None]
    if absent:
        return f"The metric {profile.metric!r} needs {', '.join(absent)}; install it where the judge runs."
    if not Path(profile.model).exists():
        return f"There are no weights at {profile.model}; put them there, or name another folder."
    return ""


def revision_of(path: Path) -> str:
    """SHA-256 over the weights and their configuration, in hexadecimal."""
    files = [path] if path.is_file() else sorted({found for one in _WEIGHTS for found in path.rglob(one)})
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.name.encode())
        with file.open("rb") as opened:
            while block := opened.read(_BLOCK):
                digest.update(block)
    return digest.hexdigest()


def _failed(error: Exception) -> ShinsaError:
    if isinstance(error, ShinsaError):
        return error
    return ShinsaError(Reason.ENGINE_FAILED, f"The scorer failed: {type(error).__name__}: {error}")
