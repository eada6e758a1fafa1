"""Percentile curves and logarithmic bins of histograms with known values."""

from __future__ import annotations

import numpy as np
import pytest

from ghmlops.core.histograms.curve import logarithmic_bins, percentile_curve
from ghmlops.core.histograms.histogram import Histogram


def test_a_curve_starts_at_the_minimum_and_ends_at_the_maximum() -> None:
    """Of the values 1..1000 the curve has the minimum at 1, the p90 at 10, the p99 at 100 and the maximum at n."""
    curve = percentile_curve(Histogram.of(np.arange(1, 1001)))
    points = {round(odds, 6): value for odds, value in curve}
    assert [points[x] for x in (1.0, 10.0, 100.0, 1000.0)] == [1.0, 900.0, 990.0, 1000.0]
    assert [value for _, value in curve] == sorted(value for _, value in curve)


@pytest.mark.parametrize(("values", "points"), [([], []), ([7], [(1.0, 7.0), (1.0, 7.0)])])
def test_curves_of_few_values(values: list[int], points: list[tuple[float, float]]) -> None:
    """Without values there is no curve; one value is the minimum and the maximum."""
    assert percentile_curve(Histogram.of(np.array(values, np.int64))) == points


def test_bins_have_equal_widths_on_a_logarithmic_scale() -> None:
    """Two histograms share the edges; every value is counted once, also the lowest and the highest."""
    edges, counts = logarithmic_bins([Histogram.of(np.array([1, 10, 100])), Histogram.of(np.array([1000]))], 3)
    assert edges == pytest.approx([1.0, 10.0, 100.0, 1000.0])
    assert [sum(row) for row in counts] == [3, 1]
    assert counts[1] == [0, 0, 1]


def test_a_single_value_has_bins_too() -> None:
    """Equal values, also zeros, are all in the first bin."""
    edges, counts = logarithmic_bins([Histogram.of(np.zeros(5)), Histogram.empty()], 4)
    assert edges[0] == 1.0
    assert edges[-1] > edges[0]
    assert counts == [[5, 0, 0, 0], [0, 0, 0, 0]]
