"""Counts of rounded times."""

from __future__ import annotations

from ghmlops.core.latency.external_results import are_contradictory
from ghmlops.measure.foreign.time_counts import TimeCounts


def test_values_and_points() -> None:
    """Nearest-rank percentiles of the rounded times; bounds widened by the rounding."""
    counts = TimeCounts()
    for ms, count in ((3.0, 1), (1.0, 98), (2.0, 1), (9.0, 0)):
        counts.add(ms, count)
    values = counts.values()
    assert (counts.total, values["p50"], values["p99"], values["max"]) == (100, 1.0, 2.0, 3.0)
    assert values["mean"] == 1.03
    assert "p99.9" not in values
    points = counts.points(0.5)
    assert [(p.low, p.high, p.min_slower, p.max_slower) for p in points] == [
        (0.5, 1.5, 100, 2),
        (1.5, 2.5, 2, 1),
        (2.5, 3.5, 1, 0),
    ]
    assert not are_contradictory(points)
    assert TimeCounts().values() == {}
