"""Hamming loss: proportion of wrong labels among all labels. Unit: ratio; range 0 to 1; lower is better.

`hamming_loss` of scikit-learn, over the rows that have every label. Compared by a paired t test of the proportion per
row, so the dependence between the labels of a row is part of the interval.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from ghmlops.core.model import Direction
from ghmlops.core.paired.change import compare_means
from ghmlops.core.paired.default_margins import PROPORTION_MARGIN
from ghmlops.core.paired.metric import Metric

if TYPE_CHECKING:
    from ghmlops.core.policy.regression import Regression


def bind(policy: Regression) -> Metric:
    """Return the metric for the number of labels of the policy."""
    # The labels of a row are bits of an integer. Engines spell "exclusive or" differently, but not "and".
    wrong = "bit_count({p}) + bit_count({y}) - 2 * bit_count({p} & {y})"
    return Metric(
        id="hamming-loss",
        title="Hamming loss",
        tasks=("label-sets",),
        direction=Direction.LOWER,
        unit="ratio",
        margin=PROPORTION_MARGIN,
        row=f"({wrong}) / CAST({max(len(policy.targets), 1)} AS DOUBLE)",
        compare=partial(compare_means, direction=Direction.LOWER),
    )
