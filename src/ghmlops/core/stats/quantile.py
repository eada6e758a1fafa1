"""A quantile, and what each row adds to it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[np.float64]
_TAIL = 0.01


def influence(values: Floats, level: float, facts: int) -> tuple[float, Floats]:
    """Return the quantile (linear between neighbours, as numpy's default) and what each row adds to it, shape (n,).

    Args:
        values: shape (n,), finite, at least two.
        level: between 0 and 1.
        facts: independent ones among the rows: the rows, or their clusters.

    A row below adds (level - 1) / (n f) and one above level / (n f). One over the density f is the slope of the
    quantile function around `level`, over the half-width that Hall and Sheather (1988) derive for intervals, and never
    over less than the sampling error of the level.
    """
    reach = float(special.ndtri(1.0 - _TAIL)) * float(np.sqrt(level * (1.0 - level) / facts))
    half = max(_hall_sheather(facts, level), reach)
    low, high = max(level - half, 0.0), min(level + half, 1.0)
    found, below, above = (float(v) for v in np.quantile(values, [level, low, high]))
    slope = (above - below) / (high - low)
    at_most = values <= found
    share = float(at_most.mean())
    return found, np.asarray(slope * (share - at_most) / len(values), dtype=np.float64)


def _hall_sheather(n: int, level: float) -> float:
    z, reach = float(special.ndtri(level)), float(special.ndtri(1.0 - _TAIL))
    density = float(np.exp(-0.5 * z * z) / np.sqrt(2.0 * np.pi))
    return float((reach * reach * 1.5 * density**2 / (2.0 * z * z + 1.0) / n) ** (1.0 / 3.0))
