"""Histograms for drawing: the percentile curve of one, and the counts of several in common logarithmic bins."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.core.histograms.histogram import Histogram

POINTS_PER_DECADE = 12
"""Points of a percentile curve per decade of 1 / (1 - q)."""


def percentile_curve(histogram: Histogram) -> list[tuple[float, float]]:
    """Return points (1 / (1 - q), q-quantile), as HdrHistogram's plots have them; empty without values.

    The points are evenly spaced on a logarithmic scale, from the minimum (q = 0) to the maximum of all n values, which
    stands at n: beyond it, nothing was measured.
    """
    if not histogram.total:
        return []
    decades = math.log10(histogram.total)
    steps = max(1, math.ceil(decades * POINTS_PER_DECADE))
    odds = [10.0 ** (decades * step / steps) for step in range(steps)]
    return [*((x, histogram.quantile(1.0 - 1.0 / x)) for x in odds), (float(histogram.total), histogram.maximum)]


def logarithmic_bins(histograms: Sequence[Histogram], bins: int) -> tuple[list[float], list[list[int]]]:
    """Return the edges of `bins` bins of equal width on a logarithmic scale, and the counts of each histogram.

    Args:
        histograms: Histograms, of which one has values at least.
        bins: Number of bins, >= 1.

    Returns:
        Edges, shape (bins + 1,), and counts, shape (histograms, bins). Each bucket counts in the bin of its middle;
        values below one unit count in the first bin.
    """
    filled = [histogram for histogram in histograms if histogram.total]
    low = max(min(histogram.minimum for histogram in filled), 1.0)
    high = max(*(histogram.maximum for histogram in filled), low * 1.01)
    edges = np.geomspace(low, high, bins + 1)
    counts = []
    for histogram in histograms:
        layout = histogram.layout
        middles = layout.starts(histogram.buckets) + (layout.widths(histogram.buckets) >> np.uint64(1))
        positions = np.searchsorted(edges, middles.astype(np.float64), side="right") - 1
        sums = np.bincount(positions.clip(0, bins - 1), weights=histogram.counts.astype(np.float64), minlength=bins)
        counts.append([int(value) for value in sums.tolist()])
    return edges.tolist(), counts
