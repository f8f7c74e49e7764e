"""Malformed calls to every rpc of every service of a real mesh: each is answered, nobody falls, work goes on.

What NATS may bring is in ``integration/broker/test_garbage``.
"""

from __future__ import annotations

import itertools
import json
import os
import shlex
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from contract.wires.garbage import broken, mutants
from e2e.rig import PATIENT, Mesh, lasting
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass
from shinsa.inference.v1 import inference_service_pb2
from shinsa.judge.v1 import judge_service_pb2
from shinsa.orchestrator.v1 import (
    access_service_pb2,
    operation_service_pb2,
    orchestrator_service_pb2,
    remark_service_pb2,
    submission_service_pb2,
    webhook_service_pb2,
)
from shinsa.sandbox.v1 import sandbox_service_pb2

ORCHESTRATOR = (
    access_service_pb2,
    operation_service_pb2,
    orchestrator_service_pb2,
    remark_service_pb2,
    submission_service_pb2,
    webhook_service_pb2,
)
DOORS: dict[str, tuple[Any, ...]] = {
    "orchestrator": ORCHESTRATOR,
    "inference": (inference_service_pb2,),
    "judge": (judge_service_pb2,),
    "sandbox": (sandbox_service_pb2,),
}
RUN = ("run", "--model", "scripted", "--suite", "demo", "--limit", "1", "--judge", "bench")
# No mesh has these unless it is given them.
JUDGES = """
[profiles.first]
kind = "scripted"
rules = [{ pattern = "富士", reply = '{"explanation": "山", "rating": 3}' }]
otherwise = '{"explanation": "ない", "rating": 7}'
asks = 1

[profiles.second]
kind = "scripted"
invent = true

[profiles.bench]
kind = "panel"
members = ["first", "second"]
repeats = 2
"""
# Answers of a service that has lost its way.
LOST = {grpc.StatusCode.UNKNOWN, grpc.StatusCode.INTERNAL, grpc.StatusCode.UNIMPLEMENTED}
# Of a service that is not there any more.
AWAY = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED}
PATIENCE = 60.0
# Of each kind of garbage, for each rpc.
SHARE = int(os.environ.get("SHINSA_GARBAGE", "4"))


def methods() -> Iterator[tuple[str, MethodDescriptor]]:
    for service, modules in DOORS.items():
        for module in modules:
            for described in module.DESCRIPTOR.services_by_name.values():
                yield from ((service, method) for method in described.methods)


def payloads(method: MethodDescriptor) -> list[bytes]:
    """Every so many of all that can be sent, so that each rpc gets its share."""
    sound = GetMessageClass(method.input_type)()
    noise, mutated = broken(sound), [mutant.SerializeToString() for mutant in mutants(sound, depth=2)]
    return [*_some(noise), *_some(mutated)]


def _some(payloads: list[bytes]) -> list[bytes]:
    return payloads[:: max(1, len(payloads) // SHARE)]


def ask(channel: grpc.Channel, method: MethodDescriptor, payload: bytes) -> grpc.StatusCode:
    """The answer's status. A stream is left after its first part."""
    path = f"/{method.containing_service.full_name}/{method.name}"
    try:
        if method.server_streaming:
            parts = channel.unary_stream(path)(payload, timeout=PATIENCE)
            next(parts, None)
            parts.cancel()
        else:
            channel.unary_unary(path)(payload, timeout=PATIENCE)
    except grpc.RpcError as error:
        return error.code()
    return grpc.StatusCode.OK


def readable(kind: type[Message], payload: bytes) -> bool:
    try:
        kind.FromString(payload)
    except DecodeError:
        return False
    return True


def examined(mesh: Any, *words: str) -> dict[str, Any]:
    """The report of a run."""
    return dict(json.loads(mesh.shinsa(*words, "--json", patience=300).stdout))


@pytest.mark.timeout(900)
def test_garbage_and_another_machine_change_no_report(mesh, tmp_path) -> None:
    """A second mesh has nothing but the first one's report: its judges are restored from it, its command is run."""
    (tmp_path / "judges.toml").write_text(JUDGES, "utf-8")
    start(mesh, tmp_path / "judges.toml")
    mesh.shinsa("models", "add", "scripted", "--engine", "scripted", *RULES, "--sampling", "top_p=0.5")
    first = examined(mesh, *RUN)
    assert (first["run"]["state"], first["provenance"]["sandbox_tiers"] != []) == ("complete", True)
    send_garbage(mesh)
    assert json.dumps(lasting(examined(mesh, *RUN))) == json.dumps(lasting(first))
    assert all(child["restarts"] == 0 for child in mesh.record()["children"]), mesh.tails()
    mesh.down()
    (tmp_path / "report.json").write_text(json.dumps(first), "utf-8")
    program, *words = shlex.split(first["provenance"]["reproduce"])
    assert program == "shinsa"
    elsewhere = Mesh(tmp_path / "elsewhere")
    try:
        elsewhere.shinsa("judges", "restore", str(tmp_path / "report.json"), str(tmp_path / "restored.toml"))
        start(elsewhere, tmp_path / "restored.toml")
        again = examined(elsewhere, *words)
        refused = {option: elsewhere.shinsa(*_otherwise(words, option), ok=False) for option in REFUSALS}
    finally:
        elsewhere.down()
    assert again["run"]["spec"]["judges"] == {"*": "bench"}
    assert json.dumps(lasting(again)) == json.dumps(lasting(first))
    for option, said in REFUSALS.items():
        told = " ".join(refused[option].stderr.split())
        assert (refused[option].returncode, said in told) == (2, True), (option, told)


# What is said where another mesh has something else than a report was made with.
REFUSALS = {
    "--pin": "not of what was pinned",
    "--pin-plan": "planned otherwise here",
    "--pin-judge": "judge profile 'bench' is another here",
    "--entry": "registered otherwise",
}


def _otherwise(words: list[str], option: str) -> list[str]:
    """The same command with another value of that option."""
    at = words.index(option) + 1
    changes = {
        "--pin": words[at].replace(":", ":0", 1),
        "--pin-plan": "0" + words[at],
        "--pin-judge": words[at].replace("=", "=0", 1),
        "--entry": '{"scripted": {"otherwise": "2"}}',
    }
    return [*words[:at], changes[option], *words[at + 1 :]]


RULES = ("--rule", "def |Python=>```python\ndef f(x):\n    return x\n```", "--otherwise", "1")


def start(mesh: Any, judges: Path) -> None:
    mesh.environment |= {**PATIENT, "SHINSA_ORCHESTRATOR_HUB_URL": "none"}
    mesh.up("--judges", str(judges))


def send_garbage(mesh: Any) -> None:
    """Some of everything to every rpc; each call is answered, and not by one that has lost its way."""
    codes: Counter[grpc.StatusCode] = Counter()
    lost = []
    for service, found in itertools.groupby(methods(), key=lambda pair: pair[0]):
        with grpc.insecure_channel(mesh.child(service)["address"]) as channel:
            for _, method in found:
                kind = GetMessageClass(method.input_type)
                for payload in payloads(method):
                    code = ask(channel, method, payload)
                    codes[code] += 1
                    if code in LOST | AWAY or (not readable(kind, payload) and code.name != "INVALID_ARGUMENT"):
                        lost.append((method.full_name, code.name, payload[:60]))
    assert lost == [], mesh.tails()
    assert codes[grpc.StatusCode.INVALID_ARGUMENT] > codes.total() // 4, codes
    # Some of it could be read, and may have been an order to rest.
    mesh.shinsa("admin", "drain", "--undo")
