"""Whom a connection trusts: an authority put right is taken at the next try; a server without TLS is refused."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from integration.wire.conftest import WiredNats
from integration.wire.test_permissions import settings_for
from shinsa_chassis.broker import open_broker
from structlog.testing import capture_logs


async def _refused(told: list[Any], words: str) -> dict[str, Any]:
    async with asyncio.timeout(120):
        while not (found := [line for line in told if line["event"] == "nats_refused" and words in line["problem"]]):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    return dict(found[0])


async def test_an_unknown_authority_is_told_and_recovered_from(
    wired: WiredNats, make_certificates: Callable[[], Path], tmp_path: Path
) -> None:
    authority = tmp_path / "authority.pem"
    authority.write_bytes((make_certificates() / "judge/ca.pem").read_bytes())
    opening = open_broker(settings_for(wired, "orchestrator", nats_ca_file=authority))
    with capture_logs() as told:
        entering = asyncio.create_task(opening.__aenter__())
        line = await _refused(told, "CERTIFICATE_VERIFY_FAILED")
        assert "SHINSA_ORCHESTRATOR_NATS_CA_FILE" in line["remedy"]
        authority.write_bytes((wired.certificates / "orchestrator/ca.pem").read_bytes())
        await asyncio.wait_for(entering, 120)
    await opening.__aexit__(None, None, None)


async def test_a_server_without_tls_sees_no_password(wired: WiredNats) -> None:
    wired.kill()
    wired.tls = False
    wired.start()
    opening = open_broker(settings_for(wired, "orchestrator"))
    with capture_logs() as told:
        entering = asyncio.create_task(opening.__aenter__())
        await _refused(told, "offers no TLS")
        assert not entering.done()
        wired.kill()
        wired.tls = True
        wired.start()
        await asyncio.wait_for(entering, 120)
    await opening.__aexit__(None, None, None)
