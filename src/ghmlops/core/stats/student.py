"""Student's t: confidence limits and p-values of an estimate with a standard error."""

from __future__ import annotations

import numpy as np

from ghmlops.core.stats import Floats, special


def limits(estimate: Floats, error: Floats, df: Floats, tail: float) -> tuple[Floats, Floats]:
    """Return the lower and the upper confidence limit of the estimates, shape (m,) each.

    Source: Student (1908), Biometrika 6, 1-25.

    Args:
        estimate: Estimates, shape (m,).
        error: Standard errors, shape (m,).
        df: Degrees of freedom of the standard errors, shape (m,); below 1 the limits are NaN.
        tail: Probability beyond each limit, e.g. 0.01.
    """
    half_width = special.stdtrit(np.where(df >= 1, df, np.nan), 1.0 - tail) * error
    return estimate - half_width, estimate + half_width


def p_greater(estimate: Floats, error: Floats, df: Floats) -> Floats:
    """Return the one-sided p-values against a true value above 0, shape (m,).

    Null hypothesis: the true value is at most 0. With a standard error of 0 the p-value is 0.5 for an estimate of 0,
    else 0 or 1.

    Args:
        estimate: Estimates, shape (m,).
        error: Standard errors, shape (m,).
        df: Degrees of freedom of the standard errors, shape (m,); below 1 the p-value is NaN.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where((estimate == 0) & (error == 0), 0.0, estimate / error)
    return np.asarray(special.stdtr(np.where(df >= 1, df, np.nan), -t), dtype=np.float64)
