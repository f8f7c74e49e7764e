"""What the sandbox was asked, and what came of it."""

from __future__ import annotations

from pydantic import Field

from shinsa_client.answer import Answer, JsonObject


class ByteText(Answer):
    """Bytes as text; ``lossy`` where some were none."""

    text: str = ""
    lossy: bool = False


class File(Answer):
    path: str
    content: ByteText = ByteText()


class Program(Answer):
    runtime: str = ""
    files: tuple[File, ...] = ()
    entry: str = ""
    stdin: ByteText = ByteText()


class FunctionCall(Answer):
    arguments: str = ""
    keywords: str = ""
    expected: str = ""


class FunctionCalls(Answer):
    function: str = ""
    calls: tuple[FunctionCall, ...] = ()


class TestScript(Answer):
    __test__ = False  # not a test class, whatever its name suggests to a collector

    source: str = ""
    functions: tuple[str, ...] = ()
    check: str = ""


class Checks(Answer):
    calls: FunctionCalls | None = None
    script: TestScript | None = None
    expected_stdout: ByteText | None = None


class Execute(Answer):
    program: Program = Program()
    limits: JsonObject = Field(default_factory=dict)
    checks: Checks = Checks()


class CheckResult(Answer):
    name: str = ""
    passed: bool
    detail: str = ""


class Output(ByteText):
    total_bytes: int = 0
    truncated: bool = False


class Usage(Answer):
    cpu_seconds: float = 0
    wall_seconds: float = 0
    peak_memory_bytes: int = 0


class Execution(Answer):
    verdict: str
    reason: str = ""
    checks: tuple[CheckResult, ...] = ()
    stdout: Output = Output()
    stderr: Output = Output()
    exit_code: int | None = None
    signal: str = ""
    usage: Usage = Usage()
    executor: str = ""
    trust: str = ""
    tier: str = ""
