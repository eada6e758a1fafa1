"""Service times of both arms: quantiles of the same requests, and the ratio per request."""

from __future__ import annotations

import pytest

from ghmlops.core.answers.answer import Answer, AnswerKind
from ghmlops.core.shadow.comparison import Comparison
from ghmlops.core.shadow.times import measured_times


def answer(seconds: float, status: int = 200) -> Answer:
    return Answer(kind=AnswerKind.ANSWERED, status=status, media_type="application/json", body=b"1", seconds=seconds)


def test_only_requests_that_all_arms_answered_are_timed() -> None:
    """An error page is fast and no answer; the ratio is that of each request."""
    comparison = Comparison()
    for row in range(100):
        comparison.add(row, "e", [answer(0.001 * (row + 1)), answer(9.0), answer(0.002 * (row + 1))])
    comparison.add(100, "e", [answer(0.5), answer(0.5), answer(0.5, 500)])
    baseline, candidate = measured_times(comparison)
    assert (baseline.n, candidate.n, baseline.unit) == (100, 100, "ms")
    assert baseline.values["p50"] == pytest.approx(50.5)
    assert candidate.values["ratio"] == pytest.approx(2.0)


def test_logs_without_times_measure_nothing() -> None:
    """A time of zero is unknown."""
    comparison = Comparison()
    comparison.add(1, "e", [answer(0.0)] * 3)
    assert measured_times(comparison) == []
