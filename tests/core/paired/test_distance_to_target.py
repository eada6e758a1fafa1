"""Metrics with an ideal value: the loss is to be farther from it than the baseline."""

from __future__ import annotations

import numpy as np
import pytest

from ghmlops.core.metrics.bias import BIAS
from ghmlops.core.metrics.calibration_slope import CALIBRATION_SLOPE
from paired_rows import binary, cells, compare


@pytest.mark.parametrize(
    ("before", "after", "worse"), [(1, 0.1, False), (-1, 0.1, False), (0.1, -1, True), (-0.2, -1, True)]
)
def test_a_bias_is_judged_by_its_size_whatever_its_sign(before: float, after: float, worse: bool) -> None:
    """Moving towards 0 is a gain from either side; moving away is a loss, through 0 as well."""
    noise = np.random.default_rng(2).normal(size=2000)
    assert BIAS.compare
    comparison = BIAS.compare(cells(noise + before, noise + after), 0.01)
    assert bool(comparison.loss_low[0] > 0 and comparison.p[0] < 0.01) is worse
    assert bool(comparison.loss_high[0] < 0) is not worse


@pytest.mark.parametrize(("before", "after", "worse"), [(0.4, 1.1, False), (1.0, 2.2, True), (1.0, 0.5, True)])
def test_a_calibration_slope_is_judged_by_its_distance_from_1(before: float, after: float, worse: bool) -> None:
    """Overconfident and underconfident scores are both a loss; moving towards 1 is a gain from either side."""
    rng = np.random.default_rng(5)
    signal = rng.normal(-0.5, 1.2, 8000)
    label = (rng.random(8000) < 1 / (1 + np.exp(-signal))) * 1.0
    sides = [1 / (1 + np.exp(-signal / slope)) for slope in (before, after)]
    comparison = compare(CALIBRATION_SLOPE, binary(label, sides[0], sides[1]))
    assert [comparison.baseline[0], comparison.candidate[0]] == pytest.approx([before, after], rel=0.1)
    assert bool(comparison.loss_low[0] > 0 and comparison.p[0] < 0.01) is worse
    assert bool(comparison.loss_high[0] < 0) is not worse
