"""The contract test of a model: asks small things, and tells what works, is ignored, or refused."""

from __future__ import annotations

import asyncio

from shinsa_chassis.errors import Reason, ShinsaError

from shinsa_inference.application.asker import Asker
from shinsa_inference.application.probes import PROBES, Probe
from shinsa_inference.domain.check import Finding, Verdict
from shinsa_inference.ports import Engine

_AT_ONCE = 4
# An endpoint that chokes on one parameter should not keep the others from being found out.
_PROBE_SECONDS = 60.0
# What says no to a request, rather than failing at it. A path that is not there says no to raw prompts.
_REFUSALS = frozenset({Reason.INVALID_ARGUMENT, Reason.FAILED_PRECONDITION, Reason.UPSTREAM_REJECTED, Reason.NOT_FOUND})


async def check_engine(engine: Engine, model: str) -> list[Finding]:
    """Findings in a fixed order. Raises what an ordinary question meets, since nothing could be found out then."""
    asker = Asker(engine, model)
    reply = (await asker.chat("Say hello.")).choices[0]
    places = asyncio.Semaphore(_AT_ONCE)

    async def found(subject: str, probe: Probe) -> Finding:
        async with places:
            return await _finding(subject, probe, asker)

    findings = await asyncio.gather(*(found(subject, probe) for subject, probe in PROBES))
    return [Finding("chat", Verdict.WORKS, f"{len(reply.text)} characters came."), *findings]


async def _finding(subject: str, probe: Probe, asker: Asker) -> Finding:
    try:
        async with asyncio.timeout(_PROBE_SECONDS):
            return Finding(subject, *await probe(asker))
    except TimeoutError:
        return Finding(subject, Verdict.UNKNOWN, f"No answer in {_PROBE_SECONDS:.0f} seconds.")
    except ShinsaError as error:
        if error.reason in _REFUSALS:
            return Finding(subject, Verdict.REFUSED, error.message)
        if error.reason is Reason.UPSTREAM_MALFORMED:
            return Finding(subject, Verdict.IGNORED, error.message)
        return Finding(subject, Verdict.UNKNOWN, error.message)
