"""Subset accuracy: proportion of rows all of whose labels are right. Unit: ratio; range 0 to 1; higher is better.

`accuracy_score` of scikit-learn for multi-label data, over the rows that have every label. Compared by McNemar's mid-p
test and Tango's interval of paired proportions.
"""

from __future__ import annotations

from functools import partial

from ghmlops.core.model import Direction
from ghmlops.core.paired.change import compare_proportions
from ghmlops.core.paired.default_margins import PROPORTION_MARGIN
from ghmlops.core.paired.metric import Metric

SUBSET_ACCURACY = Metric(
    id="subset-accuracy",
    title="subset accuracy",
    tasks=("label-sets",),
    direction=Direction.HIGHER,
    unit="ratio",
    margin=PROPORTION_MARGIN,
    row="CASE WHEN {p} = {y} THEN 1e0 ELSE 0e0 END",
    compare=partial(compare_proportions, direction=Direction.HIGHER),
)
