"""Student's t: limits and p-values of an estimate with a standard error."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[np.float64]


def limits(estimate: Floats, error: Floats, freedom: Floats, tail: float) -> tuple[Floats, Floats]:
    """Return the limits of `estimate`, each one-sided at `tail`.

    Args:
        estimate: shape (m,).
        error: standard errors, shape (m,).
        freedom: degrees of freedom, shape (m,); below 1 the limits are NaN, because nothing is known.
        tail: probability beyond each limit.
    """
    reach = special.stdtrit(np.where(freedom >= 1, freedom, np.nan), 1.0 - tail) * error
    return estimate - reach, estimate + reach


def p_above(estimate: Floats, error: Floats, freedom: Floats) -> Floats:
    """Return the one-sided p-value against "not above 0"; arguments as `limits`.

    Without any spread it is 0.5 at 0, else 0 or 1.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        score = np.where((estimate == 0) & (error == 0), 0.0, estimate / error)
    return np.asarray(special.stdtr(np.where(freedom >= 1, freedom, np.nan), -score), dtype=np.float64)
