"""Spread of the changes between subgroups, in standard errors: what training again adds to the noise of sampling.

The standard error of a change in a slice or window is that of independent rows. A model that was trained again with
another seed moves whole regions of rows together, so the changes of its slices and windows differ by more: by 1.3 to 8
standard errors on real models (`scripts/bench/reseeded`). Test statistics are therefore divided by the spread of their
family, which a minority of subgroups with a real regression hardly changes; with a second baseline (`noise`) it is
measured between the two baselines, where nothing is a regression.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ghmlops.core.paired.attributes import WINDOW
from ghmlops.core.predictions.constants import (
    MEMBERS_TO_SHOW_NO_SPREAD,
    MIN_SPREAD_MEMBERS,
    SPREAD_DF,
    SPREAD_EFFICIENCY,
    SPREAD_PRIOR_MEMBERS,
)
from ghmlops.core.predictions.subgroups.onset import smoothed_error
from ghmlops.core.stats import special
from ghmlops.core.stats.robust_spread import qn

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ghmlops.core.predictions.subgroup import Subgroup

Family = tuple[str, str, tuple[str, ...]]
"""Data set, metric and columns (`WINDOW` for windows): the subgroups of a family divide the same rows."""


class Spread(NamedTuple):
    """Standard deviation of the changes of a family in standard errors, and how well it is known."""

    scale: float
    """Above 1."""
    members: float
    """Number of subgroups that it is estimated from."""

    @property
    def tail_df(self) -> float:
        """Degrees of freedom of Student's t with the tails of the changes, if the scale were known.

        The part of the variance that sampling does not explain has the tails of `SPREAD_DF` degrees of freedom, and the
        excess kurtosis of the sum is that of the part, times the square of its share.
        """
        share = (self.scale**2 - 1.0) / self.scale**2
        return 4.0 + (SPREAD_DF - 4.0) / share**2

    @property
    def df(self) -> float:
        """Degrees of freedom of a change divided by the scale, whose own error adds to the tails."""
        return 1.0 / (1.0 / self.tail_df + 1.0 / (SPREAD_EFFICIENCY * (self.members - 1.0)))


Spreads = Mapping[Family, Spread]
"""Spread of each family; one that is not listed varies by no more than the noise of sampling."""


def family_of(subgroup: Subgroup) -> Family:
    """Return the family that a subgroup belongs to."""
    columns = tuple(subgroup.slice) if subgroup.window is None else (WINDOW,)
    return subgroup.dataset, subgroup.comparison.metric.id, columns


def estimate_spreads(subgroups: Sequence[Subgroup], noise: Sequence[Subgroup] = ()) -> dict[Family, Spread]:
    """Return the spread of every family that varies by more than the noise of sampling.

    The scale of a family is the robust scale of the changes, minus their median, in standard errors; of the noise
    baseline it is their root mean square. It is averaged with the typical scale of the metric's other families, with
    the weight of `SPREAD_PRIOR_MEMBERS` members. A family with fewer than `MIN_SPREAD_MEMBERS` has the typical scale of
    the others, and no spread if there is none. In a large family, a scale that its own error explains is 1.

    Args:
        subgroups: The subgroups of baseline and candidate, one entry per metric.
        noise: The same subgroups between two baselines of one recipe; empty if there is no second baseline.
    """
    statistics = _by_family(noise or subgroups)
    scales = {family: _scale(z, robust=not noise) for family, z in statistics.items() if len(z) >= MIN_SPREAD_MEMBERS}
    spreads = {}
    for family, z in statistics.items():
        others = [scale for other, scale in scales.items() if other != family and other[:2] == family[:2]]
        typical = _median(np.array(others)) if others else None
        spread = _combined(scales.get(family), typical, len(z))
        if spread is not None and spread.scale > 1.0:
            spreads[family] = spread
    return spreads


def _by_family(subgroups: Sequence[Subgroup]) -> dict[Family, NDArray[np.float64]]:
    """Return the changes of each family in standard errors, minus their median.

    A subgroup without a changed row has no error and shows nothing about the spread.
    """
    families: dict[Family, list[tuple[float, float]]] = {}
    for subgroup in subgroups:
        change, error = subgroup.comparison.change, subgroup.comparison.error
        if math.isfinite(change) and math.isfinite(error) and error > 0:
            smoothed = smoothed_error(subgroup.comparison)
            families.setdefault(family_of(subgroup), []).append((change, smoothed))
    result = {}
    for family, values in families.items():
        change, error = np.array(values).T
        result[family] = (change - _median(change)) / error
    return result


def _median(values: NDArray[np.float64]) -> float:
    """Return the median of finite values. `np.median` imports `numpy.ma`, which takes 0.03 s."""
    ordered, size = np.sort(values), len(values)
    return float(ordered[(size - 1) // 2] + ordered[size // 2]) / 2


def _scale(z: NDArray[np.float64], *, robust: bool) -> float:
    return qn(z) if robust else float(np.sqrt(np.mean(z * z)))


def _combined(own: float | None, typical: float | None, members: int) -> Spread | None:
    """Return the spread of a family from its own scale and the typical one of others; None if it is not known."""
    if own is None:
        return None if typical is None else Spread(typical, SPREAD_PRIOR_MEMBERS)
    if typical is None:
        total, scale = members, own
    else:
        total = members + SPREAD_PRIOR_MEMBERS
        scale = math.sqrt((members * own**2 + SPREAD_PRIOR_MEMBERS * typical**2) / total)
    explained = total >= MEMBERS_TO_SHOW_NO_SPREAD and scale <= 1.0 + 1.0 / math.sqrt(total)
    return None if explained else Spread(scale, total)


def widen(p: NDArray[np.float64], subgroups: Sequence[Subgroup], spreads: Spreads) -> NDArray[np.float64]:
    """Return p-values whose normal deviates are divided by the spread of their families, shape (len(subgroups),).

    The tail of a family with a spread is that of Student's t. p-values of families without a spread stay as they are.
    """
    if not spreads:
        return p
    entries = [spreads.get(family_of(subgroup)) for subgroup in subgroups]
    scale = np.array([1.0 if spread is None else spread.scale for spread in entries], dtype=np.float64)
    df = np.array([1.0 if spread is None else spread.df for spread in entries], dtype=np.float64)
    smallest = np.finfo(np.float64).tiny
    deviate = -special.ndtri(np.clip(p, smallest, 1.0))
    # Beyond the smallest double a p-value says no more how far the loss is from 0.
    comparisons = [subgroup.comparison for subgroup in subgroups]
    ratio = np.array([c.loss / c.error if c.error > 0 else np.inf for c in comparisons], dtype=np.float64)
    deviate = np.where(p <= smallest, np.fmax(deviate, ratio), deviate)
    return np.asarray(np.where((scale > 1.0) & (p < 0.5), special.stdtr(df, -deviate / scale), p), dtype=np.float64)
