"""Series of raw points: order, repetition, and what does not count."""

from __future__ import annotations

import math

from ghmlops.core.model import Direction
from ghmlops.core.watch.series import Point, holes, make_series


def test_points_are_ordered_and_faulty_ones_counted() -> None:
    """Of two points of one interval the later element counts; each kind of fault has its count."""
    points = [
        Point(7300, 3.0), Point(100, 1.0), Point(200, 2.0), Point(50_000, 1.0), Point(3700, None),
        Point(3800, math.nan), Point(3900, -1.0),
    ]  # fmt: skip
    series = make_series("p95", Direction.LOWER, 3600, points, clock=10_000)
    assert (series.times.tolist(), series.values.tolist()) == ([0, 7200], [2.0, 3.0])
    assert series.left_out == {"missing": 2, "negative": 1, "future": 1, "repeated": 1}
    assert holes(series, 0, 10_800) == 1


def test_no_points_are_a_series() -> None:
    """It is empty, and nothing was left out."""
    series = make_series("p95", Direction.LOWER, 3600, [], clock=10_000)
    assert (len(series.times), series.left_out, series.sign) == (0, {}, 1)
