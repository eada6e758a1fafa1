"""DeLong's comparison of two areas under the ROC curve on the same rows, in O(n log n)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Areas:
    """Two areas and what each row adds to their difference."""

    baseline: float
    candidate: float
    influence: Floats
    """What each row adds to candidate - baseline beyond the mean, shape (n,); sums to 0 within each class."""
    error: float
    """Standard error of candidate - baseline for independent rows; NaN with fewer than two rows in a class."""


def compare(positive: NDArray[np.bool_], baseline: Floats, candidate: Floats) -> Areas:
    """Compare the areas of two scores on the same rows; ties count one half, exactly.

    Args:
        positive: class of each row, shape (n,); both classes must be there.
        baseline: scores, shape (n,), finite.
        candidate: scores, shape (n,), finite.

    Source: DeLong, DeLong, Clarke-Pearson (1988); midranks as Sun and Xu (2014). The components of single rows are
    those that Obuchowski (1997) sums within clusters.
    """
    yes, no = int(positive.sum()), int((~positive).sum())
    first, second = _components(positive, baseline), _components(positive, candidate)
    areas = float(first[positive].mean()), float(second[positive].mean())
    difference = second - first - (areas[1] - areas[0])
    influence = difference / np.where(positive, yes, no)
    squares = influence * influence
    if min(yes, no) < 2:
        error = float("nan")
    else:
        error = float(np.sqrt(squares[positive].sum() * yes / (yes - 1) + squares[~positive].sum() * no / (no - 1)))
    return Areas(baseline=areas[0], candidate=areas[1], influence=influence, error=error)


def _components(positive: NDArray[np.bool_], scores: Floats) -> Floats:
    """Return, for each row, the share of rows of the other class that it is ordered rightly against."""
    yes, no = int(positive.sum()), int((~positive).sum())
    ranks = midranks(scores)
    found = np.empty(len(scores))
    found[positive] = (ranks[positive] - midranks(scores[positive])) / no
    found[~positive] = 1.0 - (ranks[~positive] - midranks(scores[~positive])) / yes
    return found


class Binned(NamedTuple):
    """An area from counts in bins; what a row of each class in each bin adds to it, shape (k,)."""

    value: float
    positive: Floats
    negative: Floats
    bound: float
    """How far the area may be off: half of the pairs that share a bin."""


def binned(positive: Floats, negative: Floats) -> Binned:
    """Return the area of scores that are known by bin, pairs that share a bin counted one half.

    Args:
        positive: positive rows in each bin, bins rising, shape (k,); at least one in all.
        negative: negative rows, likewise.
    """
    yes, no = positive.sum(), negative.sum()
    for_positive = (np.cumsum(negative) - 0.5 * negative) / no
    for_negative = (np.cumsum(positive[::-1])[::-1] - 0.5 * positive) / yes
    area = float(positive @ for_positive / yes)
    bound = float(0.5 * (positive @ negative) / (yes * no))
    return Binned(area, (for_positive - area) / yes, (for_negative - area) / no, bound)


def midranks(values: Floats) -> Floats:
    """Return ranks from 1, ties sharing their mean rank, shape (n,)."""
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    lengths = np.diff(np.r_[starts, len(values)])
    ranks = np.empty(len(values))
    ranks[order] = np.repeat(starts + (lengths + 1) / 2.0, lengths)
    return ranks
