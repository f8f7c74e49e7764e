"""How two runs compare."""

from __future__ import annotations

from pydantic import ConfigDict, Field

from shinsa_gateway.domain.resource import Resource


class SampleDifference(Resource):
    """One sample's values in both runs, means over repetitions."""

    sample_id: str
    value_a: float
    value_b: float
    item_a: str = Field(description="The sample's first repetition in run a.")
    item_b: str


class Comparison(Resource):
    """One metric of two runs, over the samples that both scored."""

    benchmark: str
    shots: int
    metric: str
    shared: int = Field(description="Samples that both runs scored.")
    mean_a: float
    mean_b: float
    difference: float = Field(description="b - a.")
    stderr: float | None = None
    low: float | None = Field(default=None, description="Lower end of the 95 % interval of the difference.")
    high: float | None = None
    p_value: float | None = Field(default=None, description="Two-sided, paired t over sample differences.")
    a_better: int
    b_better: int
    rank_correlation: float | None = Field(
        default=None, description="Spearman's, over the samples' values; null where a run gave all the same."
    )
    differences: tuple[SampleDifference, ...] = Field(
        default=(), description="Of primary metrics: samples that differ, those furthest apart first."
    )


class RunComparison(Resource):
    """How run b differs from run a."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "comparisons": [
                        {
                            "benchmark": "jcommonsenseqa",
                            "shots": 0,
                            "metric": "accuracy",
                            "shared": 100,
                            "mean_a": 0.71,
                            "mean_b": 0.78,
                            "difference": 0.07,
                            "stderr": 0.03,
                            "low": 0.01,
                            "high": 0.13,
                            "p_value": 0.02,
                            "a_better": 3,
                            "b_better": 10,
                            "rank_correlation": 0.74,
                            "differences": [
                                {"sample_id": "42", "value_a": 0, "value_b": 1, "item_a": "5f0c1e", "item_b": "90ab7d"}
                            ],
                        }
                    ]
                }
            ]
        }
    )

    comparisons: tuple[Comparison, ...]
