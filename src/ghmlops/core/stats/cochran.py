"""Cochran's Q: do several independent estimates share one mean, e.g. is a change the same in every window?"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ghmlops.core.stats import Floats, special


class Heterogeneity(NamedTuple):
    """Cochran's Q with its degrees of freedom and its p-value."""

    q: float
    """The statistic; NaN with fewer than two usable estimates."""
    df: int
    """Degrees of freedom: usable estimates minus 1, at least 0."""
    p: float
    """p-value; NaN with fewer than two usable estimates."""


def heterogeneity(estimates: Floats, errors: Floats, tail_df: float = np.inf) -> Heterogeneity:
    """Test the null hypothesis that independent estimates share one mean.

    Q is the sum of the squared deviations from the weighted mean, weighted by the inverse squared standard errors;
    under the null hypothesis it is chi-squared with m - 1 degrees of freedom.

    Source: Cochran (1954), The combination of estimates from different experiments, Biometrics 10, 101-129.

    Args:
        estimates: Independent estimates, shape (m,).
        errors: Their standard errors, shape (m,). Estimates that are not finite or have no positive, finite error are
            left out.
        tail_df: Degrees of freedom of the deviations in standard errors, above 8; infinite: they are normal. With
            heavier tails, Q is compared with a normal distribution of its mean and variance.
    """
    usable = np.isfinite(estimates) & np.isfinite(errors) & (errors > 0)
    weights = 1.0 / errors[usable] ** 2
    df = int(usable.sum()) - 1
    if df < 1:
        return Heterogeneity(float("nan"), max(df, 0), float("nan"))
    mean = float(np.sum(weights * estimates[usable]) / np.sum(weights))
    q = float(np.sum(weights * (estimates[usable] - mean) ** 2))
    if np.isinf(tail_df):
        return Heterogeneity(q, df, float(special.chdtrc(df, q)))
    # Second and fourth moment of Student's t.
    square = tail_df / (tail_df - 2.0)
    variance = 3.0 * tail_df**2 / ((tail_df - 2.0) * (tail_df - 4.0)) - square**2
    return Heterogeneity(q, df, float(special.ndtr(-(q - square * df) / np.sqrt(variance * df))))
