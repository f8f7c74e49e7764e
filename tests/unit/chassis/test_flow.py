"""The rate of late."""

from __future__ import annotations

import pytest
from shinsa_chassis.flow import Flow


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_steady_stream_is_told_as_it_is() -> None:
    clock = Clock()
    flow = Flow(clock)
    assert flow.rate == 0
    for _ in range(400):
        clock.now += 0.01
        flow.count()
    assert flow.rate == pytest.approx(100, rel=0.02)


def test_it_fades_when_nothing_comes() -> None:
    clock = Clock()
    flow = Flow(clock)
    for _ in range(50):
        flow.count()
    assert flow.rate == pytest.approx(100)
    clock.now += 5
    assert flow.rate < 0.01
