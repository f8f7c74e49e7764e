"""Between ``shinsa.sandbox.v1`` and the values of the domain; bounds are checked here."""

from __future__ import annotations

import keyword
import math
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from shinsa.sandbox.v1 import execution_pb2, program_pb2, sandbox_service_pb2
from shinsa_chassis.errors import Reason, ShinsaError

from shinsa_sandbox.domain.checks import Checks, ExpectedOutput, FunctionCall, FunctionCalls, TestScript
from shinsa_sandbox.domain.execution import Execution, Output
from shinsa_sandbox.domain.limits import DEFAULTS, FLOORS, NAMES, REPOSITORY_DEFAULTS, Limits, wall_for
from shinsa_sandbox.domain.program import File, Program
from shinsa_sandbox.domain.repository import RepositoryTests
from shinsa_sandbox.domain.runtime import REPOSITORY, Job, RuntimeStatus
from shinsa_sandbox.inbound.repository_wire import from_evidence, to_repository_tests, valid_text

MOST_FILES = 256
MOST_CALLS = 1000
MOST_FUNCTIONS = 100
_PATH_LENGTH = 240
_NAME_LENGTH = 120
_PATH_DEPTH = 16


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a request may ask. ``request_bytes``: files, standard input and checks together."""

    ceilings: Limits
    request_bytes: int = 8 * 1024 * 1024
    repository: Limits = REPOSITORY_DEFAULTS

    def of(self, runtime: str) -> tuple[Limits, Limits]:
        """Defaults and ceilings of a runtime."""
        return (REPOSITORY_DEFAULTS, self.repository) if runtime == REPOSITORY else (DEFAULTS, self.ceilings)


def to_job(message: sandbox_service_pb2.ExecuteRequest, bounds: Bounds) -> Job:
    """The job with its limits settled. Raises INVALID_ARGUMENT that names the field at fault."""
    size = message.ByteSize()
    if size > bounds.request_bytes:
        raise _wrong("program.files", f"The request has {size} bytes; at most {bounds.request_bytes} are taken.")
    defaults, ceilings = bounds.of(message.program.runtime)
    limits = _limits(message.limits, defaults, ceilings)
    program = _program(message.program, limits)
    checks = _checks(message.checks, ceilings)
    _check_match(program.runtime, checks, message.limits)
    return Job(program, limits, checks)


def _check_match(runtime: str, checks: Checks | None, limits: program_pb2.Limits) -> None:
    if (runtime == REPOSITORY) != isinstance(checks, RepositoryTests):
        text = f"Repository tests and the runtime {REPOSITORY!r} belong together; this is runtime {runtime!r}."
        raise _wrong("checks", text)
    if runtime == REPOSITORY and limits.cpu_seconds:
        raise _wrong("limits.cpu_seconds", f"Runtime {runtime!r} is limited by limits.wall_seconds alone; leave it 0.")


def _limits(message: program_pb2.Limits, defaults: Limits, ceilings: Limits) -> Limits:
    values: dict[str, Any] = {name: _limit(name, getattr(message, name), defaults, ceilings) for name in NAMES}
    if message.cpu_seconds and not message.wall_seconds:
        values["wall_seconds"] = min(wall_for(message.cpu_seconds), ceilings.wall_seconds)
    return Limits(**values)


def _limit(name: str, value: float, defaults: Limits, ceilings: Limits) -> float:
    if not math.isfinite(value) or value < 0:
        raise _wrong(f"limits.{name}", f"limits.{name} is {value}; it must be positive, or 0 for the default.")
    ceiling: float = getattr(ceilings, name)
    if value > ceiling:
        message = (
            f"limits.{name} is {_number(value)}; this sandbox allows at most {_number(ceiling)}. Ask for less, or 0."
        )
        raise _wrong(f"limits.{name}", message)
    floor: float = getattr(FLOORS, name)
    if 0 < value < floor:
        raise _wrong(f"limits.{name}", f"limits.{name} is {value:g}; nothing runs with less than {_number(floor)}.")
    default: float = getattr(defaults, name)
    return value or min(default, ceiling)


def _number(value: float) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _program(message: program_pb2.Program, limits: Limits) -> Program:
    if not message.files:
        raise _wrong("program.files", "There is no file to run; give at least the entry.")
    if len(message.files) > MOST_FILES:
        raise _wrong("program.files", f"{len(message.files)} files are too many; at most {MOST_FILES} are placed.")
    paths = [file.path for file in message.files]
    for index, path in enumerate(paths):
        _check_path(path, f"program.files[{index}].path")
        if path in paths[:index]:
            raise _wrong(f"program.files[{index}].path", f"{path!r} is given twice; give it once.")
    _check_folders(paths)
    if message.entry not in paths:
        near = get_close_matches(message.entry, paths)
        text = f"The entry {message.entry!r} is none of the files: {', '.join(paths[:5])}."
        raise ShinsaError(Reason.INVALID_ARGUMENT, text, field="program.entry", near_matches=near, origin="sandbox")
    size = sum(len(file.content) for file in message.files)
    if size > limits.disk_bytes:
        raise _wrong("program.files", f"The files have {size} bytes; limits.disk_bytes leaves {limits.disk_bytes}.")
    files = tuple(File(file.path, file.content) for file in message.files)
    return Program(message.runtime, files, message.entry, message.stdin)


def _check_path(path: str, field: str) -> None:
    parts = path.split("/")
    remedy = "use a relative path such as 'src/solution.py'"
    if path.startswith("/"):
        raise _wrong(field, f"{path[:80]!r} is absolute; {remedy}.")
    if any(part in ("", ".", "..") for part in parts):
        raise _wrong(field, f"{path[:80]!r} has empty, '.' or '..' parts; {remedy}.")
    if not path.isprintable():
        raise _wrong(field, f"{path[:80]!r} has control characters; {remedy}.")
    sizes = [len(part.encode("utf-8", "replace")) for part in parts]
    if len(parts) > _PATH_DEPTH or max(sizes) > _NAME_LENGTH or sum(sizes) > _PATH_LENGTH:
        raise _wrong(field, f"{path[:80]!r} is too long or too deep; {remedy}.")


def _check_folders(paths: list[str]) -> None:
    taken = set(paths)
    for index, path in enumerate(paths):
        parts = path.split("/")
        for end in range(1, len(parts)):
            folder = "/".join(parts[:end])
            if folder in taken:
                raise _wrong(
                    f"program.files[{index}].path", f"{path!r} lies below {folder!r}, which is a file; rename one."
                )


def _checks(message: program_pb2.Checks, ceilings: Limits) -> Checks | None:
    kind = message.WhichOneof("kind")
    if kind == "calls":
        return _calls(message.calls)
    if kind == "script":
        return _script(message.script)
    if kind == "output":
        most = ceilings.output_bytes
        if len(message.output.stdout) > most:
            size = len(message.output.stdout)
            raise _wrong("checks.output.stdout", f"{size} bytes are expected; at most {most} can be compared.")
        return ExpectedOutput(message.output.stdout)
    return to_repository_tests(message.repository) if kind == "repository" else None


def _calls(message: program_pb2.FunctionCalls) -> FunctionCalls:
    _check_name(message.function, "checks.calls.function")
    if not 0 < len(message.calls) <= MOST_CALLS:
        raise _wrong("checks.calls.calls", f"{len(message.calls)} calls; give between 1 and {MOST_CALLS}.")
    for index, call in enumerate(message.calls):
        if not call.expected:
            raise _wrong(
                f"checks.calls.calls[{index}].expected", "The expected value is empty; write a Python literal."
            )
    calls = (FunctionCall(call.arguments or "()", call.keywords or "{}", call.expected) for call in message.calls)
    return FunctionCalls(message.function, tuple(calls))


def _script(message: program_pb2.TestScript) -> TestScript:
    if not message.source.strip():
        raise _wrong("checks.script.source", "The test is empty.")
    if not 0 < len(message.functions) <= MOST_FUNCTIONS:
        text = f"{len(message.functions)} functions; name between 1 and {MOST_FUNCTIONS} that the test calls."
        raise _wrong("checks.script.functions", text)
    for index, name in enumerate(message.functions):
        _check_name(name, f"checks.script.functions[{index}]")
    if message.check:
        _check_name(message.check, "checks.script.check")
    return TestScript(message.source, tuple(message.functions), message.check)


def _check_name(name: str, field: str) -> None:
    if not name.isidentifier() or keyword.iskeyword(name):
        raise _wrong(field, f"{name[:80]!r} is no Python name.")


def _wrong(field: str, message: str) -> ShinsaError:
    return ShinsaError(Reason.INVALID_ARGUMENT, message, field=field, origin="sandbox")


def from_execution(execution: Execution) -> execution_pb2.Execution:
    """The message. Bytes stay bytes; text that came from programs is made valid UTF-8."""
    checks = (
        execution_pb2.CheckResult(name=valid_text(check.name), passed=check.passed, detail=valid_text(check.detail))
        for check in execution.checks
    )
    return execution_pb2.Execution(
        verdict=execution_pb2.Verdict.Value(f"VERDICT_{execution.verdict.name}"),
        reason=valid_text(execution.reason),
        checks=checks,
        stdout=_output(execution.stdout),
        stderr=_output(execution.stderr),
        exit_code=execution.exit_code,
        signal=execution.signal,
        usage=execution_pb2.Usage(
            cpu_seconds=execution.usage.cpu_seconds,
            wall_seconds=execution.usage.wall_seconds,
            peak_memory_bytes=execution.usage.peak_memory_bytes,
        ),
        executor=execution.executor,
        trust=execution.trust.value,
        tier=execution.tier,
        repository=from_evidence(execution.repository) if execution.repository else None,
    )


def _output(output: Output) -> execution_pb2.Output:
    return execution_pb2.Output(content=output.content, total_bytes=output.total_bytes, truncated=output.truncated)


def from_runtime(status: RuntimeStatus) -> sandbox_service_pb2.Runtime:
    return sandbox_service_pb2.Runtime(
        name=status.name,
        executor=status.executor,
        version=status.version,
        defaults=_limits_message(status.defaults),
        ceilings=_limits_message(status.ceilings),
        tier=str(status.tier),
        available=status.available,
        problem=status.problem,
    )


def _limits_message(limits: Limits) -> program_pb2.Limits:
    return program_pb2.Limits(**{name: getattr(limits, name) for name in NAMES})
