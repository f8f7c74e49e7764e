"""A run's progress as it comes: server-sent events, picked up again where the connection breaks."""

from __future__ import annotations

import time
from collections.abc import Iterator

import httpx
from shinsa_client import Refused
from shinsa_client.answer import JsonObject
from shinsa_client.events import EventReader, run_in
from shinsa_client.run import ENDS

from shinsa_cli.gateway.client import GatewayClient, cannot_reach, read_problem
from shinsa_cli.problem import UNREACHABLE, Problem

# How long a gateway that is being restarted is waited for, in seconds.
PATIENCE = 60.0
_LONGEST_PAUSE = 5.0


def watch_run(gateway: GatewayClient, path: str) -> Iterator[JsonObject]:
    """The run now, then whenever it changed, until it is over.

    Where the stream breaks off it is asked for again, for ``PATIENCE`` seconds without a word from the gateway.
    Raises ``Problem``.
    """
    last_word = time.monotonic()
    pause = 0.1
    while True:
        trouble = Problem("the gateway ended the stream before the run was over")
        try:
            reader = EventReader()
            for line in gateway.stream(path):
                # A heartbeat, too, is a word.
                last_word, pause = time.monotonic(), 0.1
                event = reader.line(line)
                run = run_in(event) if event is not None else None
                if run is not None:
                    yield run
                    if run["state"] in ENDS:
                        return
        except httpx.TransportError as error:
            trouble = cannot_reach(gateway.server, error)
        except Refused as refusal:
            trouble = read_problem(refusal.document, refusal.status)
            if trouble.exit_code != UNREACHABLE:
                raise trouble from refusal
        except Problem as problem:
            if problem.exit_code != UNREACHABLE:
                raise
            trouble = problem
        if time.monotonic() - last_word > PATIENCE:
            raise trouble
        time.sleep(pause)
        pause = min(_LONGEST_PAUSE, pause * 2)
