"""How far a distribution is from a reference."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def stability_index(reference: Mapping[str, int], counts: Mapping[str, int]) -> float:
    """Return the population stability index of counts against a reference, less what chance adds; at least 0.

    The sum of (p - q) ln(p / q) over the bins, each with half a row more, so that an empty bin is finite. Under equal
    distributions its mean is about (bins - 1) (1 / n + 1 / m), which is subtracted: small intervals are no drift.

    Source: Siddiqi (2006), Credit Risk Scorecards; Yurdakul (2018), Statistical Properties of Population Stability
    Index, for the mean.

    Args:
        reference: rows of each bin of the reference.
        counts: rows of each bin.
    """
    bins = sorted({*reference, *counts})
    n, m = sum(counts.values()), sum(reference.values())
    if not n or not m:
        return math.nan
    total = 0.0
    for name in bins:
        p = (counts.get(name, 0) + 0.5) / (n + 0.5 * len(bins))
        q = (reference.get(name, 0) + 0.5) / (m + 0.5 * len(bins))
        total += (p - q) * math.log(p / q)
    return max(0.0, total - (len(bins) - 1) * (1.0 / n + 1.0 / m))
