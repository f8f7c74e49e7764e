"""From what a submitter says to a plan, or to an error that names what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from shinsa_benchmarks.benchmark import wanted
from shinsa_benchmarks.manifest import Manifest
from shinsa_chassis.errors import Reason, ShinsaError

from shinsa_orchestrator.application.acceptance import check_accepted, check_reusable
from shinsa_orchestrator.application.judge_choice import check_prices, chosen_profiles, profile_for
from shinsa_orchestrator.application.lines import open_lines
from shinsa_orchestrator.application.pinning import pin_judges, pin_model
from shinsa_orchestrator.application.refusals import invalid, unknown
from shinsa_orchestrator.domain.model import ModelEntry
from shinsa_orchestrator.domain.overrides import by_benchmark
from shinsa_orchestrator.domain.run import (
    JudgeBudget,
    Override,
    Pins,
    Plan,
    PlannedBenchmark,
    RunSpec,
    Setting,
)
from shinsa_orchestrator.ports.catalog import Catalog
from shinsa_orchestrator.ports.definitions import DefinitionStore
from shinsa_orchestrator.ports.models import ModelStore
from shinsa_orchestrator.ports.workers import JudgeDirectory, JudgeOffer, SandboxDirectory

SPLITS = ("test", "dev")
MOST_REPETITIONS = 1000
MOST_WINDOW = 100_000


@dataclass(frozen=True, slots=True)
class PlanTerms:
    """Sizes that a spec does not say: items in flight at once, items of a shard."""

    window: int
    items_per_shard: int


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A benchmark as the run wants it; ``limit`` 0 is all samples."""

    manifest: Manifest
    shots: tuple[int, ...]
    repetitions: int
    limit: int
    settings: Mapping[str, Setting]


class Planner:
    """Validates a whole spec before anything is stored, and pins what it names."""

    def __init__(
        self,
        catalog: Catalog,
        models: ModelStore,
        judges: JudgeDirectory,
        sandboxes: SandboxDirectory,
        terms: PlanTerms,
        definitions: DefinitionStore,
    ) -> None:
        self._definitions = definitions
        self._catalog = catalog
        self._models = models
        self._judges = judges
        self._sandboxes = sandboxes
        self._terms = terms

    async def plan(self, spec: RunSpec) -> Plan:
        """Raises ``ShinsaError``: invalid_argument with the field at fault, or unavailable with the service that could
        not be asked."""
        model = await self.check_model(spec.model)
        wanted = self._wanted(spec)
        settings = self._settings(spec, wanted)
        if spec.window > MOST_WINDOW:
            raise invalid("spec.window", f"{spec.window} items at once are too many; at most {MOST_WINDOW}")
        judges, offer = await self.resolve_judges(spec, [one.manifest for one in wanted])
        await self._check_sandbox([one.manifest for one in wanted])
        lines = [line for one in wanted for line in await self._lines(spec, one, settings[one.manifest.id])]
        plan = Plan(tuple(lines), judges, self._terms.items_per_shard, spec.window or self._terms.window)
        opened = await open_lines(plan, self._catalog) if model.accepts or spec.reuse else ()
        await check_accepted(model, opened)
        if spec.reuse:
            await check_reusable(opened)
        pins = await pin_model(plan.pins, model, self._definitions)
        return replace(plan, pins=await self._with_judges(pins, judges, offer))

    async def judged(self, plan: Plan, spec: RunSpec, manifests: Sequence[Manifest]) -> Plan:
        """The plan with the judges that ``spec`` names, as they are now; the model stays as it was."""
        judges, offer = await self.resolve_judges(spec, manifests)
        pins = await self._with_judges(replace(plan.pins, judges={}, judge_models={}), judges, offer)
        return replace(plan, judges=judges, pins=pins)

    async def _with_judges(self, pins: Pins, judges: Mapping[str, str], offer: JudgeOffer) -> Pins:
        return await pin_judges(pins, judges.values(), offer, self._definitions, self._models)

    async def pinned_anew(self, plan: Plan, model: str) -> Plan:
        """The plan for whoever is in force now; the model of the empty name stays as it was."""
        pins = plan.pins
        if model:
            pins = await pin_model(pins, await self.check_model(model), self._definitions)
        if plan.judges:
            pins = await self._with_judges(pins, plan.judges, await self._judges.offer())
        return replace(plan, pins=pins)

    async def check_model(self, name: str) -> ModelEntry:
        """The model of that name. Raises ``ShinsaError`` where none is registered."""
        if not name:
            raise invalid("spec.model", "is empty; name a registered model")
        entry = await self._models.model(name)
        if entry is None:
            raise unknown("spec.model", "model", name, [entry.name for entry in await self._models.models()])
        return entry

    # --- benchmarks ---

    def _wanted(self, spec: RunSpec) -> list[_Wanted]:
        if spec.suite and spec.benchmarks:
            raise invalid("spec.suite", "a suite and benchmarks are both given; give one of them")
        if spec.suite:
            return self._suite(spec)
        if not spec.benchmarks:
            raise invalid("spec.benchmarks", "nothing to examine; give a suite or benchmarks")
        return self._choices(spec)

    def _suite(self, spec: RunSpec) -> list[_Wanted]:
        suites = self._catalog.suites()
        if spec.suite not in suites:
            raise unknown("spec.suite", "suite", spec.suite, suites)
        wanted = []
        for entry in suites[spec.suite].benchmarks:
            manifest = self._catalog.benchmarks()[entry.id].manifest
            limits = [limit for limit in (spec.limit, entry.limit) if limit]
            shots = tuple(entry.shots or manifest.shots)
            wanted.append(_Wanted(manifest, shots, entry.repetitions, min(limits, default=0), dict(entry.settings)))
        return wanted

    def _choices(self, spec: RunSpec) -> list[_Wanted]:
        installed = self._catalog.benchmarks()
        wanted: list[_Wanted] = []
        for number, choice in enumerate(spec.benchmarks):
            field = f"spec.benchmarks[{number}]"
            if choice.benchmark not in installed:
                raise unknown(f"{field}.benchmark", "benchmark", choice.benchmark, installed)
            manifest = installed[choice.benchmark].manifest
            if any(one.manifest.id == manifest.id for one in wanted):
                raise invalid(f"{field}.benchmark", f"{manifest.id} is named twice; give its shot counts in one entry")
            shots = choice.shots or tuple(manifest.shots)
            _check_shots(f"{field}.shots", manifest, shots)
            if choice.repetitions > MOST_REPETITIONS:
                raise invalid(f"{field}.repetitions", f"at most {MOST_REPETITIONS}, not {choice.repetitions}")
            wanted.append(_Wanted(manifest, shots, choice.repetitions or 1, spec.limit, {}))
        return wanted

    def _settings(self, spec: RunSpec, wanted: Sequence[_Wanted]) -> dict[str, dict[str, Setting]]:
        names = {one.manifest.id: one.manifest.settings for one in wanted}
        chosen = by_benchmark(spec.overrides, names, list(self._catalog.benchmarks()))
        _check_split(spec.overrides, [one.manifest for one in wanted])
        merged = {}
        for one in wanted:
            try:
                merged[one.manifest.id] = one.manifest.settings_with({**one.settings, **chosen[one.manifest.id]})
            except ValueError as error:
                raise invalid("spec.overrides", f"{one.manifest.id}: {error}") from error
        return merged

    async def _lines(self, spec: RunSpec, one: _Wanted, settings: Mapping[str, Setting]) -> list[PlannedBenchmark]:
        manifest = one.manifest
        dataset = await self._catalog.dataset(manifest.id, spec.dataset)
        if len(dataset.train) < max(one.shots):
            raise invalid(
                "spec.benchmarks",
                f"{manifest.id}: {max(one.shots)} shots need as many examples, the data ({dataset.origin}) has "
                f"{len(dataset.train)}; take fewer shots or other data",
            )
        there = len(dataset.examined(settings))
        if not there:
            raise invalid(
                "spec.overrides[split]",
                f"{manifest.id}: the data ({dataset.origin}) has no samples {wanted(settings)}; prepare data that "
                "has, or leave the benchmark out",
            )
        return [
            PlannedBenchmark(
                benchmark=manifest.id,
                version=manifest.version,
                shots=shots,
                repetitions=one.repetitions,
                samples=min(there, one.limit or there),
                dataset=dataset.origin,
                dataset_digest=dataset.digest,
                steps=tuple(manifest.steps),
                settings=settings,
            )
            for shots in one.shots
        ]

    # --- judges and sandbox ---

    async def resolve_judges(
        self, spec: RunSpec, manifests: Sequence[Manifest]
    ) -> tuple[Mapping[str, str], JudgeOffer]:
        """Profile by role for every judge role of these benchmarks, and what the judge service offers.

        It is asked only if there is a role.

        An optional role is served by a profile that is named for this very role, never by one for every role; without
        one it is left out.
        """
        roles = sorted({role for manifest in manifests for role in manifest.judge_roles})
        optional = sorted({role for manifest in manifests for role in manifest.optional_judge_roles} - set(roles))
        chosen = chosen_profiles(spec.judges, [*roles, *optional])
        if not roles and not optional:
            return {}, JudgeOffer((), {})
        offer = await self._judges.offer()
        named = {**offer.defaults, **chosen}
        served = {role: profile_for(role, {role: named[role]}, offer) for role in optional if role in named}
        judges = {role: profile_for(role, chosen, offer) for role in roles} | served
        check_prices(spec.judge_budget, judges.values(), offer)
        return judges, offer

    async def check_budget(self, budget: JudgeBudget, judges: Mapping[str, str]) -> None:
        """Raises ``ShinsaError`` where a budget could not be kept with these judges."""
        if budget.cost and judges:
            check_prices(budget, judges.values(), await self._judges.offer())

    async def _check_sandbox(self, manifests: Sequence[Manifest]) -> None:
        executing = [manifest.id for manifest in manifests if "execute" in manifest.steps]
        if not executing:
            return
        runtimes = await self._sandboxes.runtimes()
        if not any(runtime.available for runtime in runtimes):
            problems = "; ".join(f"{runtime.name}: {runtime.problem}" for runtime in runtimes) or "it has no runtime"
            raise ShinsaError(
                Reason.FAILED_PRECONDITION,
                f"{', '.join(executing)} execute code, and the sandbox cannot ({problems}); mend it or leave them out",
                field="spec.benchmarks",
                origin="sandbox",
            )


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
