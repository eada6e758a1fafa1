"""Logistic regression on one number."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm  # type: ignore[import-untyped]

from ghmlops.core.stats import logistic


def drawn(n: int, spread: float) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(n)
    x = rng.normal(-2.0, spread, n)
    return x, (rng.random(n) < 1 / (1 + np.exp(-0.3 - 0.7 * x))) * 1.0


@pytest.mark.parametrize(("n", "spread"), [(200, 1.0), (5000, 4.0), (5000, 0.3)])
def test_lines_and_robust_errors_agree_with_statsmodels(n: int, spread: float) -> None:
    """Slope and level to 1e-8, the HC0 error to 1e-6."""
    x, y = drawn(n, spread)
    line = logistic.fit(x, y, 1 - y)
    fitted = sm.Logit(y, sm.add_constant(x)).fit(disp=0, tol=1e-14, maxiter=100, cov_type="HC0")
    assert line.slope == pytest.approx(fitted.params[1], rel=1e-7)
    assert line.level - line.slope * line.middle == pytest.approx(fitted.params[0], rel=1e-7)
    influence = logistic.slope_influence(line, x, y)
    assert np.sqrt(np.sum(influence**2)) == pytest.approx(fitted.bse[1], rel=1e-6)
    assert influence.sum() == pytest.approx(0.0, abs=1e-7)


def test_counted_rows_are_rows() -> None:
    """Rows counted at each x give the line of the rows one by one."""
    x, y = drawn(2000, 2.0)
    x = np.round(x, 1)
    found, place = np.unique(x, return_inverse=True)
    yes, no = (np.bincount(place, weights).astype(np.float64) for weights in (y, 1 - y))
    one, other = logistic.fit(x, y, 1 - y), logistic.fit(found, yes, no)
    assert other.slope == pytest.approx(one.slope, rel=1e-10)


def test_moving_every_x_moves_the_slope_by_no_more_than_the_reach() -> None:
    """Random moves within the half-widths stay inside; the worst one comes near."""
    x, y = drawn(3000, 2.0)
    line, half = logistic.fit(x, y, 1 - y), np.full(3000, 1e-4)
    reach = logistic.slope_reach(line, x, y, 1 - y, half)
    rng = np.random.default_rng(2)
    moves = [np.sign(rng.normal(size=3000)) for _ in range(10)] + [np.sign(x - x.mean())]
    moved = [abs(logistic.fit(x + half * m, y, 1 - y).slope - line.slope) for m in moves]
    assert max(moved) <= reach * 1.001
    assert max(moved) > 0.2 * reach


@pytest.mark.parametrize(
    ("x", "y"),
    [
        ([], []),
        ([1.0, 2.0, 3.0], [1, 1, 1]),
        ([2.0, 2.0, 2.0, 2.0], [0, 1, 0, 1]),
        ([1.0, 2.0, 3.0, 4.0], [0, 0, 1, 1]),
    ],
)
def test_no_finite_line_is_undefined(x: list[float], y: list[int]) -> None:
    """No rows, one answer, one x, or separated answers: NaN."""
    yes = np.array(y, dtype=np.float64)
    assert np.isnan(logistic.fit(np.array(x, dtype=np.float64), yes, 1 - yes).slope)
