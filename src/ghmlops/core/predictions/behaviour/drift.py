"""How far a distribution moved between two artifacts: four distances on its counts in bins."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import special

if TYPE_CHECKING:
    from ghmlops.core.paired.aggregates import Floats, Ints
    from ghmlops.core.predictions.behaviour.distribution import Distribution

PSI_BINS = 10
"""Bins of equal mass in the baseline, made by joining neighbours; missing values are one bin more."""
FLOOR = 1e-4
"""Least share of a bin in the PSI, or half a row where that is more: an empty bin would make it infinite."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Distances:
    """Four distances of one column; None where one is undefined. Noise alone gives p-values that are spread evenly.

    The p-values take rows for independent, so they are cautious for the two sides of one key and bold for clusters.
    """

    rows: tuple[int, int]
    psi: float | None = None
    """Population stability index over the joined bins and the bin of missing values, in nats."""
    js: float | None = None
    """Jensen-Shannon distance over the same bins, base 2: 0..1."""
    p: float | None = None
    """Of the two above: chi-squared."""
    ks: float | None = None
    """Kolmogorov-Smirnov statistic at the edges of the fine bins."""
    ks_bound: float = 0.0
    """The statistic over the values themselves is at most this much larger."""
    ks_p: float | None = None
    """Two-sided, asymptotic."""
    wasserstein: float | None = None
    """Wasserstein-1 distance in standard deviations of the baseline; each value stands at the lower edge of its bin."""
    wasserstein_bound: float = 0.0
    """The distance of the values themselves is at most this far off; infinite where bins are too wide to say."""


class _Shape(NamedTuple):
    ks: float
    ks_bound: float
    wasserstein: float | None
    wasserstein_bound: float


def distances(found: Distribution) -> Distances:
    """Measure how far a column moved.

    Sources: PSI and its chi-squared law (Yurdakul 2018: PSI / (1/n + 1/m) with bins - 1 degrees of freedom); Lin (1991)
    for Jensen-Shannon, as scipy.spatial.distance.jensenshannon with base 2; ks_2samp and wasserstein_distance of scipy
    within the bounds given, and exactly where all values are lower edges of bins.
    """
    n, m = found.rows
    if not (n and m):
        return Distances(rows=(n, m))
    first, second = joined(found)
    psi = _psi(first, second)
    freedom = int(np.count_nonzero(first + second)) - 1
    p = float(special.chdtrc(freedom, psi / (1.0 / n + 1.0 / m))) if freedom else 1.0
    known = Distances(rows=(n, m), psi=psi, js=_js(first / n, second / m), p=p)
    return known if found.edges is None else _with_shape(known, found, found.edges)


def joined(found: Distribution) -> tuple[Floats, Floats]:
    """Return the rows of both sides in about `PSI_BINS` bins of equal mass in the baseline, and the missing ones.

    Categories are not joined. A bin ends where the baseline's mass reaches the next tenth, so heavy values make fewer.
    """
    first, second = found.baseline.astype(np.float64), found.candidate.astype(np.float64)
    total = float(first.sum())
    if found.edges is not None and len(first):
        # without a finite value in the baseline the candidate's own tenths are as good
        mass = np.cumsum(first if total else second) / max(total or float(second.sum()), 1.0)
        before = np.r_[0.0, mass[:-1]]
        place = np.minimum(np.floor(before * PSI_BINS + 1e-9), PSI_BINS - 1).astype(np.int64)
        first, second = _placed(place, first), _placed(place, second)
    first, second = np.r_[first, float(found.missing[0])], np.r_[second, float(found.missing[1])]
    used = first + second > 0
    return first[used], second[used]


def _placed(place: Ints, rows: Floats) -> Floats:
    return np.bincount(place, weights=rows, minlength=PSI_BINS).astype(np.float64)


def _psi(first: Floats, second: Floats) -> float:
    a, b = (np.maximum(side / side.sum(), max(FLOOR, 0.5 / side.sum())) for side in (first, second))
    return float(np.sum((a - b) * np.log(a / b)))


def _js(first: Floats, second: Floats) -> float:
    middle = (first + second) / 2.0
    divergence = np.sum(special.rel_entr(first, middle) + special.rel_entr(second, middle)) / (2.0 * math.log(2.0))
    return math.sqrt(max(float(divergence), 0.0))


def _with_shape(known: Distances, found: Distribution, edges: Floats) -> Distances:
    n, m = int(found.baseline.sum()), int(found.candidate.sum())
    if not (n and m):
        return known
    shape = _shape(found.baseline / n, found.candidate / m, edges)
    return Distances(
        rows=known.rows,
        psi=known.psi,
        js=known.js,
        p=known.p,
        ks=shape.ks,
        ks_bound=shape.ks_bound,
        ks_p=float(special.kolmogorov(shape.ks * math.sqrt(n * m / (n + m)))),
        wasserstein=shape.wasserstein,
        wasserstein_bound=shape.wasserstein_bound,
    )


def _shape(first: Floats, second: Floats, edges: Floats) -> _Shape:
    """Return the distances of the two cumulative shares: known at the edges, bounded between them."""
    below, above = np.cumsum(first), np.cumsum(second)
    apart = np.abs(below - above)
    ks = float(apart.max())
    most = np.maximum(below - (above - second), above - (below - first))
    least = np.maximum(np.maximum((below - first) - above, (above - second) - below), 0.0)
    ks_bound = max(float(most.max()) - ks, 0.0)
    width, low = np.diff(edges), edges[:-1]
    if not np.all(np.isfinite(edges)):
        return _Shape(ks, ks_bound, None, math.inf)
    mean = float(np.sum(first * low))
    deviation = math.sqrt(float(np.sum(first * (low - mean) ** 2)))
    if deviation == 0:
        return _Shape(ks, ks_bound, None, math.inf)
    distance = float(np.sum(apart * width)) / deviation
    off = float(np.sum(np.maximum(most - apart, apart - least) * width))
    # a value stands up to its bin's width from where it is put: so far may the deviation be off
    loose = math.sqrt(float(np.sum(first * width**2)))
    bound = (off + distance * loose) / (deviation - loose) if loose < deviation else math.inf
    return _Shape(ks, ks_bound, distance, bound)
