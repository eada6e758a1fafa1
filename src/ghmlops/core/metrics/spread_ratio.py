"""Spread of the predictions: their standard deviation over the baseline's. Needs no label; any move is a change."""

from __future__ import annotations

import numpy as np

from ghmlops.core.model import Direction
from ghmlops.core.paired.aggregates import Cells, Compared, Floats
from ghmlops.core.paired.change import Estimated, moments, oriented
from ghmlops.core.paired.metric import Metric
from ghmlops.core.stats import student

VALUE = "({p} - {p0})"
SQUARE = f"{VALUE} * {VALUE}"
FAR = 1e7
"""Squared distance of a cell's mean from `{p0}`, in variances, beyond which sums of powers have lost their digits."""
_NONE = 1e-9


def compare(sums: tuple[Cells, ...], tail: float) -> Compared:
    """Compare two standard deviations by the delta method on the logarithm of their ratio.

    Args:
        sums: of the value less the side's mean over all cells, of its square, and of both added up, which gives their
            covariances.
        tail: probability beyond each limit.

    NaN where the baseline does not vary, or where its mean is so far from that of all cells that the digits are lost.
    """
    values, squares, _ = sums
    first, moved = values.baseline, values.change
    before = squares.baseline - first**2
    grown = squares.change - moved * (2.0 * first + moved)  # of the variance, without cancelling
    known = (before > 0) & (first**2 < FAR * before)
    before = np.where(known, before, np.nan)
    gone = before + grown <= _NONE * before * (1.0 + first**2 / before)
    shift = np.where(gone, 0.0, grown / before)
    log_ratio = 0.5 * np.log1p(shift)
    error, freedom = _error(sums, before, before * (1.0 + shift))
    low, high = (np.where(gone, -1.0, np.expm1(x)) for x in student.limits(log_ratio, error, freedom, tail))
    change = np.where(gone, -1.0, np.expm1(log_ratio))
    up = np.where(gone, 1.0, student.p_above(log_ratio, error, freedom))
    found = Estimated(
        n=values.n,
        baseline=np.where(known, 1.0, np.nan),
        change=change,
        error=np.where(gone, 0.0, error * (1.0 + change)),
        freedom=freedom,
        method="paired delta method on the log ratio" + (", summed in clusters" if values.groups is not None else ""),
    )
    return oriented(found, interval=(low, high), p=(up, 1.0 - up), direction=Direction.TARGET)


def _error(sums: tuple[Cells, ...], before: Floats, after: Floats) -> tuple[Floats, Floats]:
    """Return the standard error of the log ratio and its degrees of freedom.

    A row adds (u_b - 2 m_b v_b) / 2 V_b - (u_a - 2 m_a v_a) / 2 V_a, with v its value, u the square of it, m the mean
    of v and V the variance, of each side. Written in the baseline's u and v and the changes of both, all products are
    known but for two, of one side's u and the other's v: their sum is, and their difference, which matters only where
    the mean moved otherwise than over all cells, is taken at its worst (Cauchy and Schwarz).
    """
    values = sums[0]
    v, u, s = (moments(cells) for cells in sums)
    first, second = values.baseline, values.baseline + values.change
    by_u, by_du = 0.5 / after - 0.5 / before, 0.5 / after
    by_v, by_dv = first / before - second / after, -second / after
    own = by_u**2 * u.var_a + 2 * by_u * by_du * u.cov_ad + by_du**2 * u.var_d
    own += by_v**2 * v.var_a + 2 * by_v * by_dv * v.cov_ad + by_dv**2 * v.var_d
    own += by_u * by_v * (s.var_a - u.var_a - v.var_a) + by_du * by_dv * (s.var_d - u.var_d - v.var_d)
    crossed = s.cov_ad - u.cov_ad - v.cov_ad
    one, other = np.sqrt(u.var_a * v.var_d), np.sqrt(v.var_a * u.var_d)
    apart = np.minimum(one + other, np.abs(crossed) + 2.0 * np.minimum(one, other))
    left, right = by_u * by_dv, by_du * by_v
    total = own + (left + right) * crossed + np.abs(left - right) * apart
    return np.sqrt(np.maximum(total, 0.0)), v.freedom


SPREAD_RATIO = Metric(
    id="spread-ratio",
    title="spread of the predictions over the baseline's",
    tasks=("regression",),
    direction=Direction.TARGET,
    unit="",
    margin=0.05,
    rows=(VALUE, SQUARE, f"{VALUE} + {SQUARE}"),
    labelled=False,
    compare_rows=compare,
    overall=False,
    hunted=True,
)
