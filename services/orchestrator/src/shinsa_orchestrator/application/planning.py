"""From what a submitter says to a plan, or to an error that names what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from shinsa_benchmarks.manifest import Manifest
from shinsa_chassis.errors import Reason, ShinsaError

from shinsa_orchestrator.application.acceptance import check_accepted, check_reusable
from shinsa_orchestrator.application.judge_choice import check_prices, chosen_profiles, profile_for
from shinsa_orchestrator.application.lines import open_lines
from shinsa_orchestrator.application.pinning import pin_judges, pin_model
from shinsa_orchestrator.application.refusals import invalid, unknown
from shinsa_orchestrator.application.selection import Selection
from shinsa_orchestrator.domain.model import ModelEntry
from shinsa_orchestrator.domain.run import (
    JudgeBudget,
    Pins,
    Plan,
    RunSpec,
)
from shinsa_orchestrator.ports.catalog import Catalog
from shinsa_orchestrator.ports.definitions import DefinitionStore
from shinsa_orchestrator.ports.models import ModelStore
from shinsa_orchestrator.ports.workers import JudgeDirectory, JudgeOffer, SandboxDirectory

MOST_WINDOW = 100_000


@dataclass(frozen=True, slots=True)
class PlanTerms:
    """Sizes that a spec does not say: items in flight at once, items of a shard."""

    window: int
    items_per_shard: int


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
        self._selection = Selection(catalog)
        self._models = models
        self._judges = judges
        self._sandboxes = sandboxes
        self._terms = terms

    async def plan(self, spec: RunSpec) -> Plan:
        """Raises ``ShinsaError``: invalid_argument with the field at fault, or unavailable with the service that could
        not be asked."""
        model = await self.check_model(spec.model)
        selected = self._selection.selected(spec)
        manifests = [one.manifest for one in selected]
        if spec.window > MOST_WINDOW:
            raise invalid("spec.window", f"{spec.window} items at once are too many; at most {MOST_WINDOW}")
        judges, offer = await self.resolve_judges(spec, manifests)
        await self._check_sandbox(manifests)
        lines = await self._selection.lines(selected, spec.dataset)
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
