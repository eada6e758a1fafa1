"""Logistic regression on one variable."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm  # type: ignore[import-untyped]

from ghmlops.core.stats import logistic


def random_rows(n: int, spread: float) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(n)
    x = rng.normal(-2.0, spread, n)
    return x, (rng.random(n) < 1 / (1 + np.exp(-0.3 - 0.7 * x))) * 1.0


@pytest.mark.parametrize(("n", "spread"), [(200, 1.0), (5000, 4.0), (5000, 0.3)])
def test_fits_and_robust_errors_agree_with_statsmodels(n: int, spread: float) -> None:
    """Slope and intercept agree to 1e-7, the HC0 standard error of the slope to 1e-6."""
    x, y = random_rows(n, spread)
    line = logistic.fit(x, y, 1 - y)
    fitted = sm.Logit(y, sm.add_constant(x)).fit(disp=0, tol=1e-14, maxiter=100, cov_type="HC0")
    assert line.slope == pytest.approx(fitted.params[1], rel=1e-7)
    assert line.intercept - line.slope * line.center == pytest.approx(fitted.params[0], rel=1e-7)
    influence = logistic.slope_influence(line, x, y)
    assert np.sqrt(np.sum(influence**2)) == pytest.approx(fitted.bse[1], rel=1e-6)
    assert influence.sum() == pytest.approx(0.0, abs=1e-7)


def test_counts_at_each_x_give_the_fit_of_the_rows() -> None:
    """Merging the rows with the same x does not change the slope."""
    x, y = random_rows(2000, 2.0)
    x = np.round(x, 1)
    distinct, index = np.unique(x, return_inverse=True)
    positive, negative = (np.bincount(index, weights).astype(np.float64) for weights in (y, 1 - y))
    by_row, by_count = logistic.fit(x, y, 1 - y), logistic.fit(distinct, positive, negative)
    assert by_count.slope == pytest.approx(by_row.slope, rel=1e-10)


def test_moving_every_x_changes_the_slope_by_at_most_the_bound() -> None:
    """Random moves within the half-widths stay within the bound; a systematic one reaches a fifth of it."""
    x, y = random_rows(3000, 2.0)
    line, half_width = logistic.fit(x, y, 1 - y), np.full(3000, 1e-4)
    bound = logistic.slope_shift_bound(line, x, y, 1 - y, half_width)
    rng = np.random.default_rng(2)
    moves = [np.sign(rng.normal(size=3000)) for _ in range(10)] + [np.sign(x - x.mean())]
    shifts = [abs(logistic.fit(x + half_width * m, y, 1 - y).slope - line.slope) for m in moves]
    assert max(shifts) <= bound * 1.001
    assert max(shifts) > 0.2 * bound


@pytest.mark.parametrize(
    ("x", "y"),
    [
        ([], []),
        ([1.0, 2.0, 3.0], [1, 1, 1]),
        ([2.0, 2.0, 2.0, 2.0], [0, 1, 0, 1]),
        ([1.0, 2.0, 3.0, 4.0], [0, 0, 1, 1]),
    ],
)
def test_without_a_finite_maximum_the_fit_is_undefined(x: list[float], y: list[int]) -> None:
    """No rows, one class, one value of x, or separated classes: the slope is NaN."""
    positive = np.array(y, dtype=np.float64)
    assert np.isnan(logistic.fit(np.array(x, dtype=np.float64), positive, 1 - positive).slope)
