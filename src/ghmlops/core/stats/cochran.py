"""Cochran's Q: is a change the same in every window, up to noise?"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[np.float64]


class Heterogeneity(NamedTuple):
    """Q, its degrees of freedom and its p-value (NaN with fewer than two usable estimates)."""

    q: float
    freedom: int
    p: float


def heterogeneity(estimates: Floats, errors: Floats) -> Heterogeneity:
    """Test whether independent `estimates` share one mean; those without a positive finite error are left out.

    Args:
        estimates: shape (m,).
        errors: standard errors, shape (m,).

    Source: Cochran (1954): weighted squares about the weighted mean, chi-squared with m - 1 degrees of freedom.
    """
    usable = np.isfinite(estimates) & np.isfinite(errors) & (errors > 0)
    weights = 1.0 / errors[usable] ** 2
    freedom = int(usable.sum()) - 1
    if freedom < 1:
        return Heterogeneity(float("nan"), max(freedom, 0), float("nan"))
    mean = float(np.sum(weights * estimates[usable]) / np.sum(weights))
    q = float(np.sum(weights * (estimates[usable] - mean) ** 2))
    return Heterogeneity(q, freedom, float(special.chdtrc(freedom, q)))
