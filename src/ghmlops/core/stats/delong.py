"""DeLong's comparison of the areas under two ROC curves on the same rows, in O(n log n)."""

from __future__ import annotations

from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from ghmlops.core.stats import Floats


class Areas(msgspec.Struct, frozen=True, kw_only=True):
    """The areas under two ROC curves (0 to 1) and the influence of each row on their difference."""

    baseline: float
    candidate: float
    influence: Floats
    """Influence of each row on candidate - baseline, shape (n,); sums to 0 within each class."""
    error: float
    """Standard error of candidate - baseline for independent rows; NaN with fewer than two rows in a class."""


def compare(positive: NDArray[np.bool_], baseline: Floats, candidate: Floats, weight: Floats | None = None) -> Areas:
    """Compare the areas under the ROC curves of two scores on the same rows; tied pairs count one half, exactly.

    Sources: DeLong, DeLong and Clarke-Pearson (1988), Biometrics 44, 837-845; midranks after Sun and Xu (2014), IEEE
    Signal Processing Letters 21, 1389-1393. The influences are those that Obuchowski (1997), Biometrics 53, 567-578,
    sums within clusters.

    Args:
        positive: True for rows of the positive class, shape (n,); both classes must occur.
        baseline: Scores of the baseline, shape (n,), finite.
        candidate: Scores of the candidate, shape (n,), finite.
        weight: Weight of each row, > 0, shape (n,); None: equal weights. The areas are then those of
            `roc_auc_score(sample_weight=weight)` in scikit-learn, and the variance is linearised: the effective number
            of rows (Kish 1965) of each class takes the place of their number.
    """
    if weight is not None:
        return _compare_weighted(positive, (baseline, candidate), weight)
    positives, negatives = int(positive.sum()), int((~positive).sum())
    first, second = _placement_values(positive, baseline), _placement_values(positive, candidate)
    areas = float(first[positive].mean()), float(second[positive].mean())
    difference = second - first - (areas[1] - areas[0])
    influence = difference / np.where(positive, positives, negatives)
    squares = influence * influence
    if min(positives, negatives) < 2:
        error = float("nan")
    else:
        variance_positive = squares[positive].sum() * positives / (positives - 1)
        variance_negative = squares[~positive].sum() * negatives / (negatives - 1)
        error = float(np.sqrt(variance_positive + variance_negative))
    return Areas(baseline=areas[0], candidate=areas[1], influence=influence, error=error)


def _compare_weighted(positive: NDArray[np.bool_], scores: tuple[Floats, Floats], weight: Floats) -> Areas:
    first, second = (_weighted_placement_values(positive, side, weight) for side in scores)
    totals = float(weight[positive].sum()), float(weight[~positive].sum())
    areas = [float(np.average(side[positive], weights=weight[positive])) for side in (first, second)]
    influence = weight * (second - first - (areas[1] - areas[0])) / np.where(positive, *totals)
    variance = 0.0
    for rows, total in ((positive, totals[0]), (~positive, totals[1])):
        number = total**2 / float(weight[rows] @ weight[rows])
        squares = float(influence[rows] @ influence[rows])
        variance += squares * number / (number - 1.0) if number > 1.0 else float("nan")
    return Areas(baseline=areas[0], candidate=areas[1], influence=influence, error=float(np.sqrt(variance)))


def _weighted_placement_values(positive: NDArray[np.bool_], scores: Floats, weight: Floats) -> Floats:
    """Return the share of the opposite class, by weight, that is ranked correctly against each row, shape (n,)."""
    distinct, index = np.unique(scores, return_inverse=True)
    below: list[Floats] = []
    for rows in (positive, ~positive):
        mass = np.bincount(index[rows], weights=weight[rows], minlength=len(distinct))
        below.append((np.cumsum(mass) - mass / 2.0) / mass.sum())
    return np.where(positive, below[1][index], 1.0 - below[0][index])


def _placement_values(positive: NDArray[np.bool_], scores: Floats) -> Floats:
    """Return the fraction of opposite-class rows ranked correctly against each row (placement value), shape (n,)."""
    positives, negatives = int(positive.sum()), int((~positive).sum())
    ranks = midranks(scores)
    values = np.empty(len(scores))
    values[positive] = (ranks[positive] - midranks(scores[positive])) / negatives
    values[~positive] = 1.0 - (ranks[~positive] - midranks(scores[~positive])) / positives
    return values


class BinnedArea(NamedTuple):
    """An area under the ROC curve of binned scores and the influence of one row of each class and bin on it."""

    value: float
    positive: Floats
    """Influence of one positive row in each bin, shape (k,)."""
    negative: Floats
    """Influence of one negative row in each bin, shape (k,)."""
    bound: float
    """Largest error of the area: half of the proportion of pairs that share a bin."""


def binned_area(positive: Floats, negative: Floats) -> BinnedArea:
    """Return the area under the ROC curve of scores that are known by bin only; pairs in one bin count one half.

    Args:
        positive: Number of positive rows in each bin, in ascending order of the bins, shape (k,); at least one row in
            total.
        negative: Number of negative rows in each bin, shape (k,); at least one row in total.
    """
    positives, negatives = positive.sum(), negative.sum()
    placement_positive = (np.cumsum(negative) - 0.5 * negative) / negatives
    placement_negative = (np.cumsum(positive[::-1])[::-1] - 0.5 * positive) / positives
    area = float(positive @ placement_positive / positives)
    bound = float(0.5 * (positive @ negative) / (positives * negatives))
    return BinnedArea(area, (placement_positive - area) / positives, (placement_negative - area) / negatives, bound)


def midranks(values: Floats) -> Floats:
    """Return the ranks of the values, from 1; tied values share the mean of their ranks. Shape (n,)."""
    order = np.argsort(values, kind="stable")
    ascending = values[order]
    starts = np.flatnonzero(np.r_[True, ascending[1:] != ascending[:-1]])
    lengths = np.diff(np.r_[starts, len(values)])
    ranks = np.empty(len(values))
    ranks[order] = np.repeat(starts + (lengths + 1) / 2.0, lengths)
    return ranks
