"""What is asked of the sandbox, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Program:
    """What to run; ``files`` maps relative paths to text."""

    files: Mapping[str, str]
    entry: str
    runtime: str = "python"
    stdin: str = ""


@dataclass(frozen=True, slots=True)
class Limits:
    """Ceilings of one execution; 0 leaves the sandbox's default in force."""

    cpu_seconds: float = 0
    wall_seconds: float = 0
    memory_bytes: int = 0
    pids: int = 0
    disk_bytes: int = 0
    output_bytes: int = 0


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """Python literals: positional arguments (tuple), keyword arguments (dict), expected value."""

    arguments: str
    expected: str
    keywords: str = "{}"


@dataclass(frozen=True, slots=True)
class FunctionCalls:
    """Calls of one function with expected values, compared outside the candidate's process."""

    function: str
    calls: tuple[FunctionCall, ...]


@dataclass(frozen=True, slots=True)
class TestScript:
    """Test code that never shares a process with the candidate.

    ``functions`` are the candidate's names that the test may call. With ``check`` set, ``source`` defines that function
    and it is called with the proxy of ``functions[0]`` (HumanEval); otherwise ``source`` is the test itself (MBPP).
    """

    __test__ = False  # not a test class, whatever its name suggests to a collector

    source: str
    functions: tuple[str, ...]
    check: str = ""


@dataclass(frozen=True, slots=True)
class ExpectedOutput:
    """The program's standard output must equal this, trailing white space aside."""

    stdout: str


@dataclass(frozen=True, slots=True)
class RepositoryTests:
    """Tests of a repository that lies in an image; the program's entry is a patch to it, its runtime "repository".

    ``script`` puts the tests in place and runs them between the marks of SWE-bench's logs; ``parser`` is the sandbox's
    name for the reader of their output. What the patch does to ``test_paths`` is undone, but for ``free_paths``.
    """

    image: str
    script: str
    parser: str
    fail_to_pass: tuple[str, ...]
    pass_to_pass: tuple[str, ...] = ()
    test_paths: tuple[str, ...] = ()
    free_paths: tuple[str, ...] = ()


Checks = FunctionCalls | TestScript | ExpectedOutput | RepositoryTests


class ExecutionVerdict(StrEnum):
    """What happened to the candidate."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    FAIL = "fail"
    TIMEOUT = "timeout"
    MEMORY = "memory"
    PIDS = "pids"
    OUTPUT_LIMIT = "output_limit"
    DISK = "disk"
    CRASH = "crash"


@dataclass(frozen=True, slots=True)
class CheckResult:
    name: str
    passed: bool
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Execution:
    """What came of a program; ``trust`` says whether the verdict was formed outside the candidate ("split").

    ``applied`` is the way in which a patch could be applied; empty if in none.
    """

    verdict: ExecutionVerdict
    reason: str = ""
    checks: tuple[CheckResult, ...] = ()
    stdout: str = ""
    stderr: str = ""
    trust: str = ""
    applied: str = ""
