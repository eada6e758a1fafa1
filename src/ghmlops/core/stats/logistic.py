"""Logistic regression of a yes/no label on one number, by Newton's method, and what each row adds to the slope."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[np.float64]
_STEPS = 60
_CLOSE = 1e-12
_STEEP = 1e4


class Line(NamedTuple):
    """A fitted line of log-odds, and its information; NaN where no finite line fits best."""

    middle: float
    """Mean of x, which the line is written around."""
    level: float
    slope: float
    information: tuple[float, float, float]
    """Sums of w, w u and w u^2, with u = x - middle and w the variance of the label on the line."""


UNDEFINED = Line(float("nan"), float("nan"), float("nan"), (float("nan"), float("nan"), float("nan")))


def fit(x: Floats, yes: Floats, no: Floats) -> Line:
    """Fit the chance of yes.

    Args:
        x: shape (k,), finite.
        yes: rows with yes at each x, shape (k,).
        no: rows with no at each x, shape (k,).

    Undefined where one answer or one x alone is there, or where x separates the answers.
    """
    rows = yes + no
    total = float(rows.sum())
    if not (yes.sum() > 0 and no.sum() > 0):
        return UNDEFINED
    middle = float(rows @ x / total)
    u = x - middle
    if not float(rows @ (u * u)) > 1e-18 * total * (1.0 + middle * middle):
        return UNDEFINED
    level, slope = float(special.logit(yes.sum() / total)), 0.0
    cost = _cost(u, yes, no, (level, slope))
    for _ in range(_STEPS):
        chance = special.expit(level + slope * u)
        off, weight = yes - rows * chance, rows * chance * (1.0 - chance)
        one, two, three = float(weight.sum()), float(weight @ u), float(weight @ (u * u))
        determinant = one * three - two * two
        if not determinant > 0 or abs(slope) > _STEEP:
            return UNDEFINED
        first, second = float(off.sum()), float(off @ u)
        step = (three * first - two * second) / determinant, (one * second - two * first) / determinant
        gain, share = first * step[0] + second * step[1], 1.0
        if gain <= _CLOSE * total * _CLOSE:
            return Line(middle, level, slope, (one, two, three))
        while True:
            tried = level + share * step[0], slope + share * step[1]
            risen = _cost(u, yes, no, tried) - cost
            if risen <= _CLOSE * abs(cost) or share < 1e-6:
                break
            share /= 2.0
        level, slope, cost = *tried, cost + risen
    return UNDEFINED


def _cost(u: Floats, yes: Floats, no: Floats, line: tuple[float, float]) -> float:
    odds = line[0] + line[1] * u
    far = np.abs(odds)  # both log(1 + exp(odds)) and log(1 + exp(-odds)), from one logarithm
    near = np.log1p(np.exp(-far))
    return float((yes + no) @ near + np.where(odds > 0, no, yes) @ far)


def slope_influence(line: Line, x: Floats, yes: float | Floats) -> Floats:
    """Return what one row at each x with the label `yes` (1 or 0) adds to the slope, shape (k,).

    Source: the sandwich estimator of maximum likelihood (Huber 1967; White 1982): inverse information times score.
    """
    one, two, three = line.information
    u = x - line.middle
    off = yes - special.expit(line.level + line.slope * u)
    return np.asarray(off * (one * u - two) / (one * three - two * two), dtype=np.float64)


def slope_reach(line: Line, x: Floats, yes: Floats, no: Floats, half: Floats) -> float:
    """Return, to first order, how far the slope may move when every row's x moves by up to `half`, shape (k,)."""
    one, two, three = line.information
    u = x - line.middle
    chance = special.expit(line.level + line.slope * u)
    lever = (one * u - two) / (one * three - two * two)
    by_curve = lever * chance * (1.0 - chance) * line.slope
    by_score = one / (one * three - two * two)
    moved = yes * np.abs(by_score * (1.0 - chance) - by_curve) + no * np.abs(by_score * chance + by_curve)
    return float(moved @ half)
