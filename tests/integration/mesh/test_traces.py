"""One trace follows an item through every service that works for it, over queues and calls."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest
from e2e.rig import Endpoint, Mesh, write_upstream
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc
from waiting import block_until

SERVICES = ("ORCHESTRATOR", "INFERENCE", "SANDBOX", "JUDGE", "GATEWAY")
JUDGES = """
[profiles.of-the-mesh]
kind = "inference"
model = "grader"
structured = "json_schema"

[roles]
mt-bench = "of-the-mesh"
"""


class Collector(trace_service_pb2_grpc.TraceServiceServicer):
    """An OTLP collector that keeps (trace id, service, span name, span id, parent's id)."""

    def __init__(self) -> None:
        self.spans: list[tuple[str, str, str, str, str]] = []
        self._lock = threading.Lock()
        self._server = grpc.server(ThreadPoolExecutor(8))
        trace_service_pb2_grpc.add_TraceServiceServicer_to_server(self, self._server)
        self.url = f"http://127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._server.start()

    def Export(self, request: Any, context: Any) -> Any:
        for resource in request.resource_spans:
            service = next(one.value.string_value for one in resource.resource.attributes if one.key == "service.name")
            found = [
                (span.trace_id.hex(), service, span.name, span.span_id.hex(), span.parent_span_id.hex())
                for scope in resource.scope_spans
                for span in scope.spans
            ]
            with self._lock:
                self.spans += found
        return trace_service_pb2.ExportTraceServiceResponse()

    def trace(self, item_id: str) -> list[tuple[str, str, str, str, str]]:
        with self._lock:
            return [span for span in self.spans if span[0] == item_id.ljust(32, "0")]

    def close(self) -> None:
        self._server.stop(0)


@pytest.fixture
def collector() -> Iterator[Collector]:
    made = Collector()
    yield made
    made.close()


@pytest.fixture
def mesh_settings(collector: Collector) -> dict[str, str]:
    return {f"SHINSA_{service}_OTLP_ENDPOINT": collector.url for service in SERVICES}


def steps_of(collector: Collector, item_id: str) -> set[tuple[str, str]]:
    """(service, name) of the item's spans."""
    return {(service.removeprefix("shinsa-"), name) for _, service, name, _, _ in collector.trace(item_id)}


def until_seen(collector: Collector, item_id: str, wanted: set[tuple[str, str]]) -> None:
    """Spans are sent in batches, some seconds after they ended."""
    block_until(
        lambda: wanted <= steps_of(collector, item_id),
        lambda: f"{wanted - steps_of(collector, item_id)} {sorted(collector.spans)}",
    )


def loose(collector: Collector, item_id: str) -> set[str]:
    """What spans hang from that is neither a span of their trace nor the item itself; some comes in a later batch."""
    spans = collector.trace(item_id)
    return {parent for *_, parent in spans} - {span_id for _, _, _, span_id, _ in spans} - {item_id[:16]}


@pytest.mark.timeout(400)
def test_an_item_is_followed_through_every_service(
    mesh: Mesh, collector: Collector, endpoint: Endpoint, tmp_path: Path
) -> None:
    judges = tmp_path / "judges.toml"
    judges.write_text(JUDGES, "utf-8")
    write_upstream(tmp_path / "upstream", 5, 1, 1)
    mesh.shinsa("data", "prepare", "--from", str(tmp_path / "upstream"), "mt_bench_ja", "jhumaneval")
    mesh.up("--judges", str(judges))
    for name in ("examined", "grader"):
        mesh.shinsa("models", "add", name, "--engine", "openai", "--base-url", endpoint.url, "--model", name)
    choices = [{"benchmark": name, "shots": [0]} for name in ("mt_bench_ja", "jhumaneval")]
    run = mesh.finished(mesh.post("/v1/runs", {"model": "examined", "benchmarks": choices})["id"])
    assert run["state"] == "complete", (run, mesh.tails())
    items = {item["benchmark"]: item["id"] for item in mesh.items(run["id"])}
    assert len(items) == 2

    asked = {("orchestrator", "ask generate"), ("inference", "generate step")}
    executed = asked | {("orchestrator", "ask execute"), ("sandbox", "execute step")}
    until_seen(collector, items["jhumaneval"], executed)
    call = "/shinsa.inference.v1.InferenceService/Generate"
    judged = asked | {("orchestrator", "ask judge"), ("judge", "judge step"), ("judge", call), ("inference", call)}
    until_seen(collector, items["mt_bench_ja"], judged)
    for item_id in items.values():
        block_until(lambda item=item_id: not loose(collector, item), f"spans of {item_id} hang from nothing")
