"""What can be asked for: benchmarks, suites and runtimes."""

from __future__ import annotations

from pydantic import ConfigDict, Field

from shinsa_gateway.domain.execution import Limits
from shinsa_gateway.domain.resource import Resource
from shinsa_gateway.domain.run import BenchmarkChoice


class Benchmark(Resource):
    """What a benchmark says of itself."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "jcommonsenseqa",
                    "title": "JCommonsenseQA",
                    "version": "1",
                    "licence": "CC-BY-SA-4.0",
                    "description": "Common sense, five choices.",
                    "shots": [0, 4],
                    "metrics": ["accuracy"],
                    "primary_metric": "accuracy",
                    "steps": ["generate"],
                    "judge_roles": [],
                    "specimen_samples": 20,
                    "prepared": False,
                }
            ]
        }
    )

    id: str
    title: str
    version: str
    licence: str
    description: str
    shots: tuple[int, ...]
    metrics: tuple[str, ...]
    primary_metric: str
    steps: tuple[str, ...] = Field(description="Kinds of steps it takes.")
    judge_roles: tuple[str, ...]
    specimen_samples: int
    prepared: bool = Field(description="Whether the real data lies prepared with the orchestrator.")


class Suite(Resource):
    """A named list of benchmarks."""

    id: str
    title: str
    benchmarks: tuple[BenchmarkChoice, ...]


class BenchmarkCatalog(Resource):
    """All benchmarks and suites."""

    benchmarks: tuple[Benchmark, ...]
    suites: tuple[Suite, ...]


class Runtime(Resource):
    """Where programs can be run."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "python",
                    "executor": "jail",
                    "version": "3.11.9",
                    "defaults": {
                        "cpu_seconds": 10,
                        "wall_seconds": 20,
                        "memory_bytes": 536870912,
                        "pids": 32,
                        "disk_bytes": 67108864,
                        "output_bytes": 65536,
                        "flood_bytes": 67108864,
                    },
                    "ceilings": {
                        "cpu_seconds": 60,
                        "wall_seconds": 120,
                        "memory_bytes": 2147483648,
                        "pids": 64,
                        "disk_bytes": 268435456,
                        "output_bytes": 1048576,
                        "flood_bytes": 67108864,
                    },
                    "tier": "2",
                    "available": True,
                    "problem": "",
                }
            ]
        }
    )

    name: str
    executor: str
    version: str
    defaults: Limits
    ceilings: Limits
    tier: str = Field(description="Isolation in force.")
    available: bool
    problem: str = Field(default="", description="Why it is not available, naming the missing mechanism.")
