"""How the mesh is: what the orchestrator found, joined with what the gateway sees of the other services."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence

from shinsa_chassis.errors import ShinsaError

from shinsa_gateway.application.model_listing import list_models
from shinsa_gateway.domain.catalog import Runtime
from shinsa_gateway.domain.generation import Order, Sampling, Turn
from shinsa_gateway.domain.judge import JudgeCatalog, Profile, Rubric
from shinsa_gateway.domain.model import Model, ModelState
from shinsa_gateway.domain.operation import CheckFinding, Diagnosis, Severity
from shinsa_gateway.ports.services import Services

_CLOCK_SECONDS = 2.0
# Kinds of judges that a small question says something about; panels are asked by their members.
_ASKABLE = ("openai", "azure", "inference", "scripted")
_QUESTION = "1足す1は？"


async def diagnose(services: Services, *, version: str, probe: bool) -> Diagnosis:
    """Never raises for what is wrong with the mesh: that is what is told. ``probe`` asks judges and models, too."""
    findings: list[CheckFinding] = []
    view = None
    started = time.time()
    try:
        view = await services.operations.diagnose()
    except ShinsaError as error:
        remedy = "start an orchestrator, or mend the gateway's orchestrator_address; its log says what it waits for"
        findings.append(_found("gateway", "orchestrator", Severity.ERROR, _unreached("orchestrator", error), remedy))
    if view is not None:
        findings += [_gateway(view.version, version), _clock(view.now, started, time.time()), *view.findings]
    looks = (_models(services, probe), _judges(services, probe), _sandboxes(services))
    for found in await asyncio.gather(*looks):
        findings += found
    return Diagnosis(
        severity=worst(findings),
        findings=tuple(findings),
        replicas=view.replicas if view else (),
        gateway_version=version,
        orchestrator_version=view.version if view else "",
    )


def worst(findings: Iterable[CheckFinding]) -> Severity:
    order = list(Severity)
    return max((one.severity for one in findings), key=order.index, default=Severity.OK)


def _found(check: str, subject: str, severity: Severity, message: str, remedy: str = "") -> CheckFinding:
    return CheckFinding(check=check, subject=subject, severity=severity, message=message, remedy=remedy)


def _unreached(service: str, error: ShinsaError) -> str:
    return f"The gateway cannot ask the {service} service: {_end(error.message)}"


def _end(told: str) -> str:
    """What others told, with one full stop."""
    return f"{told.rstrip('.')}."


def _gateway(orchestrator: str, gateway: str) -> CheckFinding:
    if orchestrator == gateway:
        return _found("versions", "gateway", Severity.OK, f"Gateway and orchestrator are of version {gateway}.")
    message = f"The gateway is of version {gateway}, the orchestrator that answered of {orchestrator}."
    remedy = "in the middle of an upgrade this passes by itself; else bring all to one version"
    return _found("versions", "gateway", Severity.WARNING, message, remedy)


def _clock(theirs: float, asked_at: float, heard_at: float) -> CheckFinding:
    off = max(0.0, theirs - heard_at, asked_at - theirs)
    if off <= _CLOCK_SECONDS:
        return _found("clocks", "gateway", Severity.OK, "The gateway's clock agrees with the orchestrator's.")
    message = f"The gateway's clock is {off:.1f} s off the orchestrator's."
    return _found("clocks", "gateway", Severity.WARNING, message, "let its host keep time (chrony, systemd-timesyncd)")


async def _asked(
    check: str, service: str, look: Callable[[], Awaitable[Sequence[CheckFinding]]]
) -> Sequence[CheckFinding]:
    try:
        return await look()
    except ShinsaError as error:
        remedy = f"start the {service} service, or mend the gateway's {service}_address; its log says what it waits for"
        return [_found(check, service, Severity.ERROR, _unreached(service, error), remedy)]


# --- models ---


async def _models(services: Services, probe: bool) -> Sequence[CheckFinding]:
    async def look() -> Sequence[CheckFinding]:
        await services.inference.list_models()
        models = await list_models(services.orchestrator, services.inference)
        if not models:
            return [_found("models", "none", Severity.OK, "No model is registered yet.", "`shinsa models add`")]
        return await asyncio.gather(*(_model(services, one, probe) for one in models))

    return await _asked("models", "inference", look)


async def _model(services: Services, model: Model, probe: bool) -> CheckFinding:
    if model.state is ModelState.FAILED:
        remedy = "mend its entry with `shinsa models add --replace`; the log of inference tells more"
        return _found("models", model.name, Severity.ERROR, f"It could not be served: {_end(model.problem)}", remedy)
    if model.state is ModelState.UNSERVED:
        message = "It is registered, and the inference replica that answered does not have it."
        return _found("models", model.name, Severity.WARNING, message, "wait a moment; else see the log of inference")
    if not (probe and model.state is ModelState.READY):
        return _found("models", model.name, Severity.OK, f"It is {model.state.value}, {model.in_flight} in flight.")
    try:
        await _ask(services, model.name)
    except ShinsaError as error:
        remedy = f"`shinsa models check {model.name}` tells what of it works"
        return _found("models", model.name, Severity.ERROR, f"It was asked and failed: {_end(error.message)}", remedy)
    return _found("models", model.name, Severity.OK, "It was asked and answered.")


async def _ask(services: Services, model: str) -> None:
    """As a chat, or, for models without a chat template, as raw text. Raises what the chat came to if neither works."""
    few = Sampling(max_tokens=1)
    try:
        await services.inference.generate(model, Order(messages=(Turn(role="user", content=_QUESTION),), sampling=few))
    except ShinsaError as error:
        try:
            await services.inference.generate(model, Order(raw=_QUESTION, sampling=few))
        except ShinsaError:
            raise error from None


# --- judges ---


async def _judges(services: Services, probe: bool) -> Sequence[CheckFinding]:
    async def look() -> Sequence[CheckFinding]:
        catalog = await services.judges.list_profiles()
        return await asyncio.gather(*(_judge(services, catalog, one, probe) for one in catalog.profiles))

    return await _asked("judges", "judge", look)


async def _judge(services: Services, catalog: JudgeCatalog, profile: Profile, probe: bool) -> CheckFinding:
    if not profile.available:
        serves = [one.role for one in catalog.roles if one.profile == profile.name]
        told = f" It is the judge of {', '.join(serves)} where a run names none." if serves else ""
        remedy = "mend the profile or its endpoint; the file is read again when it changes"
        return _found(
            "judges", profile.name, Severity.WARNING, f"It is not available: {_end(profile.problem)}{told}", remedy
        )
    rubric = _plain_rubric(catalog.rubrics)
    if not probe or rubric is None or profile.kind not in _ASKABLE:
        return _found("judges", profile.name, Severity.OK, "It is available.")
    try:
        verdict = await services.judges.judge(profile.name, rubric.id, dict.fromkeys(rubric.fields, _QUESTION))
    except ShinsaError as error:
        remedy = "look at its endpoint, its key and its limits"
        return _found("judges", profile.name, Severity.ERROR, f"It was asked and failed: {_end(error.message)}", remedy)
    if not verdict.readable:
        message = f"It was asked, and its verdict cannot be read: {verdict.unreadable_reason}."
        remedy = (
            "give it room to finish (max_tokens), or take a judge that keeps to the form; `shinsa judge-eval` measures"
        )
        return _found("judges", profile.name, Severity.WARNING, message, remedy)
    return _found("judges", profile.name, Severity.OK, "It was asked and gave a verdict.")


def _plain_rubric(rubrics: Sequence[Rubric]) -> Rubric | None:
    """One answer to one question, if there is such a rubric: any judge can give a verdict about that."""
    return next((one for one in rubrics if set(one.fields) == {"question", "answer"} and not one.both_orders), None)


# --- sandboxes ---


async def _sandboxes(services: Services) -> Sequence[CheckFinding]:
    async def look() -> Sequence[CheckFinding]:
        return [_runtime(one) for one in await services.sandbox.list_runtimes()]

    return await _asked("sandboxes", "sandbox", look)


def _runtime(runtime: Runtime) -> CheckFinding:
    if runtime.available:
        message = f"It withstood its own attacks; {runtime.executor}, tier {runtime.tier or '?'}."
        return _found("sandboxes", runtime.name, Severity.OK, message)
    remedy = "see what the sandbox asks of the host in docs/deploy.md, or leave this runtime out"
    return _found("sandboxes", runtime.name, Severity.WARNING, f"It is not available: {_end(runtime.problem)}", remedy)
