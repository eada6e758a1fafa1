"""Logistic regression of a binary label on one variable, by Newton's method, and the influence of each row."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ghmlops.core.stats import Floats, special

_MAX_ITERATIONS = 60
_TOLERANCE = 1e-12
"""Relative change of the negative log-likelihood that counts as none."""
_MAX_SLOPE = 1e4
"""Log-odds per unit of x beyond which the classes count as separated: the likelihood then has no finite maximum."""
_MIN_STEP = 1e-6
"""Smallest fraction of a Newton step that the line search tries."""
_MIN_RELATIVE_VARIANCE = 1e-18
"""Variance of x, relative to 1 + its squared mean, below which x counts as constant."""


class LogisticFit(NamedTuple):
    """A fitted line of log-odds, intercept + slope * (x - center), and its information; NaN if no finite line fits."""

    center: float
    """Mean of x over the rows."""
    intercept: float
    """Log-odds at the center."""
    slope: float
    """Log-odds per unit of x."""
    information: tuple[float, float, float]
    """Fisher information: sums of w, w u and w u^2, with u = x - center and w the label's variance on the line."""


UNDEFINED = LogisticFit(float("nan"), float("nan"), float("nan"), (float("nan"), float("nan"), float("nan")))
"""The result if no finite line maximises the likelihood."""


def fit(x: Floats, positive: Floats, negative: Floats) -> LogisticFit:
    """Fit the probability of the positive class as a logistic function of x, by maximum likelihood.

    The result is undefined (NaN) if only one class or only one value of x occurs, or if x separates the classes.

    Args:
        x: Values of the variable, shape (k,), finite.
        positive: Number of positive rows at each x, shape (k,).
        negative: Number of negative rows at each x, shape (k,).
    """
    rows = positive + negative
    total = float(rows.sum())
    if not (positive.sum() > 0 and negative.sum() > 0):
        return UNDEFINED
    center = float(rows @ x / total)
    u = x - center
    if not float(rows @ (u * u)) > _MIN_RELATIVE_VARIANCE * total * (1.0 + center * center):
        return UNDEFINED
    intercept, slope = float(special.logit(positive.sum() / total)), 0.0
    cost = _negative_log_likelihood(u, positive, negative, (intercept, slope))
    for _ in range(_MAX_ITERATIONS):
        probability = special.expit(intercept + slope * u)
        residual, weight = positive - rows * probability, rows * probability * (1.0 - probability)
        w, wu, wuu = float(weight.sum()), float(weight @ u), float(weight @ (u * u))
        determinant = w * wuu - wu * wu
        if not determinant > 0 or abs(slope) > _MAX_SLOPE:
            return UNDEFINED
        gradient = float(residual.sum()), float(residual @ u)
        step = (
            (wuu * gradient[0] - wu * gradient[1]) / determinant,
            (w * gradient[1] - wu * gradient[0]) / determinant,
        )
        expected_gain, fraction = gradient[0] * step[0] + gradient[1] * step[1], 1.0
        if expected_gain <= _TOLERANCE * total * _TOLERANCE:
            return LogisticFit(center, intercept, slope, (w, wu, wuu))
        # Halving the step keeps Newton's method from overshooting where the likelihood is flat.
        while True:
            trial = intercept + fraction * step[0], slope + fraction * step[1]
            increase = _negative_log_likelihood(u, positive, negative, trial) - cost
            if increase <= _TOLERANCE * abs(cost) or fraction < _MIN_STEP:
                break
            fraction /= 2.0
        intercept, slope, cost = *trial, cost + increase
    return UNDEFINED


def _negative_log_likelihood(u: Floats, positive: Floats, negative: Floats, line: tuple[float, float]) -> float:
    log_odds = line[0] + line[1] * u
    # Both log(1 + exp(log_odds)) and log(1 + exp(-log_odds)) follow from one logarithm.
    size = np.abs(log_odds)
    tail = np.log1p(np.exp(-size))
    return float((positive + negative) @ tail + np.where(log_odds > 0, negative, positive) @ size)


def slope_influence(line: LogisticFit, x: Floats, label: float | Floats) -> Floats:
    """Return the influence of one row at each x on the slope, shape (k,).

    The influence is the inverse information times the score of the row; its squares sum up to the sandwich (HC0)
    variance of the slope.

    Sources: Huber (1967), Proc. Fifth Berkeley Symposium 1, 221-233; White (1982), Econometrica 50, 1-25.

    Args:
        line: The fit.
        x: Values of the variable, shape (k,).
        label: Class of the row, 1 or 0; one value or shape (k,).
    """
    w, wu, wuu = line.information
    u = x - line.center
    residual = label - special.expit(line.intercept + line.slope * u)
    return np.asarray(residual * (w * u - wu) / (w * wuu - wu * wu), dtype=np.float64)


def slope_shift_bound(line: LogisticFit, x: Floats, positive: Floats, negative: Floats, half_width: Floats) -> float:
    """Return, to first order, the largest change of the slope if the x of every row moves by up to `half_width`.

    Args:
        line: The fit.
        x: Values of the variable, shape (k,).
        positive: Number of positive rows at each x, shape (k,).
        negative: Number of negative rows at each x, shape (k,).
        half_width: Largest move of the rows at each x, shape (k,), in the unit of x.
    """
    w, wu, wuu = line.information
    u = x - line.center
    probability = special.expit(line.intercept + line.slope * u)
    leverage = (w * u - wu) / (w * wuu - wu * wu)
    by_curve = leverage * probability * (1.0 - probability) * line.slope
    by_score = w / (w * wuu - wu * wu)
    shift = positive * np.abs(by_score * (1.0 - probability) - by_curve)
    shift = shift + negative * np.abs(by_score * probability + by_curve)
    return float(shift @ half_width)
