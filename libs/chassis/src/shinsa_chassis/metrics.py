"""Every Prometheus instrument of the mesh. Labels are few and closed: never a run, an item or a model's output."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache

from prometheus_client import Counter, Gauge, Histogram, start_http_server

from shinsa_chassis.errors import Reason, ShinsaError
from shinsa_chassis.failure import as_shinsa_error

_STEP_BUCKETS = (0.005, 0.02, 0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000)
_FAST_BUCKETS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.03, 0.1, 0.3, 1, 3, 10)

STEPS = Counter(
    "shinsa_steps", "Steps handled by this replica; outcome is 'ok' or a failure's reason.", ("kind", "outcome")
)
STEP_SECONDS = Histogram(
    "shinsa_step_seconds", "Time from taking a step to its outcome.", ("kind",), buckets=_STEP_BUCKETS
)
STEPS_IN_FLIGHT = Gauge("shinsa_steps_in_flight", "Steps being handled now.", ("kind",))
REDELIVERIES = Counter("shinsa_redeliveries", "Tasks that a work queue delivered not for the first time.", ("kind",))
QUEUE_PUBLISH_SECONDS = Histogram(
    "shinsa_queue_publish_seconds", "Time from publishing to the broker's acknowledgement.", buckets=_FAST_BUCKETS
)
QUEUE_WAIT_SECONDS = Histogram(
    "shinsa_queue_wait_seconds",
    "Time that a task lay in its work queue before a worker took it.",
    ("kind",),
    buckets=_STEP_BUCKETS,
)
QUEUE_PENDING = Gauge(
    "shinsa_queue_pending", "Tasks that lay in the work queue behind the one taken last.", ("kind", "key")
)
CLOCK_OFFSET = Gauge(
    "shinsa_clock_offset_seconds", "By how much this replica's clock is ahead of the message broker's."
)
HINDRANCES = Gauge("shinsa_hindrances", "What keeps this replica from being ready: 1 while it does.", ("about",))
SANDBOX_WAIT_SECONDS = Histogram(
    "shinsa_sandbox_wait_seconds", "Time from asking for a program to its turn.", ("runtime",), buckets=_FAST_BUCKETS
)
SANDBOX_PROGRAMS = Gauge("shinsa_sandbox_programs", "Programs in the sandbox now.", ("runtime", "state"))
SANDBOX_EXECUTIONS = Counter("shinsa_sandbox_executions", "Programs executed, by verdict.", ("runtime", "verdict"))
GRPC_CALLS = Counter("shinsa_grpc_calls", "Calls answered, by full method name and status code.", ("method", "code"))
GRPC_SECONDS = Histogram("shinsa_grpc_call_seconds", "Time to answer a call.", ("method",), buckets=_STEP_BUCKETS)

HTTP_REQUESTS = Counter(
    "shinsa_http_requests", "Requests answered, by route and status.", ("method", "route", "status")
)
HTTP_SECONDS = Histogram(
    "shinsa_http_request_seconds", "Time to answer a request; streams last as long as they are watched.",
    ("method", "route"), buckets=_STEP_BUCKETS,
)  # fmt: skip
JUDGE_VERDICTS = Counter(
    "shinsa_judge_verdicts", "Verdicts given; outcome is 'ok' or why there is no value.", ("profile", "outcome")
)
JUDGE_ASKS = Counter("shinsa_judge_asks", "Questions put to judges for these verdicts.", ("profile",))
JUDGE_TOKENS = Counter("shinsa_judge_tokens", "Tokens that verdicts took, by direction.", ("profile", "direction"))
MODEL_TOKENS = Counter(
    "shinsa_model_tokens", "Tokens of completions as their engines count them, by direction.", ("model", "direction")
)
MODEL_LOADS = Counter(
    "shinsa_model_loads",
    "Engines with weights brought up; outcome is 'ok' or a failure's reason.",
    ("model", "outcome"),
)
MODEL_LOAD_SECONDS = Histogram(
    "shinsa_model_load_seconds",
    "Time to bring an engine with weights up.",
    ("model",),
    buckets=(1, 3, 10, 30, 60, 100, 200, 300, 600, 1000, 2000),
)
ENGINE_SEQUENCES = Gauge(
    "shinsa_engine_sequences", "Sequences in an engine: in its batch, or waiting for a place there.", ("model", "state")
)
ENGINE_BATCH_FILL = Histogram(
    "shinsa_engine_batch_fill",
    "Share of the places of an engine's batch that were taken when a request ended.",
    ("model",),
    buckets=(0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 1),
)
ENGINE_PROMPT_TOKENS = Counter(
    "shinsa_engine_prompt_tokens", "Prompt tokens, computed or taken from the prefix cache.", ("model", "state")
)
# Every replica tells the same of all runs: take the maximum over replicas, never the sum.
RUNS = Gauge("shinsa_runs", "Runs by state.", ("state",))
RUN_ITEMS = Gauge("shinsa_run_items", "Items of an active run by what has become of them.", ("run_id", "state"))
RUN_STEPS = Gauge("shinsa_run_steps", "Steps of an active run by kind and state.", ("run_id", "kind", "state"))
RUN_REMAINING_SECONDS = Gauge(
    "shinsa_run_remaining_seconds", "Time that an active run still takes at its present rate.", ("run_id", "model")
)


@contextmanager
def step_handled(kind: str) -> Iterator[None]:
    """Counts, times and holds in flight the step handled inside; an exception gives the outcome its reason."""
    outcome = "ok"
    started = time.perf_counter()
    in_flight, seconds = _step_instruments(kind)
    in_flight.inc()
    try:
        yield
    except BaseException as error:
        outcome = as_shinsa_error(error).reason.value
        raise
    finally:
        in_flight.dec()
        _step_counter(kind, outcome).inc()
        seconds.observe(time.perf_counter() - started)


def queue_measured(kind: str, key: str, waited: float, pending: int) -> None:
    """A task was taken that had waited so many seconds; so many lay behind it."""
    wait, behind = _queue_instruments(kind, key)
    wait.observe(waited)
    behind.set(pending)


def tokens_counted(model: str, prompt: int, completion: int) -> None:
    """A completion took and gave so many tokens; zero where its engine does not tell."""
    taken, given = _token_counters(model)
    taken.inc(prompt)
    given.inc(completion)


# Looking labels up costs more than counting does.
@cache
def _token_counters(model: str) -> tuple[Counter, Counter]:
    return MODEL_TOKENS.labels(model, "prompt"), MODEL_TOKENS.labels(model, "completion")


@cache
def _queue_instruments(kind: str, key: str) -> tuple[Histogram, Gauge]:
    return QUEUE_WAIT_SECONDS.labels(kind), QUEUE_PENDING.labels(kind, key)


@cache
def _step_instruments(kind: str) -> tuple[Gauge, Histogram]:
    return STEPS_IN_FLIGHT.labels(kind), STEP_SECONDS.labels(kind)


@cache
def _step_counter(kind: str, outcome: str) -> Counter:
    return STEPS.labels(kind, outcome)


def serve_metrics(host: str, port: int, *, setting: str) -> Callable[[], None]:
    """Serves ``/metrics`` on a thread of its own; the result stops it. ``setting`` is named if the port is taken."""
    try:
        server, thread = start_http_server(port, addr=host.strip("[]"))
    except OSError as error:
        raise ShinsaError(
            Reason.FAILED_PRECONDITION,
            f"Cannot serve metrics on {host}:{port} ({error.strerror}); set {setting} to a free port, or 0 for none.",
            field="metrics_port",
        ) from error

    def stop() -> None:
        server.shutdown()
        server.server_close()
        thread.join()

    return stop
