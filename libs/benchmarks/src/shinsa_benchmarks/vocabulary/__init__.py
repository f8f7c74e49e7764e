"""The words of an examination, as plain values.

They mirror the wire contracts of the worker services (``shinsa.inference.v1`` and so on) without depending on them, so
that a benchmark runs as well in a notebook as in the mesh. Units: seconds, bytes, tokens.
"""

from __future__ import annotations

from shinsa_benchmarks.vocabulary.execution import (
    CheckResult,
    Checks,
    Execution,
    ExecutionVerdict,
    ExpectedOutput,
    FunctionCall,
    FunctionCalls,
    Limits,
    Program,
    RepositoryTests,
    TestScript,
)
from shinsa_benchmarks.vocabulary.generation import (
    Choice,
    FinishReason,
    Message,
    Reply,
    Role,
    Sampling,
    StructuredOutput,
    Tool,
    ToolCall,
    messages,
)
from shinsa_benchmarks.vocabulary.item import Item, Outcome, Sample, Status, StepFailed
from shinsa_benchmarks.vocabulary.judgement import Case, Verdict

__all__ = [
    "Case",
    "CheckResult",
    "Checks",
    "Choice",
    "Execution",
    "ExecutionVerdict",
    "ExpectedOutput",
    "FinishReason",
    "FunctionCall",
    "FunctionCalls",
    "Item",
    "Limits",
    "Message",
    "Outcome",
    "Program",
    "Reply",
    "RepositoryTests",
    "Role",
    "Sample",
    "Sampling",
    "Status",
    "StepFailed",
    "StructuredOutput",
    "TestScript",
    "Tool",
    "ToolCall",
    "Verdict",
    "messages",
]
