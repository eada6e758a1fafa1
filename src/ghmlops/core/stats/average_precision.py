"""Average precision from counts of both classes at each score, and what each row adds to it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[np.float64]


class Precision(NamedTuple):
    """An average precision; what a positive and a negative row at each score add to it, shape (k,), summing to 0."""

    value: float
    positive: Floats
    negative: Floats


def average_precision(positive: Floats, negative: Floats) -> Precision:
    """Return the mean, over the positive rows, of the precision at their score; rows of one score are one step.

    Args:
        positive: positive rows at each score, scores rising, shape (k,); at least one row in all.
        negative: negative rows at each score, shape (k,).

    With N rows at or above a score and precision q there, the mean sum(q) / Y over the Y positive rows changes by
    (q + G - value) / Y with one more positive row and by -H / Y with one more row of either kind, where G and H are the
    sums of 1 / N and q / N over the positive rows at or below its score: the functional's derivative (influence).
    """
    total = float(positive.sum())
    above = np.cumsum(positive[::-1])[::-1]
    rows = np.cumsum((positive + negative)[::-1])[::-1]
    safe = np.where(rows > 0, rows, 1.0)
    precision = above / safe
    value = float(positive @ precision) / total
    gain, cost = np.cumsum(positive / safe), np.cumsum(positive * precision / safe)
    return Precision(value, (precision + gain - cost - value) / total, -cost / total)


def bin_error(positive: Floats, negative: Floats) -> float:
    """Return how far the value may be off when rows of one bin are counted as one score; arguments as above.

    In each bin the best is all positive rows at one score above the negative ones, the worst the negative rows first
    and then the positive ones one by one: a sum of (T + j) / (N + j), T positive rows and N rows above, by digamma.
    """
    better = np.cumsum(positive[::-1])[::-1] - positive
    rows = np.cumsum((positive + negative)[::-1])[::-1]
    above = rows - positive - negative
    counted = positive * (better + positive) / np.where(rows > 0, rows, 1.0)
    best = positive * (better + positive) / np.maximum(above + positive, 1.0)
    before = above + negative
    harmonic = special.digamma(before + positive + 1.0) - special.digamma(before + 1.0)
    worst = positive - (before - better) * harmonic
    return float(max(np.sum(best - counted), np.sum(counted - worst), 0.0) / positive.sum())
