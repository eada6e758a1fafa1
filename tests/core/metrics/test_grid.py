"""Metrics of binned scores against the same metrics of the rows: within the bound that they state."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special

from ghmlops.core.metrics.auc import AUC
from ghmlops.core.metrics.average_precision import AVERAGE_PRECISION
from ghmlops.core.metrics.calibration_slope import CALIBRATION_SLOPE
from ghmlops.core.metrics.ece import BINS, ECE
from ghmlops.core.paired.aggregates import COARSE, FINE, Compared, Grid
from ghmlops.core.paired.metric import Metric
from paired_rows import Rows, binary, columns, grid

BINNED = [AUC, AVERAGE_PRECISION, ECE, CALIBRATION_SLOPE]


def drawn(n: int, middle: float, noise: float = 0.3, digits: int | None = None) -> Rows:
    """Draw two noisy views of one signal; `middle` is the mean log-odds, `digits` rounds the scores."""
    rng = np.random.default_rng(n)
    signal = rng.normal(middle, 1.5, n)
    sides = [special.expit(signal + noise * rng.normal(size=n)) for _ in range(2)]
    if digits is not None:
        sides = [np.round(s, digits) for s in sides]
    return binary(rng.random(n) < special.expit(signal), sides[0], sides[1])


def exact(metric: Metric, rows: Rows) -> Compared:
    assert metric.compare_columns
    return metric.compare_columns(columns(rows), 0.01)


def binned(metric: Metric, bins: Grid) -> Compared:
    assert metric.compare_grid
    return metric.compare_grid(bins, 0.01)


def test_fine_bins_nest_in_coarse_ones_and_in_those_of_the_calibration_error() -> None:
    """One bin of either table lies in one bin of the next."""
    assert FINE % COARSE == 0
    assert COARSE % BINS == 0


@pytest.mark.parametrize("metric", BINNED, ids=lambda m: m.id)
@pytest.mark.parametrize(("middle", "digits"), [(0.0, None), (-4.0, None), (-1.0, 2)])
def test_bins_are_within_their_bound(metric: Metric, middle: float, digits: int | None) -> None:
    """The change differs by no more than the bound: balanced, rare positives, and scores of two digits."""
    rows = drawn(40_000, middle, digits=digits)
    by_rows, by_bins = exact(metric, rows), binned(metric, grid(rows))
    assert 0 < by_bins.bound < 0.05
    for side in ("baseline", "candidate"):
        assert abs(getattr(by_bins, side)[0] - getattr(by_rows, side)[0]) <= by_bins.bound + 1e-12
    change = by_rows.candidate[0] - by_rows.baseline[0]
    assert abs(by_bins.candidate[0] - by_bins.baseline[0] - change) <= by_bins.bound + 1e-12
    assert by_bins.n[0] == by_rows.n[0]


@pytest.mark.parametrize("metric", BINNED, ids=lambda m: m.id)
@pytest.mark.parametrize("middle", [0.0, -4.0])
def test_the_error_from_bins_is_that_of_the_rows_or_a_little_more(metric: Metric, middle: float) -> None:
    """Inside of a bin nothing is taken as shared: never less, and hardly more where models differ."""
    rows = drawn(60_000, middle)
    ratio = binned(metric, grid(rows)).error[0] / exact(metric, rows).error[0]
    assert 0.98 < ratio < 1.25


@pytest.mark.parametrize("metric", BINNED, ids=lambda m: m.id)
def test_equal_sides_are_exactly_no_loss(metric: Metric) -> None:
    """Equal scores: the change is exactly 0 and no harm is shown."""
    rows = drawn(5000, -1.0)
    rows = binary(rows.label, rows.baseline.s, rows.baseline.s)
    found = binned(metric, grid(rows))
    assert found.loss[0] == 0.0
    assert found.loss_low[0] <= 0.0 <= found.loss_high[0]


@pytest.mark.parametrize("metric", BINNED, ids=lambda m: m.id)
def test_counts_of_two_halves_add_up_to_those_of_all_rows(metric: Metric) -> None:
    """Grids are added, entries of the joint table listed one after the other or merged."""
    rows = drawn(6000, -1.0)
    halves = [grid(rows.of(np.arange(0, 2000))), grid(rows.of(np.arange(2000, 6000)))]
    joined = Grid(
        baseline=halves[0].baseline + halves[1].baseline,
        candidate=halves[0].candidate + halves[1].candidate,
        **{name: np.concatenate([getattr(h, name) for h in halves]) for name in ("label", "first", "second", "n")},
    )
    whole, added = binned(metric, grid(rows)), binned(metric, joined)
    assert [added.loss[0], added.loss_low[0], added.bound] == pytest.approx(
        [whole.loss[0], whole.loss_low[0], whole.bound], rel=1e-9
    )


@pytest.mark.parametrize("metric", BINNED, ids=lambda m: m.id)
@pytest.mark.parametrize("n", [0, 1, 50])
def test_one_class_or_no_rows_is_undefined(metric: Metric, n: int) -> None:
    """No number is made up: NaN, but for the calibration error, which one class has."""
    rows = binary(np.ones(n), np.linspace(0.1, 0.9, n), np.linspace(0.2, 0.9, n))
    for found in (binned(metric, grid(rows)), exact(metric, rows)):
        assert np.isnan(found.loss[0]) == (metric is not ECE or n == 0)
        assert not found.p[0] < 0.01


@pytest.mark.parametrize("metric", [AUC, AVERAGE_PRECISION, CALIBRATION_SLOPE], ids=lambda m: m.id)
def test_separated_classes_have_areas_but_no_slope(metric: Metric) -> None:
    """Perfect scores: the areas are 1; no finite slope fits, so it is undefined, not a pass."""
    scores = np.r_[np.linspace(0.1, 0.4, 50), np.linspace(0.6, 0.9, 50)]
    rows = binary(np.repeat([0, 1], 50), scores, scores)
    for found in (exact(metric, rows), binned(metric, grid(rows))):
        assert np.isnan(found.baseline[0]) if metric is CALIBRATION_SLOPE else found.baseline[0] == 1.0


def test_scores_of_0_and_1_are_in_the_first_and_last_bin() -> None:
    """Edges of the calibration error's bins fall as in the rows."""
    edges = np.repeat(np.arange(16) / 15, 4)
    rows = binary(np.tile([0, 1, 0, 0], 16), edges, np.round(edges, 2))
    by_rows, by_bins = exact(ECE, rows), binned(ECE, grid(rows))
    assert by_bins.baseline[0] == pytest.approx(by_rows.baseline[0], abs=by_bins.bound)
    assert by_bins.candidate[0] == pytest.approx(by_rows.candidate[0], abs=by_bins.bound)
