"""Bias: mean of prediction minus label. Harm is to be farther from 0 than the baseline is."""

from __future__ import annotations

import numpy as np

from ghmlops.core.metric import Metric
from ghmlops.core.model import Direction
from ghmlops.core.paired import Cells, Compared, moments
from ghmlops.core.stats import student


def compare(cells: Cells, tail: float) -> Compared:
    """Compare the sizes of two biases.

    With s the sign of the candidate's bias, |b| - |a| is the smaller of s (b - a) and s (b + a). Both are linear in the
    rows, so each limit of the loss is the smaller of theirs, and harm is shown only where both are (an
    intersection-union test: Berger 1982).
    """
    spread = moments(cells)
    first, change = cells.baseline, cells.change
    second = first + change
    sign = np.where(second < 0, -1.0, 1.0)
    error = np.sqrt(spread.var_d)
    error_sum = np.sqrt(np.maximum(4 * spread.var_a + 4 * spread.cov_ad + spread.var_d, 0.0))
    moved, summed = sign * change, sign * (first + second)
    low_moved, high_moved = student.limits(moved, error, spread.freedom, tail)
    low_summed, high_summed = student.limits(summed, error_sum, spread.freedom, tail)
    low, high = student.limits(change, error, spread.freedom, tail)
    return Compared(
        n=cells.n,
        baseline=first,
        candidate=second,
        low=low,
        high=high,
        loss=np.abs(second) - np.abs(first),
        loss_low=np.minimum(low_moved, low_summed),
        loss_high=np.minimum(high_moved, high_summed),
        p=np.maximum(student.p_above(moved, error, spread.freedom), student.p_above(summed, error_sum, spread.freedom)),
        error=error,
        method="paired t on both signs" + (", summed in clusters" if cells.groups is not None else ""),
    )


BIAS = Metric(
    id="bias",
    title="bias",
    task="regression",
    direction=Direction.LOWER,
    unit="",
    margin=0.05,
    margin_of="label-spread",
    row="{p} - {y}",
    compare=compare,
    hunted=True,
)
