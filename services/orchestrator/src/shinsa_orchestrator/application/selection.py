"""Which benchmarks a run is to examine, on which samples and with which settings; or an error that names the field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from shinsa_benchmarks.benchmark import UnfitError
from shinsa_benchmarks.benchmark import wanted as samples_wanted
from shinsa_benchmarks.manifest import Manifest
from shinsa_benchmarks.vocabulary import Sample

from shinsa_orchestrator.application.refusals import invalid, unknown
from shinsa_orchestrator.domain.overrides import by_benchmark
from shinsa_orchestrator.domain.run import Override, PlannedBenchmark, RunSpec, Setting
from shinsa_orchestrator.ports.catalog import Catalog

SPLITS = ("test", "dev")
MOST_REPETITIONS = 1000


@dataclass(frozen=True, slots=True)
class Selected:
    """A benchmark as the run wants it; ``limit`` 0 is all samples."""

    manifest: Manifest
    shots: tuple[int, ...]
    repetitions: int
    limit: int
    settings: Mapping[str, Setting]


class Selection:
    """Of what is installed, what a spec names."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def selected(self, spec: RunSpec) -> list[Selected]:
        """Each benchmark with its settings. Raises ``ShinsaError`` (invalid_argument) with the field at fault."""
        return self._with_overrides(spec.overrides, self._named(spec))

    def _named(self, spec: RunSpec) -> list[Selected]:
        if spec.suite and spec.benchmarks:
            raise invalid("spec.suite", "a suite and benchmarks are both given; give one of them")
        if spec.suite:
            return self._suite(spec)
        if not spec.benchmarks:
            raise invalid("spec.benchmarks", "nothing to examine; give a suite or benchmarks")
        return self._choices(spec)

    def _suite(self, spec: RunSpec) -> list[Selected]:
        suites = self._catalog.suites()
        if spec.suite not in suites:
            raise unknown("spec.suite", "suite", spec.suite, suites)
        named = []
        for entry in suites[spec.suite].benchmarks:
            manifest = self._catalog.benchmarks()[entry.id].manifest
            limits = [limit for limit in (spec.limit, entry.limit) if limit]
            shots = tuple(entry.shots or manifest.shots)
            named.append(Selected(manifest, shots, entry.repetitions, min(limits, default=0), dict(entry.settings)))
        return named

    def _choices(self, spec: RunSpec) -> list[Selected]:
        installed = self._catalog.benchmarks()
        named: list[Selected] = []
        for number, choice in enumerate(spec.benchmarks):
            field = f"spec.benchmarks[{number}]"
            if choice.benchmark not in installed:
                raise unknown(f"{field}.benchmark", "benchmark", choice.benchmark, installed)
            manifest = installed[choice.benchmark].manifest
            if any(one.manifest.id == manifest.id for one in named):
                raise invalid(f"{field}.benchmark", f"{manifest.id} is named twice; give its shot counts in one entry")
            shots = choice.shots or tuple(manifest.shots)
            _check_shots(f"{field}.shots", manifest, shots)
            if choice.repetitions > MOST_REPETITIONS:
                raise invalid(f"{field}.repetitions", f"at most {MOST_REPETITIONS}, not {choice.repetitions}")
            named.append(Selected(manifest, shots, choice.repetitions or 1, spec.limit, {}))
        return named

    def _with_overrides(self, overrides: Sequence[Override], named: Sequence[Selected]) -> list[Selected]:
        names = {one.manifest.id: one.manifest.settings for one in named}
        chosen = by_benchmark(overrides, names, list(self._catalog.benchmarks()))
        _check_split(overrides, [one.manifest for one in named])
        return [_with_settings(one, chosen[one.manifest.id]) for one in named]

    async def lines(self, selected: Sequence[Selected], dataset: str) -> list[PlannedBenchmark]:
        """A line for each shot count, pinned to the data named by ``dataset``. Raises ``ShinsaError`` as above."""
        return [line for one in selected for line in await self._lines(one, dataset)]

    async def _lines(self, one: Selected, wanted: str) -> list[PlannedBenchmark]:
        manifest = one.manifest
        dataset = await self._catalog.dataset(manifest.id, wanted)
        if len(dataset.train) < max(one.shots):
            raise invalid(
                "spec.benchmarks",
                f"{manifest.id}: {max(one.shots)} shots need as many examples, the data ({dataset.origin}) has "
                f"{len(dataset.train)}; take fewer shots or other data",
            )
        samples = dataset.examined(one.settings)
        if not samples:
            raise invalid(
                "spec.overrides[split]",
                f"{manifest.id}: the data ({dataset.origin}) has no samples {samples_wanted(one.settings)}; "
                "prepare data that has, or leave the benchmark out",
            )
        samples = samples[: one.limit or None]
        for shots in one.shots:
            self._check_fit(manifest.id, samples, shots, one.settings)
        return [
            PlannedBenchmark(
                benchmark=manifest.id,
                version=manifest.version,
                shots=shots,
                repetitions=one.repetitions,
                samples=len(samples),
                dataset=dataset.origin,
                dataset_digest=dataset.digest,
                steps=tuple(manifest.steps),
                settings=one.settings,
            )
            for shots in one.shots
        ]

    def _check_fit(self, name: str, samples: Sequence[Sample], shots: int, settings: Mapping[str, Setting]) -> None:
        try:
            self._catalog.benchmarks()[name].check(samples, shots, settings)
        except UnfitError as unfit:
            field = "spec.benchmarks" if unfit.setting == "shots" else f"spec.overrides[{unfit.setting}]"
            raise invalid(field, f"{name}: {unfit}") from unfit


def _with_settings(one: Selected, chosen: Mapping[str, str]) -> Selected:
    try:
        return replace(one, settings=one.manifest.settings_with({**one.settings, **chosen}))
    except ValueError as error:
        raise invalid("spec.overrides", f"{one.manifest.id}: {error}") from error


def _check_split(overrides: Sequence[Override], manifests: Sequence[Manifest]) -> None:
    """A split that is named for the whole run is one of every benchmark: none is examined on another unawares."""
    for override in overrides:
        lacking = [one.id for one in manifests if override.value not in one.splits] if override.key == "split" else []
        if lacking and override.value in SPLITS:
            raise invalid(
                "spec.overrides[split]",
                f"{', '.join(lacking)} have no split {override.value!r}; leave them out, or name the benchmarks that "
                f"have it, as in <benchmark>.split={override.value}",
            )


def _check_shots(field: str, manifest: Manifest, shots: Sequence[int]) -> None:
    for count in shots:
        if count > manifest.most_shots:
            raise invalid(field, f"{manifest.id} takes 0 to {manifest.most_shots} shots, not {count}")
    if len(set(shots)) != len(shots):
        raise invalid(field, f"{manifest.id}: a shot count is given twice")
