"""A sample quantile and the influence of each row on it."""

from __future__ import annotations

import numpy as np

from ghmlops.core.stats import Floats, special

_INTERVAL_TAIL = 0.01
"""Probability beyond one limit of the interval for which the bandwidth of the density estimate is optimal: that of the
verdict's 98 % intervals."""


def influence(values: Floats, level: float, independent: int) -> tuple[float, Floats]:
    """Return the quantile (linear interpolation, as `numpy.quantile`) and the influence of each row on it, shape (n,).

    A row below the quantile has the influence (level - 1) / (n f), a row above it level / (n f). The inverse of the
    density f is estimated by the slope of the quantile function around `level`, over the bandwidth that Hall and
    Sheather derive for intervals, and never over less than the sampling error of the level.

    Source: Hall and Sheather (1988), Journal of the Royal Statistical Society B 50, 381-391.

    Args:
        values: Values of the rows, shape (n,), finite, at least two.
        level: Level of the quantile, between 0 and 1.
        independent: Number of independent observations: the number of rows, or of their clusters.
    """
    z_tail = float(special.ndtri(1.0 - _INTERVAL_TAIL))
    sampling_error = z_tail * float(np.sqrt(level * (1.0 - level) / independent))
    half_width = max(_hall_sheather(independent, level), sampling_error)
    low, high = max(level - half_width, 0.0), min(level + half_width, 1.0)
    quantile, below, above = (float(v) for v in np.quantile(values, [level, low, high]))
    slope = (above - below) / (high - low)
    at_most = values <= quantile
    proportion = float(at_most.mean())
    return quantile, np.asarray(slope * (proportion - at_most) / len(values), dtype=np.float64)


def _hall_sheather(n: int, level: float) -> float:
    """Return the bandwidth of Hall and Sheather, as a difference of quantile levels."""
    z, z_tail = float(special.ndtri(level)), float(special.ndtri(1.0 - _INTERVAL_TAIL))
    density = float(np.exp(-0.5 * z * z) / np.sqrt(2.0 * np.pi))
    return float((z_tail * z_tail * 1.5 * density**2 / (2.0 * z * z + 1.0) / n) ** (1.0 / 3.0))
