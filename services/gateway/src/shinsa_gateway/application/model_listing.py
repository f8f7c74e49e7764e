"""Models: what is registered with the orchestrator, joined with what the inference service says of it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from difflib import get_close_matches

from shinsa_chassis.errors import Reason, ShinsaError

from shinsa_gateway.domain.model import Model, ModelEntry, ModelState, ServedModel
from shinsa_gateway.ports.orchestrator import Orchestrator
from shinsa_gateway.ports.workers import Inference


async def list_models(orchestrator: Orchestrator, inference: Inference) -> tuple[Model, ...]:
    """All registered models. Where the inference service cannot be asked, their state is unknown and says why."""
    entries, served = await asyncio.gather(orchestrator.list_models(), _served(inference))
    return tuple(_joined(entry, served) for entry in entries)


async def find_model(orchestrator: Orchestrator, inference: Inference, name: str) -> Model:
    """One registered model; NOT_FOUND with near matches for any other name."""
    models = {model.name: model for model in await list_models(orchestrator, inference)}
    if name not in models:
        raise ShinsaError(
            Reason.NOT_FOUND,
            f"There is no model {name!r}; register it first, or take one that is listed.",
            field="name",
            near_matches=get_close_matches(name, models),
        )
    return models[name]


async def _served(inference: Inference) -> Mapping[str, ServedModel] | ShinsaError:
    try:
        return {model.name: model for model in await inference.list_models()}
    except ShinsaError as error:
        return error


def _joined(entry: ModelEntry, served: Mapping[str, ServedModel] | ShinsaError) -> Model:
    known = dict(entry)
    if isinstance(served, ShinsaError):
        return Model(**known, state=ModelState.UNKNOWN, problem=f"inference: {served.message}")
    live = served.get(entry.name)
    if live is None:
        return Model(**known, state=ModelState.UNSERVED)
    return Model(**known, state=live.state, problem=live.problem, in_flight=live.in_flight)
