"""Average precision from the numbers of positive and negative rows at each score, and the influence of each row."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ghmlops.core.stats import Floats, special


class AveragePrecision(NamedTuple):
    """An average precision (0 to 1) and the influence of one row at each score on it."""

    value: float
    positive: Floats
    """Influence of one positive row at each score, shape (k,)."""
    negative: Floats
    """Influence of one negative row at each score, shape (k,)."""


def average_precision(positive: Floats, negative: Floats) -> AveragePrecision:
    """Return the mean, over the positive rows, of the precision at their score; rows with equal scores form one step.

    This is the step-wise sum over recall that scikit-learn's `average_precision_score` computes. With N rows at or
    above a score and precision q there, the mean sum(q) / Y over the Y positive rows changes by (q + G - value) / Y if
    a positive row is added and by -H / Y if a row of either class is added, where G and H are the sums of 1 / N and of
    q / N over the positive rows at or below its score. These are the derivatives of the functional (its influence
    function: Hampel 1974).

    Args:
        positive: Number of positive rows at each score, in ascending order of the scores, shape (k,); at least one row
            in total.
        negative: Number of negative rows at each score, shape (k,).
    """
    total = float(positive.sum())
    positives_above = np.cumsum(positive[::-1])[::-1]
    rows_above = np.cumsum((positive + negative)[::-1])[::-1]
    divisor = np.where(rows_above > 0, rows_above, 1.0)
    precision = positives_above / divisor
    value = float(positive @ precision) / total
    gain, cost = np.cumsum(positive / divisor), np.cumsum(positive * precision / divisor)
    return AveragePrecision(value, (precision + gain - cost - value) / total, -cost / total)


def binning_bound(positive: Floats, negative: Floats) -> float:
    """Return the largest error of an average precision whose rows are known by bin only.

    Within a bin the highest value results if all positive rows share one score above all negative rows, the lowest if
    the negative rows come first and the positive rows follow one by one. The latter is a sum of (T + j) / (N + j), with
    T positive rows and N rows above, evaluated by the digamma function.

    Args:
        positive: Number of positive rows in each bin, in ascending order of the bins, shape (k,).
        negative: Number of negative rows in each bin, shape (k,).
    """
    positives_above = np.cumsum(positive[::-1])[::-1] - positive
    rows_from_bin = np.cumsum((positive + negative)[::-1])[::-1]
    rows_above = rows_from_bin - positive - negative
    as_one_score = positive * (positives_above + positive) / np.where(rows_from_bin > 0, rows_from_bin, 1.0)
    best = positive * (positives_above + positive) / np.maximum(rows_above + positive, 1.0)
    rows_before = rows_above + negative
    harmonic = special.digamma(rows_before + positive + 1.0) - special.digamma(rows_before + 1.0)
    worst = positive - (rows_before - positives_above) * harmonic
    return float(max(np.sum(best - as_one_score), np.sum(as_one_score - worst), 0.0) / positive.sum())
