"""Distances between the distributions of a column in two artifacts, computed from counts in bins."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import numpy as np

from ghmlops.core.predictions.constants import MIN_PSI_SHARE, PSI_BINS
from ghmlops.core.stats import special

if TYPE_CHECKING:
    from ghmlops.core.paired.aggregates import Floats
    from ghmlops.core.predictions.behaviour.distribution import Distribution


class Distances(msgspec.Struct, frozen=True, kw_only=True):
    """Four distances of one column, None if undefined, with p-values that are uniform if nothing but noise differs.

    The p-values assume independent rows. They are conservative for two sides that share their keys, and too small for
    clusters.
    """

    rows: tuple[int, int]
    """Number of rows of baseline and candidate."""
    psi: float | None = None
    """Population stability index over the merged bins and the bin of missing values, in nats."""
    js: float | None = None
    """Jensen-Shannon distance over the same bins, base 2, from 0 to 1."""
    p: float | None = None
    """p-value of PSI and Jensen-Shannon distance, chi-squared."""
    ks: float | None = None
    """Kolmogorov-Smirnov statistic at the edges of the fine bins."""
    ks_bound: float = 0.0
    """Largest amount by which the statistic of the values themselves is larger."""
    ks_p: float | None = None
    """Two-sided asymptotic p-value of the Kolmogorov-Smirnov statistic."""
    wasserstein: float | None = None
    """Wasserstein-1 distance in standard deviations of the baseline, with each value at the lower edge of its bin and
    without sentinel values."""
    wasserstein_bound: float = 0.0
    """Largest difference from the distance of the values themselves; infinite if the bins are too wide to tell."""


class _CdfDistances(NamedTuple):
    """Distances between the cumulative distributions, with their error bounds."""

    ks: float
    ks_bound: float
    wasserstein: float | None
    wasserstein_bound: float


def distances(distribution: Distribution) -> Distances:
    """Return the distances between the two sides of a distribution.

    KS and Wasserstein agree with scipy's `ks_2samp` and `wasserstein_distance` within the stated bounds, and exactly if
    all values are lower edges of bins. Sources: Yurdakul (2018) for the PSI and its chi-squared law,
    PSI / (1/n + 1/m) with bins - 1 degrees of freedom; Lin (1991), IEEE Transactions on Information Theory 37, for the
    Jensen-Shannon divergence, whose square root is the distance (`scipy.spatial.distance.jensenshannon`, base 2).
    """
    n, m = distribution.rows
    if not (n and m):
        return Distances(rows=(n, m))
    first, second = merge_bins(distribution)
    psi = _population_stability_index(first, second)
    df = int(np.count_nonzero(first + second)) - 1
    p = float(special.chdtrc(df, psi / (1.0 / n + 1.0 / m))) if df else 1.0
    result = Distances(rows=(n, m), psi=psi, js=_jensen_shannon(first / n, second / m), p=p)
    return result if distribution.edges is None else _with_cdf_distances(result, distribution, distribution.edges)


def merge_bins(distribution: Distribution) -> tuple[Floats, Floats]:
    """Return the rows of both sides in about `PSI_BINS` bins of equal mass in the baseline, and one of missing values.

    Categories are not merged. A bin ends where the baseline's cumulative mass reaches the next tenth. A fine bin with a
    tenth of either side, usually a frequent value, is a bin of its own, so that moves towards it are not hidden.
    """
    first, second = distribution.baseline.astype(np.float64), distribution.candidate.astype(np.float64)
    total = float(first.sum())
    if distribution.edges is not None and len(first):
        # If the baseline has no finite value, the candidate's own tenths serve as well.
        mass = np.cumsum(first if total else second) / max(total or float(second.sum()), 1.0)
        mass_before = np.r_[0.0, mass[:-1]]
        tenth = np.minimum(np.floor(mass_before * PSI_BINS + 1e-9), PSI_BINS - 1)
        shares = [side / max(float(side.sum()), 1.0) for side in (first, second)]
        alone = np.maximum(*shares) >= 1.0 / PSI_BINS
        starts = np.flatnonzero(np.r_[True, (np.diff(tenth) > 0) | alone[1:] | alone[:-1]])
        first, second = np.add.reduceat(first, starts), np.add.reduceat(second, starts)
    first, second = np.r_[first, float(distribution.missing[0])], np.r_[second, float(distribution.missing[1])]
    used = first + second > 0
    return first[used], second[used]


def _population_stability_index(first: Floats, second: Floats) -> float:
    a, b = (np.maximum(side / side.sum(), max(MIN_PSI_SHARE, 0.5 / side.sum())) for side in (first, second))
    return float(np.sum((a - b) * np.log(a / b)))


def _jensen_shannon(first: Floats, second: Floats) -> float:
    middle = (first + second) / 2.0
    divergence = np.sum(special.rel_entr(first, middle) + special.rel_entr(second, middle)) / (2.0 * math.log(2.0))
    return math.sqrt(max(float(divergence), 0.0))


def _with_cdf_distances(result: Distances, distribution: Distribution, edges: Floats) -> Distances:
    n, m = int(distribution.baseline.sum()), int(distribution.candidate.sum())
    if not (n and m):
        return result
    cdf = _cdf_distances(distribution.baseline / n, distribution.candidate / m, edges)
    if distribution.sentinels:
        ordinary = ~np.isin(edges[:-1], [sentinel.value for sentinel in distribution.sentinels])
        inner = np.flatnonzero(ordinary)
        sides = [side[ordinary] for side in (distribution.baseline, distribution.candidate)]
        if all(side.sum() for side in sides):
            first, second = (side / side.sum() for side in sides)
            without = _cdf_distances(first, second, edges[np.r_[inner, inner[-1] + 1]])
            cdf = cdf._replace(wasserstein=without.wasserstein, wasserstein_bound=without.wasserstein_bound)
    return Distances(
        rows=result.rows,
        psi=result.psi,
        js=result.js,
        p=result.p,
        ks=cdf.ks,
        ks_bound=cdf.ks_bound,
        ks_p=float(special.kolmogorov(cdf.ks * math.sqrt(n * m / (n + m)))),
        wasserstein=cdf.wasserstein,
        wasserstein_bound=cdf.wasserstein_bound,
    )


def _cdf_distances(first: Floats, second: Floats, edges: Floats) -> _CdfDistances:
    """Return the distances between two cumulative distributions that are known at the edges and bounded between them.

    Args:
        first: Share of the baseline's rows per bin, shape (b,).
        second: Share of the candidate's rows per bin, shape (b,).
        edges: Edges of the bins, shape (b + 1,).
    """
    first_cdf, second_cdf = np.cumsum(first), np.cumsum(second)
    gap = np.abs(first_cdf - second_cdf)
    gap[-1] = 0.0  # both end at 1, and the last bin may be wide enough to turn the rounding error into a distance
    ks = float(gap.max())
    max_gap = np.maximum(first_cdf - (second_cdf - second), second_cdf - (first_cdf - first))
    min_gap = np.maximum(np.maximum((first_cdf - first) - second_cdf, (second_cdf - second) - first_cdf), 0.0)
    ks_bound = max(float(max_gap.max()) - ks, 0.0)
    width, low = np.diff(edges), edges[:-1]
    if not np.all(np.isfinite(edges)):
        return _CdfDistances(ks, ks_bound, None, math.inf)
    mean = float(np.sum(first * low))
    deviation = math.sqrt(float(np.sum(first * (low - mean) ** 2)))
    if deviation == 0:
        return _CdfDistances(ks, ks_bound, None, math.inf)
    distance = float(np.sum(gap * width)) / deviation
    area_bound = float(np.sum(np.maximum(max_gap - gap, gap - min_gap) * width))
    # A value lies up to its bin's width above the edge that it counts as, which bounds the error of the deviation.
    deviation_bound = math.sqrt(float(np.sum(first * width**2)))
    bound = math.inf
    if deviation_bound < deviation:
        bound = (area_bound + distance * deviation_bound) / (deviation - deviation_bound)
    return _CdfDistances(ks, ks_bound, distance, bound)
