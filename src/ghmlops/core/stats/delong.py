"""DeLong's comparison of two areas under the ROC curve on the same rows, in O(n log n)."""

from __future__ import annotations

from dataclasses import dataclass

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


def midranks(values: Floats) -> Floats:
    """Return ranks from 1, ties sharing their mean rank, shape (n,)."""
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    lengths = np.diff(np.r_[starts, len(values)])
    ranks = np.empty(len(values))
    ranks[order] = np.repeat(starts + (lengths + 1) / 2.0, lengths)
    return ranks
