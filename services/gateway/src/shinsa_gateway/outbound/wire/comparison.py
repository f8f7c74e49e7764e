"""shinsa.orchestrator.v1, the part about comparisons."""

from __future__ import annotations

from shinsa.orchestrator.v1 import orchestrator_service_pb2 as pb

from shinsa_gateway.domain.comparison import Comparison, SampleDifference


def read_comparison(message: pb.Comparison) -> Comparison:
    return Comparison(
        benchmark=message.benchmark,
        shots=message.shots,
        metric=message.metric,
        shared=message.shared,
        mean_a=message.mean_a,
        mean_b=message.mean_b,
        difference=message.difference,
        stderr=message.stderr if message.HasField("stderr") else None,
        low=message.low if message.HasField("low") else None,
        high=message.high if message.HasField("high") else None,
        p_value=message.p_value if message.HasField("p_value") else None,
        a_better=message.a_better,
        b_better=message.b_better,
        rank_correlation=message.rank_correlation if message.HasField("rank_correlation") else None,
        differences=tuple(_read_difference(difference) for difference in message.differences),
    )


def _read_difference(message: pb.SampleDifference) -> SampleDifference:
    return SampleDifference(
        sample_id=message.sample_id,
        value_a=message.value_a,
        value_b=message.value_b,
        item_a=message.item_a,
        item_b=message.item_b,
    )
