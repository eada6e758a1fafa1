"""Metrics of binned scores against the same metrics of the rows: within the bound that they report."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import special

from ghmlops.core.metrics import metrics_of
from ghmlops.core.metrics.auc import AUC
from ghmlops.core.metrics.average_precision import AVERAGE_PRECISION
from ghmlops.core.metrics.calibration_slope import CALIBRATION_SLOPE
from ghmlops.core.metrics.ece import BINS, ECE
from ghmlops.core.paired.aggregates import COARSE_BINS, FINE_BINS, Grid, MetricComparison
from ghmlops.core.paired.metric import Metric
from ghmlops.core.policy.regression import Regression
from paired_rows import Rows, binary, columns, grid

BINNED = [metric for metric in metrics_of(Regression(task="binary", key=("id",))) if metric.compare_grid is not None]


def random_rows(n: int, mean_log_odds: float, noise: float = 0.3, digits: int | None = None) -> Rows:
    """Return two noisy views of one signal as scores, rounded to `digits` unless None."""
    rng = np.random.default_rng(n)
    signal = rng.normal(mean_log_odds, 1.5, n)
    sides = [special.expit(signal + noise * rng.normal(size=n)) for _ in range(2)]
    if digits is not None:
        sides = [np.round(s, digits) for s in sides]
    return binary(rng.random(n) < special.expit(signal), sides[0], sides[1])


def compare_exactly(metric: Metric, rows: Rows) -> MetricComparison:
    assert metric.compare_columns
    return metric.compare_columns(columns(rows), 0.01)


def compare_binned(metric: Metric, bins: Grid) -> MetricComparison:
    assert metric.compare_grid
    return metric.compare_grid(bins, 0.01)


def test_the_binned_metrics_are_those_of_scores() -> None:
    """AUC, average precision, calibration error and slope have a binned form."""
    assert {metric.id for metric in BINNED} == {AUC.id, AVERAGE_PRECISION.id, ECE.id, CALIBRATION_SLOPE.id}


def test_fine_bins_nest_in_coarse_ones_and_in_those_of_the_calibration_error() -> None:
    """No bin crosses an edge of the next coarser bins."""
    assert FINE_BINS % COARSE_BINS == 0
    assert COARSE_BINS % BINS == 0


@pytest.mark.parametrize("metric", BINNED, ids=lambda m: m.id)
@pytest.mark.parametrize(("mean_log_odds", "digits"), [(0.0, None), (-4.0, None), (-1.0, 2)])
def test_binned_values_are_within_their_bound(metric: Metric, mean_log_odds: float, digits: int | None) -> None:
    """Values and change differ by at most the bound: balanced, rare positives, and scores of two digits."""
    rows = random_rows(40_000, mean_log_odds, digits=digits)
    by_rows, by_bins = compare_exactly(metric, rows), compare_binned(metric, grid(rows))
    assert 0 < by_bins.bound < 0.05
    for side in ("baseline", "candidate"):
        assert abs(getattr(by_bins, side)[0] - getattr(by_rows, side)[0]) <= by_bins.bound + 1e-12
    change = by_rows.candidate[0] - by_rows.baseline[0]
    assert abs(by_bins.candidate[0] - by_bins.baseline[0] - change) <= by_bins.bound + 1e-12
    assert by_bins.n[0] == by_rows.n[0]


@pytest.mark.parametrize("metric", BINNED, ids=lambda m: m.id)
@pytest.mark.parametrize("mean_log_odds", [0.0, -4.0])
def test_the_standard_error_from_bins_is_at_least_that_of_the_rows(metric: Metric, mean_log_odds: float) -> None:
    """Within a coarse bin the sides count as uncorrelated: at least 0.98 and less than 1.25 times the exact error."""
    rows = random_rows(60_000, mean_log_odds)
    ratio = compare_binned(metric, grid(rows)).error[0] / compare_exactly(metric, rows).error[0]
    assert 0.98 < ratio < 1.25


@pytest.mark.parametrize("metric", BINNED, ids=lambda m: m.id)
def test_equal_sides_have_exactly_no_loss(metric: Metric) -> None:
    """Equal scores: the change is exactly 0 and the limits contain 0."""
    rows = random_rows(5000, -1.0)
    rows = binary(rows.label, rows.baseline.s, rows.baseline.s)
    comparison = compare_binned(metric, grid(rows))
    assert comparison.loss[0] == 0.0
    assert comparison.loss_low[0] <= 0.0 <= comparison.loss_high[0]


@pytest.mark.parametrize("metric", BINNED, ids=lambda m: m.id)
def test_added_counts_of_two_parts_are_those_of_all_rows(metric: Metric) -> None:
    """Grids are additive; entries of the joint table may be concatenated or merged."""
    rows = random_rows(6000, -1.0)
    parts = [grid(rows.select(np.arange(0, 2000))), grid(rows.select(np.arange(2000, 6000)))]
    joint = ("joint_label", "joint_baseline", "joint_candidate", "joint_n")
    tables: dict[str, Any] = {name: np.concatenate([getattr(part, name) for part in parts]) for name in joint}
    joined = Grid(
        baseline=parts[0].baseline + parts[1].baseline,
        candidate=parts[0].candidate + parts[1].candidate,
        **tables,
    )
    merged, added = compare_binned(metric, grid(rows)), compare_binned(metric, joined)
    assert [added.loss[0], added.loss_low[0], added.bound] == pytest.approx(
        [merged.loss[0], merged.loss_low[0], merged.bound], rel=1e-9
    )


@pytest.mark.parametrize("metric", BINNED, ids=lambda m: m.id)
@pytest.mark.parametrize("n", [0, 1, 50])
def test_one_class_or_no_rows_is_undefined(metric: Metric, n: int) -> None:
    """NaN, except for the calibration error, which is defined for one class."""
    rows = binary(np.ones(n), np.linspace(0.1, 0.9, n), np.linspace(0.2, 0.9, n))
    for comparison in (compare_binned(metric, grid(rows)), compare_exactly(metric, rows)):
        assert np.isnan(comparison.loss[0]) == (metric is not ECE or n == 0)
        assert not comparison.p[0] < 0.01


@pytest.mark.parametrize("metric", [m for m in BINNED if m is not ECE], ids=lambda m: m.id)
def test_one_class_has_no_value_and_no_limits(metric: Metric) -> None:
    """Positive rows alone: value, loss and upper limit are NaN, so nothing can pass."""
    rows = binary(np.ones(50), np.linspace(0, 1, 50), np.linspace(1, 0, 50))
    comparison = compare_exactly(metric, rows)
    assert np.isnan([comparison.baseline[0], comparison.loss[0], comparison.loss_high[0]]).all()


@pytest.mark.parametrize("metric", [AUC, AVERAGE_PRECISION, CALIBRATION_SLOPE], ids=lambda m: m.id)
def test_separated_classes_have_areas_but_no_slope(metric: Metric) -> None:
    """Perfect scores: the areas are 1; no finite slope fits, so it is undefined and not a pass."""
    scores = np.r_[np.linspace(0.1, 0.4, 50), np.linspace(0.6, 0.9, 50)]
    rows = binary(np.repeat([0, 1], 50), scores, scores)
    for comparison in (compare_exactly(metric, rows), compare_binned(metric, grid(rows))):
        assert np.isnan(comparison.baseline[0]) if metric is CALIBRATION_SLOPE else comparison.baseline[0] == 1.0


def test_scores_on_the_edges_are_in_the_same_bins_as_rows() -> None:
    """Scores on the edges of the calibration error's bins, 0 and 1 included, fall into the same bin either way."""
    edges = np.repeat(np.arange(16) / 15, 4)
    rows = binary(np.tile([0, 1, 0, 0], 16), edges, np.round(edges, 2))
    by_rows, by_bins = compare_exactly(ECE, rows), compare_binned(ECE, grid(rows))
    assert by_bins.baseline[0] == pytest.approx(by_rows.baseline[0], abs=by_bins.bound)
    assert by_bins.candidate[0] == pytest.approx(by_rows.candidate[0], abs=by_bins.bound)
